package teams

import (
	"context"
	"encoding/json"
	"net/http"

	"neobot/adapters"
	"neobot/cards"
)

// Bodies of invoke answers:
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/universal-action-model#response-format
type actionAnswer struct {
	StatusCode int    `json:"statusCode"`
	Type       string `json:"type"`
	Value      any    `json:"value"`
}

type actionError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

const (
	answerText  = "application/vnd.microsoft.activity.message"
	answerError = "application/vnd.microsoft.error"
)

// taskAnswer answers a dialog.
type taskAnswer struct {
	Task task `json:"task"`
}

type task struct {
	Type  string `json:"type"` // continue (value is a dialog), message (value is text)
	Value any    `json:"value"`
}

// Invoke names.
const (
	invokeAction   = "adaptiveCard/action"
	invokeFetch    = "task/fetch"
	invokeSubmit   = "task/submit"
	invokeFeedback = "message/submitAction"
)

// invoke answers a request of the client. 501 is the protocol's word for a
// request the bot does not know.
func (a *Adapter) invoke(ctx context.Context, d *delivery) response {
	switch d.Name {
	case invokeAction:
		return a.action(ctx, d)
	case invokeFetch:
		return a.fetch(ctx, d)
	case invokeSubmit:
		return a.submit(ctx, d)
	case invokeFeedback:
		return a.feedback(ctx, d)
	}
	return response{status: http.StatusNotImplemented}
}

// action is a pressed Action.Execute.
func (a *Adapter) action(ctx context.Context, d *delivery) response {
	var v struct {
		Action struct {
			Verb string          `json:"verb"`
			Data json.RawMessage `json:"data"`
		} `json:"action"`
		Trigger string `json:"trigger"`
	}
	lenient(d.Value, &v)
	if id, refresh := cards.ParseTeamsView(v.Action.Verb, v.Action.Data); refresh || v.Trigger == "automatic" {
		return a.view(ctx, d, id)
	}
	click, ok := d.click(v.Action.Verb, v.Action.Data)
	if !ok {
		a.dropped(ctx, d, "action")
		return invokeText(d.Name, "This button is not known. Ask again for a fresh card.")
	}
	answer, there, err := a.wait(ctx, click)
	if err != nil {
		return a.put(ctx, d.workspace, "click", false, err)
	}
	if !there {
		// No card here: it would stand in the person's view for ever if the
		// outcome turns out to be a private "no".
		return invokeText(d.Name, "Working on it. The card will change when it is done.")
	}
	return a.answerAction(ctx, d, answer)
}

// wait puts a click and waits for the worker's answer.
func (a *Adapter) wait(ctx context.Context, click adapters.Click) (adapters.Answer, bool, error) {
	d, err := adapters.ClickDelivery(click)
	if err != nil {
		return adapters.Answer{}, false, err
	}
	return a.cfg.Inbox.PutAndWait(ctx, d, invokeWait)
}

func (a *Adapter) answerAction(ctx context.Context, d *delivery, answer adapters.Answer) response {
	switch answer.Where {
	case adapters.Replace, adapters.Shown:
		return response{http.StatusOK, actionAnswer{200, cards.AdaptiveCardType, a.render(ctx, d.workspace, d.place.ID, answer.Card)}}
	case adapters.Private:
		return invokeText(d.Name, a.privately(ctx, d, answer.Card))
	case adapters.Reply:
		return invokeText(d.Name, "Answered in the conversation.")
	case adapters.Nowhere:
	}
	return invokeText(d.Name, "Noted.")
}

// privately shows a card to the person who pressed. A sentence fits into the
// answer to the click; more goes to his own chat with the bot.
func (a *Adapter) privately(ctx context.Context, d *delivery, card cards.Card) string {
	sentence := cards.Teams(card).FallbackText
	if len(card.Fields)+len(card.Body)+len(card.Changes)+len(card.Buttons)+len(card.Links) == 0 {
		return sentence
	}
	to := adapters.Destination{Workspace: d.workspace, Conversation: d.place.ID, Thread: d.thread, User: d.user.ID}
	if err := a.Whisper(ctx, to, card); err != nil {
		a.log.WarnContext(ctx, "private answer not shown", "workspace", d.workspace, "user", d.user.ID, "err", err)
		return sentence
	}
	if d.place.Kind == adapters.Direct {
		return "Answered below."
	}
	return "I answered you in our own chat."
}

// fetch opens a dialog. It has no effect, so it is answered at once.
func (a *Adapter) fetch(ctx context.Context, d *delivery) response {
	ctx, cancel := context.WithTimeout(ctx, formWait)
	defer cancel()
	var v struct {
		Data json.RawMessage `json:"data"`
	}
	lenient(d.Value, &v)
	click, ok := d.click("", v.Data)
	if !ok || !click.Action.OpensForm() || click.Inputs != nil {
		a.dropped(ctx, d, "dialog")
		return invokeText(d.Name, "This button is not known. Ask again for a fresh card.")
	}
	click.User, click.Conversation = a.verified(ctx, d)
	form, answer := a.cfg.Forms.HandleForm(ctx, click)
	if form == nil {
		return dialogCard(answer.Card)
	}
	return response{http.StatusOK, taskAnswer{task{"continue", cards.TeamsForm(*form)}}}
}

// submit is a filled-in dialog.
func (a *Adapter) submit(ctx context.Context, d *delivery) response {
	var v struct {
		Data json.RawMessage `json:"data"`
	}
	lenient(d.Value, &v)
	click, ok := d.click("", v.Data)
	if !ok || !click.Action.OpensForm() {
		a.dropped(ctx, d, "dialog submit")
		return invokeText(d.Name, "This dialog is not known. Press the button on the card again.")
	}
	click.Card = adapters.Ref{} // a dialog is no message
	if click.Inputs == nil {
		click.Inputs = map[string]string{}
	}
	answer, there, err := a.wait(ctx, click)
	switch {
	case err != nil:
		return a.put(ctx, d.workspace, "form", false, err)
	case !there:
		return invokeText(d.Name, "Working on it. The answer will appear in the conversation.")
	case answer.Where == adapters.Private:
		return dialogCard(answer.Card)
	}
	return response{http.StatusOK, struct{}{}} // closes the dialog
}

// dialogCard shows a card in the dialog, without its buttons: they belong to messages.
func dialogCard(card cards.Card) response {
	card.Buttons = nil
	for i := range card.Body {
		items := append([]cards.Item(nil), card.Body[i].Items...)
		for j := range items {
			items[j].Button = nil
		}
		card.Body[i].Items = items
	}
	title := card.Title
	if title == "" {
		title = "neobot"
	}
	return response{http.StatusOK, taskAnswer{task{"continue", cards.TeamsDialog{
		Title: clip(title, 60), Height: "small", Width: "medium", Card: cards.Teams(card).Attachment(),
	}}}}
}

// invokeText is one sentence as the answer to an invoke of this name.
func invokeText(name, text string) response {
	switch name {
	case invokeFetch, invokeSubmit:
		return response{http.StatusOK, taskAnswer{task{"message", text}}}
	case invokeFeedback:
		return response{http.StatusOK, struct{}{}}
	}
	return response{http.StatusOK, actionAnswer{200, answerText, text}}
}

// feedback is a thumb: recorded, never answered in the conversation. Whose it
// is, is asked as for a click.
func (a *Adapter) feedback(ctx context.Context, d *delivery) response {
	ctx, cancel := context.WithTimeout(ctx, formWait)
	defer cancel()
	var v struct {
		ActionName  string `json:"actionName"`
		ActionValue struct {
			Reaction string          `json:"reaction"`
			Feedback json.RawMessage `json:"feedback"`
		} `json:"actionValue"`
	}
	lenient(d.Value, &v)
	if v.ActionName != "feedback" || v.ActionValue.Reaction != "like" && v.ActionValue.Reaction != "dislike" {
		return invokeText(d.Name, "")
	}
	f := adapters.Feedback{
		Workspace: d.workspace, User: d.user, Conversation: d.place, Message: d.ReplyToID, Delivery: d.id,
		Like: v.ActionValue.Reaction == "like", Text: feedbackText(v.ActionValue.Feedback),
	}
	f.User, f.Conversation = a.verified(ctx, d)
	if err := a.cfg.FeedbackFunc(ctx, f); err != nil {
		return a.put(ctx, d.workspace, "feedback", false, err)
	}
	return invokeText(d.Name, "")
}

// verified is who the platform says the person is; unknown when it cannot.
func (a *Adapter) verified(ctx context.Context, d *delivery) (adapters.User, adapters.Conversation) {
	u, c, err := a.Verify(ctx, d.workspace, d.user, d.place)
	if err != nil {
		a.log.WarnContext(ctx, "person not verified", "workspace", d.workspace, "user", d.user.ID, "err", err)
		return d.user, d.place
	}
	return u, c
}

// feedbackText reads {"feedbackText":"…"}, which Teams sends as text in JSON.
func feedbackText(raw json.RawMessage) string {
	var inner string
	lenient(raw, &inner)
	if inner != "" {
		raw = json.RawMessage(inner)
	}
	var f struct {
		Text string `json:"feedbackText"`
	}
	lenient(raw, &f)
	return clip(f.Text, 1000)
}
