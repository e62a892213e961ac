package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tandemkv/tandem/internal/notation"
)

// includeDepthMax bounds files that include each other.
const includeDepthMax = 16

// Line is one directive as it was given.
type Line struct {
	Source string   // file name, "standard input" or "command line"
	Number int      // 1-based line in the source
	Text   string   // the line, trimmed
	Args   []string // directive in lower case, then its arguments; never empty
}

// LoadError is a directive, or a file, that stops the start.
type LoadError struct {
	Line   Line
	Reason string
}

// Error returns the problem on one line, with file and line.
func (e *LoadError) Error() string {
	if e.Line.Number == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s:%d: %s: '%s'", e.Line.Source, e.Line.Number, e.Reason, e.Line.Text)
}

// Fatal returns the problem as redis-server prints it before it exits.
func (e *LoadError) Fatal() string {
	if e.Line.Number == 0 {
		return "Fatal error, " + e.Reason + "\n"
	}
	return fmt.Sprintf("\n*** FATAL CONFIG FILE ERROR (Tandem) ***\nReading the configuration file %s, at line %d\n>>> '%s'\n%s\n",
		e.Line.Source, e.Line.Number, e.Line.Text, e.Reason)
}

// ParseText splits the text of a config file into lines with directives. It does
// not follow include.
func ParseText(source, text string) ([]Line, error) {
	var lines []Line
	for i, raw := range strings.Split(text, "\n") {
		line := Line{Source: source, Number: i + 1, Text: strings.Trim(raw, " \t\r\n")}
		if line.Text == "" || line.Text[0] == '#' {
			continue
		}
		args, err := splitArgs(line.Text)
		if err != nil {
			return nil, &LoadError{Line: line, Reason: "Unbalanced quotes in configuration line"}
		}
		if len(args) == 0 {
			continue // only form feeds and the like
		}
		args[0] = strings.ToLower(args[0])
		line.Args = args
		lines = append(lines, line)
	}
	return lines, nil
}

// ReadFile reads a config file and, at the place of each include line, the files
// that it names. A pattern that matches nothing includes nothing; a plain name
// must exist. Relative names are relative to the working directory, as in Redis.
func ReadFile(path string) ([]Line, error) { return readFile(path, 0) }

func readFile(path string, depth int) ([]Line, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		reason := err
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			reason = pathError.Err
		}
		return nil, &LoadError{Reason: fmt.Sprintf("can't open config file '%s': %v", path, reason)}
	}
	lines, err := ParseText(path, string(text))
	if err != nil {
		return nil, err
	}
	return expandIncludes(lines, depth)
}

func expandIncludes(lines []Line, depth int) ([]Line, error) {
	var all []Line
	for _, line := range lines {
		if line.Args[0] != "include" {
			all = append(all, line)
			continue
		}
		if len(line.Args) != 2 {
			return nil, &LoadError{Line: line, Reason: "wrong number of arguments"}
		}
		if depth == includeDepthMax {
			return nil, &LoadError{Line: line, Reason: fmt.Sprintf("files include each other more than %d deep", includeDepthMax)}
		}
		names := []string{line.Args[1]}
		if strings.ContainsAny(names[0], "*?[") {
			matches, err := filepath.Glob(names[0])
			if err != nil {
				return nil, &LoadError{Line: line, Reason: "malformed pattern"}
			}
			names = matches
		}
		for _, name := range names {
			included, err := readFile(name, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, included...)
		}
	}
	return all, nil
}

// errUnbalanced is what splitArgs returns for quotes that do not close, or that
// close in the middle of a word.
var errUnbalanced = errors.New("unbalanced quotes")

// splitArgs splits a line into words as Redis does.
func splitArgs(line string) ([]string, error) {
	words, ok := notation.SplitWords([]byte(line))
	if !ok {
		return nil, errUnbalanced
	}
	args := make([]string, len(words))
	for i, word := range words {
		args[i] = string(word)
	}
	return args, nil
}

// JoinArgs writes arguments as one line that splitArgs reads back to the same.
func JoinArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quoteIfNeeded(arg)
	}
	return strings.Join(quoted, " ")
}

func quoteIfNeeded(arg string) string {
	plain := arg != "" && arg[0] != '#'
	for i := 0; plain && i < len(arg); i++ {
		c := arg[i]
		plain = c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\'
	}
	if plain {
		return arg
	}
	return Quote(arg)
}

// Quote writes a text between double quotes with Redis' escapes.
func Quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
