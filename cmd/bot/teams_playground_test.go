package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"neobot/adapters/slack/slackfake"
)

// TestPlayground drives the running bot, authentication on, through Microsoft's
// Agents Playground, with Prism checking every request of the bot against
// Microsoft's Swagger of the connector.
func TestPlayground(t *testing.T) {
	w := newPlayground(t)
	for _, story := range []struct {
		name string
		run  func(*testing.T, *pgWorld)
	}{
		{"ask in all three scopes", pgAsk},
		{"approve as a second person, refuse the requester", pgApprove},
		{"everybody sees what he can press", pgViews},
		{"refuse guests and other tenants", pgRefuse},
		{"fifty clicks at once are one write", pgParallel},
		{"reject with a reason", pgReject},
		{"decide in Slack", pgCross},
		{"deliveries of foreign tenants", pgForeign},
		{"in the browser", pgBrowser},
	} {
		if !t.Run(story.name, func(t *testing.T) {
			w.t = t
			story.run(t, w)
		}) {
			break // the next story would stumble over what this one left behind
		}
	}
	w.t = t
	w.violations()
	for _, p := range append(w.slack.Problems(), w.neo.Violations()...) {
		t.Error(p)
	}
	if log := w.bot.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "panic") {
		t.Errorf("the bot complains:\n%s", lastLines(log, 40))
	}
}

// violations fails on every request of the bot that Prism found fault with. The
// Swagger is of 2019 and lacks one route, GET members/{id}.
func (w *pgWorld) violations() {
	w.t.Helper()
	log := w.prism.String()
	forwarded := strings.Count(log, "> Forwarding")
	looked := strings.Count(log, `Forwarding "get"`) - strings.Count(log, "/pagedmembers?")
	unknown := strings.Count(log, "Violation: request Selected route not found")
	if forwarded < 20 || unknown > looked {
		w.t.Errorf("Prism forwarded %d requests, knew no route for %d of them, %d were members/{id}", forwarded, unknown, looked)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "Violation: request") && !strings.Contains(line, "route not found") {
			w.t.Errorf("Prism: %s", line)
		}
	}
}

func pgAsk(_ *testing.T, w *pgWorld) {
	w.post("/_debug/conversation/"+pgPersonal+"/installation", map[string]any{})
	w.shows(pgPersonal, "Hello Alice")
	for _, conversation := range []string{pgPersonal, pgGroup, pgChannel} {
		before := len(w.in(conversation))
		w.say(conversation, "which agents are off?")
		eventually(w.t, "an answer in "+conversation, func() (bool, any) { return len(w.in(conversation)) > before, nil })
		w.shows(conversation, "1 agent off", "Stale ticket chaser", "[Show]")
	}
	if m := w.in(pgChannel)[0]; !strings.Contains(m.Conversation, ";messageid=") {
		w.t.Errorf("the answer in the channel is not in the thread of the question: %s", m.Conversation)
	}
}

// pgRequest has Alice ask for a change and returns its card.
func pgRequest(w *pgWorld, conversation, text string) pgMessage {
	w.t.Helper()
	before := len(w.in(conversation))
	w.say(conversation, text)
	eventually(w.t, "a card in "+conversation, func() (bool, any) { return len(w.in(conversation)) > before, nil })
	return w.shows(conversation, "Alice asks for this", "[Approve]", "[Reject]", "[Withdraw]")
}

func pgApprove(t *testing.T, w *pgWorld) {
	for _, conversation := range []string{pgGroup, pgChannel} {
		before := len(w.writes())
		state := map[string]string{pgGroup: "disable", pgChannel: "enable"}[conversation]
		card := pgRequest(w, conversation, state+" Merge duplicates")
		status, text, _ := w.press("29:alice", card, "Approve")
		if status != http.StatusOK || !strings.Contains(text, "You asked for it") {
			t.Fatalf("requester: %d %q", status, text)
		}
		if n := len(w.writes()); n != before {
			t.Fatalf("%d writes after the requester's own click", n-before)
		}
		status, text, mine := w.press("29:bob", card, "Approve")
		if status != http.StatusOK || !strings.Contains(cardWords(mine), "Approved by Bob") {
			t.Fatalf("approver: %d %q\n%s", status, text, cardWords(mine))
		}
		final := w.shows(conversation, "Approved by Bob", "Neo now shows the change")
		if final.ID != card.ID || findAction(final.Card, "Approve") != nil {
			t.Errorf("the card was not replaced for everybody:\n%s", cardWords(final.Card))
		}
		if got := w.writes(); len(got) != before+1 {
			t.Errorf("writes %v, want one more than %d", got, before)
		}
		// The old card is clickable for ever; it gets the record's answer.
		_, text, again := w.press("29:bob", card, "Approve")
		if !strings.Contains(text+cardWords(again), "Bob") || len(w.writes()) != before+1 {
			t.Errorf("late click: %q %s", text, cardWords(again))
		}
	}
}

// pgViews: clients ask for their person's card when they draw one. Nothing is
// decided by that, whatever the verb says.
func pgViews(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "disable License audit")
	refresh, _ := card.Card["refresh"].(map[string]any)
	action, _ := refresh["action"].(map[string]any)
	ids, _ := json.Marshal(refresh["userIds"])
	for _, user := range []string{"29:alice", "29:bob"} {
		if !strings.Contains(string(ids), `"`+user+`"`) {
			t.Fatalf("the card asks for a refresh of %s", ids)
		}
	}
	draw := func(user string, action map[string]any) string {
		t.Helper()
		status, out := w.deliver(user, card, map[string]any{"name": "adaptiveCard/action", "value": map[string]any{
			"action": map[string]any{"type": "Action.Execute", "verb": action["verb"], "data": action["data"]}, "trigger": "automatic",
		}})
		shown, _ := out["value"].(map[string]any)
		if status != http.StatusOK || shown == nil {
			t.Fatalf("%s draws the card: %d %v", user, status, out)
		}
		return cardWords(shown)
	}
	approve := findAction(card.Card, "Approve")
	for user, sees := range map[string][]string{
		"29:alice": {"[Withdraw]"}, "29:bob": {"[Approve]", "[Reject]"}, "29:carol": {},
	} {
		for _, a := range []map[string]any{action, approve} {
			words := draw(user, a)
			for _, label := range []string{"[Approve]", "[Reject]", "[Withdraw]"} {
				if strings.Contains(words, label) != slices.Contains(sees, label) {
					t.Errorf("%s sees\n%s", user, words)
				}
			}
		}
	}
	if n := len(w.writes()); n != before {
		t.Fatalf("%d writes by looking", n-before)
	}
	w.press("29:bob", card, "Approve")
	final := w.shows(pgGroup, "Approved by Bob", "Neo now shows the change")
	if final.Card["refresh"] != nil {
		t.Error("the final card still asks for a refresh")
	}
	for _, user := range []string{"29:alice", "29:bob", "29:carol"} { // a client that has not heard of the edit
		if words := draw(user, action); !strings.Contains(words, "Approved by Bob") || strings.Contains(words, "[Approve]") {
			t.Errorf("%s sees after the decision\n%s", user, words)
		}
	}
	if n := len(w.writes()); n != before+1 {
		t.Errorf("%d writes", n-before)
	}
}

func pgRefuse(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "disable Merge duplicates")
	for user, why := range map[string]string{"29:carol": "guest", "29:dave": "organisation", "29:erin": ""} {
		status, text, shown := w.press(user, card, "Approve")
		if status != http.StatusOK || text+cardWords(shown) == "" || strings.Contains(cardWords(shown), "Approved") {
			t.Errorf("%s (%s): %d %q %s", user, why, status, text, cardWords(shown))
		}
		if !strings.Contains(text, why) {
			t.Errorf("%s is not told why: %q", user, text)
		}
	}
	if n := len(w.writes()); n != before {
		t.Errorf("%d writes by people who may not", n-before)
	}
	w.press("29:alice", card, "Withdraw")
	w.shows(pgGroup, "Alice withdrew it")
}

func pgParallel(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "disable Merge duplicates")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			status, text, shown := w.press("29:bob", card, "Approve")
			if status != http.StatusOK || text == "" && shown == nil {
				t.Errorf("click: %d, nothing to see", status)
			}
		})
	}
	wg.Wait()
	w.shows(pgGroup, "Approved by Bob", "Neo now shows the change")
	if got := w.writes(); len(got) != before+1 {
		t.Errorf("fifty clicks made %d writes: %v", len(got)-before, got)
	}
}

func pgReject(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "enable Merge duplicates")
	data, _ := findAction(card.Card, "Reject")["data"].(map[string]any)
	invoke := func(name string, data map[string]any) (int, map[string]any) {
		return w.deliver("29:bob", card, map[string]any{"name": name, "value": map[string]any{"data": data}})
	}
	status, out := invoke("task/fetch", data)
	text, err := json.Marshal(out)
	if err != nil || status != http.StatusOK || !strings.Contains(string(text), `"in.reason"`) {
		t.Fatalf("dialog: %d %s", status, text)
	}
	task, _ := out["task"].(map[string]any)
	submit := findAction(task["value"], "Reject")
	filled, _ := submit["data"].(map[string]any)
	if filled == nil {
		t.Fatalf("dialog has no submit button: %s", text)
	}
	filled["in.reason"] = "not during the freeze"
	if status, out := invoke("task/submit", filled); status != http.StatusOK {
		t.Fatalf("submit: %d %v", status, out)
	}
	final := w.shows(pgGroup, "Rejected by Bob", "not during the freeze")
	if final.ID != card.ID || findAction(final.Card, "Approve") != nil || len(w.writes()) != before {
		t.Errorf("after the rejection: writes %d\n%s", len(w.writes())-before, cardWords(final.Card))
	}
}

// pgCross: the same request has a card on both platforms; Bob decides in Slack,
// and everybody in Teams sees it.
func pgCross(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "enable Merge duplicates")
	var slackCard slackfake.Message
	eventually(t, "the copy in Slack", func() (bool, any) {
		posts := w.slack.Posts("C0OPS")
		if len(posts) == 0 {
			return false, "no post"
		}
		slackCard = posts[len(posts)-1]
		return strings.Contains(slackfake.Text(slackCard.Blocks), "[Approve]"), slackfake.Text(slackCard.Blocks)
	})
	press := func(user string) {
		q, err := w.slack.Press(user, "C0OPS", slackCard.TS, "Approve")
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := w.slack.Send(t.Context(), w.bot.url, q); err != nil || status != http.StatusOK {
			t.Fatalf("click in Slack: %d %v", status, err)
		}
	}
	press("U0ALICE") // the requester is the same person on the other platform
	press("U0BOB")
	final := w.shows(pgGroup, "Approved by Bob", "Neo now shows the change")
	if final.ID != card.ID || len(w.writes()) != before+1 {
		t.Errorf("%d writes\n%s", len(w.writes())-before, cardWords(final.Card))
	}
	_, text, shown := w.press("29:bob", card, "Approve")
	if !strings.Contains(text+cardWords(shown), "Bob") || len(w.writes()) != before+1 {
		t.Errorf("click in Teams after the decision in Slack: %q %s", text, cardWords(shown))
	}
}

// pgForeign: activities made by hand and signed by the issuer, as a compromised
// or misconfigured tenant could send them.
func pgForeign(t *testing.T, w *pgWorld) {
	before := len(w.writes())
	card := pgRequest(w, pgGroup, "disable Merge duplicates")
	action := findAction(card.Card, "Approve")
	const other = "99999999-0000-0000-0000-000000000009"
	value := map[string]any{"action": map[string]any{"type": "Action.Execute", "verb": action["verb"], "data": action["data"]}}
	for _, tenants := range [][2]string{{other, other}, {other, pgTenant}, {pgTenant, other}, {"", ""}} {
		status, out := w.deliver("29:bob", card, map[string]any{
			"name": "adaptiveCard/action", "value": value,
			"conversation": map[string]any{"id": pgGroup, "conversationType": "groupChat", "tenantId": tenants[0]},
			"channelData":  map[string]any{"tenant": map[string]any{"id": tenants[1]}},
		})
		if text, _ := out["value"].(string); status != http.StatusOK || !strings.Contains(text, "does not serve your organisation") {
			t.Errorf("tenants %q: %d %v", tenants, status, out)
		}
	}
	// The playground's own way of sending any activity.
	w.post("/_internal/v1/customActivities", map[string]any{
		"type": "invoke", "name": "adaptiveCard/action", "channelId": "msteams", "id": "x1", "serviceUrl": w.service,
		"from": map[string]any{"id": "29:evil", "aadObjectId": "dead"}, "recipient": map[string]any{"id": "28:" + pgApp},
		"conversation": map[string]any{"id": "c", "tenantId": other}, "value": value,
	})
	if n := len(w.writes()); n != before {
		t.Errorf("%d writes by foreign tenants", n-before)
	}
	if !strings.Contains(w.bot.log.String(), "tenant that is not served") {
		t.Error("the bot did not notice")
	}
	w.press("29:alice", card, "Withdraw")
	w.shows(pgGroup, "Alice withdrew it")
}

// pgBrowser has Alice use the playground's client: type, press, look. With
// NEOBOT_PICTURE set to a file, the picture of the group chat is kept.
func pgBrowser(t *testing.T, w *pgWorld) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("chromium is not installed: deploy/test/setup.sh installs it")
	}
	cmd := exec.CommandContext(t.Context(), "node", pgScript(t, "teams", "browser.mjs"))
	cmd.Env = append(os.Environ(), "PLAYGROUND="+w.url, "CHROMIUM="+chromium, "PICTURE="+os.Getenv("NEOBOT_PICTURE"))
	var faults lockedBuffer
	cmd.Stderr = &faults
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Personal, Refused, Group string
		Faults                   []string
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "asked" {
			w.press("29:bob", w.shows(pgGroup, "Alice asks for this", "[Approve]"), "Approve")
		} else if err := json.Unmarshal(lines.Bytes(), &seen); err != nil {
			t.Error(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("browser: %v\n%s", err, &faults)
	}
	for where, want := range map[string][]string{
		seen.Personal: {"which agents are off?", " off", "Stale ticket chaser"},
		seen.Refused:  {"Alice asks for this", "You asked for it"},
		seen.Group:    {"Approved by Bob", "Neo now shows the change"},
	} {
		for _, text := range want {
			if !strings.Contains(where, text) {
				t.Errorf("the client does not show %q in\n%s", text, where)
			}
		}
	}
	if len(seen.Faults) > 0 {
		t.Errorf("errors in the page: %q", seen.Faults)
	}
}
