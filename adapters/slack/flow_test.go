package slack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"neobot/adapters"
	"neobot/adapters/slack/slackfake"
	"neobot/cards"
)

func TestMentionIsAnsweredInItsThread(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := make(chan adapters.Message, 1)
	r.brain.message = func(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
		got <- m
		return echo(ctx, m)
	}
	ts := r.mention("U1", "C1", "", "agents &amp; &lt;runs&gt;") // arrives as app_mention and message
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	p := r.fake.Posts("C1")
	if len(p) != 1 || p[0].Thread != ts {
		t.Fatalf("posts %+v", p)
	}
	has(t, read(p[0]), "You said: agents & <runs>")
	want := adapters.Message{
		Workspace: "slack:T0HOME", ID: "C1:" + ts, Thread: ts, Text: "agents & <runs>", At: tsTime(ts),
		User:         adapters.User{ID: "U1", Home: "T0HOME", Name: "Ann", Trust: adapters.TrustMember},
		Conversation: adapters.Conversation{ID: "C1", Kind: adapters.Channel, Sharing: adapters.SharingInternal},
	}
	if d := cmp.Diff(want, <-got); d != "" {
		t.Error(d)
	}
}

func TestFollowUpNeedsNoMention(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = echo
	say := func(thread, text string) {
		_, qs := r.fake.Say("U2", "C1", thread, text)
		r.send(qs...)
	}
	say("", "just talking")
	other, qs := r.fake.Say("U2", "C1", "", "a thread of others")
	r.send(qs...)
	say(other, "still others")
	ts := r.mention("U1", "C1", "", "first")
	r.until("the first answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	say(ts, "second")
	say(ts, "<@U1> what do you think?") // to a person, not to the bot
	r.until("the second answer", func() bool { return len(r.fake.Posts("C1")) == 2 })
	r.idle()
	posts := r.fake.Posts("C1")
	if len(posts) != 2 {
		t.Fatalf("%d posts", len(posts))
	}
	has(t, read(posts[1]), "You said: second")
}

func TestDirectMessage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = func(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
		a, err := echo(ctx, m)
		a.Where = adapters.Private // nobody else is here: an ordinary message will do
		return a, err
	}
	d := r.fake.Direct("U1")
	_, qs := r.fake.Say("U1", d, "", "hello")
	r.send(qs...)
	r.until("the answer", func() bool { return len(r.fake.Posts(d)) == 1 })
	if p := r.fake.Posts(d)[0]; p.Thread != "" {
		t.Errorf("answer went to a thread: %+v", p)
	}
}

func TestSlowAnswerEditsTheWorkingCard(t *testing.T) {
	t.Parallel()
	r := newRigAfter(t, 50*time.Millisecond)
	release := make(chan struct{})
	r.brain.message = func(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
		<-release
		return echo(ctx, m)
	}
	r.mention("U1", "C1", "", "slow")
	r.until("the working card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	has(t, read(r.fake.Posts("C1")[0]), "Working")
	close(release)
	r.until("the answer", func() bool { return r.fake.Posts("C1")[0].Edits == 1 })
	r.idle()
	if p := r.fake.Posts("C1"); len(p) != 1 || !strings.Contains(read(p[0]), "You said: slow") {
		t.Errorf("posts %+v", p)
	}
}

// The reply of chat.postMessage is lost after Slack applied it: the retry finds
// the message by its key and does not post again.
func TestLostReplyIsNotPostedTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = echo
	r.fake.Fail("chat.postMessage", slackfake.Fault{Drop: true})
	r.mention("U1", "C1", "", "once")
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	if p := r.fake.Posts("C1"); len(p) != 1 {
		t.Errorf("%d posts", len(p))
	}
	if len(r.fake.Calls("conversations.replies")) == 0 {
		t.Error("did not look for the lost post")
	}
}

func TestServerErrorsAndRateLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = echo
	r.fake.Fail("chat.postMessage", slackfake.Fault{Status: 503})
	r.fake.Fail("chat.postMessage", slackfake.Fault{RetryAfter: 1})
	r.mention("U1", "C1", "", "patience")
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	if n := len(r.fake.Calls("chat.postMessage")); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestBlocksRefusedFallsBackToText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = func(_ context.Context, _ adapters.Message) (adapters.Answer, error) {
		return adapters.Answer{Where: adapters.Reply, Card: cards.Card{Title: "T <!channel>", Summary: "words & more"}}, nil
	}
	r.fake.Fail("chat.postMessage", slackfake.Fault{Error: "invalid_blocks", Times: 2})
	r.mention("U1", "C1", "", "x")
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	has(t, r.fake.Posts("C1")[0].Text, "T &lt;!channel&gt;", "words &amp; more")
}

// The bot was thrown out of the channel: the person still gets the answer.
func TestChannelGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = echo
	r.fake.AddChannel(slackfake.Channel{ID: "C2", Members: []string{"U1"}, NoBot: true})
	r.mention("U1", "C2", "", "anybody?")
	d := r.fake.Direct("U1")
	r.until("the answer in the direct conversation", func() bool { return len(r.fake.Posts(d)) == 1 })
	has(t, read(r.fake.Posts(d)[0]), "anybody?")
	r.idle()
}

func TestCommandIsAnsweredPrivately(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = func(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
		if !m.Command {
			t.Error("not a command")
		}
		return echo(ctx, m)
	}
	if body := r.send(r.fake.Slash("U1", "C1", "what may I do")); body != "" {
		t.Errorf("body %q", body)
	}
	r.until("the answer", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	r.idle()
	e := r.fake.Ephemerals("U1")[0]
	if e.Via != "response_url" || len(r.fake.Posts("")) != 0 {
		t.Errorf("%+v, posts %v", e, r.fake.Posts(""))
	}
	has(t, slackfake.Text(e.Blocks), "You said: what may I do")
}

// response_url is dead: chat.postEphemeral takes over.
func TestCommandWithDeadResponseURL(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = echo
	r.fake.Fail("response_url", slackfake.Fault{Status: 404})
	r.send(r.fake.Slash("U1", "C1", "hi"))
	r.until("the answer", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	if e := r.fake.Ephemerals("U1")[0]; e.Via != "chat.postEphemeral" {
		t.Errorf("%+v", e)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = func(_ context.Context, m adapters.Message) (adapters.Answer, error) {
		if !m.Home || m.User.Trust != adapters.TrustMember {
			t.Errorf("%+v", m)
		}
		return adapters.Answer{Where: adapters.Reply, Card: cards.Card{Title: "Home of " + m.User.Name}}, nil
	}
	r.send(r.fake.OpenHome("U1"))
	r.until("the home tab", func() bool { _, ok := r.fake.Home("U1"); return ok })
	v, _ := r.fake.Home("U1")
	has(t, slackfake.Text(v.JSON), "Home of Ann")
	r.idle()
}

func button(action cards.Action) func(context.Context, adapters.Message) (adapters.Answer, error) {
	return func(context.Context, adapters.Message) (adapters.Answer, error) {
		return adapters.Answer{Where: adapters.Reply, Track: "req-1", Card: cards.Card{
			Title: "Disable agent?", Status: cards.StatusPending,
			Buttons: []cards.Button{{Label: "Go", Action: action, ID: "req-1"}},
		}}, nil
	}
}

func TestClickReplacesItsCard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionApprove)
	clicks := make(chan adapters.Click, 1)
	r.brain.click = func(_ context.Context, c adapters.Click) (adapters.Answer, error) {
		clicks <- c
		return adapters.Answer{Where: adapters.Replace, Card: cards.Card{Title: "Approved", Status: cards.StatusDone}}, nil
	}
	ts := r.mention("U1", "C1", "", "disable it")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	card := r.fake.Posts("C1")[0]
	ref := adapters.Ref{Workspace: "slack:T0HOME", Conversation: "C1", Thread: ts, Message: card.TS}
	if d := cmp.Diff(map[string][]adapters.Ref{"req-1": {ref}}, r.brain.posted); d != "" {
		t.Error(d)
	}
	press, err := r.fake.Press("U2", "C1", card.TS, "Go")
	r.must(err)
	r.send(press, press) // the second is a replay of the same bytes
	r.until("the new card", func() bool { return r.fake.Posts("C1")[0].Edits == 1 })
	r.idle()
	c := <-clicks
	if len(clicks) != 0 {
		t.Error("a replayed click counted twice")
	}
	if c.Action != cards.ActionApprove || c.Target != "req-1" || c.User.ID != "U2" || c.User.Trust != adapters.TrustMember || c.Inputs != nil {
		t.Errorf("click %+v", c)
	}
	if d := cmp.Diff(ref, c.Card); d != "" {
		t.Error(d)
	}
	has(t, read(r.fake.Posts("C1")[0]), "Approved")
}

func TestPrivateAnswerToClick(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionApprove)
	r.brain.click = func(context.Context, adapters.Click) (adapters.Answer, error) {
		return adapters.Answer{Where: adapters.Private, Card: cards.Card{Summary: "Only Bob may decide."}}, nil
	}
	r.mention("U1", "C1", "", "x")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	press, err := r.fake.Press("U1", "C1", r.fake.Posts("C1")[0].TS, "Go")
	r.must(err)
	r.send(press)
	r.until("the private answer", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	r.idle()
	if len(r.fake.Posts("C1")) != 1 || r.fake.Posts("C1")[0].Edits != 0 {
		t.Error("others saw something")
	}
}

func TestUnknownButton(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = button(cards.ActionApprove)
	r.mention("U1", "C1", "", "x")
	r.until("the card", func() bool { return len(r.fake.Posts("C1")) == 1 })
	ts := r.fake.Posts("C1")[0].TS
	for _, bad := range [][2]string{{"approve", "req-1"}, {"neobot:approve:0", "rm -rf <x>"}, {"neobot:launch:0", "req-1"}, {"", ""}} {
		r.send(r.fake.PressRaw("U1", "C1", ts, bad[0], bad[1]))
	}
	r.until("four notes", func() bool { return len(r.fake.Ephemerals("U1")) == 4 })
	r.idle()
}

// Redis is down: 503, so Slack delivers again; nothing reached the handler.
func TestRedisDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, qs := r.fake.Mention("U1", "C1", "", "x")
	qs = append(qs, r.fake.Slash("U1", "C1", "x"), r.fake.PressRaw("U1", "C1", "1.1", "neobot:approve:0", "req-1"), r.fake.OpenHome("U1"))
	r.redis.SetError("LOADING down")
	for _, q := range qs {
		status, _, err := r.fake.Send(t.Context(), r.url, q)
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d, err %v", q.Path, status, err)
		}
	}
	r.redis.SetError("")
	r.brain.message = echo
	r.send(qs[0])
	r.until("the answer once Redis is back", func() bool { return len(r.fake.Posts("C1")) == 1 })
}

// The handler's own store fails at first: the delivery stays and is answered once.
func TestHandlerErrorIsRetried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var tries atomic.Int32
	r.brain.message = func(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
		if tries.Add(1) < 3 {
			return adapters.Answer{}, errors.New("store down")
		}
		return echo(ctx, m)
	}
	r.mention("U1", "C1", "", "x")
	r.until("the answer", func() bool { return len(r.fake.Posts("C1")) == 1 })
	r.idle()
	if len(r.fake.Posts("C1")) != 1 {
		t.Error("answered more than once")
	}
}

func TestDeadDeliveryIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.brain.message = func(context.Context, adapters.Message) (adapters.Answer, error) {
		return adapters.Answer{}, adapters.ErrGiveUp
	}
	r.mention("U1", "C1", "", "x")
	r.until("the apology", func() bool { return len(r.fake.Posts("C1")) == 1 })
	has(t, read(r.fake.Posts("C1")[0]), "could not finish", "Reference")
	r.idle()
}

func TestWorkingCardIsRetired(t *testing.T) {
	t.Parallel()
	r := newRigAfter(t, 50*time.Millisecond)
	r.brain.message = func(context.Context, adapters.Message) (adapters.Answer, error) {
		for len(r.fake.Posts("C1")) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		return adapters.Answer{Where: adapters.Private, Card: cards.Card{Summary: "secret"}}, nil
	}
	r.mention("U1", "C1", "", "x")
	r.until("the private answer", func() bool { return len(r.fake.Ephemerals("U1")) == 1 })
	r.until("the working card to go", func() bool { return strings.Contains(read(r.fake.Posts("C1")[0]), "privately") })
	r.idle()
}
