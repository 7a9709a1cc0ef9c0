package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neobot/adapters"
)

const smallPolicy = `
workspaces: ["console:local"]
permissions: {all: read_write}
roles: {tech: {permissions: {agents: read_only}}}
people: [{name: Riley, console: riley, roles: [tech]}]
channels: [{match: "*", permissions: {all: read_write}}]
`

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	p, err := parsePolicy([]byte(smallPolicy))
	if err != nil {
		t.Fatal(err)
	}
	riley := adapters.User{ID: "riley", Trust: adapters.TrustMember}
	if who, ok := p.Who("console:local", riley); !ok || who.Name != "Riley" {
		t.Errorf("Who = %v, %v", who, ok)
	}
}

func TestParsePolicyFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  string
		want []string
	}{
		"empty":             {"", []string{"is empty"}},
		"only a comment":    {"# nothing\n", []string{"is empty"}},
		"misspelled key":    {smallPolicy + "permisions: {}\n", []string{`line 7: unknown key "permisions"; did you mean "permissions"?`}},
		"unknown key":       {smallPolicy + "zebra: 1\n", []string{`unknown key "zebra"; known here:`, "workspaces"}},
		"nested key":        {strings.Replace(smallPolicy, "roles: [tech]", "role: [tech]", 1), []string{`line 5: unknown key "role"; did you mean "roles"?`}},
		"several at once":   {smallPolicy + "a_key: 1\nb_key: 2\n", []string{"a_key", "b_key"}},
		"wrong type":        {smallPolicy + "test_mode: sometimes\n", []string{"line 7: text (sometimes) where true or false is wanted"}},
		"list for mapping":  {smallPolicy + "approvals: []\n", []string{"line 7: a list where a mapping is wanted"}},
		"twice":             {smallPolicy + "people: []\n", []string{"line 7", "people", "already defined"}},
		"two documents":     {smallPolicy + "---\npermissions: {}\n", []string{"more than one YAML document"}},
		"not YAML":          {"workspaces: [\n", []string{"line"}},
		"checked for sense": {strings.Replace(smallPolicy, "read_only", "write", 1), []string{"line 4: roles.tech.permissions.agents:", "disabled, read_only or read_write"}},
		"sense of a person": {strings.Replace(smallPolicy, "roles: [tech]", "roles: [king]", 1), []string{`line 5: people.Riley.roles: role "king"`}},
		"sense of an entry": {smallPolicy + "admins:\n  - Riley\n  - Boss\n", []string{`line 9: admins[1]: "Boss" is not listed`}},
		"name with a dot":   {smallPolicy + "approvals:\n  rules:\n    - group: agents\n      approvers: [role:a.b]\n", []string{`line 10: approvals.rules[0].approvers: role "a.b"`}},
		"channel":           {strings.Replace(smallPolicy, `"*", permissions: {all: read_write`, "console:local/a.b, permissions: {agents: rw", 1), []string{`line 6: channels.console:local/a.b.permissions.agents: "rw"`}},
		"each on its line":  {strings.Replace(smallPolicy, "read_write", "rw", 1) + "admins: [Boss]\n", []string{"line 3: permissions.all:", "\nline 7: admins[0]:"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parsePolicy([]byte(tc.src))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestPolicyReload(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	write := func(src string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(smallPolicy)
	live, err := openPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	before := live.Policy()
	write("broken")
	if err := live.reload(); err == nil || live.Policy() != before {
		t.Errorf("broken file: error %v, policy changed: %v", err, live.Policy() != before)
	}
	write(strings.Replace(smallPolicy, "console:local", "console:other", 1))
	if err := live.reload(); err == nil || live.Policy() != before {
		t.Errorf("other workspaces: error %v, policy changed: %v", err, live.Policy() != before)
	}
	write(strings.Replace(smallPolicy, "name: Riley", "name: Sam", 1))
	if err := live.reload(); err != nil {
		t.Fatal(err)
	}
	if _, ok := live.Policy().Person("Sam"); !ok {
		t.Error("the new policy is not in force")
	}
	if _, err := openPolicy(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("opened a file that is not there")
	}
}
