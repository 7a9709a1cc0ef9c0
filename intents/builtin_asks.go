package intents

// Questions back and honest refusals of the built-in router. This is the
// closed set: no other words reach a person from a router.
const (
	askMeant     = "That does not read as a plain instruction, so nothing was changed. Press what you mean, or say it as “disable Dispatch”."
	askBulk      = "I change one agent at a time. Name the one you mean."
	askOne       = "That is more than one change. Tell me one at a time; each gets its own approval."
	askTimed     = "I cannot change things later or under a condition, only propose a change now. Tell me when the time has come."
	askQuote     = "If that is all part of the new name, put it in quotation marks. Changes for later are not possible."
	askStart     = "Run it once now, or switch it on?"
	askStop      = "Switch it off for good, or only cancel the run that is under way?"
	askRules     = "I cannot skip approvals or my rules, whoever asks. A plain request such as “enable Dispatch” gets an approval card."
	askDecide    = "Approvals and technician requests are decided with the buttons on their cards, not by typing. Here is where they are listed."
	askAnAgent   = "I know no agent of that name, and agents are all I can switch or run."
	askNoDelete  = "Agents cannot be deleted from chat. You can switch one off here; deleting is done in the Neo dashboard."
	askNoCreate  = "Agents cannot be created from chat. That is done in the Neo dashboard."
	askNoEdit    = "From chat I can switch an agent on or off, rename it or run it. Other settings are changed in the Neo dashboard."
	askNoCancel  = "Runs cannot be cancelled from chat. That is done in the Neo dashboard."
	askNoRetry   = "A single run cannot be retried from chat. I can run its agent again on the ticket."
	askUndo      = "Undo is a button on the card of the change that was made."
	askNoSecrets = "I never show keys, tokens or passwords."
	askNoTickets = "I cannot read or change tickets themselves, only show what Neo did on them."
	askByItself  = "That is more than one question. Ask them one at a time."
	askReadOnly  = "In a question of several parts I only look things up. Ask for the change by itself and name the agent; it gets its own approval."
	askNotHere   = "That part of Neo is not available from chat here."
)

// Asks are all sentences a router can put into Routed.Ask.
func Asks() []string {
	return []string{
		askMeant, askBulk, askOne, askTimed, askQuote, askStart, askStop, askRules, askDecide, askAnAgent, askNoDelete, askNoCreate,
		askNoEdit, askNoCancel, askNoRetry, askUndo, askNoSecrets, askNoTickets, askNotHere, askUnclear, askReadOnly, askByItself,
	}
}

// askUnclear goes with Choices when two readings are as likely.
const askUnclear = "I am not sure what you mean. Press what fits, or say it in other words."
