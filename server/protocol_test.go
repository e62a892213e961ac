package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProtocol_errorsCloseThatConnectionOnly(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		other := connect()
		for _, c := range []struct{ input, want string }{
			{"*a\r\n", "invalid multibulk length"},
			{"*1048577\r\n", "invalid multibulk length"},
			{"*1\r\nx", "expected '$', got 'x'"},
			{"*1\r\n$-1\r\n", "invalid bulk length"},
			{"*1\r\n$536870913\r\n", "invalid bulk length"},
			{strings.Repeat("a", 70000), "too big inline request"},
			{"*" + strings.Repeat("1", 70000), "too big mbulk count string"},
			{"*1\r\n$" + strings.Repeat("1", 70000), "too big bulk count string"},
			{"SET a \"b\r\n", "unbalanced quotes in request"},
		} {
			bad := connect()
			bad.send("*1\r\n$4\r\nPING\r\n" + c.input)
			require.Equal(t, "+PONG\r\n-ERR Protocol error: "+c.want+"\r\n", bad.closed(), "%.60q", c.input)
			other.is("+PONG", "PING")
		}
	})
}

func TestProtocol_anotherCommandBehindTheErrorIsNotRun(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		bad := connect()
		bad.send("*1\r\nx" + encode("SET a b"))
		bad.closed()
		connect().is("$-1", "GET a")
	})
}

func TestProtocol_strangers(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		c.is("-NOAUTH Authentication required.", "GET a")
		c.send("*11\r\n")
		require.Equal(t, "-ERR Protocol error: unauthenticated multibulk length\r\n", c.closed())
		c = connect()
		c.send("*2\r\n$4\r\nAUTH\r\n$16385\r\n")
		require.Equal(t, "-ERR Protocol error: unauthenticated bulk length\r\n", c.closed())
		c = connect()
		c.is("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH wrong")
		// The limits end with AUTH, for what stands behind it in the same pipeline too.
		c.send(encode("AUTH secret") + encode("MSET "+strings.Repeat("a b ", 10)) + encode("SET a "+strings.Repeat("x", 20000)))
		require.Equal(t, []string{"+OK\r\n", "+OK\r\n", "+OK\r\n"}, c.replies(3))
		c.is("+RESET", "RESET")
		c.is("-NOAUTH Authentication required.", "GET a")
		c.is("-NOAUTH Authentication required.", "PING")
		c.is("+OK", "AUTH default secret")
		c.is("+OK", "QUIT")
	}, "requirepass secret")
}

func TestProtocol_splitAtEveryByte(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		input := encode("SET key {value}") + "GET key\r\n" + encode("RPUSH l a b c") + "\r\nLRANGE l 0 -1\n" + encode("DEL key l")
		for i := range len(input) {
			c.send(input[:i])
			c.send(input[i:])
			require.Equal(t, "+OK $7 {value} :3 *3 $1 a $1 b $1 c :2", flat(strings.Join(c.replies(5), "")), "split at %d", i)
		}
		for i := range len(input) {
			c.send(input[i : i+1])
		}
		require.Equal(t, "+OK $7 {value} :3 *3 $1 a $1 b $1 c :2", flat(strings.Join(c.replies(5), "")))
	})
}

func TestProtocol_pipelineLargerThanAnyBuffer(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		const n = 100_000
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "*2\r\n$4\r\nINCR\r\n$1\r\n%c\r\n", 'a'+i%2)
		}
		c.send(b.String())
		for i := range n {
			require.Equal(t, fmt.Sprintf(":%d\r\n", i/2+1), c.reply())
		}
	})
}

func TestProtocol_hugeValues(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		big := strings.Repeat("0123456789abcdef", 1<<20) // 16 MB
		c.send(encode("SET big "+big) + encode("STRLEN big") + encode("GET big") + encode("PING"))
		require.Equal(t, "+OK\r\n", c.reply())
		require.Equal(t, fmt.Sprintf(":%d\r\n", len(big)), c.reply())
		got := c.reply()
		require.Equal(t, len(big)+len("$16777216\r\n\r\n"), len(got))
		require.Equal(t, "+PONG\r\n", c.reply())
	})
}

func TestProtocol_announcedLengthIsNotBelieved(t *testing.T) {
	v := start(t)
	for range 50 {
		dial(t, v).send("*2\r\n$3\r\nGET\r\n$536870912\r\nx") // 25 GB, if each were believed
	}
	dial(t, v).is("+PONG", "PING")
}

func TestProtocol_manyWords(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		c.send("*200001\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n" + strings.Repeat("$1\r\nx\r\n", 199999))
		require.Equal(t, ":199999\r\n", c.reply())
	})
}

func TestProtocol_queryBufferLimit(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		c.is("+OK", "CONFIG SET client-query-buffer-limit 1mb")
		// A client that waits for a key and goes on sending is closed at the limit.
		waiting := connect()
		waiting.begin("BLPOP k 0")
		c.awaitInfo("blocked_clients", "1")
		go waiting.conn.Write([]byte(strings.Repeat(encode("SET a b"), 100_000))) // ends with the connection
		require.Empty(t, waiting.closed())
		c.awaitInfo("blocked_clients", "0")
		c.is("$-1", "GET a")
	})
}

func TestProtocol_unknownAndWrongArity(t *testing.T) {
	c := dial(t, start(t))
	c.is("-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ", "nosuch a b")
	c.is("-ERR wrong number of arguments for 'get' command", "GET")
	c.is("-ERR wrong number of arguments for 'client|kill' command", "CLIENT KILL")
	c.is("-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.", "CLIENT nosuch")
	c.is("-ERR wrong number of arguments for 'client' command", "CLIENT")
	require.Equal(t, "count=5", c.info("errorstat_ERR"))
	require.Equal(t, "5", c.info("total_error_replies"))
}
