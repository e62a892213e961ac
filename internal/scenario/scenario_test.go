package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = `# a comment
@ select 3

> SET k v
OK
~ SET k v
# another
> GET k
> LRANGE l 0 -1
1) "a"
2) "b"

# the end
`

func TestFile_staysAsItIs(t *testing.T) {
	f, err := Read(sample)
	require.NoError(t, err)
	require.Equal(t, sample, f.Text())
	require.Len(t, f.Steps, 4)
	require.Equal(t, []string{"select", "3"}, f.Steps[0].Directive)
	require.Equal(t, "SET k v", f.Steps[1].Line)
	require.Equal(t, []string{"OK", "~ SET k v"}, f.Steps[1].Outcome)
	require.Empty(t, f.Steps[2].Outcome)
	require.Equal(t, 9, f.Steps[3].At)
	f.Steps[2].Outcome = []string{`"v"`}
	require.Equal(t, strings.Replace(sample, "> GET k\n", "> GET k\n\"v\"\n", 1), f.Text())
}

func TestFile_refuses(t *testing.T) {
	for _, text := range []string{"OK\n", "> SET k v\nOK\n\nOK\n", "@ select 1\nOK\n", "> \n"} {
		_, err := Read(text)
		require.Error(t, err, "%q", text)
	}
}

func TestShow_table(t *testing.T) {
	for _, c := range []struct {
		reply string
		order Order
		want  string
	}{
		{"+OK\r\n", Ordered, "OK"},
		{"-ERR no\r\n", Ordered, "(error) ERR no"},
		{":-5\r\n", Ordered, "(integer) -5"},
		{"$5\r\na\"\n\x00b\r\n", Ordered, `"a\"\n\x00b"`},
		{"$-1\r\n", Ordered, "(nil)"},
		{"*-1\r\n", Ordered, "(nil array)"},
		{"_\r\n", Ordered, "(null)"},
		{",1.5\r\n", Ordered, "(double) 1.5"},
		{"#t\r\n", Ordered, "(true)"},
		{"(123\r\n", Ordered, "(number) 123"},
		{"=5\r\ntxt:a\r\n", Ordered, `(verbatim) "txt:a"`},
		{"*0\r\n", Ordered, "(empty array)"},
		{"~0\r\n", Ordered, "(empty set)"},
		{"*2\r\n*2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n", Ordered, "1) 1) \"a\"\n   2) (integer) 1\n2) \"b\""},
		{"%1\r\n$1\r\na\r\n*1\r\n:1\r\n", Ordered, "1# \"a\"\n   => 1) (integer) 1"},
		{"~2\r\n+b\r\n+a\r\n", Ordered, "1~ b\n2~ a"},
		{"~2\r\n+b\r\n+a\r\n", Sorted, "1~ a\n2~ b"},
		{"*2\r\n$1\r\n0\r\n*2\r\n+b\r\n+a\r\n", Sorted, "1) \"0\"\n2) 1) a\n   2) b"},
		{"*4\r\n+b\r\n+1\r\n+a\r\n+2\r\n", Pairs, "1) a\n2) 2\n3) b\n4) 1"},
	} {
		got, err := Show([]byte(c.reply), c.order)
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(got, "\n"))
	}
	for _, reply := range []string{"", "+OK", "$5\r\nab\r\n", "*2\r\n:1\r\n", "?\r\n", ":1\r\n:2\r\n", "*-2\r\n", "*x\r\n"} {
		_, err := Show([]byte(reply), Ordered)
		require.Error(t, err, "%q", reply)
	}
}

func TestWord(t *testing.T) {
	require.Equal(t, "abc:1", Word("abc:1"))
	require.Equal(t, `""`, Word(""))
	require.Equal(t, `"a b"`, Word("a b"))
	require.Equal(t, `"a'\\\xff"`, Word("a'\\\xff"))
}
