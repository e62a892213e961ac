package scenario

import (
	"fmt"
	"strings"
)

// File is one scenario.
type File struct {
	Steps []Step
	tail  []string // comments behind the last step
}

// Step is a directive or a command line with its outcome.
type Step struct {
	Line      string   // the command line; empty for a directive
	Directive []string // the words of a directive; nil for a command line
	Outcome   []string // what came of the command line, as text
	At        int      // line number in the file, from 1
	before    []string // comments and blank lines
}

// Read parses a scenario file.
func Read(text string) (*File, error) {
	f := &File{}
	var before []string
	var open *Step // the command line whose outcome is being read
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "> "), strings.HasPrefix(line, "@ "):
			step := Step{At: i + 1, before: before}
			if line[0] == '>' {
				step.Line = line[2:]
			} else {
				step.Directive = strings.Fields(line[2:])
			}
			if step.Line == "" && len(step.Directive) == 0 {
				return nil, fmt.Errorf("line %d: nothing behind %q", i+1, line[:1])
			}
			f.Steps = append(f.Steps, step)
			before, open = nil, nil
			if line[0] == '>' {
				open = &f.Steps[len(f.Steps)-1]
			}
		case line == "" || strings.HasPrefix(line, "#"):
			before, open = append(before, line), nil
		case open == nil:
			return nil, fmt.Errorf("line %d: an outcome without a command line: %q", i+1, line)
		default:
			open.Outcome = append(open.Outcome, line)
		}
	}
	f.tail = before
	return f, nil
}

// Text is the file as it is written.
func (f *File) Text() string {
	var b strings.Builder
	lines := func(all []string) {
		for _, line := range all {
			b.WriteString(line + "\n")
		}
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		lines(s.before)
		if s.Line != "" {
			b.WriteString("> " + s.Line + "\n")
			lines(s.Outcome)
			continue
		}
		b.WriteString("@ " + strings.Join(s.Directive, " ") + "\n")
	}
	lines(f.tail)
	return b.String()
}
