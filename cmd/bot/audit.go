package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"neobot/adapters"
	"neobot/approvals"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Export the audit trail, or check that nobody has touched it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.auditExport(), a.auditVerify())
	return cmd
}

func (a *app) auditExport() *cobra.Command {
	var workspace, since string
	cmd := &cobra.Command{
		Use:   "export --workspace slack:T0123ABCD",
		Short: "Write the records as JSON lines",
		Long: `Writes the audit records of one workspace from Redis (REDIS_URL) to stdout, one JSON
object a line, oldest first, exactly as they are stored, and a closing line. Check
such a file with: bot audit verify --file`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := a.sinceTime(since)
			if err != nil {
				return err
			}
			return a.export(cmd.Context(), workspace, from)
		},
	}
	cmd.Flags().StringVar(&workspace, "workspace", "", "workspace as in the policy file, e.g. slack:T0123ABCD (required)")
	cmd.Flags().StringVar(&since, "since", "", "from when on: a date (2026-11-20), a time (RFC 3339) or an age (72h); default all")
	_ = cmd.MarkFlagRequired("workspace") // fails only for a flag that is not there
	return cmd
}

// export writes the records; that there are none is said, because a misspelled
// workspace looks just like that.
func (a *app) export(ctx context.Context, workspace string, from time.Time) error {
	if err := workspaceFault(workspace); err != nil {
		return err
	}
	return a.withAudit(func(trail *approvals.Audit) error {
		lines := lineCount{to: a.out}
		err := trail.Export(ctx, workspace, &lines, from)
		if err == nil && lines.n <= 1 { // the closing line
			_, _ = fmt.Fprintf(a.err, "bot: no records of %s; is it spelled as in the policy file?\n", workspace)
		}
		return err
	})
}

// workspaceFault refuses what cannot be a workspace.
func workspaceFault(name string) error {
	w := adapters.Workspace(name)
	if slices.Contains([]adapters.Platform{adapters.Slack, adapters.Teams, adapters.Console}, w.Platform()) && w.ID() != "" {
		return nil
	}
	return fmt.Errorf("--workspace %q is none; write it as in the policy file, e.g. slack:T0123ABCD", name)
}

// lineCount counts the lines on their way.
type lineCount struct {
	to io.Writer
	n  int
}

func (c *lineCount) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte{'\n'})
	return c.to.Write(p)
}

// sinceTime reads --since; empty is the beginning.
func (a *app) sinceTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return a.now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q is not a date (2026-11-20), a time (RFC 3339) or an age (72h)", s)
}

func (a *app) auditVerify() *cobra.Command {
	var workspace, file, head string
	var stored bool
	cmd := &cobra.Command{
		Use:   "verify [--file export.jsonl | --redis] [--workspace slack:T0123ABCD]",
		Short: "Find an altered, missing or reordered record",
		Long: `Recomputes the hash chain of an export (--file, - for stdin) or of the trail in Redis
(--redis, the default; REDIS_URL). Without --workspace it checks every workspace of
the policy file.

It prints the hash of the last record. Keep that somewhere else: with --head it proves
later that the trail was not rewritten as a whole. Exit code 1 when something is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case file != "" && (stored || workspace != ""):
				return errors.New("--file stands alone: the file says which workspace it is of")
			case file != "":
				return a.verifyFile(file, head)
			case head != "" && workspace == "":
				return errors.New("--head needs --workspace: each workspace has its own chain")
			case workspace != "" && workspaceFault(workspace) != nil:
				return workspaceFault(workspace)
			}
			return a.verifyStored(cmd.Context(), workspace, head)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "an export to check, - for stdin")
	cmd.Flags().BoolVar(&stored, "redis", false, "check the trail where it is stored (default)")
	cmd.Flags().StringVar(&workspace, "workspace", "", "one workspace only")
	cmd.Flags().StringVar(&head, "head", "", "hash of an earlier check, which must still be in the chain")
	return cmd
}

func (a *app) verifyFile(path, head string) error {
	in := a.in
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	report, err := approvals.Verify(in, head)
	return a.verdict(report, err)
}

func (a *app) verifyStored(ctx context.Context, workspace, head string) error {
	all := []string{workspace}
	if workspace == "" {
		var err error
		if all, err = a.policyWorkspaces(); err != nil {
			return err
		}
	}
	return a.withAudit(func(trail *approvals.Audit) error {
		var faults []error
		for _, w := range all {
			report, err := trail.VerifyStream(ctx, w, head)
			faults = append(faults, a.verdict(report, err))
		}
		return errors.Join(faults...)
	})
}

func (a *app) policyWorkspaces() ([]string, error) {
	cfg, err := readConfig(a.environ)
	if err != nil {
		return nil, err
	}
	if cfg.PolicyPath == "" {
		return nil, errors.New("give --workspace, or set NEOBOT_CONFIG to check every workspace of the policy file")
	}
	policy, err := readPolicy(cfg.PolicyPath)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, w := range policy.Workspaces() {
		all = append(all, string(w))
	}
	slices.Sort(all)
	return all, nil
}

// verdict prints what a verification found; a bad chain is an error.
func (a *app) verdict(r approvals.Report, err error) error {
	switch {
	case errors.Is(err, approvals.ErrTampered):
		return fmt.Errorf("audit of %s is NOT intact from record %d on: %s", orUnknown(r.Workspace), r.BadSeq, r.Reason)
	case err != nil:
		return err
	case r.Records == 0:
		_, _ = fmt.Fprintf(a.out, "%s: no records\n", orUnknown(r.Workspace))
		return nil
	}
	_, _ = fmt.Fprintf(a.out, "%s: intact, records %d to %d, %s to %s\nhead %s\n", orUnknown(r.Workspace), r.First, r.Last,
		r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339), r.Head)
	return nil
}

func orUnknown(s string) string {
	if s == "" {
		return "the file"
	}
	return s
}

// withAudit opens the trail in Redis.
func (a *app) withAudit(use func(*approvals.Audit) error) error {
	cfg, err := readConfig(a.environ)
	if err != nil {
		return err
	}
	if err := cfg.check(needRedis); err != nil {
		return err
	}
	rdb, err := openRedis(cfg.RedisURL)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	trail, err := approvals.NewAudit(approvals.AuditConfig{Redis: rdb, Prefix: keyPrefix, Now: a.now})
	if err != nil {
		return err
	}
	return errors.Join(use(trail), trail.Close())
}
