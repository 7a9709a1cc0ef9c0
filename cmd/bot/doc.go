// Command bot is neobot: ask, approve and escalate in Slack, Teams and the
// terminal.
//
// It is the only package that reads the environment, the clock and the command
// line, and the only one that wires the others together. It decides nothing
// about people or changes: that is package intents.
//
// Start at main.go (the commands), then config.go (the environment),
// policy_file.go (the YAML file), serve.go (the wiring) and server.go (HTTP).
// testdata/*.txtar are stories that run through the whole bot; scenario_test.go
// says how to read them.
//
// When things fail: a fault before serving is one line on stderr and exit code
// 1; a fault while serving is logged and answered, and readiness turns false.
package main
