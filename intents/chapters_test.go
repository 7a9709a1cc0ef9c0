package intents

import (
	"testing"

	"neobot/neoapi"
)

// Every chapter intent is answered by the built-in router's plan and reaches
// Neo with calls that the OpenAPI file allows (the bench checks that).
func TestChaptersAnswer(t *testing.T) {
	t.Parallel()
	args := map[string]string{
		"agent": "Merge duplicates", "ticket": "48213", "template": "Onboard a Microsoft 365 user", "company": "Contoso",
		"integration": "ConnectWise", "skill": "Weekly open-ticket report", "session": "My printer is broken", "request": "918",
		"text": "Merge tickets of the same person within an hour.", "setting": "timezone", "value": "Europe/Berlin",
		"backfill": "bf-2003", "handover": "h-1", "operation": "get_tenant", "rate": "60", "days": "30", "name": "New agent",
	}
	for _, e := range chapters() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			in := Intent{Name: e.Name, Args: map[string]string{}}
			for _, arg := range e.Args {
				if v, ok := args[arg.Name]; ok {
					in.Args[arg.Name] = v
				}
			}
			b := newBench(t, scripted{"go": in})
			answer := b.says("sam", "go")
			t.Logf("%s %s | %s | %s", answer.Where, answer.Card.Status, answer.Card.Title, answer.Card.Summary)
			if answer.Card.Status == "failed" {
				t.Errorf("failed: %s", answer.Card.Summary)
			}
			b.wantWrites(0)
		})
	}
}

// Every operation that an intent declares exists in the catalog.
func TestDeclaredOperationsExist(t *testing.T) {
	t.Parallel()
	catalog, err := neoapi.Embedded()
	check(t, err)
	specs, _, err := bindCatalog()
	check(t, err)
	for _, spec := range specs {
		writes := false
		for _, id := range spec.Ops {
			op, ok := catalog.Operation(id)
			if !ok {
				t.Errorf("%s: no operation %s", spec.Name, id)
			}
			writes = writes || op.Access == neoapi.Write
		}
		if writes != spec.Write {
			t.Errorf("%s: Write is %v, its operations say %v", spec.Name, spec.Write, writes)
		}
	}
}
