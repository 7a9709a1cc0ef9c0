package main

import (
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"neobot/adapters"
	"neobot/approvals"
)

// metrics is everything /metrics shows. Labels are closed sets: no ids, names
// or texts.
type metrics struct {
	registry *prometheus.Registry

	requests *prometheus.HistogramVec // how fast platforms are acknowledged
	refused  *prometheus.CounterVec   // requests that were turned away, by reason
	put      *prometheus.CounterVec   // deliveries taken into the inbox; repeats are dedupe hits
	waited   *prometheus.HistogramVec // age of a delivery when work on it began
	worked   *prometheus.HistogramVec
	outgoing *prometheus.HistogramVec // calls to Neo, Slack, Teams and the model; status 429 is a rate limit
	audited  *prometheus.CounterVec   // questions, refusals, decisions, results
	policy   *prometheus.CounterVec   // reloads
}

var _ adapters.Metrics = (*metrics)(nil)

func newMetrics() *metrics {
	fast := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10}
	slow := []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "neobot", Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "neobot", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("http_request_seconds", "Time to answer an HTTP request, by route and status.", fast, "route", "status"),
		refused:  counter("requests_refused_total", "Requests from platforms that were turned away, by reason.", "platform", "reason"),
		put:      counter("deliveries_total", "Deliveries from platforms; fresh=false is a repeat that was dropped.", "platform", "kind", "fresh"),
		waited:   histogram("delivery_wait_seconds", "Age of a delivery when work on it began.", slow, "platform", "kind"),
		worked:   histogram("delivery_work_seconds", "Work on a delivery, by outcome: ok, retry, dead, lost.", slow, "platform", "kind", "outcome"),
		outgoing: histogram("outgoing_request_seconds", "Calls to other servers, by status; 0 is no answer.", slow, "to", "status"),
		audited:  counter("audit_records_total", "Audit records, by kind and outcome.", "kind", "outcome"),
		policy:   counter("policy_reloads_total", "Reloads of the policy file.", "outcome"),
	}
	m.registry.MustRegister(m.requests, m.refused, m.put, m.waited, m.worked, m.outgoing, m.audited, m.policy,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// measure times a request. Paths without a route share one label, or a scanner
// would fill the memory.
func (m *metrics) measure(g *gin.Context) {
	began := time.Now()
	g.Next()
	route := g.FullPath()
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(g.Writer.Status())).Observe(time.Since(began).Seconds())
}

// refusals counts what one platform's adapter turns away. Reasons are words of
// the adapter, never of the request.
func (m *metrics) refusals(p adapters.Platform) func(reason string) {
	return func(reason string) { m.refused.WithLabelValues(string(p), reason).Inc() }
}

// recorded counts an audit record. Outcomes are words of ours; anything else,
// such as an error's text, is not a label.
func (m *metrics) recorded(r approvals.Record) {
	outcome := r.Outcome
	if !outcomeWord.MatchString(outcome) {
		outcome = "other"
	}
	if r.Outcome == "" {
		outcome = "none"
	}
	m.audited.WithLabelValues(string(r.Kind), outcome).Inc()
}

var outcomeWord = regexp.MustCompile(`^[a-z_]{1,32}$`)

// Put counts a delivery.
func (m *metrics) Put(w adapters.Workspace, kind adapters.DeliveryKind, fresh bool) {
	m.put.WithLabelValues(string(w.Platform()), string(kind), strconv.FormatBool(fresh)).Inc()
}

// Handled counts a try at a delivery.
func (m *metrics) Handled(w adapters.Workspace, kind adapters.DeliveryKind, waited, took time.Duration, outcome string) {
	m.waited.WithLabelValues(string(w.Platform()), string(kind)).Observe(waited.Seconds())
	m.worked.WithLabelValues(string(w.Platform()), string(kind), outcome).Observe(took.Seconds())
}

// transport measures and traces the calls to one server.
type transport struct {
	to      string
	next    http.RoundTripper
	metrics *metrics
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, end := startCall(r.Context(), t.to, r)
	began := time.Now()
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	t.metrics.outgoing.WithLabelValues(t.to, strconv.Itoa(status)).Observe(time.Since(began).Seconds())
	end(status, err)
	return resp, err
}

// client is an HTTP client for one server: with timeouts, without following
// redirects to other hosts, measured and traced.
func (m *metrics) client(to string, timeout time.Duration) *http.Client {
	base := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		// HTTP/2 where the server has it; enough idle connections for all workers.
		ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second,
	}
	return &http.Client{
		Transport: transport{to: to, next: base, metrics: m},
		Timeout:   timeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
				return errors.New("redirect to another host refused: it would get our key")
			}
			if len(via) > 5 {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}
