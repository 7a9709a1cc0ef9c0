package teams

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"neobot/adapters"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	everywhere := map[string]adapters.Sharing{
		group: adapters.SharingInternal, mixed: adapters.SharingExternal, sharedCh: adapters.SharingExternal, channel: adapters.SharingInternal,
		telling: adapters.SharingInternal, oldCh: adapters.SharingInternal, oldMixed: adapters.SharingExternal,
	}
	for _, tc := range []struct {
		mri, conversation string
		trust             adapters.Trust
	}{
		{alice, group, adapters.TrustMember},
		{bob, channel, adapters.TrustMember},
		{guest, group, adapters.TrustGuest},
		{guest, channel, adapters.TrustGuest},
		{foreign, mixed, adapters.TrustOutsider},
		{foreign, sharedCh, adapters.TrustOutsider},
		{stranger, mixed, adapters.TrustOutsider},
		{alice, sharedCh, adapters.TrustMember},
		{alice, telling, adapters.TrustMember},
		{alice, oldCh, adapters.TrustMember},
		{guest, oldCh, adapters.TrustGuest},
		{alice, oldMixed, adapters.TrustMember},
	} {
		handled := make(chan adapters.Message, 1)
		r.brain.mu.Lock()
		r.brain.onMessage = func(m adapters.Message) adapters.Answer { handled <- m; return adapters.Answer{} }
		r.brain.mu.Unlock()
		r.fake.Say(tc.mri, tc.conversation, "hi")
		m := <-handled
		if m.User.Trust != tc.trust || m.Conversation.Sharing != everywhere[tc.conversation] {
			t.Errorf("%s in %s: trust %q, sharing %q; want %q, %q", tc.mri, tc.conversation,
				m.User.Trust, m.Conversation.Sharing, tc.trust, everywhere[tc.conversation])
		}
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	good := member{AAD: aliceID, TenantID: tenant, Role: "user", UPN: "alice@example.com"}
	with := func(f func(*member)) member { m := good; f(&m); return m }
	for name, tc := range map[string]struct {
		m    member
		want adapters.Trust
		err  bool
	}{
		"member":                 {good, adapters.TrustMember, false},
		"owner":                  {with(func(m *member) { m.Role = "owner" }), adapters.TrustMember, false},
		"ids in upper case":      {with(func(m *member) { m.AAD, m.TenantID = strings.ToUpper(aliceID), strings.ToUpper(tenant) }), adapters.TrustMember, false},
		"older name of the id":   {with(func(m *member) { m.AAD, m.ObjectID = "", aliceID }), adapters.TrustMember, false},
		"role not said":          {with(func(m *member) { m.Role = "" }), adapters.TrustMember, false},
		"nothing said":           {member{}, adapters.TrustOutsider, false},
		"role and name not":      {with(func(m *member) { m.Role, m.UPN = "", "" }), adapters.TrustUnknown, false},
		"tenant not said":        {with(func(m *member) { m.TenantID = "" }), adapters.TrustUnknown, false},
		"other tenant":           {with(func(m *member) { m.TenantID = "x" }), adapters.TrustOutsider, false},
		"guest":                  {with(func(m *member) { m.Role = "guest" }), adapters.TrustGuest, false},
		"guest by name":          {with(func(m *member) { m.UPN = "a_b.com#EXT#@t.onmicrosoft.com" }), adapters.TrustGuest, false},
		"guest by name, no role": {with(func(m *member) { m.Role, m.UPN = "", "a_b.com#EXT#@t" }), adapters.TrustGuest, false},
		"anonymous":              {with(func(m *member) { m.Role = "anonymous" }), adapters.TrustOutsider, false},
		"new kind of role":       {with(func(m *member) { m.Role = "partner" }), adapters.TrustOutsider, false},
		"bot":                    {with(func(m *member) { m.Role = "bot" }), adapters.TrustBot, false},
		"another person":         {with(func(m *member) { m.AAD = bobID }), adapters.TrustUnknown, true},
	} {
		got, err := trust(tc.m, aliceID, tenant)
		if got != tc.want || (err != nil) != tc.err {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
}

// TestVerifyFailsClosed and remembers for a minute only.
func TestVerifyFailsClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fake.Say(alice, group, "hi")
	r.nth(group, 1)
	u, c := adapters.User{ID: aliceID}, adapters.Conversation{ID: group}
	check := func(what string, w adapters.Workspace, u adapters.User, want adapters.Trust, sharing adapters.Sharing, wantErr bool) {
		t.Helper()
		gu, gc, err := r.Verify(t.Context(), w, u, c)
		if gu.Trust != want || gc.Sharing != sharing || (err != nil) != wantErr {
			t.Errorf("%s: trust %q, sharing %q, %v", what, gu.Trust, gc.Sharing, err)
		}
	}
	calls := len(r.fake.Calls())
	check("known", home, u, adapters.TrustMember, adapters.SharingInternal, false)
	if n := len(r.fake.Calls()); n != calls {
		t.Errorf("%d look-ups within a minute of the last", n-calls)
	}
	lie := adapters.User{ID: aliceID, Trust: adapters.TrustMember, Home: tenant}
	check("other workspace", "teams:x", lie, adapters.TrustUnknown, adapters.SharingUnknown, true)
	check("never heard of", home, adapters.User{ID: "nobody", Trust: adapters.TrustMember}, adapters.TrustUnknown, adapters.SharingUnknown, true)
	r.clock.Advance(trustFor + time.Second)
	r.fake.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	check("connector down", home, lie, adapters.TrustUnknown, adapters.SharingUnknown, true)
	r.fake.Fault = nil
	// Alice left the chat.
	r.fake.AddConversation(conversationWithout(group, bob))
	check("left", home, lie, adapters.TrustUnknown, adapters.SharingUnknown, true)
	p, err := r.Place(t.Context(), home, group)
	if err != nil || p.Kind != adapters.Group || p.Sharing != adapters.SharingInternal {
		t.Errorf("place %+v, %v", p, err)
	}
}
