package intents

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"neobot/cards"
	"neobot/neoapi"
)

// Limits of the escalation call.
const (
	maxSummary = 300
	maxDetails = 20000
	// maxFormDetails is what a Slack input takes: https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
	maxFormDetails = 3000
)

// planEscalate prepares a ticket for the Neo team. Nothing leaves before the
// person has seen and sent the form with exactly this text.
func planEscalate(_ context.Context, _ *Service, a *ask, in args) (outcome, error) {
	next := continuation{
		Intent: Intent{Name: intentSend, Args: args{"summary": escalationSummary(a, in), "details": a.excerpt(in), "run": in["run"]}},
		Owner:  a.who.Name, Form: true,
	}
	card := cards.Card{
		Title: "Escalate to the Neo team", Status: cards.StatusQuestion,
		Summary: "This would leave your company. Review it, change what you like, then send it.",
		Fields:  []cards.Field{{Name: "Summary", Value: next.Intent.Args["summary"]}},
		Body:    []cards.Block{{Heading: "Details", Code: next.Intent.Args["details"]}},
		Buttons: []cards.Button{{Label: "Review and send…", Action: cards.ActionForm, ID: a.offer(next), Style: cards.StylePrimary}},
		Footer:  []string{"What looks like a password or key has been removed. Nothing is sent yet."},
	}
	return outcome{card: card, private: true}, nil
}

func escalationSummary(a *ask, in args) string {
	about := in["about"]
	if about == "" {
		for i := len(a.history) - 1; i >= 0 && about == ""; i-- {
			about = a.history[i].Answer
		}
	}
	if about == "" {
		about = "Question from " + a.who.Name
	}
	return clip(redact(strings.Join(strings.Fields(about), " ")), maxSummary)
}

// excerpt is what the thread was about: who asks, the run, the last turns.
func (a *ask) excerpt(in args) string {
	var b strings.Builder
	b.WriteString("Reported by " + a.who.Name + " through neobot.\n")
	if in["run"] != "" {
		b.WriteString("Execution: " + in["run"] + "\n")
	}
	if in["about"] != "" {
		b.WriteString("\n" + in["about"] + "\n")
	}
	if len(a.history) > 0 {
		b.WriteString("\nFrom the conversation:\n")
	}
	for _, t := range a.history {
		b.WriteString("- " + t.At.In(a.zone).Format("15:04") + " asked: " + t.Text + "\n")
		if t.Answer != "" {
			b.WriteString("  answer: " + t.Answer + "\n")
		}
	}
	return clip(redact(b.String()), maxFormDetails)
}

// formOf is the dialog of a continuation: an escalation, or the arguments of an
// operation.
func (s *Service) formOf(_ *ask, next continuation) cards.Form {
	if next.Intent.Name == "call_operation" {
		op, _ := s.operation(next.Intent.Args["operation"])
		return cards.Form{Title: clip(op.Summary, 24), Submit: "Go on", Inputs: operationInputs(op)}
	}
	return cards.Form{
		Title: "Escalate to Neo", Submit: "Send to Neo",
		Intro: []cards.Block{{Text: "Exactly this text goes to the Neo team" + runNote(next) + ", with your name."}},
		Inputs: []cards.Input{
			{Name: "summary", Label: "Summary", Kind: cards.InputText, Value: next.Intent.Args["summary"], Max: maxSummary},
			{Name: "details", Label: "Details", Kind: cards.InputMultiline, Value: next.Intent.Args["details"], Max: maxFormDetails},
		},
	}
}

func runNote(next continuation) string {
	if run := next.Intent.Args["run"]; run != "" {
		return " and the number of run " + run
	}
	return ""
}

// planSendEscalation runs when the form was sent: the press is the requester's
// confirmation, and counts as the approval where the rule allows it.
func planSendEscalation(_ context.Context, _ *Service, a *ask, in args) (outcome, error) {
	if err := a.neo.Allowed("escalate_to_neo_team"); err != nil {
		return outcome{}, err
	}
	body := map[string]any{"summary": redact(clip(in["summary"], maxSummary)), "details": redact(clip(in["details"], maxDetails))}
	fields := []cards.Field{{Name: "Summary", Value: in["summary"]}}
	if run := in["run"]; run != "" {
		body["execution_id"] = run
		fields = append(fields, cards.Field{Name: "Run", Value: run})
	}
	if a.who.NeoUserID != "" {
		body["requester_user_id"] = a.who.NeoUserID
	}
	return outcome{proposal: &proposal{
		title: "Escalate to the Neo team", target: "Neo support (a new ticket)", fields: fields, confirmed: true,
		change: neoapi.Change{Op: "escalate_to_neo_team", Body: mustJSON(body)},
	}}, nil
}

// ticketHosts may be linked from the final card; other hosts are shown as text.
var ticketHosts = []string{"hubspot.com", "neoagent.io"}

// ticketResult shows the ticket Neo opened.
func ticketResult(data json.RawMessage, r *result) {
	var t struct {
		ID  neoapi.StringID `json:"ticket_id"`
		URL string          `json:"ticket_url"`
	}
	if json.Unmarshal(data, &t) != nil || t.ID == "" {
		return
	}
	r.Summary = "Ticket " + clip(string(t.ID), 60) + " is open with the Neo team."
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "https" {
		return
	}
	for _, host := range ticketHosts {
		if u.Host == host || strings.HasSuffix(u.Host, "."+host) {
			r.Links = []cards.Link{{Label: "Open the ticket", URL: t.URL}}
			return
		}
	}
	r.Summary += " See " + clip(t.URL, 200)
}
