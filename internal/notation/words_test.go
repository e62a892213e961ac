package notation

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplitWords_table(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		bad  bool
	}{
		{line: "", want: nil},
		{line: "  \t ", want: nil},
		{line: "a  b", want: []string{"a", "b"}},
		{line: `"a b" 'c d'`, want: []string{"a b", "c d"}},
		{line: `"\x41\n\r\t\b\a\q\"\\"`, want: []string{"A\n\r\t\b\aq\"\\"}},
		{line: `'\n\''`, want: []string{`\n'`}},
		{line: `""`, want: []string{""}},
		{line: `a"b"`, want: []string{"ab"}},
		{line: `"\xZZ"`, want: []string{"xZZ"}},
		{line: `"a`, bad: true},
		{line: `'a`, bad: true},
		{line: `"a"b`, bad: true},
		{line: `"a\`, bad: true},
	} {
		words, ok := SplitWords([]byte(c.line))
		require.Equal(t, !c.bad, ok, c.line)
		var got []string
		for _, w := range words {
			got = append(got, string(w))
		}
		require.Equal(t, c.want, got, c.line)
	}
}
