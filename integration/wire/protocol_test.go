package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/resp"
)

// malformed inputs, and what is whole before the fault. Stricter than the reference, and so not here: more than 1,048,576
// arguments, an inline command over 64 KB that has an end, a bulk without CR LF behind it. More lenient: lengths with a
// plus sign or leading zeros.
func malformed() []string {
	long := strings.Repeat("a", resp.InlineBytesMax+10)
	return []string{
		"*a\r\n", "*2147483648\r\n", "*99999999999999999999\r\n", "*1x\r\n", "* 1\r\n",
		"*" + strings.Repeat("1", resp.InlineBytesMax+10), "*1\r\n$" + strings.Repeat("1", resp.InlineBytesMax+10),
		"*1\r\nGET\r\n", "*2\r\n$3\r\nGET\r\n:1\r\n", "*1\r\n\r\n", "*1\r\n*1\r\n$1\r\na\r\n",
		"*1\r\n$a\r\n", "*1\r\n$-1\r\n", "*1\r\n$536870913\r\n", "*1\r\n$99999999999999999999\r\n", "*1\r\n$\r\n",
		long, "GET \"a\r\n", "GET 'a\r\n", "GET \"a\"b\r\n", "GET 'a'b\r\n", "GET \"a\\\r\n",
		"PING\r\n*1\r\n$x\r\n", "*1\r\n$4\r\nPING\r\nGET \"\r\n",
	}
}

// TestProtocol_errors: the same text, and the end of the connection.
func TestProtocol_errors(t *testing.T) {
	address := startReference(t)
	for _, input := range malformed() {
		c := dial(t, address)
		c.send([]byte(input))
		for c.more() { // until the server closes
		}
		var got bytes.Buffer
		r := &resp.Reader{}
		for buf := []byte(input); ; {
			args, used, err := r.Next(buf)
			if err != nil {
				w := &resp.Writer{}
				w.Error("ERR " + err.Error())
				got.Write(w.Buf)
				break
			}
			require.Positive(t, used, "%.80q", input)
			if len(args) > 0 {
				got.WriteString("+PONG\r\n")
			}
			buf = buf[used:]
		}
		require.Equal(t, string(c.buf), got.String(), "%.80q", input)
	}
}

// TestProtocol_whole: odd but whole input is understood in the same way.
func TestProtocol_whole(t *testing.T) {
	c := dial(t, startReference(t))
	for _, input := range []string{
		"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "*2\r\n$4\r\necho\r\n$3\r\n\r\n\x00\r\n", "ECHO \"a\\x41\\n\\\"\\q\"\r\n", "echo 'a\\'b\\n'\r\n", "  ECHO   a  \r\n",
		"ECHO \"\"\n", "*0\r\nECHO a\r\n", "\r\n\r\nECHO a\r\n", "*-1\r\nECHO a\r\n", "ECHO a\"b\"\r\n", "ECHO \"\\xzz\"\r\n", "ECHO a\tb\r\n",
	} {
		c.send([]byte(input))
		want := c.reply()
		r := &resp.Reader{}
		var args [][]byte
		for buf := []byte(input); len(args) == 0; {
			var used int
			var err error
			args, used, err = r.Next(buf)
			require.NoError(t, err, "%q", input)
			require.Positive(t, used, "%q", input)
			buf = buf[used:]
		}
		w := &resp.Writer{}
		if len(args) == 2 {
			w.Bulk(args[1])
		} else {
			w.Error("ERR wrong number of arguments for 'echo' command")
		}
		require.Equal(t, string(want), string(w.Buf), "%q", input)
	}
}
