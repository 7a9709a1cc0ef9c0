package teams

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Cloud is one of Microsoft's separate worlds: who signs for it, who issues the
// bot's own tokens and where its connectors live. Clouds are never mixed.
type Cloud struct {
	Name        string
	Issuer      string // of inbound tokens
	MetadataURL string // OpenID document of the issuer
	TokenURL    string // for the bot's own token; "{tenant}" is replaced
	Scope       string // of the bot's own token
	// Hosts that may get the bot's token: exact names, or "*.x" for anything below x.
	Hosts []string
	// Service is where a conversation is opened before the tenant sent anything.
	Service string
}

// Names of clouds.
const (
	Public = "public"
	GCC    = "gcc"    // US government community cloud: public identity, own connector
	USGov  = "usgov"  // US GCC High
	USDoD  = "us-dod" // US Department of Defense
)

// Endpoints as in Microsoft's @microsoft/teams.api 2.1.0 (identity) and the
// Agents SDK's TeamsServiceEndpoints (connectors):
// https://microsoft.github.io/Agents-for-js/variables/_microsoft_agents-hosting.TeamsServiceEndpoints.html
var clouds = []Cloud{
	publicCloud(Public, "https://smba.trafficmanager.net/teams/"),
	publicCloud(GCC, "https://smba.infra.gcc.teams.microsoft.com/teams/", "smba.infra.gcc.teams.microsoft.com"),
	govCloud(USGov, "https://smba.infra.gov.teams.microsoft.us/teams/", "smba.infra.gov.teams.microsoft.us"),
	govCloud(USDoD, "https://smba.infra.dod.teams.microsoft.us/teams/", "smba.infra.dod.teams.microsoft.us"),
}

func publicCloud(name, service string, hosts ...string) Cloud {
	return Cloud{ //nolint:gosec // G101: addresses, no credentials
		Name:        name,
		Issuer:      "https://api.botframework.com",
		MetadataURL: "https://login.botframework.com/v1/.well-known/openidconfiguration",
		TokenURL:    "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
		Scope:       "https://api.botframework.com/.default",
		Hosts:       append([]string{"smba.trafficmanager.net", "*.botframework.com"}, hosts...),
		Service:     service,
	}
}

func govCloud(name, service, host string) Cloud {
	return Cloud{ //nolint:gosec // G101: addresses, no credentials
		Name:        name,
		Issuer:      "https://api.botframework.us",
		MetadataURL: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
		TokenURL:    "https://login.microsoftonline.us/{tenant}/oauth2/v2.0/token",
		Scope:       "https://api.botframework.us/.default",
		Hosts:       []string{host, "*.botframework.azure.us"},
		Service:     service,
	}
}

// CloudNamed finds a cloud by name; empty is the public one.
func CloudNamed(name string) (Cloud, error) {
	if name == "" {
		name = Public
	}
	names := make([]string, 0, len(clouds))
	for _, c := range clouds {
		if c.Name == name {
			c.Hosts = slices.Clone(c.Hosts)
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Cloud{}, fmt.Errorf("teams: cloud %q is not one of %s", name, strings.Join(names, ", "))
}

// At moves the identity addresses elsewhere; an empty one stays. It is how tests
// put a local issuer in the place of Microsoft's: there is no mode without
// verification.
func (c Cloud) At(metadataURL, tokenURL string) Cloud {
	if metadataURL != "" {
		c.MetadataURL = metadataURL
	}
	if tokenURL != "" {
		c.TokenURL = tokenURL
	}
	return c
}

// checkEndpoint accepts an https URL, or http on loopback for tests.
func checkEndpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("URL %q: %w", raw, err)
	case u.User != nil || u.Fragment != "" || u.Hostname() == "":
		return nil, fmt.Errorf("URL %q: want a plain https URL", raw)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u):
		return u, nil
	}
	return nil, fmt.Errorf("URL %q: only https, or http on loopback", raw)
}

func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// services is the allow-list of connector addresses. A service URL comes with
// every activity and is stored for weeks, and the bot's token is sent there, so
// it is checked at each use.
type services struct {
	hosts    []string
	loopback bool // only when the token issuer is on loopback too: then the token is worth nothing elsewhere
}

// parse checks a service URL and returns it without a trailing slash.
func (s services) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || strings.Contains(u.Path, "..") {
		return nil, fmt.Errorf("service URL %q: %w", raw, ErrService)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	if s.loopback && u.Scheme == "http" && isLoopback(u) {
		return u, nil
	}
	if u.Scheme != "https" || (u.Port() != "" && u.Port() != "443") || !s.allowed(u.Hostname()) {
		return nil, fmt.Errorf("service URL %q: %w", raw, ErrService)
	}
	return u, nil
}

func (s services) allowed(host string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(s.hosts, func(h string) bool {
		if parent, ok := strings.CutPrefix(h, "*."); ok {
			return strings.HasSuffix(host, "."+parent)
		}
		return host == h
	})
}
