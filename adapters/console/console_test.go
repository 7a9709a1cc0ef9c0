package console

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"neobot/adapters"
	"neobot/cards"
)

const home = adapters.Workspace("console:test")

// desk is both what the console needs from the bot, and a record of it.
type desk struct {
	mu       sync.Mutex
	messages []adapters.Message
	clicks   []adapters.Click
	down     error
	form     *cards.Form
	answer   adapters.Answer
	asked    []adapters.Click
}

func (d *desk) PutMessage(_ context.Context, m adapters.Message) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return false, d.down
	}
	d.messages = append(d.messages, m)
	return true, nil
}

func (d *desk) PutClick(_ context.Context, c adapters.Click) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return false, d.down
	}
	d.clicks = append(d.clicks, c)
	return true, nil
}

func (d *desk) HandleForm(_ context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	d.asked = append(d.asked, c)
	return d.form, d.answer
}

func newConsole(t *testing.T, d *desk) *Console {
	t.Helper()
	c, err := New(Config{
		Workspace: home, Channels: []string{"ops"}, Intake: d, Forms: d, Keep: 5,
		Member: func(name string) bool { return name == "riley" || name == "sam" },
		Now:    func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func approval() cards.Card {
	return cards.Card{Title: "Disable Triage", Buttons: []cards.Button{
		{Label: "Approve", Action: cards.ActionApprove, ID: "r1"},
		{Label: "Reject", Action: cards.ActionReject, ID: "r1"},
	}}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := newConsole(t, &desk{})
	for name, tc := range map[string]struct {
		workspace    adapters.Workspace
		user, conv   string
		trust        adapters.Trust
		kind         adapters.Kind
		sharing      adapters.Sharing
		wantErr      bool
		wantFromHome bool
	}{
		"member in a channel":   {home, "riley", "ops", adapters.TrustMember, adapters.Channel, adapters.SharingInternal, false, true},
		"member alone":          {home, "sam", "direct-sam", adapters.TrustMember, adapters.Direct, adapters.SharingInternal, false, true},
		"stranger":              {home, "mallory", "ops", adapters.TrustOutsider, adapters.Channel, adapters.SharingInternal, false, false},
		"nobody":                {home, "", "ops", adapters.TrustOutsider, adapters.Channel, adapters.SharingInternal, false, false},
		"unknown conversation":  {home, "riley", "elsewhere", adapters.TrustUnknown, "", adapters.SharingUnknown, true, false},
		"of another workspace":  {"console:other", "riley", "ops", adapters.TrustUnknown, "", adapters.SharingUnknown, true, false},
		"of another platform":   {"slack:T1", "riley", "ops", adapters.TrustUnknown, "", adapters.SharingUnknown, true, false},
		"direct without a name": {home, "riley", "direct-", adapters.TrustUnknown, "", adapters.SharingUnknown, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, conv, err := c.Verify(t.Context(), tc.workspace, adapters.User{ID: tc.user}, adapters.Conversation{ID: tc.conv})
			if (err != nil) != tc.wantErr || u.Trust != tc.trust || conv.Kind != tc.kind || conv.Sharing != tc.sharing {
				t.Errorf("Verify = %+v, %+v, %v", u, conv, err)
			}
			if (u.Home == home.ID()) != tc.wantFromHome {
				t.Errorf("home %q", u.Home)
			}
		})
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	d := &desk{}
	c := newConsole(t, d)
	if err := c.Say(t.Context(), "riley", "ops", "  what failed today? "); err != nil {
		t.Fatal(err)
	}
	want := adapters.Message{
		Workspace: home, User: adapters.User{ID: "riley", Name: "riley"}, Text: "what failed today?",
		Conversation: adapters.Conversation{ID: "ops", Kind: adapters.Channel, Sharing: adapters.SharingInternal},
		At:           time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
	}
	got := d.messages[0]
	if got.ID == "" {
		t.Error("message without an id")
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(adapters.Message{}, "ID")); diff != "" {
		t.Error(diff)
	}
	for name, tc := range map[string]struct {
		conv, text string
		want       error
	}{
		"empty":                 {"ops", " \n", ErrText},
		"too long":              {"ops", strings.Repeat("é", MaxText+1), ErrText},
		"unknown conversation":  {"nowhere", "hi", ErrUnknown},
		"in another's own chat": {"direct-sam", "hi", ErrUnknown},
	} {
		if err := c.Say(t.Context(), "riley", tc.conv, tc.text); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.messages) != 1 {
		t.Errorf("%d messages in the inbox, want 1", len(d.messages))
	}
}

// What the inbox does not take must not look as if it had been said.
func TestSayNotAccepted(t *testing.T) {
	t.Parallel()
	d := &desk{down: errors.New("redis down")}
	c := newConsole(t, d)
	if err := c.Say(t.Context(), "riley", "ops", "disable triage"); !errors.Is(err, d.down) {
		t.Fatalf("error %v", err)
	}
	got := c.Since("riley", 0)
	if len(got) != 1 || !got[0].Gone || got[0].Text != "" {
		t.Errorf("history %+v", got)
	}
	if _, ok := c.entry(got[0].ID); ok {
		t.Error("entry still there")
	}
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	c := newConsole(t, &desk{})
	post := func(to adapters.Destination, title string) {
		t.Helper()
		to.Workspace = home
		if _, err := c.Post(t.Context(), title, to, cards.Card{Title: title}); err != nil {
			t.Fatal(err)
		}
	}
	post(adapters.Destination{Conversation: "ops"}, "for all")
	post(adapters.Destination{User: "sam"}, "for sam directly")
	whisper := adapters.Destination{Workspace: home, Conversation: "ops", User: "riley"}
	if err := c.Whisper(t.Context(), whisper, cards.Card{Title: "for riley's eyes"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Home(t.Context(), home, "sam", cards.Card{Title: "sam's home"}); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string][]string{
		"riley":   {"for all", "for riley's eyes"},
		"sam":     {"for all", "for sam directly", "sam's home"},
		"mallory": {"for all"},
	} {
		var got []string
		for _, e := range c.Since(user, 0) {
			got = append(got, e.Card.Title)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", user, diff)
		}
	}
}

func TestPostRefused(t *testing.T) {
	t.Parallel()
	c := newConsole(t, &desk{})
	for name, to := range map[string]adapters.Destination{
		"unknown conversation": {Workspace: home, Conversation: "nowhere"},
		"other workspace":      {Workspace: "console:other", Conversation: "ops"},
		"nobody":               {Workspace: home},
	} {
		if _, err := c.Post(t.Context(), "k", to, cards.Card{}); !errors.Is(err, adapters.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Whisper(t.Context(), adapters.Destination{Workspace: home, Conversation: "ops"}, cards.Card{}); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("whisper to nobody: %v", err)
	}
	gone := adapters.Ref{Workspace: home, Conversation: "ops", Message: "gone"}
	if err := c.Update(t.Context(), gone, cards.Card{}); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("update of a message that is gone: %v", err)
	}
	if got := c.Since("riley", 0); len(got) != 0 {
		t.Errorf("history %+v", got)
	}
}

func TestPress(t *testing.T) {
	t.Parallel()
	d := &desk{}
	c := newConsole(t, d)
	ref, err := c.Post(t.Context(), "k", adapters.Destination{Workspace: home, Conversation: "ops"}, approval())
	if err != nil {
		t.Fatal(err)
	}
	own, err := c.Post(t.Context(), "k2", adapters.Destination{Workspace: home, User: "sam"}, approval())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Press(t.Context(), "sam", Press{Entry: ref.Message, Action: cards.ActionApprove, Target: "r1"}); err != nil {
		t.Fatal(err)
	}
	want := []adapters.Click{{
		Workspace: home, User: adapters.User{ID: "sam", Name: "sam"}, Card: ref, Action: cards.ActionApprove, Target: "r1",
		Conversation: adapters.Conversation{ID: "ops", Kind: adapters.Channel, Sharing: adapters.SharingInternal},
		At:           time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, d.clicks, cmpopts.IgnoreFields(adapters.Click{}, "ID")); diff != "" {
		t.Error(diff)
	}
	for name, p := range map[string]Press{
		"no such entry":          {Entry: "x", Action: cards.ActionApprove, Target: "r1"},
		"unknown action":         {Entry: ref.Message, Action: "run", Target: "r1"},
		"malformed id":           {Entry: ref.Message, Action: cards.ActionApprove, Target: "r 1"},
		"inputs without a form":  {Entry: ref.Message, Action: cards.ActionApprove, Target: "r1", Inputs: map[string]string{}},
		"reserved input":         {Entry: ref.Message, Action: cards.ActionReject, Target: "r1", Inputs: map[string]string{"action": "x"}},
		"huge input":             {Entry: ref.Message, Action: cards.ActionReject, Target: "r1", Inputs: map[string]string{"reason": strings.Repeat("x", MaxInput+1)}},
		"in another's direct":    {Entry: own.Message, Action: cards.ActionApprove, Target: "r1"},
		"no action and no input": {Entry: ref.Message},
	} {
		if _, err := c.Press(t.Context(), "riley", p); !errors.Is(err, ErrPress) && !errors.Is(err, ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.clicks) != 1 {
		t.Errorf("%d clicks in the inbox, want 1", len(d.clicks))
	}
}

func TestPressForm(t *testing.T) {
	t.Parallel()
	d := &desk{form: &cards.Form{Title: "Reject request"}}
	c := newConsole(t, d)
	ref, err := c.Post(t.Context(), "k", adapters.Destination{Workspace: home, Conversation: "ops"}, approval())
	if err != nil {
		t.Fatal(err)
	}
	press := Press{Entry: ref.Message, Action: cards.ActionReject, Target: "r1"}
	form, err := c.Press(t.Context(), "sam", press)
	if err != nil || form != d.form {
		t.Fatalf("form %v, %v", form, err)
	}
	if got := d.asked[0].User.Trust; got != adapters.TrustMember {
		t.Errorf("the handler was asked about a person with trust %q", got)
	}
	press.Inputs = map[string]string{"reason": "no"}
	if form, err = c.Press(t.Context(), "sam", press); form != nil || err != nil {
		t.Fatalf("submit: %v, %v", form, err)
	}
	if len(d.clicks) != 1 || d.clicks[0].Card != (adapters.Ref{}) || d.clicks[0].Inputs["reason"] != "no" {
		t.Errorf("clicks %+v", d.clicks)
	}

	d.form, d.answer = nil, adapters.Answer{Where: adapters.Private, Card: cards.Card{Title: "You cannot decide this"}}
	press.Inputs = nil
	if form, err = c.Press(t.Context(), "riley", press); form != nil || err != nil {
		t.Fatalf("refused form: %v, %v", form, err)
	}
	told := func(user string) bool {
		return slices.ContainsFunc(c.Since(user, 0), func(e Entry) bool { return e.Card != nil && e.Card.Title == "You cannot decide this" })
	}
	if !told("riley") || told("sam") {
		t.Errorf("refusal seen by riley: %v, by sam: %v", told("riley"), told("sam"))
	}
}

// The home page and its buttons belong to one person and are no message.
func TestHome(t *testing.T) {
	t.Parallel()
	d := &desk{}
	c := newConsole(t, d)
	if err := c.AskHome(t.Context(), "sam"); err != nil || !d.messages[0].Home {
		t.Fatalf("%v, %+v", err, d.messages)
	}
	if err := c.Home(t.Context(), home, "sam", approval()); err != nil {
		t.Fatal(err)
	}
	id := c.Since("sam", 0)[0].ID
	press := Press{Entry: id, Action: cards.ActionContinue, Target: "n1"}
	if _, err := c.Press(t.Context(), "riley", press); !errors.Is(err, ErrPress) {
		t.Errorf("riley pressed on sam's home: %v", err)
	}
	if _, err := c.Press(t.Context(), "sam", press); err != nil || d.clicks[0].Card != (adapters.Ref{}) {
		t.Errorf("%v, %+v", err, d.clicks)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	c := newConsole(t, &desk{})
	var refs []adapters.Ref
	for _, title := range []string{"1", "2", "3", "4", "5", "6"} {
		ref, err := c.Post(t.Context(), "key"+title, adapters.Destination{Workspace: home, Conversation: "ops"}, cards.Card{Title: title})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	all := c.Since("riley", 0)
	if len(all) != 5 || all[0].Card.Title != "2" {
		t.Fatalf("kept %d from %q on", len(all), all[0].Card.Title)
	}
	if _, ok, _ := c.Find(t.Context(), "key1", adapters.Destination{}); ok {
		t.Error("found a post that was dropped")
	}
	if ref, ok, _ := c.Find(t.Context(), "key3", adapters.Destination{}); !ok || ref != refs[2] {
		t.Errorf("Find = %v, %v", ref, ok)
	}
	last := all[4].Seq
	done := make(chan []Entry)
	go func() {
		entries, err := c.Wait(t.Context(), "riley", last)
		if err != nil {
			t.Error(err)
		}
		done <- entries
	}()
	if err := c.Update(t.Context(), refs[2], cards.Card{Title: "3, redrawn"}); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if len(got) != 1 || got[0].Card.Title != "3, redrawn" || got[0].First != all[1].First {
		t.Errorf("Wait = %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Wait(ctx, "riley", got[0].Seq); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
}
