package command_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

// ask runs a line on the world's master and gives the parsed reply.
func (w *world) ask(line ...string) scenario.Value {
	w.t.Helper()
	args := make([][]byte, len(line))
	for i, word := range line {
		args[i] = []byte(word)
	}
	reply := &resp.Writer{}
	_, err := w.master.Do(command.Run{Spec: w.table.Lookup(args), Args: args, DB: w.db, NowMs: w.nowMs}, reply)
	require.NoError(w.t, err)
	w.master.ResetUnit()
	v, rest, err := scenario.Parse(reply.Buf)
	require.NoError(w.t, err)
	require.Empty(w.t, rest)
	return v
}

// TestKeys_namesEachOnce, however large the index is and while it grows.
func TestKeys_namesEachOnce(t *testing.T) {
	w := newWorld(t)
	for n := range 3000 {
		w.ask("SET", "key:"+strconv.Itoa(n), "v")
		if n > 200 && n%97 != 0 {
			continue
		}
		all := w.ask("KEYS", "*")
		seen := map[string]bool{}
		for _, e := range all.Elements {
			seen[e.Text] = true
		}
		require.Len(t, all.Elements, n+1)
		require.Len(t, seen, n+1)
	}
}

// TestScan_visitsWhatStays while other keys come and go between the calls.
func TestScan_visitsWhatStays(t *testing.T) {
	for _, count := range []string{"1", "10", "100"} {
		w := newWorld(t)
		for i := range 500 {
			w.ask("SET", fmt.Sprint("stays:", i), "v")
		}
		seen := map[string]bool{}
		cursor, calls := "0", 0
		for {
			reply := w.ask("SCAN", cursor, "COUNT", count, "MATCH", "stays:*")
			for _, e := range reply.Elements[1].Elements {
				seen[e.Text] = true
			}
			for i := range 20 {
				w.ask("SET", fmt.Sprint("comes:", calls, ":", i), "v")
				if calls%2 == 1 {
					w.ask("DEL", fmt.Sprint("comes:", calls-1, ":", i))
				}
			}
			if calls > 30 && calls < 35 {
				w.ask("FLUSHDB")
				for i := range 500 {
					w.ask("SET", fmt.Sprint("stays:", i), "v")
				}
			}
			calls++
			if cursor = reply.Elements[0].Text; cursor == "0" {
				break
			}
			require.Less(t, calls, 100000)
		}
		require.Len(t, seen, 500, "count %s", count)
	}
}

// TestLengths_limit: nothing makes a string longer than proto-max-bulk-len, except what the log says.
func TestLengths_limit(t *testing.T) {
	w := newWorld(t)
	w.master.BulkBytesMax = 10
	for line, want := range map[string]string{
		"SETRANGE k 9 x":          "(integer) 10",
		"SETRANGE k 10 x":         "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)",
		"APPEND k x":              "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)",
		`APPEND k ""`:             "(integer) 10",
		"SETRANGE none 10 x":      "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)",
		"APPEND other 0123456789": "(integer) 10",
	} {
		w.run(splitLine(t, "DEL k none other"))
		w.run(splitLine(t, "SETRANGE k 9 x"))
		require.Equal(t, want, w.run(splitLine(t, line))[0], line)
	}
	w.copy.Engine.BulkBytesMax = 10
	require.NoError(t, w.copy.Apply(splitLine(t, "SETRANGE k 20 x"), w.nowMs))
}
