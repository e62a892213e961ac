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
	v, rest, err := Parse(reply)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes behind the reply: %q", len(rest), rest)
	}
	v.sort(order)
	return v.lines(), nil
}

// Value is a parsed reply.
type Value struct {
	Kind     byte // the first byte of the reply
	Text     string
	Null     bool
	Elements []Value // of a map: keys and values in turn
}

// Parse reads one reply; rest is what stands behind it.
func Parse(b []byte) (v Value, rest []byte, err error) {
	head, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || len(head) == 0 {
		return v, nil, fmt.Errorf("no reply in %q", b)
	}
	v = Value{Kind: head[0], Text: string(head[1:])}
	switch v.Kind {
	case '+', '-', ':', ',', '#', '(':
		return v, rest, nil
	case '_':
		v.Null = true
		return v, rest, nil
	case '$', '=', '*', '%', '~', '>':
	default:
		return v, nil, fmt.Errorf("a reply of type %q", v.Kind)
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < -1 {
		return v, nil, fmt.Errorf("a reply of length %q", v.Text)
	}
	if n == -1 {
		v.Null = true
		return v, rest, nil
	}
	if v.Kind == '$' || v.Kind == '=' {
		if len(rest) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return v, nil, fmt.Errorf("a bulk of %d bytes is not there", n)
		}
		v.Text = string(rest[:n])
		return v, rest[n+2:], nil
	}
	if v.Kind == '%' {
		n *= 2
	}
	for range n {
		var e Value
		if e, rest, err = Parse(rest); err != nil {
			return v, nil, err
		}
		v.Elements = append(v.Elements, e)
	}
	return v, rest, nil
}

// sort puts innermost arrays in order, by their text.
func (v *Value) sort(order Order) {
	if order == Ordered || v.Elements == nil {
		return
	}
	inner := true
	for i := range v.Elements {
		if v.Elements[i].Elements != nil {
			inner = false
			v.Elements[i].sort(order)
		}
	}
	if !inner && v.Kind != '~' {
		return
	}
	width := 1
	if order == Pairs && v.Kind == '*' || v.Kind == '%' {
		width = 2
	}
	groups := slices.Collect(slices.Chunk(slices.Clone(v.Elements), width))
	slices.SortStableFunc(groups, func(a, b []Value) int {
		return strings.Compare(strings.Join(a[0].lines(), "\n"), strings.Join(b[0].lines(), "\n"))
	})
	v.Elements = slices.Concat(groups...)
}

func (v *Value) lines() []string {
	if v.Null {
		return []string{map[byte]string{'$': "(nil)", '*': "(nil array)", '_': "(null)"}[v.Kind]}
	}
	switch v.Kind {
	case '+':
		return []string{v.Text}
	case '-':
		return []string{"(error) " + v.Text}
	case ':':
		return []string{"(integer) " + v.Text}
	case ',':
		return []string{"(double) " + v.Text}
	case '(':
		return []string{"(number) " + v.Text}
	case '#':
		return []string{map[string]string{"t": "(true)", "f": "(false)"}[v.Text]}
	case '=':
		return []string{"(verbatim) " + Quote(v.Text)}
	case '$':
		return []string{Quote(v.Text)}
	}
	return v.listing()
}

// listing numbers the elements; the mark behind the number tells the kind of container.
func (v *Value) listing() []string {
	name := map[byte]string{'*': "array", '%': "map", '~': "set", '>': "push"}[v.Kind]
	mark := map[byte]string{'*': ") ", '%': "# ", '~': "~ ", '>': "> "}[v.Kind]
	if len(v.Elements) == 0 {
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
	for i := range v.Elements {
		if v.Kind == '%' && i%2 == 1 {
			add("   => ", v.Elements[i].lines())
			continue
		}
		n := i + 1
		if v.Kind == '%' {
			n = i/2 + 1
		}
		add(strconv.Itoa(n)+mark, v.Elements[i].lines())
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
