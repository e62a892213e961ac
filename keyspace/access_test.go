package keyspace

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func idleOf(ks *Keyspace, key string) (s int64) {
	ks.NoTouch()
	s, _ = ks.DB(0).IdleSeconds([]byte(key))
	return s
}

func TestAccess_idle(t *testing.T) {
	ks := New(Options{Databases: 2})
	db := ks.DB(0)
	k := []byte("k")
	runAt(ks, 10_000, func() { db.PutString(k, k, 0, "") })
	runAt(ks, 25_999, func() { require.EqualValues(t, 15, idleOf(ks, "k")) })
	runAt(ks, 30_000, func() { ks.NoTouch(); db.String(k); db.Kind(k) })
	runAt(ks, 30_000, func() { require.EqualValues(t, 20, idleOf(ks, "k")) })
	runAt(ks, 30_000, func() { db.String(k) })
	runAt(ks, 31_000, func() { require.EqualValues(t, 1, idleOf(ks, "k")) })
	runAt(ks, 40_000, func() { require.True(t, db.Touch(k)); require.False(t, db.Touch([]byte("none"))) })
	runAt(ks, 40_000, func() { require.Zero(t, idleOf(ks, "k")) })
	runAt(ks, 50_000, func() { ks.NoTouch(); require.True(t, db.Touch(k)) })
	runAt(ks, 50_000, func() { require.Zero(t, idleOf(ks, "k")) })

	t.Run("writes", func(t *testing.T) {
		runAt(ks, 60_000, func() { db.SetDeadline(k, 1_000_000_000_000, "") })
		runAt(ks, 61_000, func() { require.EqualValues(t, 1, idleOf(ks, "k")) })
		runAt(ks, 70_000, func() { must(db.EditString(k, "")).Append(make([]byte, 4000)) })
		runAt(ks, 71_000, func() { require.EqualValues(t, 1, idleOf(ks, "k")) })
	})
	t.Run("renaming", func(t *testing.T) {
		runAt(ks, 80_000, func() { ks.NoTouch(); db.Rename(k, []byte("l")) })
		runAt(ks, 80_000, func() { require.EqualValues(t, 10, idleOf(ks, "l")) })
	})
	t.Run("loading", func(t *testing.T) {
		runAt(ks, 90_000, func() {
			db.SetIdleSeconds([]byte("l"), 1234)
			db.SetFrequency([]byte("l"), 200)
			db.SetIdleSeconds(k, 1)
		})
		runAt(ks, 90_000, func() { require.EqualValues(t, 1234, idleOf(ks, "l")) })
	})
	t.Run("between commands", func(t *testing.T) {
		require.Equal(t, KindString, db.Kind([]byte("l")))
		runAt(ks, 90_000, func() { require.EqualValues(t, 1234, idleOf(ks, "l")) })
	})
	t.Run("the clock goes round", func(t *testing.T) {
		runAt(ks, (1<<24-3)*1000, func() { db.Touch([]byte("l")) })
		runAt(ks, (1<<24+4)*1000, func() { require.EqualValues(t, 7, idleOf(ks, "l")) })
	})
}

// Redis' documentation of lfu-log-factor: with factor 10 a thousand uses give a count of about 18, a hundred thousand
// about 142.
func TestAccess_frequency(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	r := rand.New(rand.NewPCG(1, 2))
	k := []byte("k")
	frequency := func(ms int64) (n int) {
		runAt(ks, ms, func() { ks.NoTouch(); n, _ = db.Frequency(k) })
		return n
	}
	for _, c := range []struct{ factor, uses, min, max int }{
		{0, 100, 105, 105}, {0, 1000, 255, 255}, {10, 100, 8, 13}, {10, 1000, 14, 24}, {10, 100_000, 125, 160}, {100, 1000, 7, 15},
	} {
		ks.Track(Tracking{Frequency: true, LogFactor: c.factor, DecayMinutes: 1, Rand: r})
		runAt(ks, 60_000, func() { db.PutString(k, k, 0, "") })
		runAt(ks, 60_000, func() { db.Remove(k, ""); db.PutString(k, k, 0, "") })
		require.Equal(t, frequencyBorn, frequency(60_000))
		for range c.uses {
			runAt(ks, 60_000, func() { db.String(k) })
		}
		n := frequency(60_000)
		require.GreaterOrEqual(t, n, c.min, c)
		require.LessOrEqual(t, n, c.max, c)
		require.Equal(t, n-3, frequency(60_000+3*60_000+59_999))
		require.Zero(t, frequency(60_000+256*60_000))
		require.Equal(t, n, frequency(60_000+65536*60_000), "the minutes go round")
	}
	runAt(ks, 60_000, func() { db.SetFrequency(k, 77); db.SetIdleSeconds(k, 5) })
	require.Equal(t, 77, frequency(60_000))
	ks.Track(Tracking{Frequency: true, LogFactor: 10, Rand: r})
	require.Equal(t, 77, frequency(60_000+100*60_000), "no decay")
}

func TestAccess_isNoData(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	k := []byte("k")
	runAt(ks, 1000, func() { db.PutString(k, k, 0, "") })
	digest, dirty := ks.Digest(), ks.Dirty()
	ks.MarkClean()
	runAt(ks, 9000, func() { db.String(k) })
	require.Equal(t, digest, ks.Digest())
	require.Equal(t, dirty, ks.Dirty())
	f := ks.FreezeDirty(func(it *Item) { require.Fail(t, "a read marked its key", "%q", it.Key) })
	require.True(t, f.Step(10))
	ks.FreezeAll(func(it *Item) { require.EqualValues(t, 0, it.IdleSeconds()) }).Step(10)
}

// BenchmarkGet_access: what noting a use costs a read.
func BenchmarkGet_access(b *testing.B) {
	const keys = 100_000
	for name, c := range map[string]struct {
		frequency, untouched bool
		stepMs               int64 // of the clock at each read
	}{
		"none": {untouched: true}, "idle, same second": {}, "idle, every second": {stepMs: 1000}, "frequency": {frequency: true, stepMs: 1},
	} {
		b.Run(name, func(b *testing.B) {
			ks := New(Options{Databases: 16, HashSeed: 5})
			ks.Track(Tracking{Frequency: c.frequency, LogFactor: 10, DecayMinutes: 1, Rand: rand.New(rand.NewPCG(1, 2))})
			db := ks.DB(0)
			names := make([][]byte, keys)
			for i := range names {
				names[i] = numberedKey(i)
				runAt(ks, 1, func() { db.PutString(names[i], names[i], 0, "") })
			}
			ms := int64(1)
			for i := 0; b.Loop(); i++ {
				ms += c.stepMs
				ks.Begin(ms, ExpiryDelete)
				if c.untouched {
					ks.NoTouch()
				}
				db.String(names[(i*7919)%keys])
				ks.End()
			}
		})
	}
}
