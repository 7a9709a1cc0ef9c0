package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// picture writes docs/demo.png anew: go test ./cmd/bot -run DemoInBrowser -picture
var picture = flag.Bool("picture", false, "write docs/demo.png")

// TestDemoInBrowser takes the tour in a headless Chromium, as a newcomer would.
func TestDemoInBrowser(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"../../deploy/peers/node_modules/playwright-core", "/usr/bin/chromium"} {
		if _, err := os.Stat(needed); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: deploy/test/setup.sh installs it", needed)
		}
		t.Skipf("%s is missing: deploy/test/setup.sh installs it", needed)
	}
	b := openPage(t, startDemo(t))
	cmd := exec.CommandContext(t.Context(), "node", "../../deploy/test/demo_page.mjs")
	cmd.Env = append(os.Environ(), "DEMO="+b.page.URL())
	if *picture {
		path, err := filepath.Abs("../../docs/demo.png")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "PICTURE="+path)
	}
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, faults.String())
	}
	var seen struct {
		Faults, Foreign      []string
		TickedBefore, Ticked int
		Markup               int
		Title, Hidden        string
		Width                []int
		Input                bool
		Chart                []any // its words, bars drawn, elements that could be live
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(seen.Faults) > 0 || len(seen.Foreign) > 0 {
		t.Errorf("faults of the page %q, requests elsewhere %q", seen.Faults, seen.Foreign)
	}
	if seen.TickedBefore != 3 || seen.Ticked != 4 {
		t.Errorf("tour: %d steps ticked after the approval, %d after the escalation", seen.TickedBefore, seen.Ticked)
	}
	if seen.Markup != 0 || seen.Title != "neobot demo" || !strings.Contains(seen.Hidden, "⟨U+202E⟩") {
		t.Errorf("text became markup: %d elements, title %q, card %q", seen.Markup, seen.Title, seen.Hidden)
	}
	if len(seen.Chart) != 3 || !strings.HasPrefix(seen.Chart[0].(string), "Chart in runs: Dispatch ") || seen.Chart[1].(float64) < 8 || seen.Chart[2] != 0.0 {
		t.Errorf("chart %v", seen.Chart)
	}
	if len(seen.Width) != 2 || seen.Width[0] > 360 || seen.Width[1] > 360 || !seen.Input {
		t.Errorf("on a phone: widths %v, input %v", seen.Width, seen.Input)
	}
}
