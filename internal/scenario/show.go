package scenario

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Order says what a reply's order is worth.
type Order int

// The orders.
const (
	Ordered Order = iota
	Sorted        // the elements of the innermost arrays may come in any order: they are sorted
	Pairs         // the same for a flat array of pairs
)

// Show renders one raw reply as lines of text.
func Show(reply []byte, order Order) ([]string, error) {
	v, rest, err := parse(reply)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes behind the reply: %q", len(rest), rest)
	}
	v.sort(order)
	return v.lines(), nil
}

// value is a parsed reply.
type value struct {
	kind     byte // the first byte of the reply
	text     string
	null     bool
	elements []value // of a map: keys and values in turn
}

func parse(b []byte) (v value, rest []byte, err error) {
	head, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || len(head) == 0 {
		return v, nil, fmt.Errorf("no reply in %q", b)
	}
	v = value{kind: head[0], text: string(head[1:])}
	switch v.kind {
	case '+', '-', ':', ',', '#', '(':
		return v, rest, nil
	case '_':
		v.null = true
		return v, rest, nil
	case '$', '=', '*', '%', '~', '>':
	default:
		return v, nil, fmt.Errorf("a reply of type %q", v.kind)
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < -1 {
		return v, nil, fmt.Errorf("a reply of length %q", v.text)
	}
	if n == -1 {
		v.null = true
		return v, rest, nil
	}
	if v.kind == '$' || v.kind == '=' {
		if len(rest) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return v, nil, fmt.Errorf("a bulk of %d bytes is not there", n)
		}
		v.text = string(rest[:n])
		return v, rest[n+2:], nil
	}
	if v.kind == '%' {
		n *= 2
	}
	for range n {
		var e value
		if e, rest, err = parse(rest); err != nil {
			return v, nil, err
		}
		v.elements = append(v.elements, e)
	}
	return v, rest, nil
}

// sort puts innermost arrays in order, by their text.
func (v *value) sort(order Order) {
	if order == Ordered || v.elements == nil {
		return
	}
	inner := true
	for i := range v.elements {
		if v.elements[i].elements != nil {
			inner = false
			v.elements[i].sort(order)
		}
	}
	if !inner && v.kind != '~' {
		return
	}
	width := 1
	if order == Pairs && v.kind == '*' || v.kind == '%' {
		width = 2
	}
	groups := slices.Collect(slices.Chunk(slices.Clone(v.elements), width))
	slices.SortStableFunc(groups, func(a, b []value) int {
		return strings.Compare(strings.Join(a[0].lines(), "\n"), strings.Join(b[0].lines(), "\n"))
	})
	v.elements = slices.Concat(groups...)
}

func (v *value) lines() []string {
	if v.null {
		return []string{map[byte]string{'$': "(nil)", '*': "(nil array)", '_': "(null)"}[v.kind]}
	}
	switch v.kind {
	case '+':
		return []string{v.text}
	case '-':
		return []string{"(error) " + v.text}
	case ':':
		return []string{"(integer) " + v.text}
	case ',':
		return []string{"(double) " + v.text}
	case '(':
		return []string{"(number) " + v.text}
	case '#':
		return []string{map[string]string{"t": "(true)", "f": "(false)"}[v.text]}
	case '=':
		return []string{"(verbatim) " + Quote(v.text)}
	case '$':
		return []string{Quote(v.text)}
	}
	return v.listing()
}

// listing numbers the elements; the mark behind the number tells the kind of container.
func (v *value) listing() []string {
	name := map[byte]string{'*': "array", '%': "map", '~': "set", '>': "push"}[v.kind]
	mark := map[byte]string{'*': ") ", '%': "# ", '~': "~ ", '>': "> "}[v.kind]
	if len(v.elements) == 0 {
		return []string{"(empty " + name + ")"}
	}
	var out []string
	add := func(head string, lines []string) {
		for i, line := range lines {
			if i == 0 {
				out = append(out, head+line)
				continue
			}
			out = append(out, strings.Repeat(" ", len(head))+line)
		}
	}
	for i := range v.elements {
		if v.kind == '%' && i%2 == 1 {
			add("   => ", v.elements[i].lines())
			continue
		}
		n := i + 1
		if v.kind == '%' {
			n = i/2 + 1
		}
		add(strconv.Itoa(n)+mark, v.elements[i].lines())
	}
	return out
}

// Quote writes bytes as redis-cli does: in double quotes, what is not printable as an escape.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Word is Quote where a word needs it.
func Word(s string) string {
	plain := len(s) > 0
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\' {
			plain = false
		}
	}
	if plain {
		return s
	}
	return Quote(s)
}
