package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// alike draws elements that begin alike in many ways: equal, one the beginning of the other, with others' first bytes, empty,
// and of lengths on both sides of all that have a form of their own.
func alike(t *rapid.T, label string) string {
	begin := rapid.SampledFrom([]string{"", "u", "us", "user:", "user:profile:", "user:profile:name", "other:"}).Draw(t, label+" begin")
	end := rapid.SampledFrom([]string{"", "1", "2", "profile:", "\x00\xff", strings.Repeat("l", 13), strings.Repeat("m", 14), strings.Repeat("n", 15),
		strings.Repeat("o", 64), strings.Repeat("p", 127), strings.Repeat("q", 143), strings.Repeat("r", 300)}).Draw(t, label+" end")
	return begin + end
}

func rowsWorld() *Keyspace {
	limits := DefaultLimits()
	limits.HashMaxListpackEntries, limits.SetMaxListpackEntries, limits.ZSetMaxListpackEntries = 5000, 5000, 5000
	limits.HashMaxListpackValue, limits.SetMaxListpackValue, limits.ZSetMaxListpackValue = 400, 400, 400
	return New(Options{Databases: 1, Limits: limits})
}

func TestRows_againstPlainMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, ks: rowsWorld(), c: newSeeded(rapid.Uint64().Draw(t, "seed"), 0)}
		db := w.ks.DB(0)
		hash, set, zset := newPlain(KindHash), newPlain(KindSet), newPlain(KindZSet)
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			w.ks.Begin(1, ExpiryDelete)
			h, s, z := must(db.EditHash([]byte("h"), "")), must(db.EditSet([]byte("s"), "")), must(db.EditZSet([]byte("z"), ""))
			for range rapid.IntRange(1, 4).Draw(t, "several") {
				m, v := alike(t, "key"), alike(t, "value")
				k := []byte(m)
				if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
					_, had := hash.hash[m]
					require.Equal(t, had, h.Delete(k))
					require.Equal(t, set.set[m], s.Remove(k))
					_, had = zset.zset[m]
					require.Equal(t, had, z.Remove(k))
					delete(hash.hash, m)
					delete(set.set, m)
					delete(zset.zset, m)
					continue
				}
				score := rapid.SampledFrom([]float64{0, 0, 0, 1, -17, 4096, 1.5, 0.1, 1e300}).Draw(t, "score")
				h.Set(k, []byte(v))
				s.Add(k)
				z.Put(k, score)
				hash.hash[m], set.set[m], zset.zset[m] = v, true, score
			}
			checkRows(t, w, h.Hash, s.Set, z.ZSet, hash, set, zset)
			w.ks.End()
			require.Contains(t, []string{"", "listpack"}, db.Encoding([]byte("h")))
			require.Equal(t, db.Encoding([]byte("h")), db.Encoding([]byte("z")))
			for key, p := range map[string]*plain{"h": hash, "s": set, "z": zset} {
				if got := readKey(t, db, key); got != nil {
					require.Equal(t, p.text(), got.text())
				} else {
					require.True(t, p.empty())
				}
			}
		}
	})
}

func checkRows(t *rapid.T, w *world, h Hash, s Set, z ZSet, hash, set, zset *plain) {
	m := alike(t, "looked for")
	v, ok := h.Get([]byte(m))
	want, had := hash.hash[m]
	require.Equal(t, had, ok)
	require.Equal(t, want, string(v))
	require.Equal(t, set.set[m], s.Has([]byte(m)))
	score, ok := z.Score([]byte(m))
	require.Equal(t, zset.zset[m], score)
	_, had = zset.zset[m]
	require.Equal(t, had, ok)
	w.checkRanks(z, zset)
	if s.Len() > 0 {
		r := rand.New(rand.NewPCG(1, uint64(s.Len())))
		field, value := h.Random(r)
		require.Equal(t, hash.hash[string(field)], string(value))
		require.True(t, set.set[string(s.Random(r))])
		member, score := z.Random(r)
		require.Equal(t, zset.zset[string(member)], score)
	}
}

// TestRows_keepWhatIsGivenOut: what a view gave out stays readable until the next Begin, however much is read after it.
func TestRows_keepWhatIsGivenOut(t *testing.T) {
	ks := rowsWorld()
	db := ks.DB(0)
	run(ks, func() {
		for i := range 3000 {
			must(db.EditHash([]byte("h"), "")).Set(fmt.Appendf(nil, "field:%04d", i), fmt.Appendf(nil, "value-%04d", i))
		}
	})
	require.Equal(t, "listpack", db.Encoding([]byte("h")))
	run(ks, func() {
		var fields, values [][]byte
		must(db.Hash([]byte("h"))).Each(func(f, v []byte) bool {
			fields, values = append(fields, f), append(values, v)
			return true
		})
		require.Len(t, fields, 3000)
		for i := range fields {
			require.Equal(t, fmt.Sprintf("field:%04d", i), string(fields[i]))
			require.Equal(t, fmt.Sprintf("value-%04d", i), string(values[i]))
		}
	})
}

// TestRows_whatTheyTake: what all have in common is there once.
func TestRows_whatTheyTake(t *testing.T) {
	ks := rowsWorld()
	db := ks.DB(0)
	bytesOf := func(key string) int { return len(db.find([]byte(key), &entry{}).data) }
	run(ks, func() {
		for i := range 5 {
			must(db.EditHash([]byte("h"), "")).Set(fmt.Appendf(nil, "field%d", i), fmt.Appendf(nil, "value-%06d", 10+i))
			must(db.EditSet([]byte("s"), "")).Add(fmt.Appendf(nil, "member:%d", i))
			must(db.EditZSet([]byte("z"), "")).Put(fmt.Appendf(nil, "member:%d", i), float64(1000*i))
		}
	})
	require.Equal(t, 1+5+1+11+5*3, bytesOf("h"))
	require.Equal(t, 1+7+5*2, bytesOf("s"))
	require.Equal(t, 1+7+5*4-1, bytesOf("z"), "the score 0 takes one byte, others two")
	run(ks, func() {
		must(db.EditSet([]byte("s"), "")).Add([]byte("mem"))
		must(db.EditHash([]byte("h"), "")).Set([]byte("field0"), []byte("none of the kind"))
		must(db.EditZSet([]byte("z"), "")).Put([]byte("another"), 1)
	})
	require.Equal(t, 1+3+5*6+1, bytesOf("s"))
	require.Equal(t, 1+5+1+4*(1+1+12)+1+1+1+16, bytesOf("h"))
	require.Equal(t, 1+5*11-1+1+7+1, bytesOf("z"), "without a prefix")
}
