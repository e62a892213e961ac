package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// logRows are the words of the log that no data family has.
func logRows() []command.Spec {
	return []command.Spec{{Name: "select", Arity: 2}, {Name: "multi", Arity: 1}, {Name: "exec", Arity: 1}}
}

// TestRandom_replicates: whatever lines are run, at whatever times, the log makes an equal copy. No reference is needed; so
// commands that draw lots, cross databases or wait for time take part.
func TestRandom_replicates(t *testing.T) {
	g := newGenerator(*seed)
	g.rows = nil
	for _, row := range tableRows().All() {
		if row.Handler != nil {
			g.rows = append(g.rows, row)
		}
	}
	g.anyTime = true
	for done := 0; done < 5**lines; done += 3 * linesPerRound {
		replicate(t, g)
	}
}

func replicate(t *testing.T, g *generator) {
	table := command.NewTable(append(command.Families(), logRows())...)
	fresh := func(seed uint64) *command.Engine {
		limits := keyspace.DefaultLimits()
		limits.HashMaxListpackEntries = 1 + int(seed%4) // small hashes here, large ones there
		ks := keyspace.New(keyspace.Options{Databases: 3, Limits: limits, HashSeed: seed})
		return command.NewEngine(ks, rand.New(rand.NewPCG(seed, 3)))
	}
	master, standby := fresh(g.chance.Uint64()), &command.Applier{Engine: fresh(g.chance.Uint64()), Table: table}
	encoder := command.Encoder{Selected: -1}
	nowMs, db := int64(1_000_000_000_000), 0
	var story []string
	for i := range 3 * linesPerRound {
		if g.chance.IntN(10) == 0 {
			db = g.chance.IntN(3)
		}
		nowMs += int64(g.chance.IntN(30))
		line := g.line()
		story = append(story, fmt.Sprintf("%d ms, database %d: %q", nowMs%1e6, db, line))
		args := byteWords(line)
		if spec := table.Lookup(args); spec != nil && spec.Handler != nil && spec.ArityOK(len(args)) {
			w := &resp.Writer{}
			// Refusals are as good as any reply here.
			_, _ = master.Do(command.Run{Spec: spec, Args: args, DB: db, NowMs: nowMs, CanBlock: g.chance.IntN(2) == 0}, w)
		}
		if g.chance.IntN(20) == 0 {
			master.ExpireSlice(nowMs, 3)
		}
		if g.chance.IntN(3) == 0 {
			continue // several lines make one unit, as in EXEC
		}
		feed(t, standby, encoder.Append(nil, master.Unit()), g.chance.Int64N(2_000_000_000_000))
		master.ResetUnit()
		if i%10 == 0 {
			require.Equal(t, master.KS.Digest(), standby.Engine.KS.Digest(), "seed %d: the copy differs after\n%s", *seed, strings.Join(story, "\n"))
		}
	}
}

func feed(t *testing.T, standby *command.Applier, log []byte, nowMs int64) {
	t.Helper()
	reader := resp.Reader{}
	for len(log) > 0 {
		args, used, err := reader.Next(log)
		require.NoError(t, err)
		require.Positive(t, used)
		require.NoError(t, standby.Apply(args, nowMs), "%q", args)
		log = log[used:]
	}
}
