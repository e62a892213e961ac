package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// read feeds input in pieces of the given size, as a transport would, and lists the commands found and the error that
// ended the reading.
func read(r *Reader, input []byte, piece int) (commands []string, left int, err error) {
	var buf []byte
	for len(input) > 0 || len(buf) > 0 {
		n := min(piece, len(input))
		buf, input = append(buf, input[:n]...), input[n:]
		for len(buf) > 0 {
			args, used, err := r.Next(buf)
			if err != nil {
				return commands, len(buf), err
			}
			if used == 0 {
				break
			}
			if len(args) > 0 {
				commands = append(commands, fmt.Sprintf("%q", args))
			}
			buf = append([]byte(nil), buf[used:]...)
		}
		if n == 0 {
			return commands, len(buf), nil
		}
	}
	return commands, 0, nil
}

func TestReader_commands(t *testing.T) {
	for _, c := range []struct {
		name, input string
		want        []string
		left        int
	}{
		{"one", "*1\r\n$4\r\nPING\r\n", []string{`["PING"]`}, 0},
		{"a pipeline", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n", []string{`["GET" "a"]`, `["PING"]`}, 0},
		{"empty bulk", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{`["GET" ""]`}, 0},
		{"binary bulk", "*2\r\n$3\r\nGET\r\n$4\r\n\r\n$-\r\n", []string{`["GET" "\r\n$-"]`}, 0},
		{"nothing to run", "*0\r\n*-1\r\n*1\r\n$1\r\na\r\n", []string{`["a"]`}, 0},
		{"incomplete", "*2\r\n$3\r\nGET\r\n$5\r\nab", nil, 19},
		{"incomplete behind a whole one", "*1\r\n$1\r\na\r\n*1\r\n$1", []string{`["a"]`}, 6},
		{"inline", "PING\r\n\r\nset a \"b c\\n\" 'd\\'e'\n", []string{`["PING"]`, `["set" "a" "b c\n" "d'e"]`}, 0},
		{"inline and array", "PING\r\n*1\r\n$1\r\na\r\nGET b\n", []string{`["PING"]`, `["a"]`, `["GET" "b"]`}, 0},
		{"inline incomplete", "PIN", nil, 3},
	} {
		for _, piece := range []int{1, 2, 3, 7, len(c.input)} {
			got, left, err := read(&Reader{}, []byte(c.input), piece)
			require.NoError(t, err, "%s in pieces of %d", c.name, piece)
			require.Equal(t, c.want, got, "%s in pieces of %d", c.name, piece)
			require.Equal(t, c.left, left, "%s in pieces of %d", c.name, piece)
		}
	}
}

// The texts are Redis 7.0.15's; integration/wire asks the reference server itself.
func TestReader_protocolErrors(t *testing.T) {
	stranger, small := Reader{Unauthenticated: true}, Reader{BulkBytesMax: 10}
	for _, c := range []struct {
		name   string
		reader Reader
		input  string
		want   string
	}{
		{"count is no number", Reader{}, "*a\r\n", "invalid multibulk length"},
		{"count too large", Reader{}, "*1048577\r\n", "invalid multibulk length"},
		{"count out of range", Reader{}, "*99999999999999999999\r\n", "invalid multibulk length"},
		{"count line too long", Reader{}, "*" + strings.Repeat("1", InlineBytesMax+2), "too big mbulk count string"},
		{"no dollar", Reader{}, "*1\r\nGET\r\n", "expected '$', got 'G'"},
		{"no dollar in the second", Reader{}, "*2\r\n$1\r\na\r\n*1\r\n", "expected '$', got '*'"},
		{"length is no number", Reader{}, "*1\r\n$a\r\n", "invalid bulk length"},
		{"length negative", Reader{}, "*1\r\n$-1\r\n", "invalid bulk length"},
		{"length too large", Reader{}, "*1\r\n$536870913\r\n", "invalid bulk length"},
		{"length over a smaller limit", small, "*1\r\n$11\r\nabcdefghijk\r\n", "invalid bulk length"},
		{"length line too long", Reader{}, "*1\r\n$" + strings.Repeat("1", InlineBytesMax+2), "too big bulk count string"},
		{"bulk not closed", Reader{}, "*1\r\n$1\r\nabc\r\n", "invalid bulk length"},
		{"inline too long", Reader{}, strings.Repeat("a", InlineBytesMax+2), "too big inline request"},
		{"quotes", Reader{}, "GET \"a\r\n", "unbalanced quotes in request"},
		{"quotes in the middle", Reader{}, "GET \"a\"b\r\n", "unbalanced quotes in request"},
		{"a stranger's count", stranger, "*11\r\n", "unauthenticated multibulk length"},
		{"a stranger's length", stranger, "*1\r\n$16385\r\n", "unauthenticated bulk length"},
	} {
		for _, piece := range []int{max(1, len(c.input)/50), max(3, len(c.input)/20), len(c.input)} {
			r := c.reader
			_, _, err := read(&r, []byte(c.input), piece)
			require.EqualError(t, err, "Protocol error: "+c.want, "%s in pieces of %d", c.name, piece)
		}
	}
}

// TestReader_appendNext: several commands are read before they run; the words of the first must survive.
func TestReader_appendNext(t *testing.T) {
	r := &Reader{}
	buf := []byte("*2\r\n$3\r\nGET\r\n$1\r\na\r\nset b c\r\n*1\r\n$4\r\nPING\r\n")
	var words [][]byte
	var ends []int
	for len(buf) > 0 {
		var used int
		var err error
		words, used, err = r.AppendNext(words, buf)
		require.NoError(t, err)
		require.Positive(t, used)
		buf = buf[used:]
		ends = append(ends, len(words))
	}
	require.Equal(t, []int{2, 5, 6}, ends)
	require.Equal(t, `["GET" "a" "set" "b" "c" "PING"]`, fmt.Sprintf("%q", words))
}

// TestReader_looksOnce: a large command that arrives in many small pieces costs one look at each piece, not at the whole.
func TestReader_looksOnce(t *testing.T) {
	const size = 1 << 20
	head := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", size)
	buf := append([]byte(head), make([]byte, size)...)
	r := &Reader{}
	args, used, err := r.Next(buf[:len(head)+10])
	require.NoError(t, err)
	require.Zero(t, used)
	require.Empty(t, args)
	require.Equal(t, len(head)+size+2, r.NeedBytes())
	allocations := testing.AllocsPerRun(100, func() {
		_, used, _ = r.Next(buf[:len(head)+1000])
	})
	require.Zero(t, used)
	require.Zero(t, allocations)
	args, used, err = r.Next(append(buf, '\r', '\n'))
	require.NoError(t, err)
	require.Equal(t, len(head)+size+2, used)
	require.Len(t, args[2], size)
	require.Zero(t, r.NeedBytes())
}

func TestReader_readsWithoutAllocating(t *testing.T) {
	r := &Reader{}
	buf := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, used, err := r.Next(buf); used != len(buf) || err != nil {
			panic("not read")
		}
	}))
}

// FuzzReader: no input makes the reader panic, and what it finds does not depend on the pieces in which bytes arrive.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$4\r\nPING\r\n", "PING\r\n", "*0\r\n*-1\r\n\r\n", "*2\r\n$3\r\nGET\r\n$-1\r\n", "GET \"a\\x41\" 'b'\n",
		"*3\r\n$1\r\na\r\n$2\r\n$-\r\n$0\r\n\r\nPING\n*1\r\n$1\r\nx\r\n", "*1\r\n$4\r\nPINGxx", "*00000001\r\n$1\r\na\r\n", "*+1\r\n$+1\r\na\r\n",
		"*1\n$1\na\n", "*1\r\r\n$1\r\na\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, stranger bool) {
		whole, wholeLeft, wholeErr := read(&Reader{Unauthenticated: stranger}, input, max(len(input), 1))
		for _, piece := range []int{1, 3} {
			got, left, err := read(&Reader{Unauthenticated: stranger}, input, piece)
			require.Equal(t, whole, got)
			require.Equal(t, wholeErr, err)
			if err == nil {
				require.Equal(t, wholeLeft, left)
			}
		}
	})
}
