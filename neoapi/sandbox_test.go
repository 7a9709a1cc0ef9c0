package neoapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"neobot/approvals"
	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

// The client against a whole Neo: every answer is checked against the OpenAPI file.

type world struct {
	neo    *sandbox.Neo
	client *neoapi.Client
	all    *neoapi.Session
	now    time.Time
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	neo, err := sandbox.New(sandbox.Config{Now: now, Key: "neo_sk_test_x", Seed: 1, Validate: true})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(neo)
	t.Cleanup(srv.Close)
	c, err := neoapi.New(neoapi.Config{
		BaseURL: srv.URL, Key: "neo_sk_test_x", Now: now,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	scope := neoapi.Scope{}
	for _, g := range c.Catalog().Groups() {
		scope[g] = neoapi.ReadWrite
	}
	w.neo, w.client, w.all = neo, c, c.Session(scope)
	t.Cleanup(func() {
		for _, v := range neo.Violations() {
			t.Errorf("outside the OpenAPI file: %s", v)
		}
	})
	return w
}

// grant for a change, by way of an approved request.
func grant(t *testing.T, change neoapi.Change) approvals.Grant {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	now := time.Unix(1_800_000_000, 0)
	store, err := approvals.New(approvals.Config{Redis: rdb, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	req, _, err := store.Submit(t.Context(), approvals.Request{
		Workspace: "console:t", Key: "k", Requester: "ann", Change: body, Digest: change.Digest(),
		Quorum: 1, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Decide(t.Context(), "console:t", req.ID, approvals.DecideArgs{
		Quorum: 1, Decision: approvals.Decision{Person: "bob", Choice: approvals.Approve, Delivery: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, g, err := store.Redeem(t.Context(), "console:t", req.ID, change.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSandboxTour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	agents, more, err := w.all.ListAgents(ctx, "", 0)
	if err != nil || more || len(agents) < 10 {
		t.Fatalf("%d agents, %v, %v", len(agents), more, err)
	}
	for _, a := range agents {
		if a.ID == "" || a.Name == "" || a.State == "" || a.CreatedAt.IsZero() {
			t.Errorf("agent %+v", a)
		}
	}
	on, _, err := w.all.ListAgents(ctx, neoapi.StateEnabled, 0)
	if err != nil || len(on) == 0 || len(on) == len(agents) {
		t.Errorf("%d enabled of %d, %v", len(on), len(agents), err)
	}
	versions, _, err := w.all.ListAgentVersions(ctx, string(agents[0].ID))
	if err != nil || len(versions) == 0 || versions[0].CreatedAt.IsZero() {
		t.Errorf("versions %+v %v", versions, err)
	}
	all, _, err := w.all.ListExecutions(ctx, neoapi.ExecutionFilter{})
	if err != nil || len(all) < 50 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	day, more, err := w.all.ListExecutions(ctx, neoapi.ExecutionFilter{Since: w.now.Add(-24 * time.Hour)})
	if err != nil || more || len(day) == 0 || len(day) >= len(all) {
		t.Errorf("%d runs of a day of %d, %v, %v", len(day), len(all), more, err)
	}
	for _, r := range day {
		if r.ID == "" || r.AgentID == "" || r.Status == "" || r.CreatedAt.Before(w.now.Add(-24*time.Hour)) {
			t.Errorf("run %+v", r)
		}
	}
	steps, _, err := w.all.ListExecutionSteps(ctx, string(all[len(all)-1].ID), true)
	if err != nil || len(steps) == 0 || steps[0].Type == "" {
		t.Errorf("steps %+v %v", steps, err)
	}
	tils, _, err := w.all.ListTilRequests(ctx, neoapi.TilFilter{})
	if err != nil || len(tils) == 0 || tils[0].ID == "" || tils[0].Status == "" {
		t.Errorf("requests %+v %v", tils, err)
	}
	if one, err := w.all.GetTilRequest(ctx, string(tils[0].ID)); err != nil || one.ID != tils[0].ID {
		t.Errorf("request %+v %v", one, err)
	}
	settings, err := w.all.GetSettings(ctx)
	if loc, lerr := settings.Location(); err != nil || lerr != nil || loc == time.UTC {
		t.Errorf("settings %+v %v %v", settings, err, lerr)
	}
	if use, err := w.all.GetCreditUsage(ctx, ""); err != nil || use.CreditsUsed <= 0 || use.Month != "2026-11" {
		t.Errorf("usage %+v %v", use, err)
	}
	if by, err := w.all.GetCreditUsageByAgent(ctx, ""); err != nil || len(by.Agents) == 0 || by.Agents[0].Name == "" {
		t.Errorf("usage by agent %+v %v", by, err)
	}
	if tenant, err := w.all.GetTenant(ctx); err != nil || tenant.Name == "" {
		t.Errorf("tenant %+v %v", tenant, err)
	}
}

// Every read that needs no arguments works, lists to their end.
func TestSandboxEveryPlainRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	for _, op := range w.client.Catalog().Operations() {
		plain := op.Access == neoapi.Read && op.Method == "GET" && op.Requires == ""
		for _, p := range op.Params {
			plain = plain && !p.Required
		}
		if !plain {
			continue
		}
		n++
		var err error
		if op.Paged != "" {
			var more bool
			_, more, err = w.all.Pages(t.Context(), op.ID, neoapi.Args{}, 0)
			if more {
				t.Errorf("%s: not to the end", op.ID)
			}
		} else {
			_, err = w.all.Read(t.Context(), op.ID, neoapi.Args{})
		}
		if e := new(neoapi.Error); errors.As(err, &e) && op.ID == "list_callbacks" && e.Status == 400 {
			continue // wants an indexed filter, which the file cannot express
		}
		if err != nil {
			t.Errorf("%s: %v", op.ID, err)
		}
	}
	if n < 20 {
		t.Errorf("only %d operations", n)
	}
}

func TestSandboxDriftIsEmpty(t *testing.T) {
	t.Parallel()
	d, err := newWorld(t).client.Drift(t.Context())
	if err != nil || !d.Empty() {
		t.Errorf("%+v %v", d, err)
	}
}

// A write is sent once whatever becomes of the answer, and the read-back tells the truth.
func TestSandboxWriteFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   sandbox.Fault
		outcome neoapi.Outcome
		applied bool
	}{
		"none":               {sandbox.Fault{Op: "get_settings"}, "", true},
		"refused":            {sandbox.Fault{Status: 409, Code: "agent_update_conflict"}, neoapi.NotApplied, false},
		"broken before":      {sandbox.Fault{Status: 500}, neoapi.Maybe, false},
		"broken after":       {sandbox.Fault{Status: 502, AfterApply: true}, neoapi.Maybe, true},
		"reply lost":         {sandbox.Fault{DropReply: true, AfterApply: true}, neoapi.Maybe, true},
		"lost before":        {sandbox.Fault{DropReply: true}, neoapi.Maybe, false},
		"limit for a moment": {sandbox.Fault{Status: 429, RetryAfter: time.Second}, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			on, _, err := w.all.ListAgents(t.Context(), neoapi.StateEnabled, 0)
			if err != nil {
				t.Fatal(err)
			}
			if tt.fault.Op == "" {
				tt.fault.Op = "update_agent"
			}
			w.neo.Fail(tt.fault)
			change := neoapi.Change{
				Op: "update_agent", Path: map[string]string{"agent_id": string(on[0].ID)},
				Body: json.RawMessage(`{"state":"DISABLED"}`), Before: json.RawMessage(`{"state":"ENABLED"}`),
			}
			_, err = w.all.Apply(t.Context(), change, grant(t, change))
			var e *neoapi.Error
			if tt.outcome == "" && err != nil || tt.outcome != "" && (!errors.As(err, &e) || e.Outcome != tt.outcome) {
				t.Errorf("got %+v", err)
			}
			after, err := w.all.Fresh().GetAgent(t.Context(), string(on[0].ID))
			if err != nil || after.Enabled() == tt.applied {
				t.Errorf("afterwards %s, %v", after.State, err)
			}
			want := 1
			if tt.fault.Status == 429 {
				want = 2
			}
			if got := w.neo.Writes(); len(got) != want {
				t.Errorf("%d writes: %+v", len(got), got)
			}
		})
	}
}
