package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"neobot/adapters"
	"neobot/cards"
)

// metaType marks our posts; the payload carries the outbox key. Metadata stays
// on the message when chat.update does not mention it.
// https://docs.slack.dev/messaging/message-metadata
const metaType = "neobot_post"

// layouts are the ways to show a card, best first. A workspace that refuses
// tables, or blocks altogether, still gets the words.
func layouts(card cards.Card) []func() []slack.MsgOption {
	return []func() []slack.MsgOption{
		func() []slack.MsgOption { return quiet(cards.Slack(card)) },
		func() []slack.MsgOption { return quiet(cards.SlackNoTable(card)) },
		func() []slack.MsgOption {
			text := escaper.Replace(cards.Text(card, 100))
			return []slack.MsgOption{
				slack.MsgOptionText(cutRunes(text, 3900), false),
				slack.MsgOptionBlocks(), // an update would keep the old ones
				slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
			}
		},
	}
}

// quiet is a message without unfurling.
func quiet(m cards.SlackMessage) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), // escaped by cards
		slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// cutRunes shortens s to at most n characters and says so.
func cutRunes(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + " … (cut)"
}

// show sends a card, its charts as pictures where they can be, else as text.
func (a *Adapter) show(ctx context.Context, in *install, card cards.Card, send func([]slack.MsgOption) error) error {
	all := a.pictures(ctx, in, card)
	if _, some := filesOf(all); some {
		err := a.withPictures(ctx, in, card, all, send)
		if !badBlocks[slackCode(err)] {
			return err
		}
		a.cfg.Logger.WarnContext(ctx, "Slack refuses a card with pictures, its charts go out as text", "workspace", in.workspace, "title", card.Title, "err", err)
	}
	return a.withLayouts(card, send)
}

// withLayouts runs send with each layout until one is not refused for its form.
func (a *Adapter) withLayouts(card cards.Card, send func([]slack.MsgOption) error) error {
	var err error
	for i, layout := range layouts(card) {
		if err = send(layout()); !badBlocks[slackCode(err)] {
			return err
		}
		a.cfg.Logger.Error("Slack refuses the layout of a card", "layout", i, "title", card.Title, "err", err)
	}
	return fmt.Errorf("%w: %w", err, adapters.ErrGone)
}

// Post sends a card with chat.postMessage, in the thread when there is one. An
// empty Conversation means the direct conversation with User.
func (a *Adapter) Post(ctx context.Context, key string, to adapters.Destination, card cards.Card) (adapters.Ref, error) {
	in, err := a.of(to.Workspace)
	if err != nil {
		return adapters.Ref{}, err
	}
	channel, err := a.channel(ctx, in, to)
	if err != nil {
		return adapters.Ref{}, err
	}
	if err := a.pace.post(ctx, channel); err != nil {
		return adapters.Ref{}, fmt.Errorf("slack: wait to post: %w", err)
	}
	meta := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metaType, EventPayload: map[string]any{"key": key}})
	ref := adapters.Ref{Workspace: to.Workspace, Thread: to.Thread}
	err = a.show(ctx, in, card, func(opts []slack.MsgOption) error {
		opts = append(opts, meta)
		if to.Thread != "" {
			opts = append(opts, slack.MsgOptionTS(to.Thread))
		}
		return a.call(ctx, in, "chat.postMessage", func(ctx context.Context) (err error) {
			ref.Conversation, ref.Message, err = in.api.PostMessageContext(ctx, channel, opts...)
			return err
		})
	})
	if err != nil {
		return adapters.Ref{}, fmt.Errorf("slack: %w", err)
	}
	if ref.Conversation == "" || ref.Message == "" {
		return adapters.Ref{}, errors.New("slack: chat.postMessage: answer without channel or ts")
	}
	return ref, nil
}

func isHome(conversation string) bool {
	return adapters.IsHome(adapters.Conversation{ID: conversation})
}

// channel is where to post: the conversation, or the direct one with the user.
func (a *Adapter) channel(ctx context.Context, in *install, to adapters.Destination) (string, error) {
	if to.Conversation != "" && !isHome(to.Conversation) {
		return to.Conversation, nil
	}
	if to.User == "" {
		return "", fmt.Errorf("slack: destination without conversation and user: %w", adapters.ErrGone)
	}
	in.mu.Lock()
	id := in.direct[to.User]
	in.mu.Unlock()
	if id != "" {
		return id, nil
	}
	err := a.call(ctx, in, "conversations.open", func(ctx context.Context) error {
		ch, _, _, err := in.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{to.User}})
		if err == nil {
			id = ch.ID
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("slack: %w", err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.direct) >= cacheSize {
		clear(in.direct)
	}
	in.direct[to.User] = id
	return id, nil
}

// Find looks through the latest messages of the thread or conversation for a
// post with the key. Without the history scope Slack cannot tell.
func (a *Adapter) Find(ctx context.Context, key string, to adapters.Destination) (adapters.Ref, bool, error) {
	in, err := a.of(to.Workspace)
	if err != nil {
		return adapters.Ref{}, false, err
	}
	channel, err := a.channel(ctx, in, to)
	if err != nil {
		return adapters.Ref{}, false, err
	}
	cursor := ""
	for range findPages {
		msgs, next, err := a.history(ctx, in, channel, to.Thread, cursor)
		if errors.Is(err, adapters.ErrGone) {
			a.cfg.Logger.WarnContext(ctx, "history cannot be read, a lost reply may double a post", "conversation", channel, "err", err)
			return adapters.Ref{}, false, fmt.Errorf("slack: %w", adapters.ErrCannotTell)
		}
		if err != nil {
			return adapters.Ref{}, false, fmt.Errorf("slack: %w", err)
		}
		for _, m := range msgs {
			if k, ok := m.Metadata.EventPayload["key"].(string); ok && m.Metadata.EventType == metaType && k == key && a.own(in, m) {
				return adapters.Ref{Workspace: to.Workspace, Conversation: channel, Thread: to.Thread, Message: m.Timestamp}, true, nil
			}
		}
		if next == "" {
			return adapters.Ref{}, false, nil
		}
		cursor = next
	}
	return adapters.Ref{}, false, nil
}

const (
	findPages = 10
	findLimit = 200
)

// own guards against another app that copies our metadata.
func (a *Adapter) own(in *install, m slack.Message) bool {
	bot := in.bot()
	return m.BotID != "" && (bot == "" || m.User == "" || m.User == bot)
}

func (a *Adapter) history(ctx context.Context, in *install, channel, thread, cursor string) (msgs []slack.Message, next string, err error) {
	if thread != "" {
		err = a.call(ctx, in, "conversations.replies", func(ctx context.Context) (err error) {
			msgs, _, next, err = in.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Cursor: cursor, Limit: findLimit, IncludeAllMetadata: true,
			})
			return err
		})
		return msgs, next, err
	}
	err = a.call(ctx, in, "conversations.history", func(ctx context.Context) error {
		h, err := in.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Cursor: cursor, Limit: findLimit, IncludeAllMetadata: true,
		})
		if err == nil {
			msgs, next = h.Messages, h.ResponseMetaData.NextCursor
		}
		return err
	})
	return msgs, next, err
}

// Update replaces a posted card with chat.update.
func (a *Adapter) Update(ctx context.Context, ref adapters.Ref, card cards.Card) error {
	in, err := a.of(ref.Workspace)
	if err != nil {
		return err
	}
	if ref.Conversation == "" || ref.Message == "" {
		return fmt.Errorf("slack: update without a message: %w", adapters.ErrGone)
	}
	err = a.show(ctx, in, card, func(opts []slack.MsgOption) error {
		return a.call(ctx, in, "chat.update", func(ctx context.Context) error {
			_, _, _, err := in.api.UpdateMessageContext(ctx, ref.Conversation, ref.Message, opts...)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	return nil
}

// Whisper shows a card to one person: through the reply address when the
// delivery had one (works where the bot is not a member, for 30 minutes and five
// uses; we use one per delivery), else with chat.postEphemeral.
func (a *Adapter) Whisper(ctx context.Context, to adapters.Destination, card cards.Card) error {
	in, err := a.of(to.Workspace)
	if err != nil {
		return err
	}
	if to.Reply != "" {
		err := a.respond(ctx, to.Reply, card)
		if err == nil {
			return nil
		}
		a.cfg.Logger.WarnContext(ctx, "response_url did not take the answer, trying an ephemeral message", "workspace", to.Workspace, "err", err)
	}
	if to.Conversation == "" || to.User == "" || isHome(to.Conversation) {
		return fmt.Errorf("slack: nowhere to whisper: %w", adapters.ErrGone)
	}
	err = a.withLayouts(card, func(opts []slack.MsgOption) error {
		if to.Thread != "" {
			opts = append(opts, slack.MsgOptionTS(to.Thread))
		}
		return a.call(ctx, in, "chat.postEphemeral", func(ctx context.Context) error {
			_, err := in.api.PostEphemeralContext(ctx, to.Conversation, to.User, opts...)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	return nil
}

// respond posts to a response_url. Only the configured hosts are called:
// slack-go would post to any URL it is given.
func (a *Adapter) respond(ctx context.Context, reply string, card cards.Card) error {
	if !a.responseAllowed(reply) {
		return errors.New("response_url has a host that is not allowed")
	}
	m := cards.SlackNoTable(card)
	body, err := json.Marshal(map[string]any{
		"response_type": "ephemeral", "replace_original": false, "text": m.Text,
		"blocks": slack.Blocks{BlockSet: m.Blocks}, "unfurl_links": false, "unfurl_media": false,
	})
	if err != nil {
		return fmt.Errorf("response_url: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.CallTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, reply, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("response_url: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := a.cfg.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("response_url: %w", withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 200))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("response_url: status %d: %q", res.StatusCode, text)
	}
	return nil
}

// withoutURL drops the URL, which is a secret, from an error of the HTTP client.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (a *Adapter) responseAllowed(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	for _, h := range a.cfg.ResponseHosts {
		if u.Scheme == "https" && u.Host == h || strings.HasPrefix(h, "http://") && u.Scheme+"://"+u.Host == h {
			return true
		}
	}
	return false
}

// Home publishes the home tab of one person with views.publish.
func (a *Adapter) Home(ctx context.Context, w adapters.Workspace, user string, card cards.Card) error {
	in, err := a.of(w)
	if err != nil {
		return err
	}
	err = a.call(ctx, in, "views.publish", func(ctx context.Context) error {
		_, err := in.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: cards.SlackHome(card)})
		return err
	})
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	return nil
}
