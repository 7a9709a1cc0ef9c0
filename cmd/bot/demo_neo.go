package main

import (
	"encoding/json"
	"slices"
	"time"

	"neobot/neoapi/sandbox"
)

// shownWrites bounds the list of writes beside the demo's chat.
const shownWrites = 8

// neoView is what the demo page shows of Neo itself, straight from the sandbox
// and not through the bot: proof that a change has really happened.
type neoView struct {
	Agents  []neoAgent  `json:"agents"`
	Tickets []neoTicket `json:"tickets"`
	Writes  []neoWrite  `json:"writes"`
}

type neoAgent struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
	Kind  string `json:"kind"`
}

type neoTicket struct {
	ID      string    `json:"id"`
	Summary string    `json:"summary"`
	At      time.Time `json:"at"`
}

type neoWrite struct {
	Call   string          `json:"call"`
	Body   json.RawMessage `json:"body,omitempty"`
	Status int             `json:"status"`
	At     time.Time       `json:"at"`
}

func (p *page) neoView() neoView {
	v := neoView{Agents: []neoAgent{}, Tickets: []neoTicket{}, Writes: []neoWrite{}}
	p.cfg.Neo.Mutate(func(s *sandbox.State) {
		for a := range s.Agents.All() {
			v.Agents = append(v.Agents, neoAgent{ID: a.ID, Name: a.Name, State: a.State, Kind: a.TriggerType})
		}
		for e := range s.Escalations.All() {
			v.Tickets = append(v.Tickets, neoTicket{ID: e.TicketID, Summary: e.Summary, At: e.At})
		}
	})
	writes := p.cfg.Neo.Writes()
	for _, w := range slices.Backward(writes) {
		if len(v.Writes) == shownWrites {
			break
		}
		v.Writes = append(v.Writes, neoWrite{Call: w.Method + " " + w.Path, Body: w.Body, Status: w.Status, At: w.At})
	}
	return v
}
