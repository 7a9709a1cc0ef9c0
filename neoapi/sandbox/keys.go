package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// kind of a caller.
type kind int

const (
	nobody   kind = iota
	tenant        // an API key: a service account
	admin         // a dashboard admin with an Entra token
	platform      // Neo's own relay
)

// caller is who sent a request.
type caller struct {
	kind     kind
	id, name string
}

// apiKey is a key of the tenant. The secret is shown once, when it is made.
type apiKey struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`

	secret, old string    // old is the secret before a rotation,
	oldUntil    time.Time // which works 24 hours more
}

func keyOps() map[string]handler {
	return map[string]handler{
		"list_api_keys": dashboard(func(c *call) (reply, error) { return every(c.state.keys, nil), nil }), "create_api_key": dashboard(createKey),
		"rotate_api_key": dashboard(rotateKey), "revoke_api_key": dashboard(revokeKey),
	}
}

// dashboard lets a handler answer dashboard admins only.
func dashboard(h handler) handler {
	return func(c *call) (reply, error) {
		if c.caller.kind != admin {
			return reply{}, refuse(http.StatusForbidden, "FORBIDDEN", "API keys are managed by dashboard admins; a key cannot manage keys")
		}
		return h(c)
	}
}

// admit checks the credential and counts the request.
func (n *Neo) admit(c *call) *apiError {
	token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	c.caller = n.caller(token, c.now)
	if c.op.open {
		return nil
	}
	if c.caller.kind == nobody {
		return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "Credential missing, malformed, expired or revoked")
	}
	if wait := n.limit.take(c.now); wait > 0 {
		return &apiError{status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Tenant rate limit reached", retryAfter: wait}
	}
	return nil
}

func (n *Neo) caller(token string, now time.Time) caller {
	switch token {
	case "": // first: the other two may be empty
		return caller{}
	case n.cfg.AdminToken:
		return caller{admin, Dana.ID, Dana.Name}
	case n.cfg.PlatformKey:
		return caller{platform, "svc-neo-relay", "Neo relay"}
	}
	for k := range n.state.keys.All() {
		expired := k.ExpiresAt != nil && !k.ExpiresAt.After(now)
		if !expired && (token == k.secret || token == k.old && now.Before(k.oldUntil)) {
			return caller{tenant, "svc-" + k.ID, k.Name + " (API key)"}
		}
	}
	return caller{}
}

// onlyPlatform refuses client_id of callers that are not Neo's own relay.
func (c *call) onlyPlatform(clientID *string) error {
	if text(clientID) != "" && c.caller.kind != platform {
		return refuse(http.StatusForbidden, "FORBIDDEN", "client_id is for platform accounts only")
	}
	return nil
}

func createKey(c *call) (reply, error) {
	k := &apiKey{ID: "key_" + c.state.numeral(), CreatedAt: c.now, secret: c.state.secret()}
	if err := c.bind(k); err != nil {
		return reply{}, err
	}
	if k.ExpiresAt != nil && !k.ExpiresAt.After(c.now) {
		return reply{}, unprocessable("expires_at", "must be in the future")
	}
	c.state.keys.Add(k)
	return reply{data: withSecret(k)}, nil
}

func rotateKey(c *call) (reply, error) {
	k, err := lookup(c, c.state.keys, "key_id", "Key")
	if err != nil {
		return reply{}, err
	}
	k.old, k.oldUntil, k.secret = k.secret, c.now.Add(24*time.Hour), c.state.secret()
	return reply{data: withSecret(k)}, nil
}

func revokeKey(c *call) (reply, error) {
	if !c.state.keys.Remove(c.path("key_id")) {
		return reply{}, notFound("Key")
	}
	return reply{data: Object{"id": c.path("key_id"), "revoked": true}}, nil
}

func (s *State) secret() string { return "neo_sk_sandbox_" + strings.ReplaceAll(s.uuid(), "-", "") }

func withSecret(k *apiKey) Object {
	return Object{"id": k.ID, "name": k.Name, "key": k.secret, "created_at": k.CreatedAt, "expires_at": k.ExpiresAt}
}
