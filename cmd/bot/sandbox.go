package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"neobot/neoapi"
	"neobot/neoapi/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	var addr, key string
	var control bool
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a Neo with invented data to any HTTP client",
		Long: `Serves every operation of Neo's public API on seeded data of an invented MSP. It
keeps state in memory and obeys the schemas, pages, rate limit and error rules of the
OpenAPI file.

With --control, /_sandbox/ takes orders without a key: POST fault, GET requests, GET
violations, POST reset. Only on a loopback address.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.sandbox(cmd.Context(), addr, key, control) },
	}
	cmd.Flags().StringVar(&addr, "listen", "127.0.0.1:8475", "address to listen on")
	cmd.Flags().StringVar(&key, "key", "", "API key that clients must send; a random one by default")
	cmd.Flags().BoolVar(&control, "control", false, "serve /_sandbox/, loopback only")
	return cmd
}

func (a *app) sandbox(ctx context.Context, addr, key string, control bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--listen %q is not host:port", addr)
	}
	if control && !isLoopback(host) {
		return fmt.Errorf("--control only on a loopback address, not %q: it takes no key", addr)
	}
	if key == "" {
		key = "neo_sk_sandbox_" + rand.Text()
	}
	log := a.logger(slog.LevelInfo)
	neo, err := sandbox.New(sandbox.Config{
		Now: a.now, Key: key, Seed: demoSeed, Document: neoapi.Document(), Control: control, Validate: control, Logger: log,
	})
	if err != nil {
		return err
	}
	l, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.out, "NEO_BASE_URL=http://%s\nNEO_API_KEY=%s\n", l.Addr(), key)
	return serveStreams(ctx, l, neo, log)
}
