package main

import "github.com/spf13/cobra"

// commands are all commands of the program, in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(),
		a.serveCommand(),
		a.askCommand(),
		a.chatCommand(),
		a.checkCommand(),
		a.catalogCommand(),
		a.auditCommand(),
		a.manifestCommand(),
		a.sandboxCommand(),
	}
}
