package teams

import (
	"archive/zip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// The icons of the app: 192 x 192 in colour, 32 x 32 white on transparent.
var (
	//go:embed icons/color.png
	iconColor []byte
	//go:embed icons/outline.png
	iconOutline []byte
)

// ManifestConfig says whose app it is. AppID and Website are needed.
type ManifestConfig struct {
	AppID     string // of the bot registration, a GUID; also the app's own id
	Name      string // short name, at most 30 characters; default "neobot"
	Version   string // of the package, default "1.0.0"; raise it to install an update
	Developer string // company shown as publisher, at most 32 characters; default "neobot"
	Website   string // https; support page of the company
	Privacy   string // https; default Website
	Terms     string // https; default Website
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// packageTime stands in the zip instead of the time of making it, so that the
// same input is the same file.
var packageTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// WritePackage writes the app package to upload in the Teams admin center: a
// zip of manifest and icons.
func WritePackage(w io.Writer, cfg ManifestConfig) error {
	manifest, err := Manifest(cfg)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name string
		data []byte
	}{{"manifest.json", manifest}, {"color.png", iconColor}, {"outline.png", iconOutline}} {
		e, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packageTime})
		if err != nil {
			return fmt.Errorf("teams package: %w", err)
		}
		if _, err := e.Write(f.data); err != nil {
			return fmt.Errorf("teams package: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("teams package: %w", err)
	}
	return nil
}

// appManifest is the part of Microsoft's schema the bot needs, version 1.25:
// https://learn.microsoft.com/microsoft-365/extensibility/schema/
type appManifest struct {
	Schema      string            `json:"$schema"`
	Manifest    string            `json:"manifestVersion"`
	Version     string            `json:"version"`
	ID          string            `json:"id"`
	Developer   developer         `json:"developer"`
	Name        map[string]string `json:"name"`
	Description map[string]string `json:"description"`
	Icons       map[string]string `json:"icons"`
	Accent      string            `json:"accentColor"`
	Bots        []manifestBot     `json:"bots"`
	// Private channels take the team's own people only. Shared channels are left
	// out: people of other companies are in them.
	ChannelTypes []string `json:"supportedChannelTypes"`
	Install      string   `json:"defaultInstallScope"`
	ValidDomains []string `json:"validDomains"`
}

type developer struct {
	Name    string `json:"name"`
	Website string `json:"websiteUrl"`
	Privacy string `json:"privacyUrl"`
	Terms   string `json:"termsOfUseUrl"`
}

type manifestBot struct {
	ID       string        `json:"botId"`
	Scopes   []string      `json:"scopes"`
	Files    bool          `json:"supportsFiles"`
	OneWay   bool          `json:"isNotificationOnly"`
	Commands []commandList `json:"commandLists"`
}

type commandList struct {
	Scopes   []string     `json:"scopes"`
	Commands []botCommand `json:"commands"`
}

type botCommand struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

// botCommands are offered while somebody writes to the bot.
var botCommands = []botCommand{
	{"agents", "Which agents there are, and which are on"},
	{"what failed today?", "Runs that failed today, and why"},
	{"approvals", "Changes that wait for an approval"},
	{"requests", "Technician requests that wait for a decision"},
	{"what may I do?", "Your permissions, and who can grant more"},
	{"escalate", "Hand a problem to the Neo team"},
	{"help", "Everything you can ask"},
}

// Manifest is the manifest.json of the package.
func Manifest(cfg ManifestConfig) ([]byte, error) {
	setDefaults(&cfg)
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("teams manifest: %w", err)
	}
	scopes := []string{"personal", "team", "groupChat"}
	m := appManifest{
		Schema:   "https://developer.microsoft.com/en-us/json-schemas/teams/v1.25/MicrosoftTeams.schema.json",
		Manifest: "1.25", Version: cfg.Version, ID: cfg.AppID,
		Developer: developer{cfg.Developer, cfg.Website, cfg.Privacy, cfg.Terms},
		Name:      map[string]string{"short": cfg.Name, "full": cfg.Name + " – Neo in chat"},
		Description: map[string]string{
			"short": "Ask about Neo's agents, approve changes and escalate, from chat.",
			"full": "Ask in plain words what Neo's agents did, why a run failed or what waits for a decision. " +
				"Changes become approval cards: nothing is changed before somebody entitled to it has approved. " +
				"Problems go to the Neo team with one click.",
		},
		Icons:  map[string]string{"color": "color.png", "outline": "outline.png"},
		Accent: "#1F6F5C",
		Bots: []manifestBot{{
			ID: cfg.AppID, Scopes: scopes, Commands: []commandList{{scopes, botCommands}},
		}},
		ChannelTypes: []string{"privateChannels"}, Install: "personal", ValidDomains: []string{},
	}
	out, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("teams manifest: %w", err)
	}
	return out, nil
}

func setDefaults(cfg *ManifestConfig) {
	for _, d := range []struct {
		v   *string
		def string
	}{
		{&cfg.Name, "neobot"},
		{&cfg.Version, "1.0.0"},
		{&cfg.Developer, "neobot"},
		{&cfg.Privacy, cfg.Website},
		{&cfg.Terms, cfg.Website},
	} {
		if *d.v == "" {
			*d.v = d.def
		}
	}
}

func (cfg ManifestConfig) check() error {
	var errs []error
	if !guid.MatchString(cfg.AppID) {
		errs = append(errs, fmt.Errorf("app id %q is not a GUID", cfg.AppID))
	}
	if n := len([]rune(cfg.Name)); n > 30 {
		errs = append(errs, fmt.Errorf("name has %d characters, at most 30 are allowed", n))
	}
	if n := len([]rune(cfg.Developer)); n > 32 {
		errs = append(errs, fmt.Errorf("developer has %d characters, at most 32 are allowed", n))
	}
	if parts := strings.Split(cfg.Version, "."); len(parts) != 3 {
		errs = append(errs, fmt.Errorf("version %q is not like 1.0.0", cfg.Version))
	}
	for name, raw := range map[string]string{"website": cfg.Website, "privacy page": cfg.Privacy, "terms of use": cfg.Terms} {
		if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("%s %q is not an https URL", name, raw))
		}
	}
	return errors.Join(errs...)
}
