package intents

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"neobot/cards"
)

// entry is a bound intent: its declaration and the function that plans it.
type entry struct {
	Spec
	plan planFunc
	// internal intents are reached by buttons only, never by a router.
	internal bool
	// private answers go to the asker only, whatever the conversation.
	private bool
}

// planFunc makes the reads of an intent and returns the card, or the change it
// would make. Arguments are resolved by the time it runs. Errors from Neo are
// turned into words by the caller.
type planFunc func(ctx context.Context, s *Service, a *ask, args args) (outcome, error)

// outcome of a plan: a card, or a proposal that becomes an approval request.
type outcome struct {
	card     cards.Card
	proposal *proposal
	private  bool
	refusal  string // code for the audit when the answer is a no
	track    string // approval the card is a copy of
	// found is what a read found, a row each: names, numbers and states that a
	// further part of the question may be about. Free text of Neo is never in it.
	found []map[string]string
	// about is the row an "it" means although there are several: the top of a ranking.
	about map[string]string
}

// Names of intents that code refers to.
const (
	intentReset     = "reset"
	intentHelp      = "help"
	intentListRuns  = "list_runs"
	intentExplain   = "explain_run"
	intentShowAgent = "show_agent"
	intentEnable    = "enable_agent"
	intentDisable   = "disable_agent"
	intentRun       = "run_agent"
	intentEscalate  = "escalate"
	intentUndo      = "undo"
	intentAgain     = "plan_again"
	intentReview    = "show_approval"
	intentSend      = "send_escalation"
	intentFollow    = "follow_run"
	intentDecide    = "decide_request"
)

// plans binds every intent of Specs to its plan. To add an intent: a Spec in
// catalog_specs.go, a line here, and a scenario.
var plans = map[string]planFunc{
	"list_agents":    planListAgents,
	intentShowAgent:  planShowAgent,
	intentEnable:     planSwitch("ENABLED"),
	intentDisable:    planSwitch("DISABLED"),
	"rename_agent":   planRename,
	intentRun:        planRunNow,
	intentListRuns:   planListRuns,
	intentExplain:    planExplainRun,
	"list_requests":  planListRequests,
	"credit_usage":   planCreditUsage,
	intentEscalate:   planEscalate,
	intentHelp:       planHelp,
	"my_permissions": planPermissions,
	intentReset:      planReset,
	"list_approvals": planListApprovals,
}

// buttonPlans are reached by buttons only.
var buttonPlans = map[string]planFunc{
	intentUndo:   planUndo,
	intentAgain:  planAgain,
	intentReview: planReview,
	intentSend:   planSendEscalation,
	intentFollow: planFollow,
	intentDecide: planDecide,

	intentAskAccess: planAskAccess,
}

// chapters are the intents beyond the core, each declared beside its plan. To
// add one: a row in its chapter, and a scenario.
func chapters() []entry {
	return slices.Concat(agentsChapter(), runsChapter(), chatChapter(), tenantChapter(), numbersChapter(), watchChapter(), anyChapter())
}

// bindCatalog joins declarations and plans, and fails when one lacks the other.
func bindCatalog() ([]Spec, map[string]entry, error) {
	specs := Specs()
	catalog := make(map[string]entry, len(specs)+len(buttonPlans))
	for _, spec := range specs {
		plan, ok := plans[spec.Name]
		if !ok {
			return nil, nil, fmt.Errorf("intents: %s has no plan", spec.Name)
		}
		catalog[spec.Name] = entry{Spec: spec, plan: plan}
	}
	for name := range plans {
		if _, ok := catalog[name]; !ok {
			return nil, nil, fmt.Errorf("intents: plan %s has no declaration", name)
		}
	}
	for _, e := range chapters() {
		if _, dup := catalog[e.Name]; dup {
			return nil, nil, fmt.Errorf("intents: %s is declared twice", e.Name)
		}
		catalog[e.Name] = e
		specs = append(specs, e.Spec)
	}
	for name, plan := range buttonPlans {
		catalog[name] = entry{Spec: Spec{Name: name}, plan: plan, internal: true}
	}
	return specs, catalog, nil
}

// Catalog lists every intent in the order of help; those that only buttons reach
// come last and have no more than a name. It is for documentation and tests.
func Catalog() ([]Spec, error) {
	specs, catalog, err := bindCatalog()
	for _, name := range slices.Sorted(maps.Keys(catalog)) {
		if catalog[name].internal {
			specs = append(specs, catalog[name].Spec)
		}
	}
	return specs, err
}
