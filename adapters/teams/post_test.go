package teams

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/teams/teamsfake"
	"neobot/cards"
)

func to(conversation, thread, user string) adapters.Destination {
	return adapters.Destination{Workspace: home, Conversation: conversation, Thread: thread, User: user}
}

var hello = cards.Card{Title: "Hello", Summary: "there"}

// TestProactive: to a channel and to people nobody has heard from, by the
// tenant's address.
func TestProactive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(bob, group, "hi") // the tenant's address is known now
	r.nth(group, 1)
	ref, err := r.Post(t.Context(), "k", to(channel, "", ""), hello)
	if err != nil {
		t.Fatal(err)
	}
	want := adapters.Ref{Workspace: home, Conversation: channel, Thread: ref.Message, Message: ref.Message}
	if diff := cmp.Diff(want, ref); diff != "" || ref.Message == "" {
		t.Error(diff)
	}
	if err := r.Update(t.Context(), ref, cards.Card{Title: "Changed"}); err != nil {
		t.Fatal(err)
	}
	if m := r.fake.Messages(channel); len(m) != 1 || m[0].Edits != 1 || !strings.Contains(cardText(m[0].Card), "Changed") {
		t.Errorf("channel: %+v", m)
	}
	// Alice by object id (never heard of), Bob by what his message told.
	for user, chat := range map[string]string{aliceID: personal, bobID: bobChat} {
		for range 2 {
			ref, err := r.Post(t.Context(), "k", to("", "", user), hello)
			if err != nil || ref.Conversation != chat {
				t.Errorf("%s: %+v, %v", user, ref, err)
			}
		}
		if n := len(r.fake.Messages(chat)); n != 2 {
			t.Errorf("%d messages in %s", n, chat)
		}
	}
	created := 0
	for _, c := range r.fake.Calls() {
		if c == "POST conversations" {
			created++
		}
	}
	if created != 2 {
		t.Errorf("%d conversations opened, want one per person", created)
	}
}

// TestPostRefusals: final refusals are told apart from ones to try again.
func TestPostRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(alice, group, "hi")
	m := r.nth(group, 1)
	ref := adapters.Ref{Workspace: home, Conversation: group, Message: m.ID}
	other := adapters.Workspace("teams:ffffffff-0000-0000-0000-000000000002")
	post := func(d adapters.Destination) error { _, err := r.Post(t.Context(), "", d, hello); return err }
	for name, tc := range map[string]struct {
		err  error
		gone bool
	}{
		"ok":               {post(to(group, "", "")), false},
		"unknown channel":  {post(to("19:nowhere@thread.tacv2", "", "")), true},
		"unknown person":   {post(to("", "", "00000000-0000-0000-0000-00000000dead")), true},
		"foreign person":   {post(to("", "", "00000000-0000-0000-0000-0000000000d1")), true},
		"nobody":           {post(to("", "", "")), true},
		"other workspace":  {post(adapters.Destination{Workspace: other, Conversation: group}), true},
		"slack workspace":  {post(adapters.Destination{Workspace: "slack:T1", Conversation: group}), true},
		"update nothing":   {r.Update(t.Context(), adapters.Ref{Workspace: home, Conversation: group}, hello), true},
		"update elsewhere": {r.Update(t.Context(), adapters.Ref{Workspace: other, Conversation: group, Message: m.ID}, hello), true},
		"update unknown":   {r.Update(t.Context(), adapters.Ref{Workspace: home, Conversation: group, Message: "9"}, hello), true},
	} {
		if (tc.err != nil) != tc.gone || errors.Is(tc.err, adapters.ErrGone) != tc.gone {
			t.Errorf("%s: %v, want gone %v", name, tc.err, tc.gone)
		}
	}
	r.fake.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	if err := r.Update(t.Context(), ref, hello); err == nil || errors.Is(err, adapters.ErrGone) {
		t.Errorf("server fault: %v must be tried again", err)
	}
	r.fake.Fault = nil
	r.fake.RemoveBot(group)
	if err := r.Update(t.Context(), ref, hello); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("bot removed: %v", err)
	}
	r.fake.DropTokens()
	if _, err := r.Post(t.Context(), "", to("", "", aliceID), hello); err != nil {
		t.Errorf("revoked token is not replaced: %v", err)
	}
}

// TestWhisper: alone, and never the content in front of others.
func TestWhisper(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(alice, group, "hi")
	r.nth(group, 1)
	secret := cards.Card{Title: "Secret"}
	if err := r.Whisper(t.Context(), to(group, "", aliceID), secret); err != nil {
		t.Fatal(err)
	}
	if m := r.nth(personal, 1); !strings.Contains(cardText(m.Card), "Secret") {
		t.Errorf("private: %+v", m)
	}
	// A person the bot cannot reach alone is told to install it.
	if err := r.Whisper(t.Context(), to(group, "", "00000000-0000-0000-0000-0000000000d1"), secret); err != nil {
		t.Fatal(err)
	}
	m := r.nth(group, 2)
	if strings.Contains(cardText(m.Card), "Secret") || !strings.Contains(cardText(m.Card), "Install me") {
		t.Errorf("pointer: %q", cardText(m.Card))
	}
	if err := r.Whisper(t.Context(), to("", "", "00000000-0000-0000-0000-0000000000d1"), secret); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("no way at all: %v", err)
	}
	if err := r.Whisper(t.Context(), to(group, "", ""), secret); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("nobody: %v", err)
	}
	if err := r.Home(t.Context(), home, aliceID, cards.Card{Title: "Home page"}); err != nil {
		t.Fatal(err)
	}
	if m := r.nth(personal, 2); !strings.Contains(cardText(m.Card), "Home page") {
		t.Errorf("home: %+v", m)
	}
	if _, ok, err := r.Find(t.Context(), "k", to(group, "", "")); ok || !errors.Is(err, adapters.ErrCannotTell) {
		t.Errorf("find: %v %v", ok, err)
	}
}

// TestAILabel is on what a model wrote, on posts and edits, and on nothing else.
func TestAILabel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(alice, personal, "hi")
	plain := r.nth(personal, 1)
	if plain.Activity["entities"] != nil || plain.Activity["channelData"] != nil {
		t.Errorf("label on a plain card: %v", plain.Activity)
	}
	written := cards.Card{Title: "Summary", AIGenerated: true}
	ref, err := r.Post(t.Context(), "", to(personal, "", ""), written)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), ref, written); err != nil {
		t.Fatal(err)
	}
	m := r.nth(personal, 2)
	want := []any{map[string]any{
		"type": "https://schema.org/Message", "@type": "Message", "@context": "https://schema.org",
		"additionalType": []any{"AIGeneratedContent"},
	}}
	if diff := cmp.Diff(want, m.Activity["entities"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"feedbackLoop": map[string]any{"type": "default"}}, m.Activity["channelData"]); diff != "" {
		t.Error(diff)
	}
}

// TestReferencesMove: the service URL of the latest activity counts.
func TestReferencesMove(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := newFake(t, r.clock.Now) // another region
	r.fake.Say(alice, personal, "hi")
	r.nth(personal, 1)
	act := r.fake.With(alice, personal, map[string]any{"type": "message", "text": "moved", "serviceUrl": other.ServiceURL()})
	if got := r.fake.Deliver(act); got.Status != http.StatusOK {
		t.Fatal(got.Status)
	}
	// The old region's tokens are not the new one's: the connector says 401, and
	// what matters here is only who was asked.
	other.Await(personal, func([]teamsfake.Message) bool { return len(other.Calls()) > 0 })
	ref, err := r.cfg.Refs.Conversation(t.Context(), home, personal)
	if err != nil || ref.ServiceURL != other.ServiceURL() {
		t.Errorf("reference %+v, %v", ref, err)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	refs, ctx := r.cfg.Refs, t.Context()
	if _, err := refs.Conversation(ctx, home, "c"); !errors.Is(err, ErrNoReference) {
		t.Errorf("unknown: %v", err)
	}
	full := Reference{Conversation: "c", Type: "channel", ServiceURL: "s", BotID: "b", TeamID: "t", ChannelType: "private"}
	if err := refs.Save(ctx, home, full, Person{ID: "p", MRI: "29:p", Name: "P", Chat: "a:p", ServiceURL: "s"}); err != nil {
		t.Fatal(err)
	}
	// What a later activity does not say stays.
	if err := refs.Save(ctx, home, Reference{Conversation: "c", Type: "channel", ServiceURL: "s2", BotID: "b"}, Person{ID: "p", MRI: "29:p", ServiceURL: "s2"}); err != nil {
		t.Fatal(err)
	}
	full.ServiceURL = "s2"
	got, err := refs.Conversation(ctx, home, "c")
	if diff := cmp.Diff(full, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	p, err := refs.Person(ctx, home, "p")
	if diff := cmp.Diff(Person{ID: "p", MRI: "29:p", Name: "P", Chat: "a:p", ServiceURL: "s2"}, p); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if s, err := refs.Service(ctx, home); s != "s2" || err != nil {
		t.Error(s, err)
	}
	if _, err := refs.Person(ctx, "teams:other", "p"); !errors.Is(err, ErrNoReference) {
		t.Errorf("another workspace sees the person: %v", err)
	}
	for i, want := range []bool{true, false} {
		if first, err := refs.Once(ctx, home, "w", time.Hour); first != want || err != nil {
			t.Errorf("once %d: %v %v", i, first, err)
		}
	}
	if err := refs.Forget(ctx, home, "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := refs.Conversation(ctx, home, "c"); !errors.Is(err, ErrNoReference) {
		t.Errorf("forgotten: %v", err)
	}
	for _, k := range r.redis.Keys() {
		if !strings.HasPrefix(k, "neobot:{"+string(home)+"}:") {
			t.Errorf("key %q outside the workspace", k)
		}
		if r.redis.TTL(k) == 0 && strings.Contains(k, ":teams:") {
			t.Errorf("key %q never ends", k)
		}
	}
}
