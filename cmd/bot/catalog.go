package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"neobot/neoapi"
)

// catalogRow is one operation as `bot catalog --json` prints it.
type catalogRow struct {
	Operation  string        `json:"operation"`
	Method     string        `json:"method"`
	Path       string        `json:"path"`
	Summary    string        `json:"summary"`
	Group      neoapi.Group  `json:"group"`
	Access     neoapi.Access `json:"access"`
	Risk       neoapi.Risk   `json:"risk,omitempty"`
	Evidence   string        `json:"evidence"`
	Confidence string        `json:"confidence,omitempty"`
	Requires   string        `json:"requires,omitempty"`
}

func (a *app) catalogCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "catalog",
		Short: "List every Neo operation with its permission group, access and risk",
		Long: `Lists every operation of Neo's API that the bot knows.

GROUP is the name to use under permissions in the policy file. RISK sorts writes
for the approval rules. EVIDENCE says how sure we are that Neo offers the
operation like this: page = seen in Neo's documentation, otherwise the confidence
of an inference.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.printCatalog(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) printCatalog(asJSON bool) error {
	catalog, err := neoapi.Embedded()
	if err != nil {
		return err
	}
	var rows []catalogRow
	for _, op := range catalog.Operations() {
		rows = append(rows, catalogRow{
			Operation: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Group: op.Group, Access: op.Access,
			Risk: op.Risk, Evidence: op.Evidence, Confidence: op.Confidence, Requires: op.Requires,
		})
	}
	if asJSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(rows)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "GROUP\tACCESS\tRISK\tOPERATION\tMETHOD\tPATH\tEVIDENCE")
	for _, r := range rows {
		evidence := r.Evidence
		if r.Confidence != "" {
			evidence = r.Confidence
		}
		risk := string(r.Risk)
		if risk == "" {
			risk = "-"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Group, r.Access, risk, r.Operation, r.Method, r.Path, evidence)
	}
	return w.Flush()
}
