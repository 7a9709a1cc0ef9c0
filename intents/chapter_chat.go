package intents

import (
	"context"
	"slices"
	"strings"

	"neobot/cards"
	"neobot/neoapi"
)

// chatChapter is technician requests with their decision, chat sessions and
// handovers.
func chatChapter() []entry {
	theRequest := Arg{Name: "request", Kind: ArgRequest, Help: "number of the technician request", Required: true}
	return []entry{
		{Spec: Spec{
			Name: "show_request", Summary: "Show a technician request: what is wanted, for whom, and who may decide.", Args: []Arg{theRequest},
			Ops: []string{"list_til_requests"}, Examples: []string{"show request <request>", "what does request <request> want?"},
		}, plan: planShowRequest},
		{Spec: Spec{
			Name: "chat_sessions", Summary: "List Neo's chat sessions.", Args: []Arg{aWhen}, Ops: []string{"list_chat_sessions"},
			Examples: []string{"show the chat sessions", "chats today"},
		}, plan: sessionList.plan, private: true},
		{Spec: Spec{
			Name: "chat_session", Summary: "Read a chat session (privately).", Args: []Arg{{Name: "session", Kind: ArgText, Help: "title of the session", Required: true}},
			Ops: []string{"list_chat_sessions", "get_chat_session", "list_chat_messages"}, Examples: []string{"read the chat about <session>", "show chat session <session>"},
		}, plan: planSession, private: true},
		{Spec: Spec{
			Name: "accept_handover", Summary: "Take over a customer's chat from Neo (needs approval where the rules say so).", Write: true,
			Args: []Arg{{Name: "handover", Kind: ArgText, Help: "id of the handover request", Required: true}}, Ops: []string{"accept_handover_request"},
			Examples: []string{"take over the customer chat <handover>"},
		}, plan: planHandover},
	}
}

// findRequest reads a technician request. The single read is an inferred
// operation, so the list is used, which is documented.
func (a *ask) findRequest(ctx context.Context, number string) (neoapi.TilRequest, error) {
	number = strings.TrimPrefix(strings.TrimSpace(number), "#")
	all, _, err := a.neo.Fresh().ListTilRequests(ctx, neoapi.TilFilter{Limit: 1000})
	if err != nil {
		return neoapi.TilRequest{}, err
	}
	for _, r := range all {
		if string(r.ID) == number {
			return r, nil
		}
	}
	return neoapi.TilRequest{}, no("There is no such request", "Neo lists no technician request number %s.", clip(number, 20))
}

func planShowRequest(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	r, err := a.findRequest(ctx, in["request"])
	if err != nil {
		return outcome{}, err
	}
	return outcome{card: a.requestCard(r)}, nil
}

func (a *ask) requestCard(r neoapi.TilRequest) cards.Card {
	item := requestItem(a, r)
	card := cards.Card{Title: "Technician request " + string(r.ID), Status: item.Status, Fields: fields(
		"Agent", r.AgentName, "Ticket", string(r.TicketNumber), "Asked", a.clock(r.CreatedAt.Time), "Can decide", approverNames(r),
	)}
	card.Summary = orNone(requestText(r), "Neo does not say what it wants.")
	if why := textField(r.RequestedFor, "reason"); why != "" {
		card.Fields = append(card.Fields, cards.Field{Name: "Reason", Value: oneLine(why, 200)})
	}
	if company := textField(r.RequestedFor, "company"); company != "" {
		card.Fields = append(card.Fields, cards.Field{Name: "Company", Value: oneLine(company, 100)})
	}
	if !isOpen(r) {
		card.Fields = append(card.Fields, cards.Field{Name: "Decided by", Value: parts(orNone(r.DecidedBy.Name, "somebody"), a.when(r.UpdatedAt.Time))})
		return card
	}
	for _, d := range []struct{ label, action string }{{"Approve", "approve"}, {"Reject", "reject"}} {
		style := cards.StylePrimary
		if d.action == "reject" {
			style = cards.StyleDanger
		}
		card.Buttons = append(card.Buttons, cards.Button{Label: d.label, Action: cards.ActionContinue, Style: style, ID: a.offer(continuation{
			Intent: Intent{Name: intentDecide, Args: args{"request": string(r.ID), "decision": d.action, "seen": requestDigest(r)}},
		})})
	}
	card.Footer = append(card.Footer, "Only the people named can decide it here.")
	return card
}

func approverNames(r neoapi.TilRequest) string {
	var names []string
	for _, p := range r.Approvers {
		names = append(names, orNone(p.Name, string(p.ID)))
	}
	return list(names, "or")
}

// requestDigest pins what a person saw when he pressed.
func requestDigest(r neoapi.TilRequest) string {
	return (neoapi.Change{Op: "decide_til_request", Path: map[string]string{"request_id": string(r.ID)}, Body: r.RequestedFor}).Digest()[:16]
}

// planDecide decides a technician request of Neo with one click. Neo's own list
// of approvers is checked here, since a tenant key may decide for anybody, and
// the note names the person. The click is the decision: where the rule lets
// people decide for themselves nobody else is asked.
func planDecide(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	if err := a.neo.Allowed("decide_til_request"); err != nil {
		return outcome{}, err
	}
	r, err := a.findRequest(ctx, in["request"])
	if err != nil {
		return outcome{}, err
	}
	if !isOpen(r) {
		return outcome{}, no("Already decided", "%s decided it %s.", orNone(r.DecidedBy.Name, "Somebody"), a.clock(r.UpdatedAt.Time))
	}
	if !asks(r, a.who) {
		return outcome{}, no("You cannot decide this", "Neo asks %s.", orNone(approverNames(r), "nobody"))
	}
	if in["seen"] != requestDigest(r) {
		return outcome{}, no("It has changed", "The request is not what you saw. Ask for it again: show request %s.", string(r.ID))
	}
	body := map[string]string{"action": in["decision"], "note": "Decided by " + a.who.Name + " through neobot (" + string(a.workspace.Platform()) + ")"}
	return outcome{proposal: &proposal{
		title: upperFirst(in["decision"]) + " technician request " + string(r.ID), target: parts(requestText(r), r.AgentName),
		change:    neoapi.Change{Op: "decide_til_request", Path: map[string]string{"request_id": string(r.ID)}, Body: mustJSON(body)},
		fields:    fields("Ticket", string(r.TicketNumber)),
		confirmed: true,
	}}, nil
}

// requestMoved compares a technician request with what the person saw when he
// pressed, and asks once more whether Neo still names him. One that cannot be
// read counts as moved.
func (s *Service) requestMoved(ctx context.Context, j job) *result {
	zone := s.timezone(ctx)
	a := &ask{neo: j.session, zone: zone, now: s.Now().In(zone)}
	r, err := a.findRequest(ctx, j.change.Path["request_id"])
	if err != nil {
		return &result{Code: "stale", Summary: "Neo could not show the request as it is now, so nothing was sent."}
	}
	if !isOpen(r) {
		return &result{Code: "stale", Summary: "It is decided already: " + orNone(r.DecidedBy.Name, "somebody") + " was first. Nothing was sent."}
	}
	if who, ok := s.Policy().Person(j.rec.Requester); !ok || !asks(r, who) {
		return &result{Code: "denied", Summary: "Neo does not ask " + j.rec.Requester + " any more. Nothing was sent."}
	}
	if j.view.Intent.Args["seen"] != requestDigest(r) {
		return &result{Code: "stale", Summary: "The request is not what was seen any more, so nothing was sent. Show it again."}
	}
	return nil
}

// asks reports whether Neo names this person as one who decides.
func asks(r neoapi.TilRequest, who *Person) bool {
	return who.NeoUserID != "" && slices.ContainsFunc(r.Approvers, func(p neoapi.TilApprover) bool { return string(p.ID) == who.NeoUserID })
}

// speaker is who wrote a message of a chat session.
func speaker(session, m object) string {
	if name := m.text("author_name", "user_name", "sender"); name != "" {
		return name
	}
	switch role := m.text("role"); role {
	case "assistant":
		return "Neo"
	case "user":
		return orNone(session.text("user_name"), "the user")
	default:
		return orNone(role, "somebody")
	}
}

var sessionList = listing{
	op: "list_chat_sessions", title: "Chat sessions", noun: "session",
	keep: func(a *ask, in args, o object) bool { return inSpan(a, in, o.at("updated_at", "created_at")) },
	row: func(a *ask, o object) cards.Item {
		return cards.Item{Title: oneLine(o.text("title", "id"), 120), Detail: parts(o.text("user_name"), strings.ToLower(o.text("channel")), a.when(o.at("updated_at", "created_at")))}
	},
}

var sessionNames = nameList{op: "list_chat_sessions", noun: "chat session", name: []string{"title", "id"}, id: "id"}

func planSession(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	found, err := s.named(ctx, a, sessionNames, "session")
	if err != nil {
		return outcome{}, err
	}
	id := path("session_id", found.text("id"))
	session, err := a.object(ctx, "get_chat_session", id)
	if err != nil {
		return outcome{}, err
	}
	messages, more, err := a.objects(ctx, "list_chat_messages", id, 40)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: oneLine(session.text("title", "id"), 140), Summary: plural(len(messages), "message") + prefixed(" with ", session.text("user_name")) + "."}
	items := make([]cards.Item, len(messages))
	for i, m := range messages {
		items[i] = cards.Item{
			Title:  parts(speaker(session, m), a.when(m.at("created_at"))),
			Detail: oneLine(m.text("content", "text", "message"), 400),
		}
	}
	a.page(&card, items, nil)
	if more {
		card.Footer = append(card.Footer, "Only the first 40 messages were read.")
	}
	return outcome{card: card, private: true}, nil
}

// planHandover accepts a Neo Pulse handover. Neo wants the technician's Entra
// object id, which only the policy knows.
func planHandover(_ context.Context, _ *Service, a *ask, in args) (outcome, error) {
	tenant, id, ok := a.who.entra()
	if !ok {
		return outcome{}, no("I do not know your Teams account", "A handover needs your Entra id, and the policy file has none for you. %s", askAdmin(a.policy))
	}
	return outcome{proposal: &proposal{
		title: "Take over a customer chat", target: "handover " + clip(in["handover"], 60),
		change: neoapi.Change{
			Op: "accept_handover_request", Path: map[string]string{"request_id": in["handover"]},
			Body: mustJSON(map[string]string{"technician_aad_id": id, "technician_name": a.who.Name, "technician_tenant_id": tenant}),
		},
		warning: "The customer is told that " + a.who.Name + " takes over.",
	}}, nil
}
