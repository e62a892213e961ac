package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// fillLarge makes a value of n elements and of so many bytes each, about.
func fillLarge(ks *Keyspace, kind Kind, key []byte, n, bytes int) {
	db := ks.DB(0)
	r := rand.New(rand.NewPCG(uint64(n), uint64(bytes)))
	element := func(i int) []byte { return fmt.Appendf(make([]byte, bytes/2+r.IntN(bytes)), "%d", i) }
	for from := 0; from < n; from += 100 {
		run(ks, func() {
			for i := from; i < min(from+100, n); i++ {
				switch kind {
				case KindHash:
					must(db.EditHash(key, "")).Set(numberedKey(i), element(i))
				case KindSet:
					must(db.EditSet(key, "")).Add(element(i))
				case KindZSet:
					must(db.EditZSet(key, "")).Put(element(i), r.Float64())
				case KindList:
					must(db.EditList(key, "")).PushTail(element(i))
				}
			}
		})
	}
}

func usageOf(t *testing.T, ks *Keyspace, key []byte, samples int) (bytes int64) {
	t.Helper()
	run(ks, func() {
		var ok bool
		bytes, ok = ks.DB(0).Usage(key, samples)
		require.True(t, ok)
	})
	return bytes
}

func TestUsage_isWhatTheHeapLost(t *testing.T) {
	for _, kind := range []Kind{KindHash, KindSet, KindZSet, KindList} {
		for _, n := range []int{200, 3000, 40_000} {
			ks := New(Options{Databases: 1, HashSeed: 3})
			fillLarge(ks, kind, []byte("k"), n, 90)
			run(ks, func() {})
			held, exact := ks.Held(), usageOf(t, ks, []byte("k"), 0)
			// Pointers, directories and nodes are memory of Go, which the heap does not show.
			require.InEpsilon(t, held, exact, 0.06, "%s of %d", kind, n)
			require.GreaterOrEqual(t, exact, held, "%s of %d", kind, n)
			require.InEpsilon(t, exact, usageOf(t, ks, []byte("k"), 50), 0.1, "%s of %d", kind, n)
			require.InEpsilon(t, exact, usageOf(t, ks, []byte("k"), 5), 0.25, "%s of %d", kind, n)

			run(ks, func() { ks.DB(0).Remove([]byte("k"), "") })
			run(ks, func() {})
			require.Less(t, ks.Held(), held/3, "%s of %d: deleted is not held", kind, n)
			for ks.FreeSome() {
			}
			run(ks, func() {})
			require.Zero(t, ks.retired.bytes)
			used, _ := ks.Memory()
			require.Equal(t, used, ks.Held())
		}
	}
}

func TestUsage_small(t *testing.T) {
	ks := New(Options{Databases: 2, HashSeed: 3})
	db := ks.DB(0)
	run(ks, func() {
		_, ok := db.Usage([]byte("none"), 5)
		require.False(t, ok)
		for i := range 5000 {
			db.PutString(numberedKey(i), make([]byte, 60), 0, "")
		}
	})
	run(ks, func() {})
	require.InEpsilon(t, float64(ks.Held())/5000, usageOf(t, ks, numberedKey(7), 5), 0.15)
	without := usageOf(t, ks, numberedKey(7), 5)
	run(ks, func() {
		for i := range 5000 {
			db.SetDeadline(numberedKey(i), int64(100_000+i), "")
		}
	})
	run(ks, func() {})
	require.Greater(t, usageOf(t, ks, numberedKey(7), 5), without+16)
	require.InEpsilon(t, float64(ks.Held())/5000, usageOf(t, ks, numberedKey(7), 5), 0.15)
	index, deadlines := db.Overhead()
	require.Greater(t, index, int64(5000*8))
	require.Greater(t, deadlines, int64(5000*16))
	require.Less(t, index+deadlines, ks.Held()/2)
}

// Held follows flushes and exchanges of databases at once.
func TestHeld_databases(t *testing.T) {
	ks := New(Options{Databases: 3, HashSeed: 3})
	fillLarge(ks, KindHash, []byte("k"), 20_000, 50)
	run(ks, func() { ks.DB(1).PutString([]byte("s"), make([]byte, 100), 0, "") })
	require.Greater(t, ks.Held(), int64(1_000_000))
	run(ks, func() { ks.SwapDB(0, 2) })
	require.Greater(t, ks.Held(), int64(1_000_000))
	run(ks, func() { ks.DB(2).Remove([]byte("k"), "") })
	run(ks, func() { ks.DB(2).Flush() })
	require.Less(t, ks.Held(), int64(10_000))
	require.Positive(t, ks.Held())
	run(ks, func() { ks.FlushAll() })
	require.Zero(t, ks.Held())
}
