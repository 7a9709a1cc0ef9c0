package pictures

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"neobot/cards"
)

var update = flag.Bool("update", false, "rewrite the pictures in docs/cards/charts")

const shown = "../../docs/cards/charts"

// samples are the charts of the golden cards, by the id of their file.
func samples(t testing.TB) map[string]cards.Drawing {
	t.Helper()
	all := map[string]cards.Drawing{}
	for _, file := range []string{"../testdata/charts.json", "../../intents/testdata/cards/charts.json"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func decode(t *testing.T, raw []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// share of the pixels that differ so much that one would see it. Rounding is not
// the same on every processor.
func share(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	differ, r := 0, a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			if far(ar, br) || far(ag, bg) || far(ab, bb) {
				differ++
			}
		}
	}
	return float64(differ) / float64(r.Dx()*r.Dy())
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > 0x4000 }

// TestSamples draws every chart of the golden cards and compares it with the
// picture in docs/cards/charts, which somebody has looked at.
func TestSamples(t *testing.T) {
	t.Parallel()
	all := samples(t)
	if len(all) < 8 {
		t.Fatalf("only %d samples", len(all))
	}
	for id, d := range all {
		path := filepath.Join(shown, id+".png")
		raw, err := PNG(d.Chart)
		if strings.Contains(d.Title, "<!channel>") { // names with letters that are not letters
			if !errors.Is(err, ErrText) {
				t.Errorf("%s is drawn: %v", d.Title, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", d.Title, err)
			continue
		}
		if *update {
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v; -update writes it", err)
			continue
		}
		img := decode(t, raw)
		if img.Bounds().Dx() != width || img.Bounds().Dy() > 700 || len(raw) > 60_000 {
			t.Errorf("%s: %v, %d bytes", d.Title, img.Bounds(), len(raw))
		}
		if n := share(img, decode(t, want)); n > 0.005 {
			t.Errorf("%s: %.1f %% of the picture is new; -update rewrites %s, then look at it", d.Title, 100*n, path)
		}
	}
}

func TestNoLeftovers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(shown, "*.png"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pictures")
	}
	all := samples(t)
	for _, f := range files {
		if _, ok := all[strings.TrimSuffix(filepath.Base(f), ".png")]; !ok {
			t.Errorf("%s is of no golden card", f)
		}
	}
}

func chart(kind cards.ChartKind, values ...float64) cards.Chart {
	c := cards.Chart{Kind: kind, Series: []cards.Series{{Values: values}}}
	for i := range values {
		c.Labels = append(c.Labels, string(rune('a'+i)))
	}
	return c
}

// blue counts the pixels of the first series.
func blue(t *testing.T, c cards.Chart) int {
	t.Helper()
	raw, err := PNG(c)
	if err != nil {
		t.Fatal(err)
	}
	n, img := 0, decode(t, raw)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, b, _ := img.At(x, y).RGBA(); uint8(r>>8) == plain[0].R && uint8(g>>8) == plain[0].G && uint8(b>>8) == plain[0].B {
				n++
			}
		}
	}
	return n
}

// TestTrue: what is twice as much is twice as large, and the axis begins at nothing.
func TestTrue(t *testing.T) {
	t.Parallel()
	for _, kind := range []cards.ChartKind{cards.ChartBars, cards.ChartRows} {
		all, half := blue(t, chart(kind, 100, 100, 100)), blue(t, chart(kind, 100, 50, 0))
		if ratio := float64(half) / float64(all); ratio < 0.47 || ratio > 0.53 {
			t.Errorf("%s: half as much is %.2f of the picture", kind, ratio)
		}
	}
	if blue(t, chart(cards.ChartLine, 1, 2, 3)) == 0 {
		t.Error("no line")
	}
}

// TestText lists what is not drawn.
func TestText(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"日本", "שלום", "مرحبا", "🚀 launch", "a\u0301\u0302\u0303", "Tri\u202eega"} {
		c := chart(cards.ChartRows, 1, 2)
		c.Labels[0] = label
		if _, err := PNG(c); !errors.Is(err, ErrText) {
			t.Errorf("%q: %v", label, err)
		}
	}
	for name, c := range map[string]cards.Chart{"empty": {}, "negative": chart(cards.ChartBars, -1, 2)} {
		if _, err := PNG(c); !errors.Is(err, ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, label := range []string{"Müller & Söhne", "Κατάλογος", "Отчёт", "<b>Triage</b> “x”", "Łódź – 5 €"} {
		c := chart(cards.ChartRows, 1, 2)
		c.Labels[0] = label
		if _, err := PNG(c); err != nil {
			t.Errorf("%q: %v", label, err)
		}
	}
}

// TestMemory: what is kept after drawing is the font, not the pictures.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap of the process
	draw := func(n int) uint64 {
		for i := range n {
			if _, err := PNG(chart(cards.ChartBars, 1, 2, float64(i))); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, after := draw(1), draw(30)
	if after > before+1<<20 {
		t.Errorf("30 charts left %d KB", (after-before)>>10)
	}
}

func FuzzPNG(f *testing.F) {
	f.Add("Triage", "runs", 1.0, uint8(7), uint8(0))
	f.Add("<!channel>", "%", 1e14, uint8(31), uint8(1))
	f.Add("\u202e", "\x00", 0.0, uint8(1), uint8(2))
	f.Add(strings.Repeat("W", 300), "", 0.01, uint8(40), uint8(5))
	f.Fuzz(func(t *testing.T, label, unit string, value float64, points, shape uint8) {
		c := cards.Chart{Kind: []cards.ChartKind{cards.ChartBars, cards.ChartRows, cards.ChartLine}[shape%3], Unit: unit}
		for range points % 40 {
			c.Labels = append(c.Labels, label)
		}
		for i := range 1 + shape/3%4 {
			c.Series = append(c.Series, cards.Series{Name: label + unit, Values: make([]float64, len(c.Labels)/(int(i)+1))})
			for j := range c.Series[i].Values {
				c.Series[i].Values[j] = value * float64(j)
			}
		}
		raw, err := PNG(c)
		switch {
		case errors.Is(err, ErrText):
		case err != nil:
			t.Error(err)
		default:
			decode(t, raw)
		}
	})
}

func BenchmarkPNG(b *testing.B) {
	d := samples(b)["FCHART000000"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := PNG(d.Chart); err != nil {
			b.Fatal(err)
		}
	}
}
