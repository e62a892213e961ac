package replication

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHistory_appendForgetsTheOldestReigns(t *testing.T) {
	var h History
	for i := range 40 {
		var err error
		h, err = h.Append(Entry{ID: NewID([20]byte{byte(i)}), Epoch: uint64(i), Start: int64(10 * i)})
		require.NoError(t, err)
	}
	require.Len(t, h, HistoryEntriesMax)
	require.EqualValues(t, 24, h[0].Epoch)
	require.EqualValues(t, 39, h.Last().Epoch)
}

func TestHistory_appendLeavesOutReignsNotYetReached(t *testing.T) {
	h := History{{ID: longID("a"), Epoch: 1}, {ID: longID("b"), Epoch: 2, Start: 60}}
	longer, err := h.Append(Entry{ID: longID("c"), Epoch: 3, Start: 50})
	require.NoError(t, err)
	require.Equal(t, "[aaaaaaaa@0/epoch1 cccccccc@50/epoch3]", longer.String())
	require.Len(t, h, 2, "a history is never changed")
}

func TestHistory_brokenPromisesAreRefused(t *testing.T) {
	h := History{{ID: longID("a"), Epoch: 2, Start: 10}}
	for name, e := range map[string]Entry{
		"epoch back": {ID: longID("b"), Epoch: 1, Start: 20},
		"same id":    {ID: longID("a"), Epoch: 3, Start: 20},
		"no id":      {ID: "x", Epoch: 3, Start: 20},
		"negative":   {ID: longID("b"), Epoch: 3, Start: -1},
	} {
		_, err := h.Append(e)
		require.ErrorIs(t, err, ErrHistory, name)
	}
}

// A dumb model of a log: each byte knows its reign. Two nodes share a past, then
// each has reigns of its own; the histories must tell exactly what they share.
func TestHistory_forkPointIsWhatTheLogsHaveInCommon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		next := byte(0)
		grow := func(h History, log []byte, label string) (History, []byte) {
			for range rapid.IntRange(0, 4).Draw(t, label) {
				next++
				longer, err := h.Append(Entry{ID: NewID([20]byte{next}), Epoch: uint64(next), Start: int64(len(log))})
				require.NoError(t, err)
				h = longer
				for range rapid.IntRange(0, 3).Draw(t, "bytes") {
					log = append(log[:len(log):len(log)], next)
				}
			}
			return h, log
		}
		shared, past := grow(nil, nil, "shared")
		cut := rapid.IntRange(0, len(past)).Draw(t, "cut")
		a, logA := grow(shared.CutAt(int64(cut)), past[:cut], "a")
		b, logB := grow(shared, past, "b")
		common := 0
		for common < min(len(logA), len(logB)) && logA[common] == logB[common] {
			common++
		}
		fork, id, known := a.ForkPoint(int64(len(logA)), b, int64(len(logB)))
		if !known {
			require.Zero(t, common)
			return
		}
		require.EqualValues(t, common, fork)
		require.True(t, a.Contains(id, fork, int64(len(logA))))
		require.True(t, b.Contains(id, fork, int64(len(logB))))
		decision := Decide(Ask{ID: id, Offset: fork + 1}, b, Range{End: int64(len(logB))})
		require.Equal(t, Continue, decision.Verdict, decision)
	})
}

func TestStanding_roundTrip(t *testing.T) {
	s := Standing{Pair: "my pair", History: History{{ID: longID("a"), Epoch: 1}, {ID: longID("b"), Epoch: 2, Start: 60}}, End: 100}
	got, err := UnmarshalStanding(MarshalStanding(s))
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func TestHistory_bytesAreStable(t *testing.T) {
	h := History{{ID: longID("a"), Epoch: 1, Start: 258}}
	require.Equal(t, "\x01\x01"+strings.Repeat("a", 40)+"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x02", string(h.Marshal()))
}

// FuzzUnmarshalStanding: bytes of a peer are refused or keep all promises.
func FuzzUnmarshalStanding(f *testing.F) {
	f.Add(MarshalStanding(Standing{Pair: "p", History: History{{ID: longID("a"), Epoch: 1}}, End: 100}))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := UnmarshalStanding(data)
		if err != nil {
			return
		}
		require.NoError(t, s.History.check())
		again, err := UnmarshalStanding(MarshalStanding(s))
		require.NoError(t, err)
		require.Equal(t, s, again)
		own := Standing{Pair: s.Pair, History: History{{ID: longID("a"), Epoch: 1}}, End: 50}
		require.NotEmpty(t, Rejoin(own, s).Reason)
	})
}

// FuzzParsePsyncReply: a line is a verdict with a valid id, or a refusal with a reason.
func FuzzParsePsyncReply(f *testing.F) {
	f.Add("+FULLRESYNC " + longID("a") + " 5")
	f.Add("+CONTINUE")
	f.Fuzz(func(t *testing.T, line string) {
		r := ParsePsyncReply(line)
		switch r.Verdict {
		case Refuse:
			require.NotEmpty(t, r.Reason)
		case FullCopy:
			require.True(t, ValidID(r.ID))
			require.GreaterOrEqual(t, r.Offset, int64(0))
		case Continue:
			require.True(t, r.ID == "" || ValidID(r.ID))
		}
	})
}
