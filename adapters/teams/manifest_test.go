package teams

import (
	"archive/zip"
	"bytes"
	"flag"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite golden files")

var goodManifest = ManifestConfig{AppID: testApp, Developer: "Example MSP", Website: "https://example.com/support"}

// anything stands for the patterns with look-ahead, which Go does not know; none
// of them is on a part we use (GUIDs and addresses are plain patterns).
type anything string

func (anything) MatchString(string) bool { return true }
func (a anything) String() string        { return string(a) }

func ecmaOrAny(pattern string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return anything(pattern), nil
	}
	return re, nil
}

// TestManifestSchema validates against Microsoft's own schema.
func TestManifestSchema(t *testing.T) {
	t.Parallel()
	needPeer(t, "@microsoft/app-manifest")
	schema := filepath.Join(peersDir, "node_modules/@microsoft/app-manifest/build/json-schemas/teams/v1.25/MicrosoftTeams.schema.json")
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(ecmaOrAny)
	s, err := c.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	check := func(m []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(m))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(doc)
	}
	m, err := Manifest(goodManifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(m); err != nil {
		t.Error(err)
	}
	// The schema is awake.
	for _, bad := range [][2]string{
		{`"short": "neobot"`, `"short": "a name of more than thirty characters"`}, {`"team"`, `"teams"`}, {`"botId"`, `"botID"`},
	} {
		if check(bytes.Replace(m, []byte(bad[0]), []byte(bad[1]), 1)) == nil {
			t.Errorf("%s is valid", bad[1])
		}
	}
}

// TestManifestGolden keeps the file in deploy/teams up to date.
func TestManifestGolden(t *testing.T) {
	t.Parallel()
	m, err := Manifest(ManifestConfig{AppID: "00000000-0000-0000-0000-000000000000", Developer: "Example MSP", Website: "https://example.com"})
	if err != nil {
		t.Fatal(err)
	}
	m = append(m, '\n')
	golden := "../../deploy/teams/manifest.example.json"
	if *update {
		if err := os.WriteFile(golden, m, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(m)); diff != "" {
		t.Errorf("run with -update:\n%s", diff)
	}
}

func TestPackage(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	for _, w := range []io.Writer{&a, &b} {
		if err := WritePackage(w, goodManifest); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same input makes two different packages")
	}
	z, err := zip.NewReader(bytes.NewReader(a.Bytes()), int64(a.Len()))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{"color.png": 192, "outline.png": 32}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		size, icon := sizes[f.Name]
		if !icon {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(r)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if b := img.Bounds(); b.Dx() != size || b.Dy() != size {
			t.Errorf("%s is %v, want %d square", f.Name, b, size)
		}
		if f.Name != "outline.png" {
			continue
		}
		empty := 0
		for y := range size {
			for x := range size {
				r, g, b, alpha := img.At(x, y).RGBA()
				if alpha == 0 {
					empty++
				} else if r != alpha || g != alpha || b != alpha {
					t.Fatalf("outline has a colour at %d,%d: Teams takes white only", x, y)
				}
			}
		}
		if empty < size*size/4 {
			t.Error("outline is not transparent")
		}
	}
	if diff := cmp.Diff([]string{"manifest.json", "color.png", "outline.png"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestManifestRefusals(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*ManifestConfig){
		"no app id":      func(c *ManifestConfig) { c.AppID = "" },
		"app id is text": func(c *ManifestConfig) { c.AppID = "neobot" },
		"long name":      func(c *ManifestConfig) { c.Name = "a name of more than thirty characters" },
		"long developer": func(c *ManifestConfig) { c.Developer = "a developer of more than thirty-two characters" },
		"http":           func(c *ManifestConfig) { c.Website = "http://example.com" },
		"no website":     func(c *ManifestConfig) { c.Website = "" },
		"script privacy": func(c *ManifestConfig) { c.Privacy = "javascript:alert(1)" },
		"version":        func(c *ManifestConfig) { c.Version = "1" },
	} {
		c := goodManifest
		f(&c)
		if _, err := Manifest(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
