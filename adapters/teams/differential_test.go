package teams

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// vector is one delivery for both validators.
type vector struct {
	name     string
	header   map[string]any // changes of the good JOSE header; nil value deletes
	claims   map[string]any // changes of the good claims
	sign     signer
	auth     func(token string) string // changes of the Authorization header
	activity map[string]any            // changes of the good activity
	accept   bool                      // our verdict
	// stricter says why we refuse what Microsoft accepts; empty: same verdict.
	stricter string
}

func vectors(now time.Time) []vector {
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	raw := func(token string) func(string) string { return func(string) string { return token } }
	with := func(k string, v any) map[string]any { return map[string]any{k: v} }
	b := "Bearer "
	return []vector{
		{name: "good", accept: true},
		{
			name: "good, key endorsed for another channel too", activity: with("channelId", "webchat"),
			stricter: "only Teams is served: in Web Chat and Direct Line the client writes the sender's ids",
		},
		{name: "key without endorsements", accept: true, header: with("kid", "plain"), sign: rs256(otherKey())},

		{name: "no header", auth: raw("")},
		{name: "token without scheme", auth: func(s string) string { return s }},
		{name: "scheme in lower case", auth: func(s string) string { return "bearer " + s }},
		{name: "scheme in upper case", auth: func(s string) string { return "BEARER " + s }},
		{name: "basic scheme", auth: raw("Basic aGVsbG86d29ybGQ=")},
		{name: "two blanks after the scheme", auth: func(s string) string { return "Bearer  " + s }},
		{name: "trailing word", auth: func(s string) string { return b + s + " x" }},
		{name: "leading blank", auth: func(s string) string { return " " + b + s }},
		{name: "hello", auth: raw("hello")},
		{name: "bearer hello", auth: raw("Bearer hello")},
		{name: "three words with dots", auth: raw("Bearer a.b.c")},
		{name: "extra dot at the end", auth: func(s string) string { return b + s + "." }},
		{name: "a thousand dots", auth: raw(b + strings.Repeat(".", 1000))},
		{name: "1 MB of dots", auth: raw(b + strings.Repeat(".", 1<<20))},
		{name: "1 MB of letters in three parts", auth: raw(b + strings.Repeat("a", 1<<19) + "." + strings.Repeat("a", 1<<19) + ".a")},
		{name: "signature missing", auth: func(s string) string { return b + s[:strings.LastIndexByte(s, '.')+1] }},
		{name: "two parts", auth: func(s string) string { return b + s[:strings.LastIndexByte(s, '.')] }},
		{name: "signature cut", auth: func(s string) string { return b + s[:len(s)-8] }},
		{name: "one bit of the payload flipped", auth: func(s string) string {
			i := strings.IndexByte(s, '.') + 12
			return b + s[:i] + string(s[i]^1) + s[i+1:]
		}},
		{name: "padded base64", auth: func(s string) string { return b + s + "==" }},

		{name: "alg none, no signature", header: with("alg", "none"), sign: noSignature},
		{name: "alg None", header: with("alg", "None"), sign: noSignature},
		{name: "alg missing", header: with("alg", nil)},
		{name: "HS256 with the public key as secret", header: with("alg", "HS256"), sign: hs256(publicPEM(rsaKey()))},
		{name: "HS256 with an empty secret", header: with("alg", "HS256"), sign: hs256(nil)},
		{name: "ES256 by a key of the set", header: map[string]any{"alg": "ES256", "kid": "ec"}, sign: es256(ecKey())},
		{name: "PS256 by the right key", header: with("alg", "PS256"), sign: ps256(rsaKey())},
		{name: "RS512 in the header, RS256 signature", header: with("alg", "RS512")},
		{name: "alg in lower case", header: with("alg", "rs256")},
		{name: "signed by another key", sign: rs256(otherKey())},
		{name: "key id missing", header: with("kid", nil)},
		{name: "key id empty", header: with("kid", "")},
		{name: "key id unknown", header: with("kid", "nobody")},
		{name: "key id of another key", header: with("kid", "plain")},
		{name: "key id is a number", header: with("kid", 1)},
		{name: "key id is __proto__", header: with("kid", "__proto__")},
		{name: "own key in the header", header: map[string]any{"kid": "mine", "jwk": jwkOf("mine", otherKey().Public())}, sign: rs256(otherKey())},
		{
			name: "RSA key of 1024 bits", header: with("kid", "small"), sign: rs256(smallKey()),
			stricter: "keys below 2048 bits are not believed",
		},
		{
			name: "critical header extension", header: with("crit", []string{"exp"}),
			stricter: "RFC 7515 4.1.11: an extension that is not understood must be refused",
		},

		{name: "expired 4 minutes ago", accept: true, claims: with("exp", in(-4*time.Minute))},
		{name: "expired 6 minutes ago", claims: with("exp", in(-6*time.Minute))},
		{name: "valid in 4 minutes", accept: true, claims: with("nbf", in(4*time.Minute))},
		{name: "valid in 6 minutes", claims: with("nbf", in(6*time.Minute))},
		{name: "no expiry", claims: with("exp", nil), stricter: "a token that never expires is none of the connector's"},
		{name: "expiry is text", claims: with("exp", "tomorrow")},
		{name: "expiry is a number as text", claims: with("exp", "99999999999")},
		{name: "expiry is negative", claims: with("exp", -1)},
		{name: "not-before is text", claims: with("nbf", "yesterday")},
		{name: "no not-before", accept: true, claims: with("nbf", nil)},
		{name: "issued in the future", accept: true, claims: with("iat", in(time.Hour))},

		{name: "issuer missing", claims: with("iss", nil)},
		{name: "issuer of the government cloud", claims: with("iss", "https://api.botframework.us")},
		{name: "issuer with a slash", claims: with("iss", testIssuer+"/")},
		{name: "issuer in upper case", claims: with("iss", strings.ToUpper(testIssuer))},
		{name: "issuer in a list", claims: with("iss", []string{testIssuer})},
		{name: "issuer under another spelling of the name", claims: map[string]any{"iss": nil, "ISS": testIssuer}},
		{
			name: "issuer is the emulator's (Entra)", claims: map[string]any{"iss": "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", "ver": "1.0", "appid": testApp},
			stricter: "emulator tokens are Entra tokens of any app of a known tenant; the bot has no use for them",
		},
		{name: "skill token", claims: map[string]any{"iss": "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", "ver": "1.0", "appid": "another-bot"}},

		{name: "audience missing", claims: with("aud", nil)},
		{name: "audience is another app", claims: with("aud", "another")},
		{name: "audience empty", claims: with("aud", "")},
		{name: "audience list without us", claims: with("aud", []string{"a", "b"})},
		{name: "audience list with us", claims: with("aud", []string{"a", testApp})},
		{name: "audience list of only us", claims: with("aud", []string{testApp})},
		{name: "audience in upper case", claims: with("aud", strings.ToUpper("aaaaaaaa-"+testApp))},
		{name: "audience with a blank", claims: with("aud", testApp+" ")},
		{name: "audience under another spelling of the name", claims: map[string]any{"aud": nil, "Aud": testApp}},

		{name: "service URL claim missing", claims: with("serviceurl", nil)},
		{name: "service URL claim in camel case only", claims: map[string]any{"serviceurl": nil, "serviceUrl": testService}},
		{name: "service URL claim of another region", claims: with("serviceurl", "https://smba.trafficmanager.net/emea/")},
		{name: "service URL claim in upper case", claims: with("serviceurl", strings.ToUpper(testService))},
		{name: "service URL claim without the slash", claims: with("serviceurl", strings.TrimSuffix(testService, "/"))},
		{name: "service URL claim in a list", claims: with("serviceurl", []string{testService})},
		{name: "service URL of the activity is evil", activity: with("serviceUrl", "https://evil.example/")},
		{
			name: "service URL of the activity missing", activity: with("serviceUrl", nil),
			stricter: "Microsoft skips the comparison then; an answer could not be sent anyway",
		},
		{
			name: "both service URLs missing", claims: with("serviceurl", nil), activity: with("serviceUrl", nil),
			stricter: "the token must be bound to a service URL",
		},

		{name: "channel the key is not endorsed for", activity: with("channelId", "slack")},
		{name: "channel missing", activity: with("channelId", nil)},
		{
			name: "channel empty", activity: with("channelId", ""),
			stricter: "Microsoft lets an activity without a channel pass the endorsement check",
		},
		{name: "channel in upper case", activity: with("channelId", "MSTEAMS")},
		{name: "channel under another spelling of the name", activity: map[string]any{"channelId": nil, "ChannelId": "msteams"}},
		{name: "channel is a list", activity: with("channelId", []string{"msteams"})},
		{name: "emulator channel", activity: with("channelId", "emulator")},
	}
}

func (v vector) token(now time.Time) string {
	sign := v.sign
	if sign == nil {
		sign = rs256(rsaKey())
	}
	return mint(change(goodHeader(), v.header), change(goodClaims(now), v.claims), sign)
}

func (v vector) authorization(now time.Time) string {
	if v.auth == nil {
		return "Bearer " + v.token(now)
	}
	return v.auth(v.token(now))
}

func change(m, by map[string]any) map[string]any {
	for k, val := range by {
		if val == nil {
			delete(m, k)
		} else {
			m[k] = val
		}
	}
	return m
}

func (i *issuer) vectorKeys() {
	plain := jwkOf("plain", otherKey().Public())
	delete(plain, "endorsements")
	i.setKeys(jwkOf("k1", rsaKey().Public(), "msteams", "webchat"), plain,
		jwkOf("small", smallKey().Public(), "msteams"), jwkOf("ec", ecKey().Public(), "msteams"))
}

// TestDifferential gives the same deliveries to Microsoft's validator and to
// ours. We never accept what it rejects; where we are stricter the table says why.
func TestDifferential(t *testing.T) {
	needPeer(t, "botframework-connector")
	i := newIssuer(t)
	i.vectorKeys()
	oracle := startPeer(t, "teams/oracle.mjs", "APPID="+testApp, "METADATA="+i.URL+"/openid")
	v := i.validator(t, time.Now)
	all := vectors(time.Now())
	accepted, stricter := 0, 0
	for _, vec := range all {
		t.Run(vec.name, func(t *testing.T) {
			now := time.Now()
			auth := vec.authorization(now)
			body, err := json.Marshal(change(map[string]any{"type": "message", "id": "1", "channelId": "msteams", "serviceUrl": testService}, vec.activity))
			if err != nil {
				t.Fatal(err)
			}
			theirs, why := askOracle(t, oracle, auth, body)
			ourErr := verifyDelivery(t, v, auth, body)
			ours := ourErr == nil
			switch {
			case ours && !theirs:
				t.Fatalf("we accept what Microsoft rejects (%s)", why)
			case theirs && !ours && vec.stricter == "":
				t.Fatalf("we refuse what Microsoft accepts, and no reason is given: %v", ourErr)
			case theirs == ours && vec.stricter != "":
				t.Fatalf("marked as stricter, but Microsoft says %v too (%s); ours: %v", theirs, why, ourErr)
			}
			if ours != vec.accept {
				t.Errorf("our verdict is %v (%v), want %v", ours, ourErr, vec.accept)
			}
			if ours {
				accepted++
			}
			if vec.stricter != "" {
				stricter++
			}
		})
	}
	t.Logf("%d vectors: both accept %d, stricter in %d", len(all), accepted, stricter)
	if len(all) < 40 || accepted < 4 {
		t.Errorf("%d vectors with %d accepted show too little", len(all), accepted)
	}
}

func askOracle(t *testing.T, oracle, auth string, activity []byte) (accepted bool, why string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"authorization": auth, "activity": json.RawMessage(activity)})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, oracle, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Accepted bool
		Message  string
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Accepted, out.Message
}
