package adaptertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"neobot/adapters"
	"neobot/cards"
)

// Subject is an adapter on a (fake) platform, with eyes on what people see there.
type Subject struct {
	Adapter adapters.Adapter
	// Inbox serves Workspace and is not running; Outbox is on the same Redis.
	Inbox  *adapters.Inbox
	Outbox *adapters.Outbox

	Workspace adapters.Workspace
	// Member and Other are full members of the organisation, both in Channel.
	Member, Other adapters.User
	// Outsider is not a member; zero when the platform has none.
	Outsider adapters.User
	// Channel is seen inside the organisation only. Thread is one in it, empty
	// when the platform has none.
	Channel adapters.Conversation
	Thread  string

	// Seen is what a person reads now: one text per message of the bot, oldest
	// first, private ones included.
	Seen func(user adapters.User) []string
	// Finds says that Find can see posts that were never recorded; otherwise it
	// must say that it cannot tell.
	Finds bool
	// LoseReply makes the next post go through while its sender gets an error.
	// Nil when that cannot happen.
	LoseReply func()
	// Break makes the platform fail every call. Nil when that cannot happen.
	Break func()
	// Problems are the platform's complaints about what it got; may be nil.
	Problems func() []string
}

func (s *Subject) channel() adapters.Destination {
	return adapters.Destination{Workspace: s.Workspace, Conversation: s.Channel.ID, Thread: s.Thread, User: s.Member.ID}
}

// Run runs the suite; every test has a subject of its own.
func Run(t *testing.T, fresh func(t *testing.T) *Subject) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *Subject){
		"post":                 testPost,
		"post to a person":     testDirect,
		"find":                 testFind,
		"update":               testUpdate,
		"whisper":              testWhisper,
		"home":                 testHome,
		"verify":               testVerify,
		"place":                testPlace,
		"foreign workspace":    testForeign,
		"platform broken":      testBroken,
		"hostile cards":        testHostile,
		"many at once":         testMany,
		"outbox posts once":    testOutbox,
		"outbox, reply lost":   testLostReply,
		"one answer":           testOneAnswer,
		"click replaces":       testClick,
		"private answer":       testPrivate,
		"unverified is denied": testUnverified,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fresh(t)
			test(t, s)
			if s.Problems != nil {
				for _, p := range s.Problems() {
					t.Errorf("the platform complains: %s", p)
				}
			}
		})
	}
}

func card(summary string) cards.Card { return cards.Card{Title: "Suite", Summary: summary} }

// reads checks that a person sees exactly these texts, in order; each want is
// part of one message.
func (s *Subject) reads(t *testing.T, user adapters.User, want ...string) {
	t.Helper()
	got := s.Seen(user)
	same := len(got) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.Contains(got[i], want[i])
	}
	if !same {
		t.Errorf("%s reads %q, want %q", user.ID, got, want)
	}
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	for !ok() {
		select {
		case <-end.C:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (s *Subject) post(t *testing.T, key, summary string) adapters.Ref {
	t.Helper()
	ref, err := s.Adapter.Post(t.Context(), key, s.channel(), card(summary))
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	return ref
}

func testPost(t *testing.T, s *Subject) {
	if s.Adapter.Platform() != s.Workspace.Platform() {
		t.Errorf("platform %s in workspace %s", s.Adapter.Platform(), s.Workspace)
	}
	a, b := s.post(t, "k1", "one"), s.post(t, "k2", "two")
	if a.Workspace != s.Workspace || a.Conversation == "" || a.Message == "" || a == b {
		t.Errorf("refs %+v, %+v", a, b)
	}
	s.reads(t, s.Member, "one", "two")
	s.reads(t, s.Other, "one", "two")
}

func testDirect(t *testing.T, s *Subject) {
	to := adapters.Destination{Workspace: s.Workspace, User: s.Member.ID}
	ref, err := s.Adapter.Post(t.Context(), "k", to, card("for you"))
	if err != nil {
		t.Fatal(err)
	}
	if ref.Conversation == "" || ref.Conversation == s.Channel.ID || ref.Message == "" {
		t.Errorf("ref %+v", ref)
	}
	if err := s.Adapter.Update(t.Context(), ref, card("for you, edited")); err != nil {
		t.Error(err)
	}
	s.reads(t, s.Member, "for you, edited")
	s.reads(t, s.Other)
}

func testFind(t *testing.T, s *Subject) {
	want := s.post(t, "k1", "one")
	s.post(t, "k2", "two")
	if ref, ok, err := s.Adapter.Find(t.Context(), "unknown", s.channel()); ok || (err != nil) == s.Finds || err != nil && !errors.Is(err, adapters.ErrCannotTell) {
		t.Errorf("found %+v under an unknown key, err %v", ref, err)
	}
	if !s.Finds {
		return
	}
	for _, again := range []bool{false, true} {
		ref, ok, err := s.Adapter.Find(t.Context(), "k1", s.channel())
		if err != nil || !ok || ref != want {
			t.Fatalf("found %+v, %v, %v; want %+v", ref, ok, err, want)
		}
		if again {
			break
		}
		if err := s.Adapter.Update(t.Context(), ref, card("edited")); err != nil { // and it can still be found
			t.Fatal(err)
		}
	}
}

func testUpdate(t *testing.T, s *Subject) {
	ref := s.post(t, "k", "first")
	for _, text := range []string{"second", "third"} {
		if err := s.Adapter.Update(t.Context(), ref, card(text)); err != nil {
			t.Fatal(err)
		}
	}
	s.reads(t, s.Other, "third")
	ref.Message = "1.000000"
	if err := s.Adapter.Update(t.Context(), ref, card("x")); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("a message that is not there: %v", err)
	}
	if err := s.Adapter.Update(t.Context(), adapters.Ref{Workspace: s.Workspace}, card("x")); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("no message: %v", err)
	}
}

func testWhisper(t *testing.T, s *Subject) {
	if err := s.Adapter.Whisper(t.Context(), s.channel(), card("between us")); err != nil {
		t.Fatal(err)
	}
	s.reads(t, s.Member, "between us")
	s.reads(t, s.Other)
	to := s.channel()
	to.User = ""
	if err := s.Adapter.Whisper(t.Context(), to, card("x")); err == nil {
		t.Error("whispered to nobody")
	}
}

func testHome(t *testing.T, s *Subject) {
	for range 2 {
		if err := s.Adapter.Home(t.Context(), s.Workspace, s.Member.ID, card("home")); err != nil {
			t.Error(err)
		}
	}
	for _, text := range s.Seen(s.Other) {
		if strings.Contains(text, "home") {
			t.Error("somebody else sees the home page")
		}
	}
}

func testVerify(t *testing.T, s *Subject) {
	ask := func(u adapters.User) (adapters.User, adapters.Conversation) {
		u.Trust = adapters.TrustMember // what a delivery claims counts for nothing
		got, c, err := s.Adapter.Verify(t.Context(), s.Workspace, u, s.Channel)
		if err != nil && (got.Trust != adapters.TrustUnknown || c.Sharing != adapters.SharingUnknown) {
			t.Errorf("error, and yet %+v %+v", got, c)
		}
		return got, c
	}
	for _, u := range []adapters.User{s.Member, s.Other} {
		got, c := ask(u)
		if got.Trust != adapters.TrustMember || c.Sharing != adapters.SharingInternal || got.ID != u.ID || c.ID != s.Channel.ID {
			t.Errorf("%+v %+v", got, c)
		}
	}
	unknown := s.Member
	unknown.ID = "nobody-of-that-name"
	for _, u := range []adapters.User{s.Outsider, unknown, {}} {
		if got, _ := ask(u); got.Trust == adapters.TrustMember {
			t.Errorf("%+v counts as a member", got)
		}
	}
}

func testPlace(t *testing.T, s *Subject) {
	s.post(t, "k", "so that the place is known")
	c, err := s.Adapter.Place(t.Context(), s.Workspace, s.Channel.ID)
	if err != nil || c.ID != s.Channel.ID || c.Kind != s.Channel.Kind || c.Sharing != adapters.SharingInternal {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := s.Adapter.Place(t.Context(), s.Workspace, "no-such-place"); c.Sharing == adapters.SharingInternal {
		t.Errorf("a place nobody knows is internal: %+v, %v", c, err)
	}
}

// Nothing of one workspace reaches another.
func testForeign(t *testing.T, s *Subject) {
	foreign := adapters.NewWorkspace(s.Workspace.Platform(), "another-customer")
	to := s.channel()
	to.Workspace = foreign
	ref := s.post(t, "k", "ours")
	ref.Workspace = foreign
	_, postErr := s.Adapter.Post(t.Context(), "k2", to, card("x"))
	_, _, findErr := s.Adapter.Find(t.Context(), "k", to)
	u, c, verifyErr := s.Adapter.Verify(t.Context(), foreign, s.Member, s.Channel)
	_, placeErr := s.Adapter.Place(t.Context(), foreign, s.Channel.ID)
	for what, err := range map[string]error{
		"post": postErr, "verify": verifyErr, "place": placeErr,
		"update":  s.Adapter.Update(t.Context(), ref, card("x")),
		"whisper": s.Adapter.Whisper(t.Context(), to, card("x")),
		"home":    s.Adapter.Home(t.Context(), foreign, s.Member.ID, card("x")),
	} {
		if err == nil {
			t.Errorf("%s worked in a workspace that is not ours", what)
		}
	}
	if s.Finds && s.Adapter.Platform() != adapters.Console && findErr == nil {
		t.Error("find worked in a workspace that is not ours")
	}
	if u.Trust != adapters.TrustUnknown || c.Sharing != adapters.SharingUnknown {
		t.Errorf("vouched for %+v %+v", u, c)
	}
	s.reads(t, s.Member, "ours")
}

func testBroken(t *testing.T, s *Subject) {
	ref := s.post(t, "k", "before")
	if s.Break == nil {
		return
	}
	s.Break()
	u, c, err := s.Adapter.Verify(t.Context(), s.Workspace, s.Other, s.Channel)
	if err == nil || u.Trust != adapters.TrustUnknown || c.Sharing != adapters.SharingUnknown {
		t.Errorf("vouched for %+v %+v, err %v", u, c, err)
	}
	if _, err := s.Adapter.Post(t.Context(), "k2", s.channel(), card("x")); err == nil || errors.Is(err, adapters.ErrGone) {
		t.Errorf("post: %v, want an error worth another try", err)
	}
	if err := s.Adapter.Update(t.Context(), ref, card("x")); err == nil || errors.Is(err, adapters.ErrGone) {
		t.Errorf("update: %v, want an error worth another try", err)
	}
	s.reads(t, s.Member, "before")
}

// hostile are texts that came from people, Neo or a model with bad intent, or size.
var hostile = []string{
	"<!channel> <!here> <@U1|x> <#C1> <https://evil.example|https://good.example>",
	"</at><at>Everyone</at> **bold** [good](https://evil.example) ![x](https://evil.example/p.png)",
	"`code` ```fence``` ~strike~ > quote\n- list\n1. list\n| a | b |\n|---|---|",
	"&lt;!channel&gt; &amp;amp; \\u003c!channel\\u003e",
	"\u202eevol i\u202c \u200b\u2066hidden\u2069 \u0000\u0007\ufeff",
	"👩‍👩‍👧‍👦 e\u0301\u0302\u0303 \U0001F1E9\U0001F1EA שלום مرحبا",
	"\xff\xfe not utf-8",
	strings.Repeat("0123456789", 10_000),
	strings.Repeat("🙂", 5_000),
	strings.Repeat("\n", 2_000),
	"",
}

func testHostile(t *testing.T, s *Subject) {
	for i, text := range hostile {
		c := cards.Card{
			Title: text, Summary: text, Status: cards.StatusPending, Footer: []string{text},
			Fields:  []cards.Field{{Name: text, Value: text}},
			Changes: []cards.Change{{Field: text, Before: text, After: text}},
			Body: []cards.Block{
				{Heading: text, Text: text},
				{Code: text},
				{Items: []cards.Item{{Title: text, Detail: text, Button: &cards.Button{Label: text, Action: cards.ActionContinue, ID: "n1"}}}},
				{Table: &cards.Table{Columns: []string{text, "b"}, Rows: [][]string{{text, text}}}},
			},
			Links:   []cards.Link{{Label: text, URL: "https://neo.example/x"}, {Label: "x", URL: "javascript:" + text}},
			Buttons: []cards.Button{{Label: text, Action: cards.ActionApprove, ID: "r1"}, {Label: "x", Action: "launch", ID: text}},
		}
		ref, err := s.Adapter.Post(t.Context(), fmt.Sprint("k", i), s.channel(), c)
		if err != nil {
			t.Fatalf("text %d: post: %v", i, err)
		}
		if err := s.Adapter.Update(t.Context(), ref, c); err != nil {
			t.Errorf("text %d: update: %v", i, err)
		}
		if err := s.Adapter.Whisper(t.Context(), s.channel(), c); err != nil {
			t.Errorf("text %d: whisper: %v", i, err)
		}
	}
	if n := len(s.Seen(s.Other)); n != len(hostile) {
		t.Errorf("%d messages, want %d", n, len(hostile))
	}
}

func testMany(t *testing.T, s *Subject) {
	const n = 5 // a quiet channel takes so many at once on every platform
	var mu sync.Mutex
	refs := map[adapters.Ref]bool{}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			ref, err := s.Adapter.Post(t.Context(), fmt.Sprint("k", i), s.channel(), card(fmt.Sprint("number ", i)))
			if err == nil {
				err = s.Adapter.Update(t.Context(), ref, card(fmt.Sprint("edited ", i)))
			}
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			refs[ref] = true
		})
	}
	wg.Wait()
	seen := s.Seen(s.Other)
	if len(refs) != n || len(seen) != n || slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, "number") }) {
		t.Errorf("%d refs, %q", len(refs), seen)
	}
}
