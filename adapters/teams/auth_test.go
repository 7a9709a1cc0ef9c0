package teams

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// verifyDelivery does what the HTTP handler does with a delivery.
func verifyDelivery(t *testing.T, v *Validator, auth string, body []byte) error {
	t.Helper()
	token, err := v.Verify(t.Context(), auth)
	if err != nil {
		return err
	}
	a, err := decodeActivity(body)
	if err != nil {
		return err
	}
	return token.Match(a.ServiceURL, a.ChannelID)
}

// clock is a clock that tests turn.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// TestVectors is TestDifferential without Microsoft's validator.
func TestVectors(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.vectorKeys()
	v := i.validator(t, time.Now)
	for _, vec := range vectors(time.Now()) {
		t.Run(vec.name, func(t *testing.T) {
			body, err := json.Marshal(change(map[string]any{"channelId": "msteams", "serviceUrl": testService}, vec.activity))
			if err != nil {
				t.Fatal(err)
			}
			err = verifyDelivery(t, v, vec.authorization(time.Now()), body)
			if (err == nil) != vec.accept {
				t.Errorf("error %v, want accepted %v", err, vec.accept)
			}
		})
	}
	if n := i.meta.Load(); n != 1 {
		t.Errorf("%d requests for the metadata document, want 1: never one per delivery", n)
	}
}

func TestNewValidatorRefusesToStart(t *testing.T) {
	t.Parallel()
	good, err := CloudNamed(Public)
	if err != nil {
		t.Fatal(err)
	}
	with := func(metadata string) Cloud { c := good; c.MetadataURL = metadata; return c }
	for name, cfg := range map[string]ValidatorConfig{
		"no app id":        {Cloud: good, Now: time.Now},
		"blank app id":     {AppID: " ", Cloud: good, Now: time.Now},
		"no cloud":         {AppID: testApp, Now: time.Now},
		"no clock":         {AppID: testApp, Cloud: good},
		"metadata by http": {AppID: testApp, Cloud: with("http://login.botframework.com/x"), Now: time.Now},
		"metadata user":    {AppID: testApp, Cloud: with("https://a:b@login.botframework.com/x"), Now: time.Now},
		"metadata empty":   {AppID: testApp, Cloud: with(""), Now: time.Now},
	} {
		if _, err := NewValidator(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, u := range []string{"http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost/x", "https://login.botframework.azure.us/x"} {
		if _, err := NewValidator(ValidatorConfig{AppID: testApp, Cloud: with(u), Now: time.Now}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := i.validator(t, time.Now)
	now := time.Now()
	token := func(h, c map[string]any, s signer) string {
		return "Bearer " + mint(change(goodHeader(), h), change(goodClaims(now), c), s)
	}
	ours := rs256(rsaKey())
	for _, tc := range []struct {
		auth string
		want Reason
	}{
		{"", ReasonMissing},
		{"Bearer x", ReasonMalformed},
		{"Bearer " + strings.Repeat("a", maxToken+1), ReasonMalformed},
		{token(map[string]any{"alg": "none"}, nil, noSignature), ReasonSignature},
		{token(map[string]any{"kid": "x"}, nil, ours), ReasonKey},
		{token(nil, nil, rs256(otherKey())), ReasonSignature},
		{token(nil, map[string]any{"iss": "x"}, ours), ReasonIssuer},
		{token(nil, map[string]any{"aud": "x"}, ours), ReasonAudience},
		{token(nil, map[string]any{"exp": nil}, ours), ReasonTime},
		{token(nil, map[string]any{"exp": 1}, ours), ReasonTime},
		{token(nil, map[string]any{"serviceurl": nil}, ours), ReasonService},
	} {
		_, err := v.Verify(t.Context(), tc.auth)
		if got := reasonOf(err); err == nil || got != tc.want {
			t.Errorf("%.60s: reason %q (%v), want %q", tc.auth, got, err, tc.want)
		}
	}
	var none *Token
	if none.Match("", channelTeams) == nil || (&Token{}).Match("", channelTeams) == nil {
		t.Error("an unverified token matches an empty service URL")
	}
}

// TestRotation: a new key is found at once, the old one is gone after it, and
// nobody is refused in between.
func TestRotation(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), &clock{}
	v := i.validator(t, c.Now)
	check := func(what, kid string, s signer, want bool) {
		t.Helper()
		_, err := v.Verify(t.Context(), "Bearer "+mint(map[string]any{"alg": "RS256", "kid": kid}, goodClaims(c.Now()), s))
		if (err == nil) != want {
			t.Fatalf("%s: %v", what, err)
		}
	}
	check("first key", "k1", rs256(rsaKey()), true)
	i.setKeys(jwkOf("k1", rsaKey().Public(), "msteams"), jwkOf("k2", otherKey().Public(), "msteams"))
	check("new key inside the floor", "k2", rs256(otherKey()), false)
	c.Advance(keysFloor)
	check("new key", "k2", rs256(otherKey()), true)
	check("old key, still published", "k1", rs256(rsaKey()), true)
	i.setKeys(jwkOf("k2", otherKey().Public(), "msteams"))
	c.Advance(keysMaxAge + time.Minute)
	check("withdrawn key, before the renewal is through", "k1", rs256(rsaKey()), true)
	for deadline := time.Now().Add(5 * time.Second); ; {
		v.keys.mu.Lock()
		n := len(v.keys.keys)
		v.keys.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a day-old key set was not renewed in the background")
		}
	}
	check("withdrawn key", "k1", rs256(rsaKey()), false)
	check("new key after the renewal", "k2", rs256(otherKey()), true)
}

// TestKeysOutage: what is known stays in use, and a server that comes back is found.
func TestKeysOutage(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), &clock{}
	i.down.Store(true)
	v := i.validator(t, c.Now)
	good := func() string { return "Bearer " + goodToken(c.Now()) }
	_, err := v.Verify(t.Context(), good())
	if reasonOf(err) != ReasonNoKeys {
		t.Fatalf("first look failed: %v, want %s", err, ReasonNoKeys)
	}
	for range 20 {
		_, _ = v.Verify(t.Context(), good())
	}
	if n := i.meta.Load(); n != 1 {
		t.Fatalf("%d looks in the floor, want 1", n)
	}
	i.down.Store(false)
	c.Advance(keysFloorEmpty)
	if _, err := v.Verify(t.Context(), good()); err != nil {
		t.Fatalf("server is back: %v", err)
	}
	i.down.Store(true)
	c.Advance(keysMaxAge + time.Hour)
	if _, err := v.Verify(t.Context(), good()); err != nil {
		t.Fatalf("known key during an outage: %v", err)
	}
}

// TestForgedKeyIDs: key ids are free to invent and must not make us call out.
func TestForgedKeyIDs(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), &clock{}
	v := i.validator(t, c.Now)
	if _, err := v.Verify(t.Context(), "Bearer "+goodToken(c.Now())); err != nil {
		t.Fatal(err)
	}
	c.Advance(keysFloor)
	i.hold = make(chan struct{})
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			forged := mint(map[string]any{"alg": "RS256", "kid": strings.Repeat("x", n+1)}, goodClaims(c.Now()), noSignature)
			_, err := v.Verify(t.Context(), "Bearer "+forged)
			if reasonOf(err) != ReasonKey {
				t.Errorf("forged: %v", err)
			}
		})
	}
	close(i.hold)
	wg.Wait()
	if n := i.meta.Load(); n != 2 {
		t.Errorf("%d looks, want 2 (the first and one for all forged ids)", n)
	}
}

func TestMetadataIsNotTrustedBlindly(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]map[string]any{
		"keys elsewhere":        {"jwks_uri": "https://keys.example/keys"},
		"keys on other port":    {"jwks_uri": "http://127.0.0.1:1/keys"},
		"keys by file":          {"jwks_uri": "file:///keys"},
		"no keys address":       {"jwks_uri": ""},
		"another issuer":        {"issuer": "https://api.botframework.us"},
		"algorithm not listed":  {"id_token_signing_alg_values_supported": []string{"RS512"}},
		"algorithms not listed": {"id_token_signing_alg_values_supported": nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.metadata = m
			_, err := i.validator(t, time.Now).Verify(t.Context(), "Bearer "+goodToken(time.Now()))
			if reasonOf(err) != ReasonNoKeys {
				t.Errorf("%v, want %s", err, ReasonNoKeys)
			}
		})
	}
}

func TestBadKeySets(t *testing.T) {
	t.Parallel()
	good := jwkOf("k1", rsaKey().Public(), "msteams")
	with := func(k string, v any) map[string]any {
		m := jwkOf("k1", rsaKey().Public(), "msteams")
		m[k] = v
		return m
	}
	many := make([]map[string]any, maxKeys+1)
	for i := range many {
		many[i] = good
	}
	for name, keys := range map[string][]map[string]any{
		"empty":              {},
		"too many":           many,
		"small":              {jwkOf("k1", smallKey().Public(), "msteams")},
		"for encryption":     {with("use", "enc")},
		"other algorithm":    {with("alg", "RS512")},
		"symmetric":          {with("kty", "oct")},
		"exponent 1":         {with("e", "AQ")},
		"exponent even":      {with("e", "AgA")},
		"modulus not base64": {with("n", "!!!")},
		"modulus huge":       {with("n", strings.Repeat("_", 4000))},
		"no id":              {with("kid", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.setKeys(keys...)
			_, err := i.validator(t, time.Now).Verify(t.Context(), "Bearer "+goodToken(time.Now()))
			if reasonOf(err) != ReasonNoKeys {
				t.Errorf("%v, want %s", err, ReasonNoKeys)
			}
		})
	}
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestKeysNoRedirectNoHugeAnswer(t *testing.T) {
	t.Parallel()
	answer := func(status int, header http.Header, body io.Reader) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Host, "evil") {
				t.Error("a redirect was followed")
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), Request: r}, nil
		}
	}
	for name, tr := range map[string]http.RoundTripper{
		"redirect": answer(http.StatusFound, http.Header{"Location": {"https://evil.example/"}}, strings.NewReader("")),
		"huge":     answer(http.StatusOK, nil, io.LimitReader(zeros{}, 10<<30)),
		"broken":   roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }),
	} {
		c, err := CloudNamed(Public)
		if err != nil {
			t.Fatal(err)
		}
		v, err := NewValidator(ValidatorConfig{AppID: testApp, Cloud: c, Transport: tr, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), "Bearer "+goodToken(time.Now())); reasonOf(err) != ReasonNoKeys {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestGovernment: the clouds do not mix.
func TestGovernment(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	c, err := CloudNamed(USGov)
	if err != nil {
		t.Fatal(err)
	}
	i.metadata["issuer"] = c.Issuer
	c.MetadataURL = i.URL + "/openid"
	v, err := NewValidator(ValidatorConfig{AppID: testApp, Cloud: c, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), "Bearer "+goodToken(time.Now())); reasonOf(err) != ReasonIssuer {
		t.Errorf("public token in the government cloud: %v", err)
	}
	gov := mint(goodHeader(), change(goodClaims(time.Now()), map[string]any{"iss": c.Issuer}), rs256(rsaKey()))
	if _, err := v.Verify(t.Context(), "Bearer "+gov); err != nil {
		t.Errorf("government token: %v", err)
	}
	if _, err := CloudNamed("mars"); err == nil {
		t.Error("unknown cloud accepted")
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	public, _ := CloudNamed(Public)
	gov, _ := CloudNamed(USGov)
	for _, tc := range []struct {
		url                   string
		public, gov, loopback bool
	}{
		{"https://smba.trafficmanager.net/amer/", true, false, true},
		{"https://SMBA.trafficmanager.net/amer/0a/", true, false, true},
		{"https://smba.trafficmanager.net:443/amer/", true, false, true},
		{"https://europe.api.botframework.com", true, false, true},
		{"https://smba.infra.gov.teams.microsoft.us/gcch/", false, true, false},
		{"http://127.0.0.1:9000/_connector", false, false, true},
		{"http://localhost:9000", false, false, true},
		{"https://smba.trafficmanager.net:8443/", false, false, false},
		{"http://smba.trafficmanager.net/", false, false, false},
		{"https://evil.trafficmanager.net/", false, false, false},
		{"https://evilbotframework.com/", false, false, false},
		{"https://botframework.com.evil.example/", false, false, false},
		{"https://smba.trafficmanager.net@evil.example/", false, false, false},
		{"https://smba.trafficmanager.net/../x", false, false, false},
		{"https://smba.trafficmanager.net/?x=", false, false, false},
		{"https://smba.trafficmanager.net/#x", false, false, false},
		{"https://[::1]/", false, false, false},
		{"http://169.254.169.254/", false, false, false},
		{"", false, false, false},
	} {
		for name, got := range map[string]struct {
			s    services
			want bool
		}{
			"public":   {services{hosts: public.Hosts}, tc.public},
			"gov":      {services{hosts: gov.Hosts}, tc.gov},
			"loopback": {services{hosts: public.Hosts, loopback: true}, tc.loopback},
		} {
			_, err := got.s.parse(tc.url)
			if (err == nil) != got.want {
				t.Errorf("%s, %s: %v, want allowed %v", tc.url, name, err, got.want)
			}
			if err != nil && !errors.Is(err, ErrService) {
				t.Errorf("%s: %v is not ErrService", tc.url, err)
			}
		}
	}
}
