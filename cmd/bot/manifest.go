package main

import (
	"errors"

	"github.com/spf13/cobra"

	"neobot/adapters/slack"
)

func (a *app) manifestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "App manifests for Slack and Teams, ready to install",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.manifestSlack(), a.manifestTeams())
	return cmd
}

func (a *app) manifestSlack() *cobra.Command {
	var base string
	var socket bool
	cmd := &cobra.Command{
		Use:   "slack --url https://bot.example.com",
		Short: "Print the Slack app manifest",
		Long: `Prints the manifest to paste at https://api.slack.com/apps, Create New App, From a manifest.

With --socket the app uses Socket Mode and needs no public address.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case socket && base != "":
				return errors.New("give --url or --socket, not both: with Socket Mode Slack calls no address")
			case !socket && base == "":
				return errors.New("--url is missing: the public https address of the bot (or use --socket)")
			}
			m, err := slack.Manifest(base, socket)
			if err != nil {
				return err
			}
			_, err = a.out.Write(append(m, '\n'))
			return err
		},
	}
	cmd.Flags().StringVar(&base, "url", "", "public https address of the bot, without a path")
	cmd.Flags().BoolVar(&socket, "socket", false, "use Socket Mode, no public address needed")
	return cmd
}
