package teams

import (
	"encoding/json"
	"fmt"
	"time"
)

// activity is what the connector delivers, as far as the bot reads it. Names are
// matched exactly (Go's decoder alone would take "ChannelId" for "channelId"),
// and the open-ended parts stay raw: value can be an object, text or a list,
// with numbers beyond 2^53.
type activity struct {
	Type         string
	Name         string // of an invoke or event
	ID           string
	ChannelID    string
	ServiceURL   string
	Timestamp    time.Time
	From         account
	Recipient    account // the bot
	Conversation conversation
	Text         string
	TextFormat   string
	ReplyToID    string
	Action       string // of an installationUpdate: add, remove
	Entities     []entity
	Value        json.RawMessage
	ChannelData  channelData
	MembersAdded []account
	Removed      []account
}

// account is a person or bot. AAD is the Entra object id; ID the id this bot
// sees ("29:…" for people, "28:…" for bots).
type account struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	AAD  string `json:"aadObjectId,omitempty"`
	Role string `json:"role,omitempty"`
}

type conversation struct {
	ID       string `json:"id"`
	TenantID string `json:"tenantId"`
	Type     string `json:"conversationType"` // personal, groupChat, channel
	IsGroup  bool   `json:"isGroup"`
}

type channelData struct {
	Tenant struct {
		ID string `json:"id"`
	} `json:"tenant"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Channel struct {
		ID   string `json:"id"`
		Type string `json:"type"` // standard, private, shared; absent in older clients
	} `json:"channel"`
	EventType string `json:"eventType"`
}

// entity is a mention; other kinds are not read.
type entity struct {
	Type      string  `json:"type"`
	Text      string  `json:"text"`
	Mentioned account `json:"mentioned"`
}

// decodeActivity reads a delivery. An unexpected shape of a part that is not
// needed to tell who speaks where is read as absent, never as an error: the
// connector grows new shapes, and an error would make it deliver again.
func decodeActivity(body []byte) (*activity, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, fmt.Errorf("decode activity: %w", err)
	}
	a := &activity{Value: top["value"]}
	for name, into := range map[string]*string{
		"type": &a.Type, "name": &a.Name, "id": &a.ID, "channelId": &a.ChannelID, "serviceUrl": &a.ServiceURL,
		"text": &a.Text, "textFormat": &a.TextFormat, "replyToId": &a.ReplyToID, "action": &a.Action,
	} {
		lenient(top[name], into)
	}
	lenient(top["timestamp"], &a.Timestamp)
	lenient(top["from"], &a.From)
	lenient(top["recipient"], &a.Recipient)
	lenient(top["conversation"], &a.Conversation)
	lenient(top["entities"], &a.Entities)
	lenient(top["channelData"], &a.ChannelData)
	lenient(top["membersAdded"], &a.MembersAdded)
	lenient(top["membersRemoved"], &a.Removed)
	return a, nil
}

// lenient decodes into v, or leaves it zero.
func lenient[T any](raw json.RawMessage, v *T) {
	if len(raw) == 0 {
		return
	}
	var out T
	if json.Unmarshal(raw, &out) == nil {
		*v = out
	}
}
