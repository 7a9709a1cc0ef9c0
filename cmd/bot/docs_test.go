package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What the documents tell people to write is read by the program: whole
// policies by every rule, pieces of one by the names of their keys.
func TestPoliciesOfTheDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // G304: a file of the tree
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "workspaces:") {
				_, err = decodePolicy([]byte(m[1]))
			} else {
				_, err = parsePolicy([]byte(m[1]))
				whole++
			}
			if err != nil {
				t.Errorf("%s: %v in\n%s", file, err, m[1])
			}
		}
	}
	if whole < 3 {
		t.Errorf("%d whole policies in the docs, there were 3", whole)
	}
}

// The file to start from is the one configuration.md explains, and it works.
func TestExamplePolicy(t *testing.T) {
	t.Parallel()
	const path = "../../deploy/policy.example.yaml"
	if _, err := readPolicy(path); err != nil {
		t.Error(err)
	}
	example, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```yaml\n"+string(example)+"```") {
		t.Errorf("%s is not what docs/configuration.md shows", path)
	}
}
