// Package adapters is the neutral side of every chat platform: messages and
// clicks in, cards out, and the durable path between them.
//
// An adapter (slack, teams, console) authenticates a delivery, turns it into a
// Message or a Click and puts it into the Inbox; only then is the platform
// answered. Workers of a Redis consumer group take it from there (Runner), ask
// the Handler for an Answer and post it through the Outbox, which makes a post
// happen once even if the process dies between the platform's "ok" and our own
// note of it.
//
// It decides nothing: who may do what is the Handler's business. It does say
// what the platform vouches for: User.Trust and Conversation.Sharing, whose
// zero values mean "not established" and are treated as a no.
//
// Redis down: Put fails, the platform gets a 503 and delivers again later.
package adapters
