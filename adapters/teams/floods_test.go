package teams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"neobot/adapters"
)

// knock sends an activity from an address under an Authorization header.
func (r *rig) knock(t testing.TB, remote, authorization string, act map[string]any) *httptest.ResponseRecorder {
	t.Helper()
	body, err := json.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/api/messages", strings.NewReader(string(body)))
	req.RemoteAddr = remote
	req.Header.Set("Authorization", authorization)
	rec := httptest.NewRecorder()
	r.fake.Bot.ServeHTTP(rec, req)
	return rec
}

// TestFlood: a source that fails too often is told to stay away, nobody else is,
// and a good token is served wherever it comes from.
func TestFlood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": "hi"})
	forged := "Bearer " + goodToken(time.Now()) // a good token of another issuer's key
	const proxy, other = "10.0.0.1:4711", "10.0.0.2:4711"
	for n := range failuresPerMinute {
		if rec := r.knock(t, proxy, forged, act); rec.Code != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", n, rec.Code)
		}
	}
	for range 100 {
		rec := r.knock(t, proxy, forged, act)
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "60" || rec.Body.String() != unauthorized {
			t.Fatalf("flood: %d %q %s", rec.Code, rec.Header().Get("Retry-After"), rec.Body)
		}
	}
	if rec := r.knock(t, other, forged, act); rec.Code != http.StatusUnauthorized {
		t.Errorf("another source: %d", rec.Code)
	}
	// Teams, behind the same proxy.
	good := "Bearer " + r.fake.Sign(map[string]any{
		"iss": testIssuer, "aud": testApp, "serviceurl": act["serviceUrl"], "exp": time.Now().Add(time.Hour).Unix(),
	})
	for n := range 50 {
		act["id"] = fmt.Sprint("real", n)
		if rec := r.knock(t, proxy, good, act); rec.Code != http.StatusOK {
			t.Fatalf("a good delivery from the flooded source: %d", rec.Code)
		}
	}
	r.nth(personal, 50)
	if got := strings.Count(r.refusals(), "flood"); got != 100 {
		t.Errorf("%d counted as flood", got)
	}
	r.clock.Advance(2 * time.Minute)
	if rec := r.knock(t, proxy, forged, act); rec.Code != http.StatusUnauthorized {
		t.Errorf("two minutes later: %d", rec.Code)
	}
}

// TestFloodMemory: sources are free to invent.
func TestFloodMemory(t *testing.T) {
	t.Parallel()
	f := newFloods(time.Now)
	for i := range 3 * maxSources {
		f.failed(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	if n := len(f.sources); n > maxSources {
		t.Errorf("%d sources kept", n)
	}
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[2001:db8:1:2::9]:443": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64",
		"": "unknown", "nonsense": "unknown", "host:1": "unknown",
	} {
		if got := sourceOf(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

// BenchmarkForged is a delivery under a forged signature of a known key, the
// most a forger can make us do, beside the same request that is turned away at
// once.
func BenchmarkForged(b *testing.B) {
	fake := newFake(b, time.Now)
	cloud, err := CloudNamed(Public)
	if err != nil {
		b.Fatal(err)
	}
	s := sink{b}
	a, err := New(Config{
		AppID: testApp, AppPassword: "hush", AppTenant: tenant, Cloud: cloud.At(fake.MetadataURL(), fake.TokenURL()),
		Workspaces: []adapters.Workspace{home}, Inbox: s, Forms: s, Refs: noRefs{}, Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	a.Routes(engine)
	token := fake.Sign(map[string]any{"iss": testIssuer, "aud": testApp, "serviceurl": fake.ServiceURL(), "exp": time.Now().Add(time.Hour).Unix()})
	swapped := byte('A')
	if token[len(token)-20] == 'A' {
		swapped = 'B'
	}
	forged := token[:len(token)-20] + string(swapped) + token[len(token)-19:]
	for name, header := range map[string]string{"forged": "Bearer " + forged, "no-token": "x"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				req := httptest.NewRequest(http.MethodPost, "/api/messages", http.NoBody)
				req.Header.Set("Authorization", header)
				rec := httptest.NewRecorder()
				engine.ServeHTTP(rec, req)
				if rec.Code != http.StatusUnauthorized && rec.Code != http.StatusTooManyRequests {
					b.Fatal(rec.Code)
				}
			}
		})
	}
}
