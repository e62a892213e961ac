package failover

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/datadriven"
	"github.com/tandemkv/tandem/replication"
)

// aspect is one thing about the voter or the request, and how to make it so.
type aspect struct {
	name string
	set  func(f *facts, r *request)
}

const votesFile = "testdata/votes.golden"

// TestVotes_allDecisions compares every combination of what matters with the
// golden table: a change of a rule shows as a diff of it.
func TestVotes_allDecisions(t *testing.T) {
	got := votesTable()
	if datadriven.Rewriting() {
		require.NoError(t, os.WriteFile(votesFile, []byte(got), 0o644))
	}
	want, err := os.ReadFile(votesFile)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func votesTable() string {
	epochs := []aspect{
		{"past epoch", func(f *facts, r *request) { r.term = 4 }},
		{"same epoch, voted for it", func(f *facts, r *request) { r.term, f.ballot.VotedFor = 5, "b" }},
		{"same epoch, voted for another", func(f *facts, r *request) { r.term = 5 }},
		{"later epoch", func(f *facts, r *request) { r.term = 6 }},
	}
	bonds := []aspect{
		{"free", func(f *facts, r *request) {}},
		{"reigns", func(f *facts, r *request) { f.reigning = true }},
		{"promised to it", func(f *facts, r *request) { f.promise = promise{to: "b", incarnation: 1, sentTick: 40, untilTick: 150} }},
		{"promised to a", func(f *facts, r *request) { f.promise = promise{to: "a", incarnation: 1, sentTick: 40, untilTick: 150} }},
		{"promise to a has ended", func(f *facts, r *request) { f.promise = promise{to: "a", incarnation: 1, sentTick: 40, untilTick: 100} }},
		{"promised to a, gone", func(f *facts, r *request) {
			f.promise = promise{to: "a", incarnation: 1, sentTick: 40, untilTick: 150}
			f.promiseGone = true
		}},
		{"promised to a, released", func(f *facts, r *request) {
			f.promise = promise{to: "a", incarnation: 1, sentTick: 40, untilTick: 150}
			r.release = Release{Master: "a", Incarnation: 1, SentTick: 40}
		}},
		{"promised to a, released earlier", func(f *facts, r *request) {
			f.promise = promise{to: "a", incarnation: 1, sentTick: 50, untilTick: 150}
			r.release = Release{Master: "a", Incarnation: 1, SentTick: 40}
		}},
		{"promised to a before its restart, released", func(f *facts, r *request) {
			f.promise = promise{to: "a", unknown: true, untilTick: 150}
			r.release = Release{Master: "a", Incarnation: 1, SentTick: 40}
		}},
	}
	memories := []aspect{
		{"remembers", func(f *facts, r *request) {}},
		{"lost its memory", func(f *facts, r *request) { f.ballot.Lost = true }},
	}
	records := []aspect{
		{"no record", func(f *facts, r *request) { f.newest = Record{Epoch: 5} }},
		{"record names both", func(f *facts, r *request) { f.newest = Record{Epoch: 5, Set: []string{"b", "v"}} }},
		{"record names it", func(f *facts, r *request) { f.newest = Record{Epoch: 5, Set: []string{"b"}} }},
		{"record names a", func(f *facts, r *request) { f.newest = Record{Epoch: 5, Set: []string{"a"}} }},
		{"a may have reigned", func(f *facts, r *request) {
			f.ballot.VotedSync, f.newest = true, Record{Epoch: 4, Set: []string{"a", "b", "v"}}
		}},
		{"a says it has not reigned", func(f *facts, r *request) {
			f.ballot.VotedSync, f.disclaimed, f.newest = true, true, Record{Epoch: 4, Set: []string{"a", "b", "v"}}
		}},
	}
	table := strings.Builder{}
	table.WriteString("# Voter v, at tick 100 and position 5:100, is asked by b. Each cell is the vote, or the rule that refuses it.\n")
	table.WriteString("# columns: b is level | b is behind | level, ordered | behind, ordered\n")
	for _, e := range epochs {
		for _, b := range bonds {
			for _, m := range memories {
				for _, r := range records {
					fmt.Fprintf(&table, "%s, %s, %s, %s:%s\n", e.name, b.name, m.name, r.name, votesRow(e, b, m, r))
				}
			}
		}
	}
	return table.String()
}

func votesRow(aspects ...aspect) string {
	row := ""
	for _, forced := range []bool{false, true} {
		for _, offset := range []int64{100, 99} {
			f := facts{self: "v", policy: Majority, tick: 100, candidateHasData: true, candidateIsPeer: true, hasData: true,
				ballot: Ballot{Epoch: 5, VotedFor: "a"}, position: replication.Position{Epoch: 5, Offset: 100}}
			r := request{candidate: "b", position: replication.Position{Epoch: 5, Offset: offset}, forced: forced}
			for _, a := range aspects {
				a.set(&f, &r)
			}
			cell := "yes"
			if v := judge(f, r); !v.granted {
				cell = v.rule
			}
			row += " | " + cell
		}
	}
	return row
}

func TestVotes_firstElectionNeedsAQuorumThatKnowsOfNoReign(t *testing.T) {
	fresh := facts{self: "w", tick: 101, candidateHasData: true, candidateIsPeer: true, ballot: Ballot{Lost: true}, othersFresh: true, recallTick: 101}
	ask := request{candidate: "a", term: 1, fresh: true}
	require.True(t, judge(fresh, ask).granted)
	for name, change := range map[string]func(f *facts, r *request){
		"too early":        func(f *facts, r *request) { f.tick = 100 },
		"others know more": func(f *facts, r *request) { f.othersFresh = false },
		"it knows more":    func(f *facts, r *request) { r.fresh = false },
		"voter has voted":  func(f *facts, r *request) { f.ballot.Epoch = 1; r.term = 2 },
	} {
		f, r := fresh, ask
		change(&f, &r)
		require.Equal(t, "memory", judge(f, r).rule, name)
	}
}

func TestVotes_witnessesAreNotElected(t *testing.T) {
	require.Equal(t, "candidate", judge(facts{}, request{candidate: "w", term: 1}).rule)
}

func TestVotes_aMasterWithoutWitnessYieldsToBetterDataOnly(t *testing.T) {
	for _, policy := range []Policy{Majority, Available, Manual} {
		f := facts{policy: policy, reigning: true, candidateHasData: true, candidateIsPeer: true, hasData: true, position: replication.Position{Epoch: 1, Offset: 5}}
		r := request{candidate: "b", term: 9, position: replication.Position{Epoch: 8}}
		require.Equal(t, policy != Majority, judge(f, r).granted, policy)
		r.position = f.position
		require.Equal(t, "reigning", judge(f, r).rule, policy)
	}
}
