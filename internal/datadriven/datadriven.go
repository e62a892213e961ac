package datadriven

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RewriteFlag is the name of the flag that writes the outcomes anew.
const RewriteFlag = "rewrite"

// Case is one command of a scenario.
type Case struct {
	Pos      string // file:line, for messages
	Command  string // first word
	Args     []string
	Input    string // the lines between the command line and ----
	Expected string

	prefix string // comments and blank lines before it
	line   string // the command line as written
}

// Arg returns the value of the argument name=value, or otherwise.
func (c Case) Arg(name, otherwise string) string {
	for _, a := range c.Args {
		if value, found := strings.CutPrefix(a, name+"="); found {
			return value
		}
	}
	return otherwise
}

// Has reports whether the bare word is among the arguments.
func (c Case) Has(word string) bool {
	for _, a := range c.Args {
		if a == word {
			return true
		}
	}
	return false
}

// Rewriting reports whether -rewrite was given. The flag is defined by the test
// package that wants it: flag.Bool(datadriven.RewriteFlag, false, "...").
func Rewriting() bool {
	f := flag.Lookup(RewriteFlag)
	return f != nil && f.Value.String() == "true"
}

// Walk runs each file that matches the pattern as a subtest named after it. start
// makes a fresh function for each file: the scenario's world.
func Walk(t *testing.T, pattern string, start func(t *testing.T) func(Case) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario files match %s (%v)", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
			runFile(t, file, start(t))
		})
	}
}

func runFile(t *testing.T, file string, run func(Case) string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, tail, err := Parse(file, string(data))
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		got := normalise(run(cases[i]))
		if !Rewriting() && got != cases[i].Expected {
			t.Fatalf("%s: %s\nexpected:\n%s\ngot:\n%s", cases[i].Pos, cases[i].line, cases[i].Expected, got)
		}
		cases[i].Expected = got
	}
	if !Rewriting() {
		return
	}
	if err := os.WriteFile(file, []byte(Format(cases, tail)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// normalise makes an outcome end with exactly one newline, unless it is empty.
func normalise(outcome string) string {
	outcome = strings.TrimRight(outcome, "\n")
	if outcome == "" {
		return ""
	}
	return outcome + "\n"
}

const separator = "----"

// Parse splits a file into its cases and the comments after the last one.
func Parse(name, text string) (cases []Case, tail string, err error) {
	lines := strings.SplitAfter(text, "\n")
	i, prefix := 0, strings.Builder{}
	for i < len(lines) {
		line := strings.TrimRight(lines[i], "\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			prefix.WriteString(lines[i])
			i++
			continue
		}
		c := Case{Pos: fmt.Sprintf("%s:%d", name, i+1), line: line, prefix: prefix.String()}
		prefix.Reset()
		words := strings.Fields(line)
		c.Command, c.Args = words[0], words[1:]
		if i, err = c.parseRest(lines, i+1); err != nil {
			return nil, "", err
		}
		cases = append(cases, c)
	}
	return cases, prefix.String(), nil
}

// parseRest reads input, separator and outcome; it returns the next line's number.
func (c *Case) parseRest(lines []string, i int) (int, error) {
	input := strings.Builder{}
	for ; i < len(lines) && strings.TrimRight(lines[i], "\n") != separator; i++ {
		input.WriteString(lines[i])
	}
	if i == len(lines) {
		return 0, fmt.Errorf("%s: no %s after %q", c.Pos, separator, c.line)
	}
	c.Input = input.String()
	i++
	outcome := strings.Builder{}
	double := i < len(lines) && strings.TrimRight(lines[i], "\n") == separator
	if double {
		i++
	}
	for ; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], "\n")
		if double && line == separator {
			i++
			if i < len(lines) && strings.TrimRight(lines[i], "\n") == separator {
				i++
			}
			break
		}
		if !double && line == "" {
			break
		}
		outcome.WriteString(line + "\n")
	}
	c.Expected = outcome.String()
	return i, nil
}

// Format writes cases back as a file.
func Format(cases []Case, tail string) string {
	b := strings.Builder{}
	for i, c := range cases {
		prefix := c.prefix
		if i > 0 && !strings.HasPrefix(prefix, "\n") {
			prefix = "\n" + prefix
		}
		b.WriteString(prefix + c.line + "\n" + c.Input + separator + "\n")
		if strings.Contains(c.Expected, "\n\n") || strings.HasPrefix(c.Expected, "\n") {
			b.WriteString(separator + "\n" + c.Expected + separator + "\n" + separator + "\n")
		} else {
			b.WriteString(c.Expected)
		}
	}
	return b.String() + tail
}
