package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// runAt runs one command at a time in ms.
func runAt(ks *Keyspace, ms int64, f func()) { at(ks, ms, ExpiryDelete, f) }

func numberedKey(i int) []byte { return fmt.Appendf(nil, "key:%06d", i) }

func evictMany(t *testing.T, ks *Keyspace, ms int64, n int, how Eviction, r *rand.Rand) {
	t.Helper()
	for range n {
		runAt(ks, ms, func() { require.True(t, ks.Evict(how, r)) })
		require.Len(t, ks.Changes(), 1)
		require.Equal(t, KindNone, ks.Changes()[0].Kind)
		require.Equal(t, "evicted", ks.Events()[0].Name)
		require.Equal(t, byte('e'), ks.Events()[0].Class)
		require.Equal(t, ks.Changes()[0].Key, ks.Events()[0].Key)
	}
}

// Of keys that were used at very different times the older half goes, almost without exceptions. True LRU would take
// none of the younger half; random choice as many of it as of the older.
func TestEvict_idle(t *testing.T) {
	const keys = 10_000
	for _, c := range []struct {
		samples  int
		wrongMax int // of keys/2
	}{{3, 900}, {5, 550}, {10, 280}} {
		ks := New(Options{Databases: 1, HashSeed: 5})
		db := ks.DB(0)
		r := rand.New(rand.NewPCG(1, 2))
		order := r.Perm(keys)
		for second, i := range order {
			runAt(ks, int64(second)*1000, func() { db.PutString(numberedKey(i), numberedKey(i), 0, "") })
		}
		evictMany(t, ks, keys*1000, keys/2, Eviction{By: RankIdle, Samples: c.samples}, r)
		wrong := 0
		runAt(ks, keys*1000, func() {
			for second := keys / 2; second < keys; second++ {
				if db.Kind(numberedKey(order[second])) == KindNone {
					wrong++
				}
			}
		})
		require.Less(t, wrong, c.wrongMax, "%d samples", c.samples)
		require.Equal(t, keys/2, db.Len())
		require.EqualValues(t, keys/2, ks.EvictedTotal())
	}
}

// What is read often stays, even when all else is newer.
func TestEvict_rare(t *testing.T) {
	const keys, hot = 5_000, 500
	ks := New(Options{Databases: 1, HashSeed: 6})
	r := rand.New(rand.NewPCG(3, 4))
	ks.Track(Tracking{Frequency: true, LogFactor: 10, DecayMinutes: 1, Rand: r})
	db := ks.DB(0)
	for i := range keys {
		runAt(ks, 60_000, func() { db.PutString(numberedKey(i), numberedKey(i), 0, "") })
	}
	for range 60 {
		for i := range hot {
			runAt(ks, 61_000, func() { db.String(numberedKey(i)) })
		}
	}
	evictMany(t, ks, 62_000, keys-2*hot, Eviction{By: RankRare, Samples: 5}, r)
	lost := 0
	runAt(ks, 62_000, func() {
		for i := range hot {
			if db.Kind(numberedKey(i)) == KindNone {
				lost++
			}
		}
	})
	require.Less(t, lost, hot/50)
}

func TestEvict_deadlineComesFirst(t *testing.T) {
	ks := New(Options{Databases: 3, HashSeed: 7})
	r := rand.New(rand.NewPCG(5, 6))
	for _, i := range r.Perm(1000) {
		runAt(ks, 1, func() { ks.DB(i%3).PutString(numberedKey(i), numberedKey(i), int64(10_000+i), "") })
	}
	runAt(ks, 1, func() { ks.DB(0).PutString([]byte("stays"), []byte("v"), 0, "") })
	for i := range 1000 {
		evictMany(t, ks, 1, 1, Eviction{By: RankDeadline, Volatile: true}, r)
		require.Equal(t, numberedKey(i), ks.Changes()[0].Key)
		require.Equal(t, i%3, ks.Changes()[0].DB)
	}
	runAt(ks, 1, func() { require.False(t, ks.Evict(Eviction{By: RankDeadline, Volatile: true}, r)) })
	require.Empty(t, ks.Changes())
}

// Each policy finds all that it may take, in all databases, and nothing else.
func TestEvict_all(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, how := range []Eviction{
		{By: RankIdle, Samples: 5}, {By: RankRare, Samples: 5}, {By: RankRandom},
		{By: RankIdle, Samples: 5, Volatile: true}, {By: RankRare, Samples: 64, Volatile: true}, {By: RankRandom, Volatile: true},
		{By: RankDeadline, Volatile: true},
	} {
		ks := New(Options{Databases: 4, HashSeed: 8})
		ks.Track(Tracking{Frequency: how.By == RankRare, LogFactor: 10, DecayMinutes: 1, Rand: r})
		volatile := 0
		for i := range 600 {
			runAt(ks, 1, func() {
				db := ks.DB(i % 3)
				switch {
				case i%2 == 0:
					db.PutString(numberedKey(i), numberedKey(i), 0, "")
				default:
					must(db.EditSet(numberedKey(i), "")).Add(numberedKey(i))
					db.SetDeadline(numberedKey(i), 1_000_000+int64(r.IntN(50)), "")
					volatile++
				}
			})
		}
		most := 600
		if how.Volatile {
			most = volatile
		}
		evictMany(t, ks, 2, most, how, r)
		runAt(ks, 2, func() { require.False(t, ks.Evict(how, r), how) })
		left := 0
		for i := range 4 {
			left += ks.DB(i).Len()
			require.Zero(t, ks.DB(i).Deadlines())
		}
		require.Equal(t, 600-most, left)
	}
	ks := New(Options{})
	runAt(ks, 1, func() { require.False(t, ks.Evict(Eviction{}, r)) })
}

// A candidate that was used after it came into the pool, or is not what it was, does not go.
func TestEvict_staleCandidates(t *testing.T) {
	ks := New(Options{Databases: 2, HashSeed: 9})
	db := ks.DB(0)
	r := rand.New(rand.NewPCG(9, 10))
	how := Eviction{By: RankIdle, Samples: 16, Volatile: true}
	for i := range 16 {
		runAt(ks, int64(i+1)*1000, func() { db.PutString(numberedKey(i), nil, 1_000_000, "") })
	}
	evictMany(t, ks, 100_000, 1, how, r)
	require.Greater(t, ks.pool.n, 4)
	runAt(ks, 200_000, func() {
		for i := range 16 {
			switch i % 4 {
			case 0:
				db.Remove(numberedKey(i), "")
			case 1:
				db.Touch(numberedKey(i))
			case 2:
				db.SetDeadline(numberedKey(i), 0, "")
			}
		}
	})
	for i := 3; i < 16; i += 4 {
		evictMany(t, ks, 200_000, 1, how, r)
		require.Equal(t, 3, keyNumber(t, ks.Changes()[0].Key)%4)
	}
	runAt(ks, 200_000, func() { ks.SwapDB(0, 1) })
	evictMany(t, ks, 200_000, 4, how, r)
	runAt(ks, 200_000, func() { require.False(t, ks.Evict(how, r)) })
}

func keyNumber(t *testing.T, key []byte) (i int) {
	_, err := fmt.Sscanf(string(key), "key:%06d", &i)
	require.NoError(t, err)
	return i
}

func TestEvictionPool_keepsTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		var p evictionPool
		best := map[uint32]bool{}
		scores := r.Perm(100)[:r.IntN(100)]
		for _, s := range scores {
			c := candidate{score: uint32(s), hash: uint64(s), key: numberedKey(s)}
			p.add(c)
			p.add(c)
		}
		require.Equal(t, min(len(scores), poolSize), p.n)
		last := uint32(1000)
		for c, ok := p.take(); ok; c, ok = p.take() {
			require.Less(t, c.score, last)
			require.Equal(t, numberedKey(int(c.score)), c.key)
			last = c.score
			best[c.score] = true
		}
		better := 0
		for _, s := range scores {
			if len(best) == poolSize && uint32(s) > last {
				better++
			}
		}
		require.Equal(t, max(len(best)-1, 0)*min(len(best)/poolSize, 1), better)
	}
}

func BenchmarkEvict(b *testing.B) {
	const keys = 100_000
	for _, how := range []Eviction{{By: RankIdle, Samples: 5}, {By: RankRare, Samples: 5}, {By: RankRandom}, {By: RankDeadline}} {
		b.Run(fmt.Sprint(how.By), func(b *testing.B) {
			ks := New(Options{Databases: 1, HashSeed: 5})
			r := rand.New(rand.NewPCG(1, 2))
			ks.Track(Tracking{Frequency: how.By == RankRare, LogFactor: 10, DecayMinutes: 1, Rand: r})
			db := ks.DB(0)
			put := func(i int) {
				runAt(ks, int64(i), func() { db.PutString(numberedKey(i), numberedKey(i), 1_000_000_000+int64(i), "") })
			}
			for i := range keys {
				put(i)
			}
			for i := keys; b.Loop(); i++ {
				runAt(ks, int64(i), func() { ks.Evict(how, r) })
				b.StopTimer()
				put(i)
				b.StartTimer()
			}
		})
	}
}
