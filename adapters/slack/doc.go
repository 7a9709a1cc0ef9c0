// Package slack is the adapter for Slack: signed HTTP (events, interactions,
// the /neo command) and Socket Mode through the same functions, and posting.
//
// The way in is: cap the body, check the signature on the raw bytes, decode the
// outer envelope ourselves, check app id and workspace against the allow-list,
// put the message or click into the inbox, answer 200. Nothing is answered
// before it is in Redis; Redis down is a 503 (HTTP) or no acknowledgement
// (Socket Mode), and Slack delivers again. Forms are the one exception: a click
// that opens a dialog is answered at once, because Slack's trigger lives three
// seconds, and it has no effect.
//
// The way out posts with the outbox key in the message metadata, so that a post
// whose reply was lost can be found again. Only 429 is retried inside; any other
// failure goes back to the inbox, which tries again.
//
// While an answer takes long the runner shows a working card that the answer
// then replaces. assistant.threads.setStatus is not used: it would cost a call
// per question and show the same thing.
//
// It decides nothing: Verify reports what Slack says of a person and a
// conversation, and on any error says nothing at all, which means no.
package slack
