package wire

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
	"github.com/tandemkv/tandem/tandemtest"
)

// sides are the two ways to ask Tandem: the engine in this process, and a node behind its socket.
func sides() map[string]func(t *testing.T) target {
	return map[string]func(t *testing.T) target{
		"engine": func(t *testing.T) target { return newEngine(t) },
		"node":   func(t *testing.T) target { return dial(t, startTandem(t)) },
	}
}

// startTandem runs a node that stands alone, until the test is over.
func startTandem(t *testing.T) (address string) {
	t.Helper()
	return tandemtest.Run(t).Addr()
}

// TestServed_protocolErrors: the node answers malformed input as the reference does, and closes.
func TestServed_protocolErrors(t *testing.T) {
	reference, node := startReference(t), startTandem(t)
	for _, input := range malformed() {
		var got [2]string
		for i, address := range []string{reference, node} {
			c := dial(t, address)
			c.send([]byte(input))
			for c.more() { // until the server closes
			}
			got[i] = string(c.buf)
		}
		require.Equal(t, got[0], got[1], "%.80q", input)
	}
}

// TestServed_info compares COMMAND INFO of all commands that both know, the session's own included.
func TestServed_info(t *testing.T) {
	reference, node := dial(t, startReference(t)), dial(t, startTandem(t))
	list, _, err := scenario.Parse(node.ask("COMMAND", "LIST"))
	require.NoError(t, err)
	require.NotEmpty(t, list.Elements)
	for _, name := range texts(list) {
		want, _, err := scenario.Parse(reference.ask("COMMAND", "INFO", name))
		require.NoError(t, err)
		got, _, err := scenario.Parse(node.ask("COMMAND", "INFO", name))
		require.NoError(t, err)
		if want.Elements[0].Null {
			continue // newer than the reference, or Tandem's own
		}
		t.Run(name, func(t *testing.T) { sameInfo(t, name, want.Elements[0], got.Elements[0]) })
	}
}

// TestServed_stream: a raw replica of the node reads the same stream as one of the reference, SELECT, MULTI and EXEC included.
func TestServed_stream(t *testing.T) {
	var got [2]string
	for i, address := range []string{startReference(t), startTandem(t)} {
		c, publisher := dial(t, address), dial(t, address)
		replica := openStream(t, address)
		for _, line := range []string{
			"SET a 1 PXAT 99999999999999", "SELECT 9", "SET b 2", "MULTI", "SET c 3", "INCRBYFLOAT c 1.5", "SELECT 2", "DEL none", "RPUSH l 1 2", "EXEC", "MULTI",
			"GET a", "EXEC", "MULTI", "SET d 4", "EXEC", "MULTI", "LPUSH l 0", "INCR l", "BLPOP l 0", "EXEC", "GETEX a PERSIST", "SELECT 0", "GETEX a PERSIST",
			"EXPIRE a -1", "FLUSHALL",
		} {
			c.send(resp.AppendCommand(nil, words(line)...))
			c.reply()
		}
		got[i] = shown(replica.all(publisher))
	}
	require.Equal(t, got[0], got[1])
}

// TestServed_transactions: lines made at random, in transactions, with keys watched and with faults while queueing.
func TestServed_transactions(t *testing.T) {
	reference, node := dial(t, startReference(t)), dial(t, startTandem(t))
	g := newGenerator(*seed + 100)
	// Without those whose exceptions cannot be told from inside EXEC's reply.
	g.rows = slices.DeleteFunc(g.rows, func(row *command.Spec) bool {
		return slices.Contains([]string{"zrank", "zrevrank", "ttl", "pttl", "expiretime", "pexpiretime", "encoding", "refcount",
			"brpoplpush", "blmove", "blpop", "brpop", "bzpopmin", "bzpopmax", "xpending", "stream", "groups", "createconsumer"}, row.Name)
	})
	for range 400 {
		var story [][]string
		if g.chance.IntN(3) == 0 {
			story = append(story, []string{"WATCH", g.key(), g.key()})
			if g.chance.IntN(2) == 0 {
				story = append(story, []string{"SET", g.key(), "v"})
			}
		}
		story = append(story, []string{"MULTI"})
		for range g.chance.IntN(8) {
			story = append(story, g.line())
		}
		story = append(story, []string{g.pick("EXEC", "EXEC", "EXEC", "EXEC", "DISCARD", "MULTI")}, []string{"EXEC"}, []string{"UNWATCH"})
		for _, line := range story {
			order := scenario.Ordered
			if line[0] == "EXEC" {
				order = scenario.Sorted // replies to KEYS and its like are among the elements
			}
			got, want := node.ask(line...), reference.ask(line...)
			same(t, byteWords(line), got, want, order, fmt.Sprintf("seed %d: %q", *seed, story))
		}
	}
}
