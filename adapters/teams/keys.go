package teams

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	keysMaxAge = 24 * time.Hour // then the set is renewed in the background
	// An unknown key id makes us look for new keys, but not more often than
	// this: key ids of forged tokens are free. Microsoft's own libraries wait an hour.
	keysFloor = 5 * time.Minute
	// After a failed look, and while there are no keys at all, sooner.
	keysFloorFailed = 30 * time.Second
	keysFloorEmpty  = 2 * time.Second

	keysTimeout = 10 * time.Second // for both documents together
	maxKeysBody = 1 << 20
	maxKeys     = 200
	minRSABits  = 2048
	maxRSABits  = 8192 // verifying with a huge key costs the verifier
)

// signingKey is one key of the issuer and the channels it may sign for.
type signingKey struct {
	public       *rsa.PublicKey
	endorsements []string
}

// keySet holds the issuer's signing keys. Nothing is fetched per request: one
// look at a time, with a floor between looks, and what is known stays in use
// when a look fails.
type keySet struct {
	metadata *url.URL
	issuer   string
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger

	flight singleflight.Group

	mu      sync.Mutex
	keys    map[string]signingKey
	fetched time.Time // last success
	next    time.Time // no look before this
}

// get finds a key. errNoKeys means the issuer could not be asked, so nobody can
// say whether the key exists.
func (k *keySet) get(ctx context.Context, kid string) (signingKey, error) {
	key, known, look := k.find(kid)
	switch {
	case known && look: // old: renew, but do not let anybody wait
		go k.look(context.WithoutCancel(ctx))
		return key, nil
	case known:
		return key, nil
	case look:
		k.look(ctx)
		if key, known, _ = k.find(kid); known {
			return key, nil
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) == 0 {
		return signingKey{}, errNoKeys
	}
	return signingKey{}, refuse(ReasonKey, fmt.Errorf("key %q is not in the key set", kid))
}

func (k *keySet) find(kid string) (key signingKey, known, look bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, known = k.keys[kid]
	now := k.now()
	look = !now.Before(k.next) && (!known || now.Sub(k.fetched) > keysMaxAge)
	return key, known, look
}

// look fetches the keys; callers at the same time share one fetch. It returns
// early when ctx ends, the fetch goes on for the others.
func (k *keySet) look(ctx context.Context) {
	done := k.flight.DoChan("keys", func() (any, error) {
		fetch, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
		defer cancel()
		keys, err := k.fetch(fetch)
		k.mu.Lock()
		defer k.mu.Unlock()
		now := k.now()
		switch {
		case err == nil:
			k.keys, k.fetched, k.next = keys, now, now.Add(keysFloor)
			k.log.InfoContext(ctx, "signing keys loaded", "issuer", k.issuer, "keys", len(keys))
		case len(k.keys) > 0:
			k.next = now.Add(keysFloorFailed)
			k.log.WarnContext(ctx, "signing keys not renewed, the known ones stay in use", "err", err)
		default:
			k.next = now.Add(keysFloorEmpty)
			k.log.ErrorContext(ctx, "signing keys not loaded, nothing can be verified", "err", err)
		}
		return nil, nil
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// fetch reads the metadata document and the key set it names.
func (k *keySet) fetch(ctx context.Context) (map[string]signingKey, error) {
	var meta struct {
		Issuer  string   `json:"issuer"`
		JWKSURI string   `json:"jwks_uri"`
		Algs    []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := k.getJSON(ctx, k.metadata.String(), &meta); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if meta.Issuer != k.issuer {
		return nil, fmt.Errorf("metadata: issuer is %q, not %q", meta.Issuer, k.issuer)
	}
	if !slices.Contains(meta.Algs, signingAlg) {
		return nil, fmt.Errorf("metadata: %s is not among the algorithms %q", signingAlg, meta.Algs)
	}
	jwks, err := checkEndpoint(meta.JWKSURI)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	// A metadata document that points elsewhere would let its host choose whom we believe.
	if jwks.Host != k.metadata.Host || jwks.Scheme != k.metadata.Scheme {
		return nil, fmt.Errorf("jwks_uri: %s is not on %s", jwks.Host, k.metadata.Host)
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := k.getJSON(ctx, jwks.String(), &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return k.usable(ctx, set.Keys)
}

// usable keeps the RSA signature keys that are big enough.
func (k *keySet) usable(ctx context.Context, in []jwk) (map[string]signingKey, error) {
	if len(in) > maxKeys {
		return nil, fmt.Errorf("key set: %d keys", len(in))
	}
	out := map[string]signingKey{}
	for _, j := range in {
		public, err := j.rsa()
		if err != nil {
			k.log.WarnContext(ctx, "signing key not usable", "kid", j.Kid, "err", err)
			continue
		}
		if _, dup := out[j.Kid]; !dup {
			out[j.Kid] = signingKey{public: public, endorsements: j.Endorsements}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("key set: no usable key")
	}
	return out, nil
}

func (k *keySet) getJSON(ctx context.Context, u string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeysBody+1))
	switch {
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d", resp.StatusCode)
	case len(body) > maxKeysBody:
		return errors.New("answer is too long")
	}
	return json.Unmarshal(body, v)
}

// jwk is a key as published, https://datatracker.ietf.org/doc/html/rfc7517, with
// Microsoft's list of channels the key may speak for.
type jwk struct {
	Kid          string   `json:"kid"`
	Kty          string   `json:"kty"`
	Use          string   `json:"use"`
	Alg          string   `json:"alg"`
	N            string   `json:"n"`
	E            string   `json:"e"`
	Endorsements []string `json:"endorsements"`
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	switch {
	case j.Kid == "":
		return nil, errors.New("no key id")
	case j.Kty != "RSA":
		return nil, fmt.Errorf("key type %q", j.Kty)
	case j.Use != "" && j.Use != "sig":
		return nil, fmt.Errorf("for use %q", j.Use)
	case j.Alg != "" && j.Alg != signingAlg:
		return nil, fmt.Errorf("for algorithm %q", j.Alg)
	}
	n, err := base64.RawURLEncoding.DecodeString(j.N)
	if err != nil {
		return nil, fmt.Errorf("modulus: %w", err)
	}
	e, err := base64.RawURLEncoding.DecodeString(j.E)
	if err != nil {
		return nil, fmt.Errorf("exponent: %w", err)
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("RSA key of %d bits", bits)
	}
	exp := new(big.Int).SetBytes(e)
	if !exp.IsInt64() || exp.Int64() < 3 || exp.Int64() > 1<<31-1 || exp.Bit(0) == 0 {
		return nil, errors.New("RSA exponent out of range")
	}
	public.E = int(exp.Int64())
	return public, nil
}
