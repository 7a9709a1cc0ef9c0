package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// app is what a command gets from the outside world. Tests hand in their own.
type app struct {
	in       io.Reader
	out, err io.Writer
	environ  func() []string
	now      func() time.Time
	terminal bool // stdin is a terminal: a person is typing
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ, now: time.Now,
		terminal: isatty.IsTerminal(os.Stdin.Fd()),
	}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// errSilent ends a command with exit code 1 after it has said everything itself.
var errSilent = errors.New("failed")

// run executes one command line and returns the exit code: 0 or 1. A fault is
// one line on stderr.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSilent):
	default:
		_, _ = fmt.Fprintln(a.err, "bot: "+oneLine(err.Error()))
	}
	return 1
}

// logger writes to stderr, one JSON object a line when nobody is watching.
func (a *app) logger(level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if a.terminal {
		return slog.New(slog.NewTextHandler(a.err, opts))
	}
	return slog.New(slog.NewJSONHandler(a.err, opts))
}

// oneLine keeps an error to one line of stderr, whatever it was joined from.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// built is the version given to the linker, where the build sees no repository.
var built string

// version is what the build says about itself: a tag, or a commit and its day.
func version() string {
	if built != "" {
		return built
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// root is the command tree. Every command checks its own flags and arguments;
// usage is only printed when asked for.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "bot",
		Short: "Ask, approve and escalate with Neo from Slack, Teams and the terminal",
		Long: `neobot is the chat front end to Neo's public API.

Try it without any account:   bot demo
Run it for your team:         bot serve      (bot check tells what is missing)`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	policy := root.PersistentFlags().String("config", "", "policy file; without it NEOBOT_CONFIG names it")
	root.PersistentPreRun = func(*cobra.Command, []string) { a.usePolicy(*policy) }
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.commands()...)
	return root
}

// usePolicy lets the flag win over the environment.
func (a *app) usePolicy(path string) {
	if path == "" {
		return
	}
	environ := a.environ
	a.environ = func() []string { return append(slices.Clone(environ()), "NEOBOT_CONFIG="+path) }
}
