package intents

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/approvals"
	"neobot/cards"
)

// Places in the record of continuations that every request gets when it is
// submitted: what the buttons on its final card mean.
const (
	nextUndo = iota
	nextAgain
	nextFollow
)

// nextButtons are the continuations of a request, in that order.
func nextButtons(id approvals.ID) []continuation {
	return []continuation{
		nextUndo:   {Intent: Intent{Name: intentUndo}, Approval: string(id)},
		nextAgain:  {Intent: Intent{Name: intentAgain}, Approval: string(id)},
		nextFollow: {Intent: Intent{Name: intentFollow}, Approval: string(id)},
	}
}

// approvalCard shows a request as it is. It is made from the record alone, so
// every copy, on every platform and at any time, says the same.
func (s *Service) approvalCard(rec approvals.Request, zone *time.Location) cards.Card {
	v, o, _, err := parse(rec)
	if err != nil {
		return refusedCard("This request cannot be read", "Its record does not fit its digest. Nothing will be done with it.")
	}
	var r result
	if len(rec.Result) > 0 {
		_ = json.Unmarshal(rec.Result, &r) // written by finish; an unreadable one shows as empty
	}
	now := s.Now().In(zone)
	card := cards.Card{
		Title: v.Title, Status: stateStatus[rec.State], TestMode: rec.TestMode,
		Summary: outcomeLine(rec, now),
		Fields:  approvalFields(rec, v, o, now),
		Changes: v.Changes,
		Footer:  approvalFooter(rec, r, now),
	}
	card.Fields = append(card.Fields, v.Fields...)
	if v.Warning != "" && !rec.State.Final() {
		card.Body = append(card.Body, cards.Block{Text: "Note: " + v.Warning})
	}
	if rec.TestMode || rec.State == approvals.Pending {
		card.Body = append(card.Body, cards.Block{Heading: "Exact call", Code: strings.TrimSpace(v.Call + "\n" + readable(v.Body))})
	}
	if rec.State == approvals.Done && len(r.Now) > 0 {
		card.Changes = r.Now
	}
	card.Links = r.Links
	card.Buttons = approvalButtons(rec, v, r)
	return card
}

// readable is a body as it is sent, on several lines when it is long: phones do
// not break a line without blanks.
func readable(body string) string {
	var out bytes.Buffer
	if len(body) < 50 || json.Indent(&out, []byte(body), "", "  ") != nil {
		return body
	}
	return out.String()
}

var stateStatus = map[approvals.State]cards.Status{
	approvals.Pending: cards.StatusPending, approvals.Approved: cards.StatusWorking, approvals.Executing: cards.StatusWorking,
	approvals.Rejected: cards.StatusRejected, approvals.Expired: cards.StatusExpired, approvals.Withdrawn: cards.StatusExpired,
	approvals.Done: cards.StatusDone, approvals.Failed: cards.StatusFailed, approvals.Unknown: cards.StatusUnknown,
}

// outcomeLine says in a sentence or two what happened, who did it and when.
func outcomeLine(rec approvals.Request, now time.Time) string {
	var r result
	if len(rec.Result) > 0 {
		_ = json.Unmarshal(rec.Result, &r)
	}
	by := decidedBy(rec, now)
	switch rec.State {
	case approvals.Pending:
		line := rec.Requester + " asks for this."
		if by != "" {
			line += " " + by
		}
		return line + " It needs " + plural(rec.Quorum, "approval") + "."
	case approvals.Approved, approvals.Executing:
		return by + " Neo is being told…"
	case approvals.Rejected:
		return by + " Nothing was changed."
	case approvals.Expired:
		return "Nobody decided in time: it expired " + stamp(rec.EndedAt, now) + ". Nothing was changed."
	case approvals.Withdrawn:
		return rec.Requester + " withdrew it " + stamp(rec.EndedAt, now) + ". Nothing was changed."
	case approvals.Done, approvals.Failed, approvals.Unknown:
		return strings.TrimSpace(by + " " + r.Summary)
	}
	return "This request is in a state this version does not know. Nothing will be done with it."
}

// decidedBy names everyone who decided, with the time of the last decision.
func decidedBy(rec approvals.Request, now time.Time) string {
	var yes, no []string
	var last approvals.Decision
	for _, d := range rec.Decisions {
		last = d
		if d.Choice == approvals.Approve {
			yes = append(yes, d.Person)
		} else {
			no = append(no, d.Person+": “"+d.Reason+"”")
		}
	}
	switch {
	case len(no) > 0:
		return "Rejected by " + strings.Join(no, ", ") + " on " + stamp(last.At, now) + "."
	case len(yes) > 0:
		return "Approved by " + list(yes, "and") + " on " + stamp(last.At, now) + "."
	}
	return ""
}

// stamp is an absolute time: a final card is read on later days too.
func stamp(t, now time.Time) string {
	if t.IsZero() {
		return "an unknown date"
	}
	return t.In(now.Location()).Format("Mon 2 Jan 15:04 MST")
}

func approvalFields(rec approvals.Request, v view, o origin, now time.Time) []cards.Field {
	fields := []cards.Field{
		{Name: "Target", Value: v.Target},
		{Name: "Asked by", Value: rec.Requester + ", " + stamp(rec.CreatedAt, now) + placeOf(rec, o)},
	}
	if rec.State == approvals.Pending {
		fields = append(fields,
			cards.Field{Name: "Can approve", Value: list(v.Approvers, "or")},
			cards.Field{Name: "Risk", Value: upperFirst(string(v.Risk))},
			cards.Field{Name: "Expires", Value: stamp(rec.ExpiresAt, now)},
		)
	}
	return fields
}

func placeOf(rec approvals.Request, o origin) string {
	place := adapters.Workspace(rec.Workspace).Platform()
	if o.Conversation.Kind == adapters.Direct {
		return ", direct message in " + upperFirst(string(place))
	}
	return ", in " + upperFirst(string(place))
}

func approvalFooter(rec approvals.Request, r result, now time.Time) []string {
	foot := []string{"Request " + string(rec.ID)[:min(8, len(rec.ID))]}
	if rec.State.Final() {
		foot = append(foot, "ended "+stamp(rec.EndedAt, now))
	}
	if r.RequestID != "" {
		foot = append(foot, "Neo request "+r.RequestID)
	}
	if r.Run != "" {
		foot = append(foot, "run "+r.Run)
	}
	return []string{strings.Join(foot, " · ")}
}

func approvalButtons(rec approvals.Request, v view, r result) []cards.Button {
	id := string(rec.ID)
	next := func(label string, n int) cards.Button {
		return cards.Button{Label: label, Action: cards.ActionContinue, ID: id + "_" + strconv.Itoa(n)}
	}
	switch rec.State {
	case approvals.Pending:
		return []cards.Button{
			{Label: "Approve", Action: cards.ActionApprove, ID: id, Style: cards.StylePrimary},
			{Label: "Reject", Action: cards.ActionReject, ID: id, Style: cards.StyleDanger},
			{Label: "Withdraw", Action: cards.ActionWithdraw, ID: id},
		}
	case approvals.Done:
		var buttons []cards.Button
		if r.Run != "" {
			buttons = append(buttons, next("How did it go?", nextFollow))
		}
		if len(v.Changes) > 0 && r.Code == "applied" {
			buttons = append(buttons, next("Undo", nextUndo))
		}
		return buttons
	case approvals.Failed, approvals.Expired, approvals.Unknown:
		if slices.Contains([]string{intentSend, intentUndo}, v.Intent.Name) {
			return nil // planned from a form or another request: ask for it anew
		}
		return []cards.Button{next("Plan again", nextAgain)}
	case approvals.Approved, approvals.Executing, approvals.Rejected, approvals.Withdrawn:
	}
	return nil
}
