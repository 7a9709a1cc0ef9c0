// Package slackfake is a Slack for tests: a Web API server that keeps messages,
// ephemeral messages, files, modals, home tabs, channels and people, enforces scopes,
// membership, triggers and the limits of Block Kit, and writes the signed
// requests Slack would send (events, clicks, form submits, slash commands).
//
// It listens on loopback, so the bot may run in the same process or in another.
// It can be told to fail: 429, 5xx, to hang, or to apply a call and then drop the
// reply. A call it does not know, or a message Slack would refuse, becomes an
// entry of Problems, which tests must find empty.
//
// It is imported by tests only.
package slackfake
