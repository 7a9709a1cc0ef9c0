// Package intents is what the bot is for: it turns a message into an intent,
// the intent into a plan, and the plan into an answer or an approval.
//
//	message -> who? -> intent (one model call) -> plan -> allowed? -+- read  -> Neo --> card
//	                                                                +- write -> approval saved --> approval card
//	click ---> who? -> decision saved -> enough? -> grant -> Neo write -> result saved -> every copy redrawn
//
// Start at service.go: two functions, one per way in. The catalog (catalog.go
// and the files it names) lists the intents; routers (builtin.go, openai.go)
// only pick a name and arguments from it, both checked here. A question of
// several parts is a chain of reads, at most three (parts.go). Policy (policy.go)
// says who may do and decide what, and is asked when planning and again when
// executing.
//
// When things fail: no model, or a model that fails, means the built-in router
// and a line in the footer. Neo failing means a card that says so and when to
// try again. Our own Redis failing means no answer yet: the delivery stays in
// the inbox. On any doubt about a person, a change or a state: no.
package intents
