package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"

	"neobot/intents"
	"neobot/neoapi"
)

// maxPolicyFile bounds the policy file; a team's is some kilobytes.
const maxPolicyFile = 1 << 20

// readPolicy reads and checks the policy file at path. Every fault of the file
// is in the error: those of its form with line numbers, then those of its sense.
func readPolicy(path string) (*intents.Policy, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil, fmt.Errorf("policy file: %w", err)
	}
	defer func() { _ = f.Close() }()
	src, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	if err != nil {
		return nil, fmt.Errorf("policy file: %w", err)
	}
	if len(src) > maxPolicyFile {
		return nil, fmt.Errorf("policy file %s: larger than %d bytes", path, maxPolicyFile)
	}
	p, err := parsePolicy(src)
	if err != nil {
		return nil, fmt.Errorf("policy file %s: %w", path, err)
	}
	return p, nil
}

// parsePolicy is readPolicy without the file.
func parsePolicy(src []byte) (*intents.Policy, error) {
	file, err := decodePolicy(src)
	if err != nil {
		return nil, err
	}
	catalog, err := neoapi.Embedded()
	if err != nil {
		return nil, err
	}
	return intents.NewPolicy(file, catalog)
}

// decodePolicy is strict: a key that is not known is a fault, because a
// misspelled permission must not silently mean something else.
func decodePolicy(src []byte) (intents.PolicyFile, error) {
	var file intents.PolicyFile
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	err := d.Decode(&file)
	if errors.Is(err, io.EOF) {
		return file, errors.New("is empty; docs/configuration.md has an example")
	}
	if err == nil {
		if err = d.Decode(&struct{}{}); errors.Is(err, io.EOF) {
			return file, nil
		}
		return file, errors.New("has more than one YAML document")
	}
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return file, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	faults := make([]error, len(typed.Errors))
	for i, text := range typed.Errors {
		faults[i] = errors.New(explainYAML(text))
	}
	return file, errors.Join(faults...)
}

var (
	unknownField = regexp.MustCompile(`^(line \d+): field (.+) not found in type ([\w.]+)$`)
	wrongType    = regexp.MustCompile("^(line \\d+): cannot unmarshal (\\S+)(?: `(.*)`)? into (.+)$")
)

// explainYAML turns the decoder's words into the reader's.
func explainYAML(text string) string {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: unknown key %q%s", m[1], m[2], didYouMean(m[2], policyKeys()[m[3]]))
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: %s where %s is wanted", m[1], yamlValue(m[2], m[3]), yamlType(m[4]))
	}
	return text
}

func yamlValue(tag, value string) string {
	names := map[string]string{"!!seq": "a list", "!!map": "a mapping", "!!str": "text", "!!int": "a number", "!!bool": "true or false", "!!null": "nothing"}
	name, ok := names[tag]
	if !ok {
		name = tag
	}
	if value != "" {
		name += " (" + value + ")"
	}
	return name
}

func yamlType(goType string) string {
	switch {
	case goType == "bool":
		return "true or false"
	case goType == "int":
		return "a whole number"
	case goType == "string":
		return "text"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	}
	return "a mapping"
}

// policyKeys are the keys of each mapping in the file, by the decoder's name of
// its type.
func policyKeys() map[string][]string {
	out := map[string][]string{}
	collectKeys(reflect.TypeFor[intents.PolicyFile](), out)
	return out
}

func collectKeys(t reflect.Type, out map[string][]string) {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		collectKeys(t.Elem(), out)
	case reflect.Struct:
		if _, seen := out[t.String()]; seen {
			return
		}
		var keys []string
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			keys = append(keys, name)
		}
		out[t.String()] = keys
		for i := range t.NumField() {
			collectKeys(t.Field(i).Type, out)
		}
	default:
	}
}

// didYouMean names the nearest known key, or all of them when none is near.
func didYouMean(key string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(key), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	known = slices.Sorted(slices.Values(known))
	return "; known here: " + strings.Join(known, ", ")
}

// livePolicy is the policy in force. A reload counts at once for everything
// that asks anew, which is everything that decides.
type livePolicy struct {
	path    string
	current atomic.Pointer[intents.Policy]
}

func openPolicy(path string) (*livePolicy, error) {
	p, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	live := &livePolicy{path: path}
	live.current.Store(p)
	return live, nil
}

// Policy in force.
func (l *livePolicy) Policy() *intents.Policy { return l.current.Load() }

// reload reads the file again. A bad file changes nothing. Workspaces cannot be
// added or removed while running: queues and platforms are set up at the start.
func (l *livePolicy) reload() error {
	p, err := readPolicy(l.path)
	if err != nil {
		return fmt.Errorf("%w; the policy of before stays in force", err)
	}
	was, now := l.Policy().Workspaces(), p.Workspaces()
	slices.Sort(was)
	slices.Sort(now)
	if !slices.Equal(was, now) {
		return errors.New("workspaces changed: restart the bot for that; the policy of before stays in force")
	}
	l.current.Store(p)
	return nil
}
