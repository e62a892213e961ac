package keyspace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// checkShape gives the number of elements after checking the blocks.
func (l *listBlocks) checkShape(t *testing.T, limit blockLimit) int {
	n := 0
	for _, b := range l.live() {
		require.Positive(t, b.count)
		require.True(t, b.count == 1 || !b.over(limit))
		count, size := 0, 0
		for off := 0; off < len(b.bytes()); count++ {
			v, next := packedNext(b.bytes(), off)
			size += listpackEntryBytes(v)
			off = next
		}
		require.Equal(t, b.count, count)
		require.Equal(t, b.listpackBytes, size)
		n += count
	}
	require.Equal(t, l.count, n)
	for _, b := range l.all[:l.first] {
		require.Nil(t, b)
	}
	return n
}

func TestListBlocks_againstSlice(t *testing.T) {
	for _, limit := range []blockLimit{{256, 1 << 30}, {8192, 7}, {128, 1}} {
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, 3))
			l := newListBlocks(slab.New(), nil, 0, 0)
			var model []string
			for step := range 3000 {
				v := fmt.Sprint(strings.Repeat("v", r.IntN(30)), step)
				if r.IntN(100) == 0 {
					v = strings.Repeat("large", 100)
				}
				n := len(model)
				at := r.IntN(n + 1)
				switch c := r.IntN(10); {
				case c < 2:
					l.pushHead([]byte(v), limit)
					model = slices.Insert(model, 0, v)
				case c < 4:
					l.pushTail([]byte(v), limit)
					model = append(model, v)
				case c < 6:
					l.insert(at, []byte(v), limit)
					model = slices.Insert(model, at, v)
				case n == 0:
				case c == 6:
					l.popHead()
					model = model[1:]
				case c == 7:
					l.popTail()
					model = model[:n-1]
				case c == 8 && at < n:
					l.replace(at, []byte(v), limit)
					model[at] = v
				case at < n:
					count := min(r.IntN(6), n-at)
					if r.IntN(50) == 0 {
						count = r.IntN(n - at)
					}
					if count > 0 {
						l.deleteRange(at, count, limit)
						model = slices.Delete(model, at, at+count)
					}
				}
				if len(model) > 0 {
					k := r.IntN(len(model))
					require.Equal(t, model[k], string(l.at(k)))
				}
				if step%200 == 0 {
					require.Equal(t, len(model), l.checkShape(t, limit))
				}
			}
			require.Equal(t, len(model), l.checkShape(t, limit))
			var got []string
			if len(model) > 0 {
				l.each(0, false, func(_ int, v []byte) bool { got = append(got, string(v)); return true })
				require.Equal(t, model, got)
				l.each(len(model)-1, true, func(i int, v []byte) bool { return model[i] == string(v) && i > 0 })
			}
			c := l.clone(l.heap).(*listBlocks)
			require.Equal(t, len(model), c.checkShape(t, limit))
			for _, whole := range []*listBlocks{c, l} {
				for done := false; !done; {
					_, done = whole.discard(3)
				}
			}
			used, _ := l.heap.Bytes()
			require.Zero(t, used)
		}
	}
}

// TestListBlocks_queue: a list used as a queue does not grow with what has passed through.
func TestListBlocks_queue(t *testing.T) {
	limit := blockLimit{8192, 1 << 30}
	for _, atHead := range []bool{false, true} {
		l := newListBlocks(slab.New(), nil, 0, 0)
		for i := range 200000 {
			if v := fmt.Appendf(nil, "job %d", i); atHead {
				l.pushHead(v, limit)
			} else {
				l.pushTail(v, limit)
			}
			if i < 1000 {
				continue
			}
			k := 0
			if atHead {
				k = l.count - 1
			}
			require.Equal(t, fmt.Sprintf("job %d", i-1000), string(l.at(k)))
			if atHead {
				l.popTail()
			} else {
				l.popHead()
			}
		}
		require.Equal(t, 1000, l.checkShape(t, limit))
		require.Less(t, cap(l.all), 200)
		used, _ := l.heap.Bytes()
		require.Less(t, used, int64(1000*40), "three bytes of four are elements, or will be")
	}
}

// TestLarge_collections: fields, members and ranks of large collections keep to plain maps, and come back to nothing.
func TestLarge_collections(t *testing.T) {
	ks := New(Options{HashSeed: 3})
	db := ks.DB(0)
	r := rand.New(rand.NewPCG(1, 1))
	hash, set, zset := map[string]string{}, map[string]bool{}, newPlain(KindZSet)
	for range 300 {
		ks.Begin(1, ExpiryDelete)
		h, _ := db.EditHash([]byte("h"), "hset")
		s, _ := db.EditSet([]byte("s"), "sadd")
		z, _ := db.EditZSet([]byte("z"), "zadd")
		for range 100 {
			m := fmt.Sprint(r.IntN(8000))
			h.Set([]byte(m), []byte(m+m))
			hash[m] = m + m
			s.Add([]byte(m))
			set[m] = true
			score := float64(r.IntN(50))
			z.Put([]byte(m), score)
			zset.zset[m] = score
			m = fmt.Sprint(r.IntN(8000))
			h.Delete([]byte(m))
			delete(hash, m)
			s.Remove([]byte(m))
			delete(set, m)
			z.Remove([]byte(m))
			delete(zset.zset, m)
		}
		ks.End()
	}
	require.Equal(t, "hashtable", db.Encoding([]byte("h")))
	require.Equal(t, "hashtable", db.Encoding([]byte("s")))
	require.Equal(t, "skiplist", db.Encoding([]byte("z")))
	require.Equal(t, hash, readKey(t, db, "h").hash)
	require.Equal(t, set, readKey(t, db, "s").set)
	z, _ := db.ZSet([]byte("z"))
	w := &world{t: t, c: newSeeded(1, 0)}
	w.checkRanks(z, zset)
	scanned := map[string]float64{}
	for cursor := uint64(0); ; {
		cursor = z.Scan(cursor, func(m []byte, score float64) { scanned[string(m)] = score })
		if cursor == 0 {
			break
		}
	}
	require.Equal(t, zset.zset, scanned)
	for range 50 {
		m, score := z.Random(r)
		require.Equal(t, zset.zset[string(m)], score)
	}
	ks.Begin(1, ExpiryDelete)
	ze, _ := db.EditZSet([]byte("z"), "zremrangebyrank")
	half := ze.Len() / 2
	kept := zset.ranking()[half:]
	ze.RemoveRanks(0, half)
	require.Len(t, kept, ze.Len())
	first := ""
	ze.Each(0, false, func(m []byte, _ float64) bool { first = string(m); return false })
	require.Equal(t, string(kept[0].member), first)
	ze.RemoveRanks(0, 1<<30)
	h, _ := db.EditHash([]byte("h"), "hdel")
	for f := range hash {
		require.True(t, h.Delete([]byte(f)))
	}
	ks.End()
	require.Equal(t, KindNone, db.Kind([]byte("z")))
	require.Equal(t, KindNone, db.Kind([]byte("h")))
}

func TestZSet_lexBounds(t *testing.T) {
	ks := New(Options{})
	for _, n := range []int{20, 500} {
		ks.Begin(1, ExpiryDelete)
		z := ks.DB(0).ReplaceZSet([]byte("z"), "")
		for i := range n {
			z.Put(fmt.Appendf(nil, "m%03d", i), 0)
		}
		for i := range n {
			require.Equal(t, i, z.CountBelowLex(fmt.Appendf(nil, "m%03d", i), false))
			require.Equal(t, i+1, z.CountBelowLex(fmt.Appendf(nil, "m%03d", i), true))
		}
		require.Zero(t, z.CountBelowLex([]byte("a"), true))
		require.Equal(t, n, z.CountBelowLex([]byte("z"), false))
		ks.End()
	}
}
