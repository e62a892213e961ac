package cluster

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/tandemtest"
)

// mishap is one fault that a pair must stand, and how it ends.
type mishap struct {
	name string
	do   func(p *tandemtest.Pair)
}

func mishaps() []mishap {
	return []mishap{
		{"kill the master", func(p *tandemtest.Pair) { p.KillMaster() }},
		{"kill the standby", func(p *tandemtest.Pair) { p.Standby().Kill() }},
		{"kill the witness", func(p *tandemtest.Pair) { p.Kill("w") }},
		{"stop the master", func(p *tandemtest.Pair) { p.Master().Stop() }},
		{"cut off the master", func(p *tandemtest.Pair) { p.Partition() }},
		{"cut off the standby", func(p *tandemtest.Pair) { p.Isolate(p.Standby().ID()) }},
		{"cut off the witness", func(p *tandemtest.Pair) { p.Isolate("w") }},
		{"switchover", func(p *tandemtest.Pair) { _ = p.Switchover() }}, // it may be refused: nothing is to be lost then either
	}
}

// One fault after the other, under load: with durability standby no acknowledged write is ever missing, and no reply
// contradicts an earlier one.
func TestChaos_oneFaultAtATime(t *testing.T) {
	for round := range rounds(3) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			p := tandemtest.RunPair(t, tandemtest.With("durability", "standby"), tandemtest.With("appendonly", "yes"))
			var loads []*load
			for _, id := range []string{"a", "b", "w"} {
				loads = append(loads, startLoad(t, p.Node(id).RWAddr(), 3, 1+rand.IntN(10)))
			}
			all := mishaps()
			order := rand.Perm(len(all))
			for _, i := range order {
				t.Log(all[i].name)
				all[i].do(p)
				p.WaitForMaster()
				waitAcked(t, loads, 50+rand.Int64N(200))
				p.Heal()
				p.Restart()
				p.WaitForLevel()
				waitAcked(t, loads, rand.Int64N(200))
			}
			for _, l := range loads {
				l.end()
			}
			p.WaitForLevel()
			for _, l := range loads {
				require.NotZero(t, l.total())
				l.nothingLost(p.Node("a").Addr())
				l.nothingLost(p.Node("b").Addr())
			}
		})
	}
}
