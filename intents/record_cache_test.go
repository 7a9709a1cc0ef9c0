package intents

import (
	"encoding/json"
	"errors"
	"testing"

	"neobot/approvals"
	"neobot/neoapi"
)

// A record that was read before and then tampered with is read, and refused, anew.
func TestRecordCacheTrustsOnlyTheSameBytes(t *testing.T) {
	t.Parallel()
	change := neoapi.Change{Op: "update_agent", Body: json.RawMessage(`{"state":"DISABLED"}`)}
	rec := approvals.Request{
		ID: "record-cache-test", Digest: change.Digest(), Change: mustJSON(change), Origin: mustJSON(origin{}),
		View: mustJSON(view{Title: "Disable", Intent: Intent{Name: "disable_agent", Args: map[string]string{"agent": "A"}}}),
	}
	for range 2 {
		v, _, c, err := parse(rec)
		if err != nil || v.Title != "Disable" || v.Intent.Args["agent"] != "A" || c.Digest() != rec.Digest {
			t.Fatalf("%+v, %+v, %v", v, c, err)
		}
		v.Intent.Args["agent"] = "B" // a plan may do this
	}
	rec.View = mustJSON(view{Title: "Something else"})
	if v, _, _, err := parse(rec); err != nil || v.Title != "Something else" {
		t.Errorf("%+v, %v", v, err)
	}
	rec.Change = json.RawMessage(`{"op":"delete_agent"}`)
	if _, _, _, err := parse(rec); !errors.Is(err, approvals.ErrDigest) {
		t.Errorf("%v, want the digest not to fit", err)
	}
}
