package cards

// Status says how the thing on the card stands. It decides colour and icon,
// never behaviour. The zero value is a plain answer.
type Status string

// The statuses a card can show.
const (
	StatusNone     Status = ""         // a plain answer
	StatusPending  Status = "pending"  // waits for a person's decision
	StatusWorking  Status = "working"  // something is running
	StatusDone     Status = "done"     // it happened
	StatusFailed   Status = "failed"   // it was tried and did not happen
	StatusRejected Status = "rejected" // a person said no
	StatusExpired  Status = "expired"  // nobody decided in time, or it was withdrawn
	StatusUnknown  Status = "unknown"  // nobody can tell whether it happened
	StatusRefused  Status = "refused"  // the bot may not or cannot do this
	StatusQuestion Status = "question" // the bot asks back
	StatusOn       Status = "on"       // a thing that is switched on, connected, running
	StatusOff      Status = "off"      // a thing that is switched off, paused, not connected
)

// Card is one message, independent of the platform. Strings are plain text.
// The order on screen is: Title with status, Summary, Fields, Changes, Body,
// Links, Buttons, Footer.
type Card struct {
	Title    string
	Status   Status
	Summary  string   // one or two sentences: what happened or is asked
	TestMode bool     // marks the card: nothing is sent to Neo
	Fields   []Field  // short facts, two to a row where the platform can
	Changes  []Change // field-by-field before and after
	Body     []Block
	Links    []Link
	Buttons  []Button
	Footer   []string // who, when, ids, how it was answered; small print

	// Views is set when people may be shown different buttons.
	Views *Views

	// AIGenerated marks text written by a model (a summary). Teams shows its
	// label, Slack and text a line in the footer.
	AIGenerated bool
	// Rated asks whether the answer was good, where the platform has thumbs
	// (Teams): a model chose what is shown, or wrote a part of it.
	Rated bool
}

// Field is one short fact.
type Field struct{ Name, Value string }

// Change is one field of a planned or made write. Before and After are the
// whole values as text; an absent value is the empty string and shows as "(not set)".
type Change struct{ Field, Before, After string }

// Block is one part of a card's body. Exactly one of Text, Code, Items, Table
// and Chart is used; Heading may stand over any of them and is a chart's title.
type Block struct {
	Heading string
	Text    string // paragraphs, line breaks kept
	Code    string // preformatted
	Items   []Item
	Table   *Table
	Chart   *Chart
}

// Item is one row of a list.
type Item struct {
	Title  string
	Detail string // second line, smaller
	Status Status // shown as an icon before the title
	Button *Button
}

// Table is a small table. Every row has as many cells as Columns.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Link opens a web page. URL must be https and is always shown in full or as
// its host beside the label; links with another scheme are rendered as text.
// Only code builds links; text from people, Neo or a model never becomes one.
type Link struct{ Label, URL string }

// Style is how a button looks.
type Style string

// Button styles.
const (
	StyleDefault Style = ""
	StylePrimary Style = "primary"
	StyleDanger  Style = "danger"
)

// Action is what a click means. The list is closed: anything else on the wire
// is dropped and logged.
type Action string

// The actions. Approve, Reject and Withdraw carry an approval id; Continue and
// Form carry the id of a continuation, a next question stored on the server.
const (
	ActionApprove  Action = "approve"
	ActionReject   Action = "reject"   // opens the form that asks for the reason
	ActionWithdraw Action = "withdraw" // by the requester
	ActionContinue Action = "continue" // asks the stored next question
	ActionForm     Action = "form"     // opens the stored form
)

// Valid reports whether a is one of the actions above.
func (a Action) Valid() bool {
	switch a {
	case ActionApprove, ActionReject, ActionWithdraw, ActionContinue, ActionForm:
		return true
	}
	return false
}

// OpensForm reports whether a click with this action is answered by a dialog
// and not by a card. The dialog's submit comes back as a click with the same
// action and with inputs.
func (a Action) OpensForm() bool { return a == ActionReject || a == ActionForm }

// Button is an action and an opaque id, nothing else. Buttons are never links.
type Button struct {
	Label  string
	Action Action
	ID     string
	Style  Style
}

// Form is a dialog: a Slack modal, a Teams dialog, prompts in the console.
// Action and ID come back with the submit.
type Form struct {
	Title  string
	Submit string // label of the submit button
	Action Action
	ID     string
	Intro  []Block // shown above the inputs, read only
	Inputs []Input
}

// InputKind is the kind of a form input.
type InputKind string

// Input kinds.
const (
	InputText      InputKind = "text"
	InputMultiline InputKind = "multiline"
	InputSelect    InputKind = "select"
)

// Input is one field of a form. Name is its key in the submit and must not
// be "action" or "id". Max is in characters; 0 means the platform's own limit.
type Input struct {
	Name, Label, Hint string
	Kind              InputKind
	Value             string // pre-filled
	Options           []Option
	Optional          bool
	Max               int
}

// Option is one choice of a select.
type Option struct{ Label, Value string }
