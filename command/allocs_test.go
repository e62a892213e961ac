package command_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// lineRunner runs lines that were split before, as the server does, without the encoding of effects.
type lineRunner struct {
	table  *command.Table
	engine *command.Engine
	reply  resp.Writer
}

func newLineRunner() *lineRunner {
	ks := keyspace.New(keyspace.Options{Databases: 1, Limits: keyspace.DefaultLimits(), HashSeed: 1})
	return &lineRunner{
		table:  command.NewTable(command.Families()...),
		engine: command.NewEngine(ks, rand.New(rand.NewPCG(1, 2))),
	}
}

func (r *lineRunner) run(args [][]byte) []byte {
	r.reply.Buf = r.reply.Buf[:0]
	spec := r.table.Lookup(args)
	_, err := r.engine.Do(command.Run{Spec: spec, Args: args, NowMs: startMs}, &r.reply)
	r.engine.ResetUnit()
	if err != nil {
		return []byte(err.Error())
	}
	return r.reply.Buf
}

// TestHotCommands_allocateNothing: beyond what is stored, the common commands of the collections make no garbage. Each
// line leaves the data as large as it was.
func TestHotCommands_allocateNothing(t *testing.T) {
	for _, lines := range [][]string{
		{"HSET h field value"}, {"HGET h field"}, {"HINCRBY h n 1"},
		{"LPUSH l v", "RPOP l"}, {"RPUSH l v", "LPOP l"}, {"LRANGE l 0 1"}, {"LLEN l"},
		{"SADD s member", "SREM s member"}, {"SISMEMBER s a"},
		{"ZADD z 1 m", "ZADD z 2 m"}, {"ZADD z GT CH 1 a"}, {"ZINCRBY z 1 m"}, {"ZSCORE z m"}, {"ZRANK z a"},
	} {
		r := newLineRunner()
		for _, line := range []string{"HSET h field value n 1", "RPUSH l a b c", "SADD s a b", "ZADD z 1 a 2 b"} {
			r.run(splitLine(t, line))
		}
		split := make([][][]byte, len(lines))
		for i, line := range lines {
			split[i] = splitLine(t, line)
		}
		allocs := testing.AllocsPerRun(200, func() {
			for _, args := range split {
				r.run(args)
			}
		})
		require.Zero(t, allocs, "%q", lines)
	}
}
