package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxBody bounds a request body.
const maxBody = 1 << 20

// Config of a sandbox.
type Config struct {
	Now  func() time.Time // required
	Key  string           // tenant API key, required: without one nobody gets in
	Seed int64            // same seed and clock, same data
	// Document is the OpenAPI file to obey, YAML or JSON; empty: neoapi's own.
	Document []byte
	// AdminToken and PlatformKey are further credentials: a dashboard admin
	// (may manage keys) and Neo's own relay. Empty: nobody has them.
	AdminToken, PlatformKey string
	RateLimit               int    // requests per 60 s; 0 is 1,200, below 0 is none
	PublicURL               string // base of file links; empty: from the request's Host
	Validate                bool   // check all traffic against Document, see Violations
	Control                 bool   // serve /_sandbox/ (no credential: loopback only)
	Logger                  *slog.Logger
}

// Neo is the sandbox. It is safe for concurrent use.
type Neo struct {
	cfg Config
	doc *document
	mux *http.ServeMux

	mu         sync.Mutex
	state      *State
	limit      limiter
	faults     []*Fault
	records    []*Recorded
	violations []string
	served     json.RawMessage
	changed    chan struct{} // closed and replaced when chat events arrive
}

// New makes a sandbox with seeded data relative to cfg.Now.
func New(cfg Config) (*Neo, error) {
	if cfg.Now == nil || cfg.Key == "" {
		return nil, errors.New("sandbox: Now and Key are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.RateLimit == 0 {
		cfg.RateLimit = documentedLimit
	}
	doc, err := parseDocument(cfg.Document)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	n := &Neo{cfg: cfg, doc: doc, mux: http.NewServeMux(), changed: make(chan struct{})}
	if err := n.route(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return n, n.Reset()
}

// Reset brings back the seed and forgets faults, requests and violations.
func (n *Neo) Reset() error {
	state, err := seed(n.cfg)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state, n.limit = state, limiter{limit: n.cfg.RateLimit}
	n.faults, n.records, n.violations, n.served = nil, nil, nil, n.doc.json
	n.wake()
	return nil
}

// route registers a handler for every operation of the document.
func (n *Neo) route() error {
	table := handlers()
	for id, op := range n.doc.ops {
		h, ok := table[id]
		if !ok {
			return fmt.Errorf("operation %s has no handler", id)
		}
		n.mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) { n.serve(w, r, op, h) })
	}
	n.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n.serve(w, r, &operation{open: true, write: r.Method != http.MethodGet}, nil)
	})
	n.mux.HandleFunc("GET /_files/{token}", n.serveFile)
	n.mux.HandleFunc("PUT /_files/{token}", n.storeFile)
	if n.cfg.Control {
		n.control()
	}
	return nil
}

// ServeHTTP answers like Neo.
func (n *Neo) ServeHTTP(w http.ResponseWriter, r *http.Request) { n.mux.ServeHTTP(w, r) }

// Mutate changes the data behind the clients' backs. f must not keep what it got.
func (n *Neo) Mutate(f func(*State)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n.state)
}

// ServeDocument replaces the body of GET /public-api/openapi.json, for drift
// tests. What the sandbox obeys stays as it is. Reset takes it back.
func (n *Neo) ServeDocument(doc json.RawMessage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.served = doc
}

// Spend uses up requests of the rate limit, as people at the dashboard do.
func (n *Neo) Spend(requests int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range requests {
		n.limit.take(n.cfg.Now())
	}
}

// serve takes one request through record, fault, key, limit, check, handler.
func (n *Neo) serve(w http.ResponseWriter, r *http.Request, op *operation, h handler) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request body too large or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	if n.cfg.Validate {
		v := n.watch(w, r, op, body)
		defer v.finish()
		w = v
	}
	rec := &Recorded{
		Op: op.id, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Body: asJSON(body), At: n.cfg.Now(), Write: op.write,
	}
	n.mu.Lock()
	n.record(rec)
	f := n.fault(op.id)
	n.mu.Unlock()
	if f != nil {
		wait(r.Context(), f.Latency)
	}
	c := &call{n: n, op: op, r: r, query: rec.Query, body: body}
	n.finish(w, c, n.answer(c, rec, h, f))
}

// answer is what goes back, already encoded.
type answer struct {
	status int
	header http.Header
	body   []byte
	drop   bool
	stream func(http.ResponseWriter, *http.Request)
}

// answer runs the handler under the lock and encodes its result.
func (n *Neo) answer(c *call, rec *Recorded, h handler, f *Fault) answer {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.now, c.state = n.cfg.Now().UTC(), n.state
	a := answer{header: http.Header{}, status: c.op.success}
	r, failure := reply{}, (*apiError)(nil)
	if before := f.answers() && !f.AfterApply; !before {
		r, failure = n.run(c, h)
		rec.Applied = failure == nil
	}
	if f.answers() {
		a.drop, failure = f.DropReply, f.failure()
	}
	n.limit.headers(a.header, c.now)
	if failure != nil {
		a.status = failure.status
		if s := failure.retryAfter; s > 0 {
			a.header.Set("Retry-After", strconv.Itoa(int((s+time.Second-1)/time.Second)))
		}
	} else if r.stream != nil {
		a.stream, rec.Status = r.stream, a.status
		return a
	}
	m := meta{RequestID: n.state.uuid(), Timings: map[string]float64{"total": 1}, Pagination: r.page, Warnings: r.warnings, Region: "us"}
	var err error
	if a.body, err = encode(r, failure, m); err != nil {
		n.cfg.Logger.Error("encode reply", "op", c.op.id, "error", err)
		a.status, a.body = http.StatusInternalServerError, []byte(`{"error":{"code":"internal_error","message":"encode"},"meta":{"request_id":""}}`)
	}
	if !a.drop {
		rec.Status = a.status
	}
	return a
}

// run is the part that can be refused. Needs the lock.
func (n *Neo) run(c *call, h handler) (reply, *apiError) {
	if h == nil {
		return reply{}, notFound("Path")
	}
	if failure := n.admit(c); failure != nil {
		return reply{}, failure
	}
	filled, failure := c.op.check(c.query, c.body)
	if failure != nil {
		return reply{}, failure
	}
	c.query = filled
	c.state.settle(c.now)
	r, err := h(c)
	if err == nil {
		return r, nil
	}
	if !errors.As(err, &failure) {
		n.cfg.Logger.Error("sandbox handler", "op", c.op.id, "error", err)
		failure = refuse(http.StatusInternalServerError, "internal_error", "Internal error")
	}
	return reply{}, failure
}

// finish writes an answer.
func (n *Neo) finish(w http.ResponseWriter, c *call, a answer) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.drop {
		panic(http.ErrAbortHandler) // net/http closes the connection, nothing is logged
	}
	if a.stream != nil {
		a.stream(w, c.r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	if _, err := io.Copy(w, bytes.NewReader(a.body)); err != nil {
		n.cfg.Logger.Debug("client gone", "op", c.op.id, "error", err)
	}
}
