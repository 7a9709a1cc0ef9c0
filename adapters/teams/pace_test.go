package teams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func post(conversation string) request { return request{op: "send"}.posts(conversation) }

// within fails when more calls than a window allows fall into it.
func within(t *testing.T, at []time.Time, windows []window) {
	t.Helper()
	slices.SortFunc(at, time.Time.Compare)
	for _, w := range windows {
		for i := w.n; i < len(at); i++ {
			if gap := at[i].Sub(at[i-w.n]); gap < w.per {
				t.Errorf("%d calls in %s, %d in %s are allowed", w.n+1, gap, w.n, w.per)
				return
			}
		}
	}
}

// TestPaceWindows: a patient caller gets everything out, as fast as Microsoft's
// windows allow and no faster.
func TestPaceWindows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r       request
		n       int
		windows []window
		least   time.Duration
		most    time.Duration
	}{
		"burst": {post("c"), 7, postWindows, 0, 0},
		"posts": {post("c"), 60, postWindows, 14 * time.Second, 16 * time.Second},
		"long":  {post("c"), 2000, postWindows, time.Hour, time.Hour + 2*time.Minute},
		"reads": {request{op: "member"}.reads("c"), 120, rosterWindows, 14 * time.Second, 16 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(ConnectorConfig{Now: time.Now, Sleep: sleep})
				began := time.Now()
				var at []time.Time
				for range tc.n {
					if err := p.turn(t.Context(), tc.r, 2*time.Hour); err != nil {
						t.Fatal(err)
					}
					at = append(at, time.Now())
				}
				within(t, at, tc.windows)
				if took := time.Since(began); took < tc.least || took > tc.most {
					t.Errorf("%d calls took %s, want %s to %s", tc.n, took, tc.least, tc.most)
				}
			})
		})
	}
}

// TestPaceApart: a conversation that is flooded holds nobody else up, holds few
// workers, and what has to wait longer is told so instead.
func TestPaceApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(ConnectorConfig{Now: time.Now, Sleep: sleep})
		began := time.Now()
		var mu sync.Mutex
		var sent []time.Time
		var refused []time.Duration
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				err := p.turn(t.Context(), post("busy"), maxTurn)
				mu.Lock()
				defer mu.Unlock()
				var e *Error
				switch {
				case err == nil:
					sent = append(sent, time.Now())
				case errors.As(err, &e) && e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
					refused = append(refused, time.Since(began))
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		mu.Lock()
		if len(sent) != 7 || len(refused) != 100-7-maxLine || refused[len(refused)-1] != 0 {
			t.Errorf("at once: %d sent, %d refused", len(sent), len(refused))
		}
		mu.Unlock()
		for _, r := range []request{post("quiet"), request{op: "member"}.reads("busy"), {op: "create"}} {
			if err := p.turn(t.Context(), r, 0); err != nil {
				t.Errorf("%s in %q: %v", r.op, r.lane, err)
			}
		}
		wg.Wait()
		if len(sent) != 7+maxLine {
			t.Errorf("%d sent in the end", len(sent))
		}
		within(t, sent, postWindows)
	})
}

// TestPaceClosed: a Retry-After keeps everybody out of that conversation, and
// out of no other; threads of a channel are one conversation.
func TestPaceClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(ConnectorConfig{Now: time.Now, Sleep: sleep})
		p.close(post("c;messageid=1").lane, 5*time.Second)
		p.close(post("c").lane, time.Second) // a shorter one does not open it sooner
		began := time.Now()
		if err := p.turn(t.Context(), post("other"), 0); err != nil {
			t.Error(err)
		}
		var e *Error
		if err := p.turn(t.Context(), post("c;messageid=2"), 4*time.Second); !errors.As(err, &e) || e.RetryAfter != 5*time.Second {
			t.Errorf("impatient: %v", err)
		}
		if err := p.turn(t.Context(), post("c;messageid=2"), maxTurn); err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		p.close(post("c").lane, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := p.turn(ctx, post("c"), maxTurn); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}
		if n := p.lanes[post("c").lane].waiting; n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

// TestPaceMemory: conversations come from outside.
func TestPaceMemory(t *testing.T) {
	t.Parallel()
	p := newPacer(ConnectorConfig{Now: time.Now, Sleep: sleep})
	for i := range 2 * maxLanes {
		if err := p.turn(t.Context(), post(fmt.Sprint(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.lanes); n > maxLanes {
		t.Errorf("%d lanes", n)
	}
	off := newPacer(ConnectorConfig{Now: time.Now, Sleep: sleep, PostsPerSecond: unpaced})
	for range 1000 {
		if err := off.turn(t.Context(), post("c"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(off.lanes) != 0 {
		t.Error("an unpaced connector keeps lanes")
	}
}

// TestPacedConnector: eight posts, an eighth of which waits; typing is left out
// rather than shown late; a 429 makes the others wait too.
func TestPacedConnector(t *testing.T) {
	t.Parallel()
	stopped := func(a *api, c *Connector) { // only waiting takes time
		began := time.Now()
		c.pace.now = func() time.Time { return began.Add(time.Duration(a.clock.offset.Load())) }
	}
	a, conn := newAPI(t, says(200, `{"id":"1"}`))
	stopped(a, conn)
	for range 8 {
		if _, err := conn.send(t.Context(), a.URL, "c", text("x")); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.slept) != 1 || a.slept[0] != time.Second {
		t.Errorf("waits %v", a.slept)
	}
	before := a.calls()
	if _, err := conn.send(t.Context(), a.URL, "c", &outgoing{Type: "typing"}); err == nil || a.calls() != before {
		t.Errorf("typing: %v", err)
	}
	b, other := newAPI(t, says(429, "", "Retry-After", "20"))
	stopped(b, other)
	if _, err := other.send(t.Context(), b.URL, "c", text("x")); err == nil || b.calls() != 1 {
		t.Errorf("a post waited 20 s: %v", err)
	}
	if err := other.update(t.Context(), b.URL, "c", "1", text("x")); err == nil || b.calls() != 1 {
		t.Errorf("an edit in the closed conversation: %v, %d calls", err, b.calls())
	}
	if err := other.update(t.Context(), b.URL, "d", "1", text("x")); err == nil || b.calls() < 2 {
		t.Errorf("an edit elsewhere was not tried: %v", err)
	}
}
