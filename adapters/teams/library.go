package teams

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/infracloudio/msbotbuilder-go/connector/auth"
	"github.com/infracloudio/msbotbuilder-go/connector/client"
	"github.com/infracloudio/msbotbuilder-go/core"
	turn "github.com/infracloudio/msbotbuilder-go/core/activity"
	"github.com/infracloudio/msbotbuilder-go/schema"
)

// msbotbuilder-go is used by composition: its adapter with our validator and our
// client in place of its own, for turns that answer an activity with one message
// nobody needs the id of (typing, welcome). Its own token, key and reply code is
// never reached, and none of its types leave this package; docs/decisions.md
// says why not more.
func (a *Adapter) library(ctx context.Context) core.Adapter {
	return &core.BotFrameworkAdapter{
		AdapterSetting: core.AdapterSetting{
			AppID:              a.cfg.AppID,
			CredentialProvider: auth.SimpleCredentialProvider{AppID: a.cfg.AppID},
			ChannelService:     a.cfg.Cloud.Issuer,
		},
		TokenValidator: libraryValidator{a.validator},
		Client:         libraryClient{ctx, a.conn},
	}
}

// typing shows that the bot is at work.
func (a *Adapter) typing(ctx context.Context, d *delivery) {
	err := a.library(ctx).ProcessActivity(ctx, d.library(), turn.HandlerFuncs{
		OnMessageFunc: func(t *turn.TurnContext) (schema.Activity, error) {
			return answerTo(t.Activity, schema.Activity{Type: schema.Typing}), nil
		},
	})
	if err != nil {
		a.log.DebugContext(ctx, "typing not shown", "workspace", d.workspace, "err", err)
	}
}

// welcome says once how to talk to the bot in a group chat.
func (a *Adapter) welcome(ctx context.Context, d *delivery) {
	const text = "Hello. Mention me and ask, for example: which agents failed today? Write help to see what I can do."
	err := a.library(ctx).ProcessActivity(ctx, d.library(), turn.HandlerFuncs{
		OnConversationUpdateFunc: func(t *turn.TurnContext) (schema.Activity, error) {
			return answerTo(t.Activity, schema.Activity{Type: schema.Message, Text: text, TextFormat: schema.PLAIN}), nil
		},
	})
	if err != nil {
		a.log.WarnContext(ctx, "welcome not shown", "workspace", d.workspace, "err", err)
	}
}

func answerTo(in, out schema.Activity) schema.Activity {
	out = turn.ApplyConversationReference(out, turn.GetCoversationReference(in), false)
	out.ReplyToID = "" // to the conversation, not to the message
	return out
}

// library is the delivery as far as the library needs it.
func (d *delivery) library() schema.Activity {
	return schema.Activity{
		Type: schema.ActivityTypes(d.Type), ID: d.ID, ChannelID: d.ChannelID, ServiceURL: d.ServiceURL,
		From:         schema.ChannelAccount{ID: d.From.ID, Name: d.From.Name},
		Recipient:    schema.ChannelAccount{ID: d.Recipient.ID, Name: d.Recipient.Name},
		Conversation: schema.ConversationAccount{ID: d.Conversation.ID},
		Text:         d.Text,
	}
}

// libraryValidator is our Validator as the library wants one.
type libraryValidator struct{ v *Validator }

var _ auth.TokenValidator = libraryValidator{}

// AuthenticateRequest verifies the header and its binding to the activity. The
// credentials and the channel service are ours, not the caller's to choose.
func (l libraryValidator) AuthenticateRequest(ctx context.Context, act schema.Activity, header string, _ auth.CredentialProvider, _ string) (auth.ClaimsIdentity, error) {
	token, err := l.v.Verify(ctx, header)
	if err != nil {
		return nil, err
	}
	if err := token.Match(act.ServiceURL, act.ChannelID); err != nil {
		return nil, err
	}
	claims := map[string]any{"iss": l.v.keys.issuer, "aud": l.v.appID, "serviceurl": token.serviceURL}
	return auth.NewClaimIdentity(claims, true), nil
}

// libraryClient is our Connector as the library wants one, for one turn. The
// address it is given has unescaped ids in it, so it is made anew from the
// activity, and the activity becomes our own wire type.
type libraryClient struct {
	ctx  context.Context //nolint:containedctx // the library's interface has none
	conn *Connector
}

var _ client.Client = libraryClient{}

var errLibraryActivity = errors.New("activity without conversation")

// Post sends the activity to its conversation.
func (l libraryClient) Post(_ url.URL, act schema.Activity) error {
	_, err := l.conn.send(l.ctx, act.ServiceURL, act.Conversation.ID, fromLibrary(act))
	return err
}

// Put replaces the activity.
func (l libraryClient) Put(_ url.URL, act schema.Activity) error {
	return l.conn.update(l.ctx, act.ServiceURL, act.Conversation.ID, act.ID, fromLibrary(act))
}

// Delete removes the activity.
func (l libraryClient) Delete(_ url.URL, act schema.Activity) error {
	if act.Conversation.ID == "" {
		return fmt.Errorf("teams delete: %w", errLibraryActivity)
	}
	return l.conn.remove(l.ctx, act.ServiceURL, act.Conversation.ID, act.ID)
}

func fromLibrary(act schema.Activity) *outgoing {
	o := &outgoing{Type: string(act.Type), ReplyToID: act.ReplyToID, Text: act.Text, TextFormat: string(act.TextFormat)}
	if act.From.ID != "" {
		o.From = &account{ID: act.From.ID, Name: act.From.Name}
	}
	if act.Recipient.ID != "" {
		o.Recipient = &account{ID: act.Recipient.ID, Name: act.Recipient.Name}
	}
	if act.Conversation.ID != "" {
		o.Conversation = &conversationID{act.Conversation.ID}
	}
	return o
}
