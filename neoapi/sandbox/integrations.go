package sandbox

import (
	"net/http"
	"time"
)

// syncWindow is the default and longest window of sync runs.
const syncWindow = 30 * 24 * time.Hour

// Integration is a system that Neo can be connected to.
type Integration struct {
	Name        string     `json:"name"`
	DisplayName string     `json:"display_name"`
	Category    string     `json:"category"`
	Connected   bool       `json:"connected"`
	Status      string     `json:"status"` // ok, error, not_connected
	Syncs       bool       `json:"syncs"`
	LastSyncAt  *time.Time `json:"last_sync_at"`
	Error       *string    `json:"error"`

	Runs *Collection[SyncRun] `json:"-"`
}

// SyncRun is one synchronization.
type SyncRun struct {
	RunID            string     `json:"run_id"`
	StartedAt        time.Time  `json:"started_at"`
	FinishedAt       *time.Time `json:"finished_at"`
	Error            *string    `json:"error"`
	DashboardMessage *string    `json:"dashboard_message"`
	TemporalRunID    string     `json:"temporal_run_id"`
	TemporalID       string     `json:"temporal_workflow_id"`
	Activities       []Object   `json:"activities"`
}

// Technician is one of the MSP's people, matched to Microsoft or not.
type Technician struct {
	ID, Name, Email, MicrosoftID string
	Manual                       bool // matched by hand: stays
}

func integrationOps() map[string]handler {
	return map[string]handler{
		"list_integrations":          func(c *call) (reply, error) { return every(c.state.Integrations, nil), nil },
		"list_integration_sync_runs": listSyncRuns, "auto_map_technicians": autoMap,
	}
}

func listSyncRuns(c *call) (reply, error) {
	i := c.state.Integrations.Get(c.path("name"))
	switch {
	case i == nil:
		return reply{}, refuse(http.StatusNotFound, "unknown_integration", "There is no such integration")
	case !i.Connected:
		return reply{}, refuse(http.StatusNotFound, "integration_not_connected", i.DisplayName+" is not connected")
	case !i.Syncs:
		return reply{}, refuse(http.StatusNotFound, "integration_does_not_sync", i.DisplayName+" does not sync")
	}
	since, until, err := c.span("since", "until")
	if err != nil {
		return reply{}, err
	}
	if since.IsZero() {
		since = until.Add(-syncWindow)
	}
	if until.Sub(since) > syncWindow {
		return reply{}, badParameter("since", "is more than 30 days before until")
	}
	return list(c, i.Runs, func(r *SyncRun) bool { return !r.StartedAt.Before(since) && r.StartedAt.Before(until) })
}

// autoMap matches technicians to Microsoft users by mail address.
func autoMap(c *call) (reply, error) {
	matched, unmatched, kept := []Object{}, []Object{}, 0
	for t := range c.state.Technicians.All() {
		if t.Manual {
			kept++
			continue
		}
		p := personByEmail(t.Email)
		if p == nil {
			unmatched = append(unmatched, Object{"technician_id": t.ID, "name": t.Name, "reason": "no Microsoft user with this address"})
			continue
		}
		t.MicrosoftID = p.ID
		matched = append(matched, Object{"technician_id": t.ID, "name": t.Name, "microsoft_user_id": p.ID})
	}
	return reply{data: Object{"matched": matched, "unmatched": unmatched, "manual_kept": kept}}, nil
}
