// Package cards holds the one neutral card every answer is made of, and its
// renderers: Slack Block Kit, Adaptive Card 1.5 for Teams, and plain text.
//
// A card is data for the eye. It carries no command: a button is an action out
// of a closed list plus an opaque id, and everything the click will do is
// loaded from the store under that id.
//
// Every string in a Card is plain text, whoever wrote it. Renderers escape it
// for their dialect, cut it (by characters, saying so) to the platform's limits
// and never fail: a hostile or huge card still renders to a valid message.
package cards
