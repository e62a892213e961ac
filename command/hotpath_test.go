package command_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// hotPath runs one line again and again as a session does: look up, run, encode the effects, forget.
func hotPath(table *command.Table, engine *command.Engine, line ...string) func() {
	args := make([][]byte, len(line))
	for i, word := range line {
		args[i] = []byte(word)
	}
	w := &resp.Writer{Buf: make([]byte, 0, 4096)}
	encoder := &command.Encoder{}
	log := make([]byte, 0, 4096)
	return func() {
		w.Buf, log = w.Buf[:0], log[:0]
		if _, err := engine.Do(command.Run{Spec: table.Lookup(args), Args: args, NowMs: startMs}, w); err != nil {
			panic(err)
		}
		log = encoder.Append(log, engine.Unit())
		engine.ResetUnit()
	}
}

func TestHotPath_allocatesNothing(t *testing.T) {
	table := command.NewTable(command.Families()...)
	engine := command.NewEngine(keyspace.New(keyspace.Options{}), rand.New(rand.NewPCG(1, 2)))
	for _, line := range [][]string{
		{"SET", "key", "value"}, {"SET", "number", "12"}, {"set", "long", fmt.Sprintf("%0100d", 1)},
		{"GET", "key"}, {"GET", "number"}, {"GET", "none"}, {"INCR", "number"}, {"DECRBY", "number", "3"},
		{"MSET", "a", "1", "b", "2", "c", "3"}, {"MGET", "a", "b", "none"}, {"EXISTS", "key"}, {"TTL", "key"}, {"STRLEN", "key"},
		{"SETRANGE", "key", "1", "x"}, {"GETRANGE", "long", "3", "-3"}, {"DEL", "none"},
	} {
		run := hotPath(table, engine, line...)
		run()
		require.Zero(t, testing.AllocsPerRun(100, run), "%v", line)
	}
}

func BenchmarkHotPath(b *testing.B) {
	table := command.NewTable(command.Families()...)
	engine := command.NewEngine(keyspace.New(keyspace.Options{}), rand.New(rand.NewPCG(1, 2)))
	for _, line := range [][]string{{"SET", "key", "value"}, {"GET", "key"}, {"INCR", "number"}, {"MSET", "a", "1", "b", "2"},
		{"SET", "key", "value", "EX", "100"}} {
		run := hotPath(table, engine, line...)
		b.Run(fmt.Sprint(line[0], len(line)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
