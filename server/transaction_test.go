package server

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lines runs a conversation: each line's reply, in one line, must be the word behind it.
func (c *caller) lines(pairs ...string) {
	c.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		c.is(pairs[i+1], pairs[i])
	}
}

func TestTransaction_conversation(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		c.lines(
			"EXEC", "-ERR EXEC without MULTI",
			"DISCARD", "-ERR DISCARD without MULTI",
			"MULTI", "+OK",
			"MULTI", "-ERR MULTI calls can not be nested",
			"WATCH a", "-ERR WATCH inside MULTI is not allowed",
			"SET a 1", "+QUEUED",
			"INCR a", "+QUEUED",
			"LPUSH a x", "+QUEUED", // fails when it runs, and the others stay
			"GET a", "+QUEUED",
			"EXEC", "*4 +OK :2 -WRONGTYPE Operation against a key holding the wrong kind of value $1 2",
			"MULTI", "+OK",
			"SET a", "-ERR wrong number of arguments for 'set' command",
			"SET a 9", "+QUEUED",
			"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
			"GET a", "$1 2",
			"MULTI", "+OK",
			"SET a 9", "+QUEUED",
			"DISCARD", "+OK",
			"GET a", "$1 2",
			"MULTI", "+OK",
			"EXEC", "*0",
			"MULTI", "+OK",
			"SAVE", "-ERR Command not allowed inside a transaction",
			"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
			"MULTI", "+OK",
			"EXEC a", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
			"EXEC", "-ERR EXEC without MULTI",
			"MULTI", "+OK",
			"BLPOP nokey 0", "+QUEUED",
			"PING", "+QUEUED",
			"EXEC", "*2 *-1 +PONG",
			"MULTI", "+OK",
			"SELECT 3", "+QUEUED",
			"SET b 1", "+QUEUED",
			"EXEC", "*2 +OK +OK",
			"GET b", "$1 1",
			"MULTI", "+OK",
			"RESET", "+RESET",
			"EXEC", "-ERR EXEC without MULTI",
		)
	})
}

func TestTransaction_oneUnitInTheLog(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	from := v.x.stream.End()
	c.send(encode("MULTI") + encode("SET a 1") + encode("GET a") + encode("INCR a") + encode("EXEC") + encode("MULTI") + encode("SET b 1") + encode("EXEC"))
	c.replies(8)
	require.Equal(t, "SELECT 0|MULTI|SET a 1|INCR a|EXEC|SET b 1", logLines(t, v, from))
}

// logLines shows the log from an offset on.
func logLines(t *testing.T, v *Server, from int64) string {
	t.Helper()
	reader, err := v.x.stream.NewReader(from)
	require.NoError(t, err)
	defer reader.Close()
	feed := logFeed{reader: reader, end: from}
	var lines []string
	for {
		args, err := feed.next()
		require.NoError(t, err)
		if args == nil {
			return strings.Join(lines, "|")
		}
		words := make([]string, len(args))
		for i := range args {
			words[i] = string(args[i])
		}
		lines = append(lines, strings.Join(words, " "))
	}
}

func TestWatch(t *testing.T) {
	v := start(t)
	other := dial(t, v)
	for _, c := range []struct {
		name, before string
		change       []string
		broken       bool
	}{
		{"nothing", "SET k 1", []string{"GET k"}, false},
		{"a write", "SET k 1", []string{"SET k 2"}, true},
		{"the same value", "SET k 1", []string{"SET k 1"}, true},
		{"a write that changes nothing", "SET k 1", []string{"SETNX k 2"}, false},
		{"another key", "SET k 1", []string{"SET l 2"}, false},
		{"another database", "SET k 1", []string{"SELECT 1", "SET k 2", "SELECT 0"}, false},
		{"created", "DEL k", []string{"SET k 1"}, true},
		{"created and deleted", "DEL k", []string{"SET k 1", "DEL k"}, true},
		{"deleted", "SET k 1", []string{"DEL k"}, true},
		{"a deadline", "SET k 1", []string{"EXPIRE k 100"}, true},
		{"flushed", "SET k 1", []string{"FLUSHALL"}, true},
		{"flushed, absent", "DEL k", []string{"FLUSHALL"}, false},
		{"flushed, another database", "SET k 1", []string{"SELECT 1", "FLUSHDB", "SELECT 0"}, false},
		{"swapped away", "SET k 1", []string{"SWAPDB 0 1"}, true},
		{"swapped in", "DEL k", []string{"SELECT 1", "SET k 1", "SELECT 0", "SWAPDB 0 1"}, true},
		{"swapped, absent in both", "DEL k", []string{"SWAPDB 0 1"}, false},
		{"renamed onto", "SET k 1", []string{"SET l 1", "RENAME l k"}, true},
		{"a pop that empties it", "RPUSH k 1", []string{"LPOP k"}, true},
		{"inside a transaction", "SET k 1", []string{"MULTI", "INCR k", "EXEC"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			other.is("+OK", "FLUSHALL")
			other.do(c.before)
			w := dial(t, v)
			w.lines("WATCH k other", "+OK", "MULTI", "+OK", "PING", "+QUEUED")
			for _, line := range c.change {
				other.do(line)
			}
			if c.broken {
				w.is("*-1", "EXEC")
			} else {
				w.is("*1 +PONG", "EXEC")
			}
			w.lines("MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG") // the watch is over
		})
	}
}

func TestWatch_expiry(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.lines("DEBUG SET-ACTIVE-EXPIRE 0", "+OK", "SET k 1 PX 1", "+OK", "SET gone 1 PX 1", "+OK")
	require.Eventually(t, func() bool { return flat(c.do("EXISTS gone k")) == ":0" }, patience, 1)
	c.lines("SET k 1 PX 20", "+OK", "WATCH k", "+OK")
	require.Eventually(t, func() bool { return flat(c.do("PTTL k")) == ":-2" }, patience, 1)
	c.lines("MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*-1")
	c.lines("UNWATCH", "+OK", "WATCH gone", "+OK", "MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG")
	c.lines("WATCH a", "+OK", "SET a 1", "+OK", "UNWATCH", "+OK", "MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG")
	c.lines("WATCH a", "+OK", "SET a 1", "+OK", "MULTI", "+OK", "DISCARD", "+OK", "MULTI", "+OK", "PING", "+QUEUED", "EXEC", "*1 +PONG")
}
