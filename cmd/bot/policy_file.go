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
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"

	"neobot/intents"
	"neobot/neoapi"
)

// maxPolicyFile bounds the policy file; a team's is some kilobytes.
const maxPolicyFile = 1 << 20

// readPolicy reads and checks the policy file at path. The faults of the file
// are all in the error, each with its line: those of its form, or when it has
// none, those of its sense.
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
		return nil, fmt.Errorf("%slarger than %d bytes", policyPrefix(path), maxPolicyFile)
	}
	p, err := parsePolicy(src)
	if err != nil {
		return nil, fmt.Errorf("%s%w", policyPrefix(path), err)
	}
	return p, nil
}

// policyPrefix is how every fault of a file begins.
func policyPrefix(path string) string { return "policy file " + path + ": " }

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
	p, err := intents.NewPolicy(file, catalog)
	if err != nil {
		return nil, withLines(err, src)
	}
	return p, nil
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

// withLines puts before each fault of a policy the line of the file it is on.
func withLines(err error, src []byte) error {
	var faults intents.PolicyFaults
	var doc yaml.Node
	if !errors.As(err, &faults) || yaml.Unmarshal(src, &doc) != nil || len(doc.Content) == 0 {
		return err
	}
	out := make([]error, len(faults))
	for i, f := range faults {
		out[i] = fmt.Errorf("line %d: %s: %s", lineOf(doc.Content[0], f.Key), f.Key, f.Text)
	}
	return errors.Join(out...)
}

// lineOf walks down the key as far as the file goes: a key that is missing is
// on the line of what it is missing from.
func lineOf(n *yaml.Node, key string) int {
	line := n.Line
	for key != "" {
		at, next, rest := stepDown(n, key)
		if next == nil {
			break
		}
		n, line, key = next, at, rest
	}
	return line
}

// stepDown goes one part of the key down: the line of that part, its node and the
// rest of the key. Names may have dots, so the parts are those of the file.
func stepDown(n *yaml.Node, key string) (line int, next *yaml.Node, rest string) {
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 1:
		case n.Kind == yaml.MappingNode:
			if rest, ok := cutPart(key, c.Value); ok {
				return c.Line, n.Content[i+1], rest
			}
		default:
			if rest, ok := cutPart(key, "["+strconv.Itoa(i)+"]"); ok {
				return c.Line, c, rest
			}
			if rest, ok := cutPart(key, nameOf(c)); ok {
				return c.Line, c, rest
			}
		}
	}
	return 0, nil, ""
}

// cutPart takes a whole part off the front of the key.
func cutPart(key, part string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(key, part)
	if !ok || part == "" || (rest != "" && rest[0] != '.' && rest[0] != '[') {
		return "", false
	}
	return strings.TrimPrefix(rest, "."), true
}

// nameOf is what an entry of people or channels goes by.
func nameOf(entry *yaml.Node) string {
	if entry.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(entry.Content); i += 2 {
		if k := entry.Content[i].Value; k == "name" || k == "match" {
			return entry.Content[i+1].Value
		}
	}
	return ""
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
