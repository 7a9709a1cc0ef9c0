package teams

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"

	"neobot/adapters"
)

const (
	// maxCard is for the card alone. Teams documents 28 KB on some of its paths
	// and 100 KB on others, so this fits all of them:
	// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
	maxCard = 25 << 10
	// maxMessage is the whole activity, counted by Teams in UTF-16.
	maxMessage = 100 << 10
)

// outgoing is an activity we send: only what has a value is in it. The library's
// type would send zero times and empty objects along.
type outgoing struct {
	Type         string          `json:"type"`
	ID           string          `json:"id,omitempty"`
	From         *account        `json:"from,omitempty"`
	Recipient    *account        `json:"recipient,omitempty"`
	Conversation *conversationID `json:"conversation,omitempty"`
	ReplyToID    string          `json:"replyToId,omitempty"`
	Text         string          `json:"text,omitempty"`
	TextFormat   string          `json:"textFormat,omitempty"`
	Summary      string          `json:"summary,omitempty"` // in the notification
	Attachments  []attachment    `json:"attachments,omitempty"`
	Entities     []any           `json:"entities,omitempty"`
	ChannelData  *sentData       `json:"channelData,omitempty"`
}

type conversationID struct {
	ID string `json:"id"`
}

type attachment struct {
	ContentType string          `json:"contentType"`
	Content     json.RawMessage `json:"content"`
}

// sentData is the part of channelData that bots send.
type sentData struct {
	Tenant       *withID       `json:"tenant,omitempty"`
	FeedbackLoop *feedbackLoop `json:"feedbackLoop,omitempty"`
}

type withID struct {
	ID string `json:"id"`
}

type feedbackLoop struct {
	Type string `json:"type"`
}

// aiEntity is the "AI generated" label:
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bot-messages-ai-generated-content
// There may be one root entity only; a second one is a 400.
type aiEntity struct {
	EntityType     string   `json:"type"`
	Type           string   `json:"@type"`
	Context        string   `json:"@context"`
	AdditionalType []string `json:"additionalType"`
}

func aiLabel() aiEntity {
	return aiEntity{"https://schema.org/Message", "Message", "https://schema.org", []string{"AIGeneratedContent"}}
}

// check the size before Teams does, which answers 413 to the whole message.
func (o *outgoing) encode() ([]byte, error) {
	for _, a := range o.Attachments {
		if len(a.Content) > maxCard {
			return nil, fmt.Errorf("card of %d bytes: %w", len(a.Content), ErrTooLarge)
		}
	}
	body, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode activity: %w", err)
	}
	if n := 2 * len(utf16.Encode([]rune(string(body)))); n > maxMessage {
		return nil, fmt.Errorf("message of %d bytes: %w", n, ErrTooLarge)
	}
	return body, nil
}

// newConversation asks for a conversation with one person.
type newConversation struct {
	Bot         account   `json:"bot"`
	Members     []account `json:"members"`
	IsGroup     bool      `json:"isGroup"`
	TenantID    string    `json:"tenantId,omitempty"`
	ChannelData *sentData `json:"channelData,omitempty"`
}

// member is what the roster says of a person. It is read like this from
// members/{id}: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
type member struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	AAD      string `json:"aadObjectId"`
	ObjectID string `json:"objectId"` // the older name of aadObjectId
	TenantID string `json:"tenantId"`
	UPN      string `json:"userPrincipalName"`
	Role     string `json:"userRole"` // user, guest, anonymous
}

// channelList is what a team says of its channels. Older connectors leave the
// types out.
type channelList struct {
	Conversations []struct {
		ID   string `json:"id"`
		Type string `json:"type"` // standard, private, shared
	} `json:"conversations"`
}

type memberPage struct {
	Members []member `json:"members"`
	Next    string   `json:"continuationToken"`
}

// Errors to test with errors.Is.
var (
	// ErrService means an address is not one of Microsoft's connectors.
	ErrService = errors.New("not a connector of this cloud")
	// ErrTooLarge means Teams would refuse the message for its size.
	ErrTooLarge = fmt.Errorf("larger than Teams takes: %w", adapters.ErrGone)
	// ErrToken means the bot could not get its own token.
	ErrToken = errors.New("no app token")
	// ErrNoReference means nothing was heard from a conversation or person yet.
	ErrNoReference = errors.New("nothing known of this conversation")
)

// Error is a refusal of the connector.
type Error struct {
	Op         string
	Status     int           // HTTP status
	Code       string        // of the error document, such as BotNotInConversationRoster
	RetryAfter time.Duration // 0: not said
}

func (e *Error) Error() string {
	return fmt.Sprintf("teams %s: status %d %s", e.Op, e.Status, e.Code)
}

// Is makes a final refusal an adapters.ErrGone: the conversation or message is
// gone, the bot was removed or blocked, or the message can never be taken.
func (e *Error) Is(target error) bool {
	if target != adapters.ErrGone {
		return false
	}
	switch e.Status {
	case 400, 403, 404, 405, 410, 413:
		return true
	}
	return false
}
