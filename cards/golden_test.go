package cards

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", name, diff)
	}
}

// pretty is v as indented JSON with <, > and & readable.
func pretty(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sampleFiles are ids for the pictures of the charts of a sample.
func sampleFiles(name string, c Card) []string {
	ids := make([]string, len(Drawings(c)))
	for i, d := range Drawings(c) {
		if strings.Contains(d.Title, "<!channel>") {
			continue // its names have letters that are not drawn: there is no picture
		}
		ids[i] = fmt.Sprintf("F%s%06d", strings.ToUpper(strings.ReplaceAll(name, "-", "")), i)
	}
	return ids
}

// TestGoldenCharts keeps the charts of the samples for those who draw them: the
// tests of package charts and the preview of deploy/peers.
func TestGoldenCharts(t *testing.T) {
	t.Parallel()
	all := map[string]Drawing{}
	for name, c := range samples() {
		for i, id := range sampleFiles(name, c) {
			all[orWord(id, "none")] = Drawings(c)[i]
		}
	}
	golden(t, "charts.json", pretty(t, all))
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "home" {
				v := SlackHome(c)
				for _, f := range CheckSlackView(v.Blocks.BlockSet) {
					t.Error(f)
				}
				golden(t, name+".slack.json", pretty(t, v))
			} else {
				m := SlackPictures(c, sampleFiles(name, c))
				for _, f := range CheckSlack(m.Blocks) {
					t.Error(f)
				}
				golden(t, name+".slack.json", pretty(t, map[string]any{"text": m.Text, "blocks": m.Blocks}))
			}
			card := Teams(c)
			for _, f := range CheckTeams(card) {
				t.Error(f)
			}
			golden(t, name+".teams.json", pretty(t, card))
			golden(t, name+".txt", []byte(Text(c, 72)))
		})
	}
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := SlackForm(f)
			for _, f := range CheckSlackModal(v) {
				t.Error(f)
			}
			golden(t, name+".slack.json", pretty(t, v))
			d := TeamsForm(f)
			for _, f := range CheckTeams(d.Card["content"].(AdaptiveCard)) {
				t.Error(f)
			}
			golden(t, name+".teams.json", pretty(t, d))
		})
	}
}
