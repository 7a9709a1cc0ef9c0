package intents

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"neobot/adapters"
	"neobot/cards"
	"neobot/neoapi"
)

const intentAskAccess = "ask_access"

// The three limits behind a permission, as places in the policy file.
const (
	limitDeployment = "installation"
	limitRole       = "role"
	limitChannel    = "conversation"
)

// limitInWay is the first of the three limits that is below need; empty when
// none is.
func (a *ask) limitInWay(g neoapi.Group, need neoapi.Level) string {
	switch {
	case a.limits.Deployment.Level(g) < need:
		return limitDeployment
	case a.limits.Role.Level(g) < need:
		return limitRole
	case a.limits.Channel.Level(g) < need:
		return limitChannel
	}
	return ""
}

// granter is the first admin, other than the asking person, who can be reached.
func (a *ask) granter() (*Person, adapters.Destination, bool) {
	for _, name := range a.policy.Admins() {
		p, ok := a.policy.Person(name)
		if !ok || p == a.who {
			continue
		}
		if to, ok := p.reach(a.workspace); ok {
			return p, to, true
		}
	}
	return nil, adapters.Destination{}, false
}

// offerAccess adds the one button that asks an admin for what is missing.
func (a *ask) offerAccess(card *cards.Card, e *neoapi.ScopeError) {
	admin, _, ok := a.granter()
	if !ok || e.Group == "" {
		return
	}
	card.Buttons = append(card.Buttons, cards.Button{
		Label: clip("Ask "+admin.Name, 75), Action: cards.ActionContinue, ID: a.offer(continuation{
			Owner:  a.who.Name,
			Intent: Intent{Name: intentAskAccess, Args: args{"group": string(e.Group), "level": e.Need.String(), "op": e.Op}},
		}),
	})
}

// planAskAccess sends the admin a card: who asks for what, where, and the lines
// that would grant it. The post's key holds person, group and day, so that it
// is one message a day however often the button is pressed.
func planAskAccess(ctx context.Context, s *Service, a *ask, in args) (outcome, error) {
	group := neoapi.Group(in["group"])
	level, err := neoapi.ParseLevel(in["level"])
	if err != nil || level == neoapi.Disabled {
		return outcome{}, no("This button has expired", "Ask again and I will give you a fresh one.")
	}
	if a.limitInWay(group, level) == "" {
		return outcome{card: cards.Card{Title: "You have it already", Status: cards.StatusDone, Summary: "Nothing is in the way any more: ask me again."}, private: true}, nil
	}
	admin, to, ok := a.granter()
	if !ok {
		return outcome{}, no("There is nobody to ask", "%s", askAdmin(a.policy))
	}
	key := "access:" + a.who.Name + ":" + string(group) + ":" + a.now.Format(time.DateOnly)
	if _, err := s.Poster.Post(ctx, key, to, a.accessCard(s, group, level, in["op"])); err != nil {
		s.Logger.WarnContext(ctx, "ask for access", "error", err, "person", a.who.Name, "group", string(group))
		return outcome{}, no("I could not reach "+admin.Name, "Try again in a minute, or write to %s yourself.", admin.Name)
	}
	return outcome{private: true, card: cards.Card{
		Title: admin.Name + " has your question", Status: cards.StatusDone,
		Summary: fmt.Sprintf("I asked for %s on %s, with the lines for the policy file. It takes effect as soon as they are there.", levelWords(level), groupWords(group)),
		Footer:  []string{"At most one message a day for each permission"},
	}}, nil
}

// accessCard is what the admin sees. The operation's summary is ours (from the
// embedded catalog); nothing the asking person typed is on the card.
func (a *ask) accessCard(s *Service, group neoapi.Group, level neoapi.Level, opID string) cards.Card {
	card := cards.Card{
		Title: a.who.Name + " asks for a permission", Status: cards.StatusQuestion,
		Summary: fmt.Sprintf("%s would like %s on %s. I grant nothing myself: it is your policy file.", a.who.Name, levelWords(level), groupWords(group)),
	}
	doing := ""
	if op, ok := s.operation(opID); ok {
		doing = op.Summary
	}
	where := "direct message"
	if a.conversation.Kind != adapters.Direct {
		where = string(a.workspace) + "/" + a.conversation.ID
	}
	card.Fields = append(fields("Wanted to", doing, "Where", where, "Roles", list(a.who.Roles, "and")), a.limitFields(group)...)
	card.Body = append(card.Body, a.grantLines(group, level)...)
	if len(a.who.Roles) > 0 {
		card.Footer = append(card.Footer, "A role's line counts for everybody with that role")
	}
	return card
}

// limitFields show the level of each of the three limits.
func (a *ask) limitFields(g neoapi.Group) []cards.Field {
	return fields(
		"Installation allows", levelWords(a.limits.Deployment.Level(g)),
		"Role allows", levelWords(a.limits.Role.Level(g)),
		"Conversation allows", levelWords(a.limits.Channel.Level(g)),
	)
}

// grantLines are the YAML lines of every limit that is in the way.
func (a *ask) grantLines(g neoapi.Group, need neoapi.Level) []cards.Block {
	line := "      " + string(g) + ": " + need.String()
	var out []cards.Block
	add := func(heading string, lines ...string) {
		out = append(out, cards.Block{Heading: heading, Code: strings.Join(lines, "\n")})
	}
	if a.limits.Deployment.Level(g) < need {
		add("For the whole installation", "permissions:", "  "+string(g)+": "+need.String())
	}
	if a.limits.Role.Level(g) < need {
		role := "<a role>"
		if len(a.who.Roles) > 0 {
			role = a.who.Roles[0]
		}
		add("For the role", "roles:", "  "+yamlKey(role)+":", "    permissions:", line)
	}
	if a.limits.Channel.Level(g) < need {
		match := a.policy.matchOf(a.workspace, a.conversation)
		heading := "For the conversation"
		if match == "*" {
			heading = "For every conversation without an entry of its own"
		}
		add(heading, "channels:", "  - match: "+yamlKey(match), "    permissions:", line)
	}
	return out
}

// matchOf is the entry of the policy file that counts for a conversation. A new
// entry is only proposed where there is none: it would take the place of "*"
// with everything that "*" allows.
func (p *Policy) matchOf(w adapters.Workspace, c adapters.Conversation) string {
	id, _, _ := strings.Cut(c.ID, ";messageid=")
	own := string(w) + "/" + id
	if _, ok := p.channels[own]; ok {
		return own
	}
	if c.Kind == adapters.Direct {
		return "direct"
	}
	if _, ok := p.channels["*"]; ok {
		return "*"
	}
	return own
}

// yamlKey quotes what could be read as something else.
func yamlKey(s string) string {
	return strconv.Quote(s) // its escapes are YAML's too
}

// whyNot answers "why can't I …?": the group, the level, which limit, who can
// change it. ok is false when it cannot tell what the person wants to do.
func (s *Service) whyNot(a *ask, why string) (outcome, bool) {
	op, ok := s.opMeant(a, why)
	if !ok {
		return outcome{}, false
	}
	need, _ := op.Access.Need()
	card := cards.Card{Title: "Why not? " + op.Summary, Fields: append(fields(
		"Permission", groupWords(op.Group), "Needed", levelWords(need), "You have", levelWords(a.limits.Scope().Level(op.Group)),
	), a.limitFields(op.Group)...)}
	if err := a.neo.Allowed(op.ID); err != nil {
		card.Status = cards.StatusRefused
		if card.Summary = a.scopeSentence(err); card.Summary == "" {
			card.Summary = s.words(err)
		}
		a.offerAccess(&card, &neoapi.ScopeError{Op: op.ID, Group: op.Group, Need: need})
		return outcome{card: card}, true
	}
	card.Title, card.Status, card.Summary = "You may: "+op.Summary, cards.StatusDone, "Nothing is in the way here; just ask me."
	if op.Access == neoapi.Write {
		card.Summary = "You may ask for it here, and it then needs an approval."
		if rule, ok := a.policy.Rule(op); ok && len(rule.Deciders(a.who.Name)) > 0 {
			card.Summary += " " + upperFirst(list(rule.Deciders(a.who.Name), "or")) + " can give it."
		} else {
			card.Summary = "You may ask for it, but the approval rules name nobody who could approve it. " + askAdmin(a.policy)
		}
	}
	return outcome{card: card}, true
}

// opMeant finds the operation a "why can't I" is about: the last question that
// was refused when nothing else is said, else the intent whose examples are
// most like the words, of those the one operation that is missing.
func (s *Service) opMeant(a *ask, why string) (neoapi.Operation, bool) {
	rest, asked := whyObject(why)
	if !asked {
		return neoapi.Operation{}, false
	}
	if rest != "" {
		spec, ok := s.specMeant(rest)
		if !ok {
			return neoapi.Operation{}, false
		}
		return s.missingOp(a, spec)
	}
	for i := len(a.history) - 1; i >= 0; i-- {
		if spec, ok := SpecByName(s.specs, a.history[i].Intent.Name); ok && spec.Name != "my_permissions" && spec.Name != intentHelp {
			return s.missingOp(a, spec)
		}
	}
	return neoapi.Operation{}, false
}

// missingOp is the first operation of an intent that the person may not use,
// or its main one when he may use all.
func (s *Service) missingOp(a *ask, spec Spec) (neoapi.Operation, bool) {
	var main neoapi.Operation
	for _, id := range spec.Ops {
		op, ok := s.operation(id)
		if !ok {
			continue
		}
		if main.ID == "" {
			main = op
		}
		if a.neo.Allowed(id) != nil {
			return op, true
		}
	}
	return main, main.ID != ""
}

// whyOpeners are taken off a "why can't I" from its front, the longest first.
var whyOpeners = []string{
	"why am i not allowed to", "why am i not able to", "why are we not allowed to", "why is it not possible to", "why can not i", "why may i not", "why can i not", "why can not we",
	"what do i need to", "who can let me", "i am not allowed to", "i can not", "am i allowed to", "can i", "may i", "why not", "why", "who can grant me", "who can grant",
}

// whyObject is what somebody wants to do, in plain words: "disable agents" of
// "why can't I disable agents?", empty when it is not said. asked is false for a
// text that is no such question at all.
func whyObject(why string) (object string, asked bool) {
	r := read(Question{Text: why})
	text := r.plain(0, len(r.toks))
	for changed := true; changed; {
		changed = false
		for _, o := range whyOpeners {
			if rest, ok := strings.CutPrefix(text, o); ok && (rest == "" || rest[0] == ' ') {
				text, changed, asked = strings.TrimSpace(rest), true, true
				break
			}
		}
	}
	switch text {
	case "do that", "do this", "that", "this", "it", "do it", "not":
		return "", asked
	}
	return text, asked && !strings.Contains(text, "permission")
}

// specMeant is the intent most like the words; false when none is near.
func (s *Service) specMeant(said string) (Spec, bool) {
	r := read(Question{Text: singular(said)})
	best, score := Spec{}, 4
	for _, spec := range s.specs {
		if len(spec.Ops) == 0 {
			continue
		}
		if n := r.likeness(spec); n > score {
			best, score = spec, n
		}
	}
	return best, best.Name != ""
}

// singular names one agent where people speak of agents in general, as the
// examples do.
func singular(said string) string {
	w := strings.Fields(said)
	for i := range w {
		switch w[i] {
		case "agents", "workflows", "bots", "automations":
			w[i] = "zzagent"
		}
	}
	return strings.Join(w, " ")
}
