package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		args, err := SplitArgs(line.Text)
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

// errUnbalanced is what SplitArgs returns for quotes that do not close, or that
// close in the middle of a word.
var errUnbalanced = errors.New("unbalanced quotes")

// SplitArgs splits a line into words as Redis does: blanks separate, "..." knows
// the escapes \n \r \t \b \a \xHH \" and \\, '...' knows \' only.
func SplitArgs(line string) ([]string, error) {
	var args []string
	for i := 0; ; {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return args, nil
		}
		var word strings.Builder
		for i < len(line) && !isBlank(line[i]) {
			var err error
			switch line[i] {
			case '"':
				i, err = splitDoubleQuoted(line, i+1, &word)
			case '\'':
				i, err = splitSingleQuoted(line, i+1, &word)
			default:
				word.WriteByte(line[i])
				i++
			}
			if err != nil {
				return nil, err
			}
		}
		args = append(args, word.String())
	}
}

// splitDoubleQuoted reads from behind the opening quote and returns the index
// behind the closing one.
func splitDoubleQuoted(line string, i int, word *strings.Builder) (int, error) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == '\\' && i+3 < len(line) && line[i+1] == 'x' && isHex(line[i+2]) && isHex(line[i+3]):
			word.WriteByte(fromHex(line[i+2])<<4 | fromHex(line[i+3]))
			i += 4
		case c == '\\' && i+1 < len(line):
			word.WriteByte(unescape(line[i+1]))
			i += 2
		case c == '"':
			return closeQuote(line, i)
		default:
			word.WriteByte(c)
			i++
		}
	}
	return i, errUnbalanced
}

func splitSingleQuoted(line string, i int, word *strings.Builder) (int, error) {
	for i < len(line) {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '\'':
			word.WriteByte('\'')
			i += 2
		case line[i] == '\'':
			return closeQuote(line, i)
		default:
			word.WriteByte(line[i])
			i++
		}
	}
	return i, errUnbalanced
}

// closeQuote demands that a closing quote ends the word.
func closeQuote(line string, i int) (int, error) {
	if i+1 < len(line) && !isBlank(line[i+1]) {
		return i, errUnbalanced
	}
	return i + 1, nil
}

// JoinArgs writes arguments as one line that SplitArgs reads back to the same.
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

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func fromHex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
