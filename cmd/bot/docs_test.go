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
		text, err := os.ReadFile(file)
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

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// Every sentence docs/using.md quotes is understood, said one after the other to
// the sandbox without a model.
func TestSentencesOfUsing(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/using.md")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range codeSpan.FindAllStringSubmatch(string(text), -1) {
		if m[1] != "/neo" && m[1] != "Why?" && m[1] != "Show" && !strings.HasSuffix(m[1], "…") { // a command of Slack, buttons
			said = append(said, m[1])
		}
	}
	vars, _ := terminalEnv(t)
	a, out, faults := testApp(strings.Join(said, "\n")+"\n", vars...)
	if code := a.run(t.Context(), []string{"chat", "--as", "riley"}); code != 0 {
		t.Fatalf("exit code %d, %s", code, faults)
	}
	answers := newCard.Split(out.String(), -1)[1:]
	if len(answers) != len(said) || len(said) < 70 {
		t.Fatalf("%d answers to %d sentences\n%s", len(answers), len(said), out)
	}
	for i, answer := range answers {
		for _, no := range []string{"I did not get that", "does not read as a plain instruction", "There is no ", "Which operation?"} {
			if strings.Contains(answer, no) {
				t.Errorf("%s\n%s", said[i], answer)
			}
		}
	}
}

var newCard = regexp.MustCompile(`── card \d+ ─+\n`)
