package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"neobot/adapters/teams"
)

func (a *app) manifestTeams() *cobra.Command {
	var m teams.ManifestConfig
	var out string
	cmd := &cobra.Command{
		Use:   "teams --website https://example.com/support",
		Short: "Write the Teams app package",
		Long: `Writes the app package (a zip of manifest and icons) to upload in the Teams admin
center, Teams apps, Manage apps, Upload new app. docs/teams.md has the whole way.

The app id is that of the bot registration: TEAMS_APP_ID, unless --app-id is given.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := readConfig(a.environ)
			if err != nil {
				return err
			}
			if m.AppID == "" {
				m.AppID = cfg.TeamsAppID
			}
			switch {
			case m.AppID == "":
				return errors.New("--app-id is missing: the application (client) id of the bot, also read from TEAMS_APP_ID")
			case m.Website == "":
				return errors.New("--website is missing: Microsoft asks for the https address of your support page")
			}
			return a.writeTeamsPackage(out, m)
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "neobot-teams.zip", "file to write")
	f.StringVar(&m.AppID, "app-id", "", "application (client) id of the bot registration")
	f.StringVar(&m.Name, "name", "", "name of the bot in Teams, at most 30 characters (default neobot)")
	f.StringVar(&m.Developer, "developer", "", "your company, shown as publisher")
	f.StringVar(&m.Website, "website", "", "https address of your support page")
	f.StringVar(&m.Privacy, "privacy", "", "https address of your privacy statement (default the website)")
	f.StringVar(&m.Terms, "terms", "", "https address of your terms of use (default the website)")
	f.StringVar(&m.Version, "app-version", "", "version of the package; raise it to install an update (default 1.0.0)")
	return cmd
}

func (a *app) writeTeamsPackage(path string, m teams.ManifestConfig) error {
	var pack bytes.Buffer // whole before the file is touched: a fault leaves the package of before
	if err := teams.WritePackage(&pack, m); err != nil {
		return err
	}
	if err := os.WriteFile(path, pack.Bytes(), 0o644); err != nil { //nolint:gosec // the file the person named, to be uploaded
		return fmt.Errorf("write package: %w", err)
	}
	_, err := fmt.Fprintf(a.out, "%s written. Upload it at https://admin.teams.microsoft.com, Teams apps, Manage apps, Upload new app.\n", path)
	return err
}
