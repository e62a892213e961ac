package config

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// CommandLine is what tandem-server was started with.
type CommandLine struct {
	File  string // config file, "" without one
	Stdin bool   // "-" as last argument: more directives on standard input
	Lines []Line // the --name value options
}

// SetDefaults puts every default into its field.
func (s *Set) SetDefaults() {
	for _, row := range s.Rows() {
		row.store(row.zero)
	}
}

// Load starts from the defaults and applies [file] [--name value ...] [-]: first
// the file, then standard input, then the options. args does not contain the
// program's name. The error is a *LoadError, or one of reading stdin.
func (s *Set) Load(args []string, stdin io.Reader) error {
	s.SetDefaults()
	clear(s.given)
	commandLine := s.ParseCommandLine(args)
	var lines []Line
	if commandLine.File != "" {
		absolute, err := filepath.Abs(commandLine.File)
		if err != nil {
			return fmt.Errorf("finding config file %s: %w", commandLine.File, err)
		}
		s.file = absolute
		if lines, err = ReadFile(absolute); err != nil {
			return err
		}
	}
	if commandLine.Stdin {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return fmt.Errorf("reading configuration from standard input: %w", err)
		}
		more, err := ParseText("standard input", string(text))
		if err == nil {
			more, err = expandIncludes(more, 0)
		}
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	return s.Apply(append(lines, commandLine.Lines...))
}

// Apply runs lines through their rows, in order, and stops at the first error.
func (s *Set) Apply(lines []Line) error {
	for _, line := range lines {
		row, ok := s.Lookup(line.Args[0])
		if !ok {
			reason := "Bad directive or wrong number of arguments"
			if near := s.nearest(line.Args[0]); near != "" {
				reason += " (did you mean '" + near + "'?)"
			}
			return &LoadError{Line: line, Reason: reason}
		}
		from := fromFirstLine
		if s.given[row] {
			from = fromLaterLine
		}
		value, err := row.read(row.load(), line.Args[1:], from)
		if err != nil {
			if row.sensitive {
				line.Text = row.name + " (hidden)"
			}
			return &LoadError{Line: line, Reason: err.Error()}
		}
		row.store(value)
		s.given[row] = true
	}
	return nil
}

// Explanations says, for each directive that was given and has no effect here,
// why; one sentence each, for the log.
func (s *Set) Explanations() []string {
	var all []string
	for _, row := range s.Rows() {
		if row.explain != "" && s.given[row] {
			all = append(all, fmt.Sprintf("directive '%s' is accepted and has no effect: %s", row.name, row.explain))
		}
	}
	return all
}

// Given tells whether the file or the command line named the directive.
func (s *Set) Given(name string) bool {
	row, ok := s.Lookup(name)
	return ok && s.given[row]
}

// ParseCommandLine splits the arguments behind the program's name, by Redis'
// rules: an option's first argument is its value even if it starts with two
// dashes, except after --save and after options that may stand alone; further
// arguments without dashes belong to it too; "--port 6380" as one argument works.
func (s *Set) ParseCommandLine(args []string) CommandLine {
	var c CommandLine
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		c.File = args[0]
		args = args[1:]
	}
	expectValue := false
	for i, arg := range args {
		last := i == len(args)-1
		switch {
		case arg == "-" && last:
			c.Stdin = true
		case !expectValue && strings.HasPrefix(arg, "--"):
			words, err := splitArgs(strings.TrimPrefix(arg, "--"))
			if err != nil || len(words) == 0 {
				words = []string{strings.TrimPrefix(arg, "--")}
			}
			words[0] = strings.ToLower(words[0])
			expectValue = len(words) == 1
			if value, ok := s.bareValue(words[0]); ok && expectValue && (last || strings.HasPrefix(args[i+1], "--")) {
				words = append(words, value)
				expectValue = false
			}
			c.Lines = append(c.Lines, Line{Source: "command line", Number: len(c.Lines) + 1, Args: words})
		case len(c.Lines) == 0:
			// An argument before the first option: reported like a bad directive.
			c.Lines = append(c.Lines, Line{Source: "command line", Number: 1, Args: []string{arg}})
		default:
			option := &c.Lines[len(c.Lines)-1]
			option.Args = append(option.Args, arg)
			expectValue = false
		}
	}
	for i := range c.Lines {
		c.Lines[i].Text = optionText(c.Lines[i].Args)
	}
	return c
}

// bareValue returns what an option means when it stands alone.
func (s *Set) bareValue(name string) (string, bool) {
	if name == "save" {
		return "", true
	}
	row, ok := s.Lookup(name)
	if !ok || !row.hasBare {
		return "", false
	}
	return row.bare, true
}

// optionText shows an option in errors as Redis does: port "1" "2".
func optionText(args []string) string {
	text := args[0]
	for _, arg := range args[1:] {
		text += " " + Quote(arg)
	}
	return text
}

// nearest returns the directive whose name is closest to an unknown one, if it is
// close enough to be a slip of the pen.
func (s *Set) nearest(name string) string {
	best, bestDistance := "", 1+min(3, max(1, len(name)/2))
	for _, row := range s.Rows() {
		for _, candidate := range row.names() {
			if d := editDistance(name, candidate); d < bestDistance {
				best, bestDistance = candidate, d
			}
		}
	}
	return best
}

// editDistance counts insertions, deletions and replacements between two names.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
