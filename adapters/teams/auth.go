package teams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	signingAlg = "RS256"
	// clockSkew is what Microsoft's validators allow.
	clockSkew = 5 * time.Minute
	// maxToken bounds a token before it is parsed. Real ones are about 1 KB.
	maxToken = 16 << 10
	maxKid   = 256
	// channelTeams is the only channel served. Other channels of the same Azure
	// bot (Web Chat, Direct Line) have valid tokens, but there the client writes
	// the sender's ids.
	channelTeams = "msteams"
)

// Reason says why a request was refused: for the log and the metric, never for
// the caller.
type Reason string

// Reasons.
const (
	ReasonMissing   Reason = "missing"   // no or another kind of Authorization header
	ReasonMalformed Reason = "malformed" // not a compact JWS, too long
	ReasonAlg       Reason = "algorithm"
	ReasonKey       Reason = "key"       // unknown key id
	ReasonSignature Reason = "signature" //
	ReasonIssuer    Reason = "issuer"
	ReasonAudience  Reason = "audience"
	ReasonTime      Reason = "time"        // expired, not yet valid, or no expiry
	ReasonService   Reason = "service_url" // claim and activity differ
	ReasonChannel   Reason = "channel"     // not Teams, or the key may not speak for it
	ReasonClaims    Reason = "claims"      // anything else in the token
	ReasonNoKeys    Reason = "no_keys"     // the issuer's keys could not be loaded
)

// refusal is the only error a Validator returns.
type refusal struct {
	reason Reason
	err    error
}

func (r *refusal) Error() string { return fmt.Sprintf("token refused (%s): %v", r.reason, r.err) }
func (r *refusal) Unwrap() error { return r.err }

func refuse(reason Reason, err error) error { return &refusal{reason, err} }

// errNoKeys: the keys could not be loaded, so the token may even be good.
var errNoKeys = refuse(ReasonNoKeys, errors.New("no signing keys"))

// reasonOf an error of the Validator.
func reasonOf(err error) Reason {
	var r *refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return ReasonClaims
}

// ValidatorConfig configures a Validator. AppID, Cloud and Now are needed.
type ValidatorConfig struct {
	AppID string // the only audience accepted; a validator without one does not exist
	Cloud Cloud  // issuer and metadata URL
	// Transport for the key documents, default http.DefaultTransport.
	Transport http.RoundTripper
	Now       func() time.Time
	Logger    *slog.Logger
}

// Validator verifies the tokens the Bot Connector sends with every delivery:
// https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
// There is no way to switch it off. It never accepts what Microsoft's own
// validator (botframework-connector 4.23.3) rejects; TestDifferential shows it.
type Validator struct {
	keys   *keySet
	parser *jwt.Parser
	appID  string
}

// NewValidator checks the configuration. It does not fetch anything yet.
func NewValidator(cfg ValidatorConfig) (*Validator, error) {
	if strings.TrimSpace(cfg.AppID) == "" {
		return nil, errors.New("teams: no app id: without one every token would be for us")
	}
	if cfg.Now == nil {
		return nil, errors.New("teams: no clock")
	}
	if cfg.Cloud.Issuer == "" {
		return nil, errors.New("teams: no cloud")
	}
	metadata, err := checkEndpoint(cfg.Cloud.MetadataURL)
	if err != nil {
		return nil, fmt.Errorf("teams: metadata %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Validator{
		appID: cfg.AppID,
		keys: &keySet{
			metadata: metadata, issuer: cfg.Cloud.Issuer, now: cfg.Now, log: cfg.Logger,
			client: &http.Client{Transport: cfg.Transport, CheckRedirect: noRedirect},
		},
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{signingAlg}),
			jwt.WithIssuer(cfg.Cloud.Issuer),
			jwt.WithExpirationRequired(),
			jwt.WithLeeway(clockSkew),
			jwt.WithTimeFunc(cfg.Now),
			jwt.WithStrictDecoding(),
		),
	}, nil
}

// noRedirect: neither keys nor tokens are followed to another place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Token is a verified token. What it vouches for must still be compared with
// the activity it came with: Match.
type Token struct {
	serviceURL   string
	endorsements []string
}

// Verify checks an Authorization header: signature, issuer, audience, times. It
// needs no body, so nothing unauthenticated is parsed.
func (v *Validator) Verify(ctx context.Context, header string) (*Token, error) {
	raw, err := bearer(header)
	if err != nil {
		return nil, err
	}
	var key signingKey
	claims := jwt.MapClaims{} // a map, because struct fields would match claim names in any case
	_, err = v.parser.ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok {
			return nil, refuse(ReasonAlg, errors.New("critical header extensions"))
		}
		kid, _ := t.Header["kid"].(string)
		if kid == "" || len(kid) > maxKid {
			return nil, refuse(ReasonKey, errors.New("no key id"))
		}
		key, err = v.keys.get(ctx, kid)
		return key.public, err
	})
	if err != nil {
		return nil, classify(err)
	}
	// One audience, ours, as a string. Microsoft's validator rejects a list even
	// when we are in it.
	if aud, _ := claims["aud"].(string); aud != v.appID {
		return nil, refuse(ReasonAudience, errors.New("audience is not this app"))
	}
	service, _ := claims["serviceurl"].(string)
	if service == "" {
		return nil, refuse(ReasonService, errors.New("no serviceurl claim"))
	}
	return &Token{serviceURL: service, endorsements: key.endorsements}, nil
}

// Match compares the token with the activity it was sent with. A token is bound
// to one service URL, or a captured one would let its owner redirect our
// answers, token included; and a key speaks only for the channels it is
// endorsed for. Exact comparison, as Microsoft's validator does it.
func (t *Token) Match(serviceURL, channelID string) error {
	if t == nil || t.serviceURL == "" || serviceURL != t.serviceURL {
		return refuse(ReasonService, errors.New("serviceurl claim and activity differ"))
	}
	if channelID != channelTeams {
		return refuse(ReasonChannel, fmt.Errorf("channel %.40q", channelID))
	}
	if len(t.endorsements) > 0 && !slices.Contains(t.endorsements, channelID) {
		return refuse(ReasonChannel, errors.New("key is not endorsed for the channel"))
	}
	return nil
}

// bearer takes the token out of the header and checks its outer form.
func bearer(header string) (string, error) {
	raw, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return "", refuse(ReasonMissing, errors.New("no bearer token"))
	}
	if len(raw) > maxToken {
		return "", refuse(ReasonMalformed, fmt.Errorf("token of %d bytes", len(raw)))
	}
	dots := 0
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == '.':
			dots++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", refuse(ReasonMalformed, errors.New("token has foreign characters"))
		}
	}
	if dots != 2 {
		return "", refuse(ReasonMalformed, errors.New("token does not have three parts"))
	}
	return raw, nil
}

// classify gives a parser's error its reason.
func classify(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	for _, c := range []struct {
		is     error
		reason Reason
	}{
		{jwt.ErrTokenMalformed, ReasonMalformed},
		{jwt.ErrTokenInvalidIssuer, ReasonIssuer},
		{jwt.ErrTokenExpired, ReasonTime},
		{jwt.ErrTokenNotValidYet, ReasonTime},
		{jwt.ErrTokenRequiredClaimMissing, ReasonTime},
		{jwt.ErrTokenSignatureInvalid, ReasonSignature}, // wrong algorithms end here too
	} {
		if errors.Is(err, c.is) {
			return refuse(c.reason, err)
		}
	}
	return refuse(ReasonClaims, err)
}
