package cards

// look is how a status appears: an icon whose shape, not colour, tells it
// apart, and words beside it.
type look struct{ icon, words string }

// lookOf returns the look of s; an unknown status looks like a plain answer.
func lookOf(s Status) look {
	switch s {
	case StatusPending:
		return look{"⏳", "Waiting for a decision"}
	case StatusWorking:
		return look{"🔄", "In progress"}
	case StatusDone:
		return look{"✅", "Done"}
	case StatusFailed:
		return look{"❌", "Failed"}
	case StatusRejected:
		return look{"🚫", "Rejected"}
	case StatusExpired:
		return look{"🔒", "Closed without a decision"}
	case StatusUnknown:
		return look{"⚠️", "Outcome unknown"}
	case StatusRefused:
		return look{"✋", "Not done"}
	case StatusQuestion:
		return look{"💬", "Question"}
	case StatusOn:
		return look{"🟢", "On"}
	case StatusOff:
		return look{"⚪", "Off"}
	case StatusNone:
	}
	return look{}
}

// Sentences every platform shows the same.
const (
	testModeTitle = "Test mode"
	testModeText  = "nothing is sent to Neo."
	testModeIcon  = "🧪"
	aiLabel       = "AI-generated text, may be wrong"
	arrow         = "→"
)

// titled is the title with its icon in front.
func titled(c Card) string {
	title := oneLine(c.Title)
	icon := lookOf(c.Status).icon
	switch {
	case icon == "":
		return title
	case title == "":
		return icon + " " + lookOf(c.Status).words
	}
	return icon + " " + title
}
