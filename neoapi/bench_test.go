package neoapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// instant answers without a network, so that a benchmark sees the client alone.
func instant(body string) func(*Config) {
	return func(c *Config) {
		c.Logger = nil
		c.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
		})}
		c.Budget = free{}
	}
}

func BenchmarkRead(b *testing.B) {
	agent := `{"data":{"id":"42","name":"Triage","state":"ENABLED"},"meta":{"request_id":"r"}}`
	s := newTestClient(b, "https://neo.example", instant(agent)).Session(everything(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetAgent(b.Context(), "42"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadCached(b *testing.B) {
	agent := `{"data":{"id":"42","name":"Triage","state":"ENABLED"},"meta":{"request_id":"r"}}`
	s := newTestClient(b, "https://neo.example", instant(agent), func(c *Config) { c.Cache = 1 << 40 }).Session(everything(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetAgent(b.Context(), "42"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadHTTP(b *testing.B) {
	neo := newFakeNeo(b, func(http.ResponseWriter, *http.Request) {})
	neo.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		data(w, map[string]any{"id": "42", "name": "Triage"})
	})
	s := newTestClient(b, neo.URL, func(c *Config) { c.Logger, c.Budget = nil, free{} }).Session(everything(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetAgent(b.Context(), "42"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListAgents200(b *testing.B) {
	agent := `{"id":"42","name":"Triage","state":"ENABLED","agent_settings":{"x":"` + strings.Repeat("y", 1000) + `"}}`
	body := `{"data":[` + strings.Repeat(agent+",", 199) + agent + `],"meta":{"request_id":"r"}}`
	s := newTestClient(b, "https://neo.example", instant(body)).Session(everything(b))
	b.ReportAllocs()
	for b.Loop() {
		if a, _, err := s.ListAgents(b.Context(), "", 0); err != nil || len(a) != 200 {
			b.Fatal(len(a), err)
		}
	}
}

func BenchmarkParseCatalog(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseCatalog(document, reviewed); err != nil {
			b.Fatal(err)
		}
	}
}

type free struct{}

func (free) Take(context.Context) error { return nil }
