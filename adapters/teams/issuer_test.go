package teams

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	testApp     = "11111111-2222-3333-4444-555555555555"
	testService = "https://smba.trafficmanager.net/amer/"
	testIssuer  = "https://api.botframework.com"
)

// Keys are slow to make, so every test shares them.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(2048) })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(2048) })
	smallKey = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(1024) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	})
)

func mustRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

// issuer is Microsoft's token service as a server: the OpenID document and the
// keys, with counters and switches.
type issuer struct {
	*httptest.Server
	mu       sync.Mutex
	keys     []map[string]any
	metadata map[string]any // overrides of the document
	down     atomic.Bool
	meta     atomic.Int64 // requests for the document
	jwks     atomic.Int64
	hold     chan struct{} // when set, the document waits for it
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{metadata: map[string]any{}}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	i.setKeys(jwkOf("k1", rsaKey().Public(), "msteams", "webchat"))
	return i
}

func (i *issuer) setKeys(keys ...map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/openid" {
		i.meta.Add(1)
		if i.hold != nil {
			<-i.hold
		}
	} else {
		i.jwks.Add(1)
	}
	if i.down.Load() {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	doc := map[string]any{
		"issuer": testIssuer, "jwks_uri": i.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	maps.Copy(doc, i.metadata)
	if r.URL.Path == "/keys" {
		doc = map[string]any{"keys": i.keys}
	}
	_ = json.NewEncoder(w).Encode(doc)
}

func (i *issuer) cloud() Cloud {
	c, err := CloudNamed(Public)
	if err != nil {
		panic(err)
	}
	c.MetadataURL = i.URL + "/openid"
	return c
}

func (i *issuer) validator(t *testing.T, now func() time.Time) *Validator {
	t.Helper()
	v, err := NewValidator(ValidatorConfig{AppID: testApp, Cloud: i.cloud(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func jwkOf(kid string, key crypto.PublicKey, endorsements ...string) map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := key.(type) {
	case *rsa.PublicKey:
		return map[string]any{
			"kty": "RSA", "use": "sig", "kid": kid, "n": b64(k.N.Bytes()),
			"e": b64(big.NewInt(int64(k.E)).Bytes()), "endorsements": endorsements,
		}
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			panic(err)
		}
		return map[string]any{"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(point[1:33]), "y": b64(point[33:]), "endorsements": endorsements}
	}
	panic("key type")
}

// signer makes one signature over "header.payload".
type signer func(input []byte) []byte

func rs256(key *rsa.PrivateKey) signer {
	return func(in []byte) []byte {
		sum := sha256.Sum256(in)
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func ps256(key *rsa.PrivateKey) signer {
	return func(in []byte) []byte {
		sum := sha256.Sum256(in)
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func hs256(secret []byte) signer {
	return func(in []byte) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write(in)
		return m.Sum(nil)
	}
}

func es256(key *ecdsa.PrivateKey) signer {
	return func(in []byte) []byte {
		sum := sha256.Sum256(in)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

func noSignature([]byte) []byte { return nil }

func publicPEM(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// mint builds a token by hand, so that any nonsense can be minted.
func mint(header, claims map[string]any, sign signer) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	return mintRaw(string(h), string(c), sign)
}

func mintRaw(header, claims string, sign signer) string {
	b64 := base64.RawURLEncoding.EncodeToString
	in := b64([]byte(header)) + "." + b64([]byte(claims))
	return in + "." + b64(sign([]byte(in)))
}

func goodHeader() map[string]any { return map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"} }

func goodClaims(now time.Time) map[string]any {
	return map[string]any{
		"iss": testIssuer, "aud": testApp, "serviceurl": testService,
		"nbf": now.Add(-5 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// goodToken is what the connector sends.
func goodToken(now time.Time) string {
	return mint(goodHeader(), goodClaims(now), rs256(rsaKey()))
}
