package approvals

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config of a Store. Redis and Now are required, the rest has defaults.
type Config struct {
	Redis redis.UniversalClient
	// Prefix starts every key. Default "neobot".
	Prefix string
	// Now is the clock of every decision. Redis' own clock is not used, so the
	// clocks of all replicas must agree to within a fraction of Lease.
	Now func() time.Time
	// Lease is how long an execution may go without a sign of life before
	// another worker may take it over. Default 60 s.
	Lease time.Duration
	// Keep is how long a final record stays. Default 90 days.
	Keep time.Duration
	// Grace is how long after its approval a request may still begin to run
	// although its own expiry has passed meanwhile. Default 15 min.
	Grace time.Duration
}

// Store keeps requests in Redis. It has no state of its own and is safe for
// concurrent use; any number of replicas may share one Redis.
//
// Every method may be repeated after a lost reply, by go-redis or by the
// caller, without a second effect. A method returns an error together with the
// current record wherever there is one.
type Store struct {
	c Config
}

const (
	defaultPrefix = "neobot"
	defaultLease  = time.Minute
	defaultKeep   = 90 * 24 * time.Hour
	defaultGrace  = 15 * time.Minute
	maxText       = 512 // bytes of a workspace, key, person, digest or delivery id
)

// New checks the configuration. It does not connect.
func New(c Config) (*Store, error) {
	if c.Redis == nil || c.Now == nil {
		return nil, fmt.Errorf("approvals: Redis and Now are required: %w", ErrInvalid)
	}
	setDefault(&c.Prefix, defaultPrefix)
	setDefault(&c.Lease, defaultLease)
	setDefault(&c.Keep, defaultKeep)
	setDefault(&c.Grace, defaultGrace)
	if strings.ContainsAny(c.Prefix, "{}") {
		return nil, fmt.Errorf("approvals: prefix %q has a brace: %w", c.Prefix, ErrInvalid)
	}
	if c.Lease < time.Millisecond || c.Keep < time.Millisecond || c.Grace < 0 {
		return nil, fmt.Errorf("approvals: lease, keep and grace must be positive: %w", ErrInvalid)
	}
	return &Store{c: c}, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Lease is how long an execution may go without a sign of life (Config.Lease).
func (s *Store) Lease() time.Duration { return s.c.Lease }

// scriptFiles hold one state change each; record.lua goes in front of all.
//
//go:embed *.lua
var scriptFiles embed.FS

var (
	submitScript   = script("submit.lua")
	decideScript   = script("decide.lua")
	withdrawScript = script("withdraw.lua")
	expireScript   = script("expire.lua")
	redeemScript   = script("redeem.lua")
	retakeScript   = script("retake.lua")
	againScript    = script("again.lua")
	extendScript   = script("extend.lua")
	finishScript   = script("finish.lua")
	copyScript     = script("copy.lua")
	drawnScript    = script("drawn.lua")
	claimScript    = rawScript("claim.lua")
	auditScript    = rawScript("audit.lua")
)

func source(name string) string {
	b, err := scriptFiles.ReadFile(name)
	if err != nil {
		panic(err) // embedded at build time: cannot be missing
	}
	return string(b)
}

func script(name string) *redis.Script { return redis.NewScript(source("record.lua") + source(name)) }

func rawScript(name string) *redis.Script { return redis.NewScript(source(name)) }

// codes a script can answer with, besides "ok".
var codes = map[string]error{
	"ok":        nil,
	"not_found": ErrNotFound,
	"decided":   ErrDecided,
	"expired":   ErrExpired,
	"repeated":  ErrRepeated,
	"self":      ErrSelf,
	"foreign":   ErrForeign,
	"digest":    ErrDigest,
	"not_ready": ErrNotReady,
	"busy":      ErrBusy,
	"attempts":  ErrAttempts,
	"moved":     ErrMoved,
}

// keys of one request. All contain the hash tag {workspace}, so that Redis
// Cluster keeps them in one slot and a script may touch them all.
func (s *Store) keys(ws string, id ID) []string {
	return []string{
		s.key(ws, "req:"+string(id)), s.key(ws, "due"), s.key(ws, "pending"), s.key(ws, "undrawn"),
	}
}

func (s *Store) key(ws, rest string) string { return s.c.Prefix + ":{" + ws + "}:" + rest }

// checkWorkspace keeps one workspace from naming keys of another: an empty tag
// is no tag in Redis Cluster, and a brace would move its end.
func checkWorkspace(ws string) error {
	if ws == "" || len(ws) > maxText || strings.ContainsAny(ws, "{}") {
		return fmt.Errorf("workspace %.80q: %w", ws, ErrInvalid)
	}
	return nil
}

// check refuses a workspace no request can have; a malformed id is simply not found.
func check(ws string, id ID) error {
	if err := checkWorkspace(ws); err != nil {
		return err
	}
	if !id.valid() {
		return ErrNotFound
	}
	return nil
}

// run calls one script and returns the record it answers with.
func (s *Store) run(ctx context.Context, sc *redis.Script, ws string, id ID, args ...any) (Request, error) {
	if err := check(ws, id); err != nil {
		return Request{}, err
	}
	return s.call(ctx, sc, s.keys(ws, id), id, args)
}

// note is run for scripts whose record nobody needs: they answer with a code only.
func (s *Store) note(ctx context.Context, sc *redis.Script, ws string, id ID, args ...any) error {
	if err := check(ws, id); err != nil {
		return err
	}
	code, _, err := s.eval(ctx, sc, s.keys(ws, id), id, args)
	if err != nil {
		return err
	}
	err, known := codes[code]
	if !known {
		return fmt.Errorf("code %.40q: %w", code, errReply)
	}
	return err
}

// call runs a script and turns its code into an error.
func (s *Store) call(ctx context.Context, sc *redis.Script, keys []string, id ID, args []any) (Request, error) {
	code, fields, err := s.eval(ctx, sc, keys, id, args)
	if err != nil {
		return Request{}, err
	}
	err, known := codes[code]
	if !known || (len(fields) == 0 && err == nil) {
		return Request{}, fmt.Errorf("code %.40q: %w", code, errReply)
	}
	if len(fields) == 0 {
		return Request{}, err
	}
	r, damaged := parse(fields)
	if damaged != nil {
		return Request{}, damaged
	}
	return r, err
}

// eval is the one round trip of every step. The first arguments are the same
// for all scripts, see record.lua.
func (s *Store) eval(ctx context.Context, sc *redis.Script, keys []string, id ID, args []any) (
	code string, fields map[string]string, err error,
) {
	argv := append([]any{
		s.c.Now().UnixMilli(), string(id),
		s.c.Lease.Milliseconds(), s.c.Keep.Milliseconds(), s.c.Grace.Milliseconds(),
	}, args...)
	reply, err := sc.Run(ctx, s.c.Redis, keys, argv...).Slice()
	if err != nil {
		return "", nil, err
	}
	if len(reply) != 2 {
		return "", nil, errReply
	}
	code, _ = reply[0].(string)
	list, _ := reply[1].([]any)
	return code, fieldMap(list), nil
}

var errReply = errors.New("unexpected reply of a script")

// Get returns the record, whatever its state. A pending request whose time has
// passed is still Pending here until something touches it: see ExpireIfDue.
func (s *Store) Get(ctx context.Context, ws string, id ID) (Request, error) {
	if err := check(ws, id); err != nil {
		return Request{}, fmt.Errorf("get %s: %w", id.short(), err)
	}
	m, err := s.c.Redis.HGetAll(ctx, s.keys(ws, id)[0]).Result()
	if err != nil {
		return Request{}, fmt.Errorf("get %s: %w", id, err)
	}
	if len(m) == 0 {
		return Request{}, fmt.Errorf("get %s: %w", id, ErrNotFound)
	}
	return parse(m)
}

const idBytes = 16

func newToken() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// valid reports whether the id has the form newToken gives.
func (id ID) valid() bool {
	if len(id) != base64.RawURLEncoding.EncodedLen(idBytes) {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// short makes an id from outside fit for an error text.
func (id ID) short() string { return fmt.Sprintf("%.40q", string(id)) }
