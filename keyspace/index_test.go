package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// checkShape holds invariant 8 and gives the number of items.
func (x *index) checkShape(t require.TestingT) int {
	count, segments, deepest := 0, 0, 0
	for d := 0; d < len(x.dir); {
		s := x.dir[d]
		segments++
		if s.depth == x.depth {
			deepest++
		}
		width := 1 << (x.depth - s.depth)
		require.Zero(t, d%width)
		for i := d; i < d+width; i++ {
			require.Same(t, s, x.dir[i])
		}
		items := 0
		for i, slot := range s.slots {
			if slot == 0 {
				continue
			}
			items++
			require.Equal(t, d>>(x.depth-s.depth), int(slot>>(64-s.depth)), "hash in the wrong segment")
			require.Equal(t, i, x.slot(s, slot, x.key(refOf(slot))), "an item that cannot be found")
		}
		require.Equal(t, items, s.count)
		require.Less(t, items, len(s.slots))
		count += items
		d += width
	}
	require.Equal(t, count, x.count)
	require.Equal(t, segments, x.segments)
	require.Equal(t, deepest, x.deepest)
	return count
}

// newNames is an index of plain cells in a heap of their own.
func newNames(seed uint64) index { return newIndex(seed, cells{heap: slab.New()}) }

func TestIndex_againstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x := newNames(99)
	model := map[string]bool{}
	for phase := range 8 {
		for range 12000 {
			m := fmt.Sprint("m", r.IntN(9000))
			h := x.hash([]byte(m))
			require.Equal(t, model[m], x.find(h, []byte(m)) != 0)
			grow := phase%2 == 0
			if r.IntN(10) < 8 == grow {
				if !model[m] {
					list(&x, h, []byte(m))
					model[m] = true
				}
			} else {
				ok := unlist(&x, h, []byte(m))
				require.Equal(t, model[m], ok)
				delete(model, m)
			}
		}
		require.Equal(t, len(model), x.checkShape(t))
		n := 0
		x.each(func(r slab.Ref) bool { n++; return model[string(x.key(r))] })
		require.Equal(t, len(model), n)
	}
	for m := range model {
		unlist(&x, x.hash([]byte(m)), []byte(m))
	}
	require.Zero(t, x.checkShape(t))
	require.Len(t, x.dir, 1, "an empty index is small again")
	used, _ := x.heap.Bytes()
	require.Equal(t, int64(8*segmentSlotsMin), used, "all cells were given back")
}

// TestIndex_skewedHashes: hashes that agree in their top bits enlarge a segment instead of the directory.
func TestIndex_skewedHashes(t *testing.T) {
	x := newNames(0)
	for i := range uint64(4000) {
		list(&x, 5<<40|i+1, fmt.Append(nil, i))
	}
	require.LessOrEqual(t, len(x.dir), 256)
	require.Equal(t, 4000, x.checkShape(t))
	seen := 0
	for pos := uint64(0); ; {
		pos = x.piece(pos, func(slab.Ref) { seen++ })
		if pos == 0 {
			break
		}
	}
	require.Equal(t, 4000, seen)
	for i := range uint64(4000) {
		require.True(t, unlist(&x, 5<<40|i+1, fmt.Append(nil, i)))
	}
	require.Zero(t, x.checkShape(t))
}

// TestIndex_scanGuarantee: what is there from start to end is visited, while all else comes and goes in great numbers.
func TestIndex_scanGuarantee(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		x := newNames(seed)
		add := func(m string) {
			if h := x.hash([]byte(m)); x.find(h, []byte(m)) == 0 {
				list(&x, h, []byte(m))
			}
		}
		for i := range 500 {
			add(fmt.Sprint("stays", i))
		}
		others := 0
		seen := map[string]bool{}
		steps := 0
		for cursor := uint64(0); ; steps++ {
			cursor = x.scan(cursor, func(r slab.Ref) { seen[string(x.key(r))] = true })
			if cursor == 0 {
				break
			}
			if others < 20000 && (seed%2 == 0 || r.IntN(3) > 0) {
				for range r.IntN(800) {
					add(fmt.Sprint("other", others))
					others++
				}
			}
			if seed%3 == 0 || r.IntN(3) == 0 {
				for ; others > 0 && r.IntN(900) > 0; others-- {
					m := []byte(fmt.Sprint("other", others-1))
					unlist(&x, x.hash(m), m)
				}
			}
		}
		for i := range 500 {
			require.True(t, seen[fmt.Sprint("stays", i)], "seed %d", seed)
		}
		require.Greater(t, steps, 30)
	}
}

func TestIndex_scanVisitsOnceWhenNothingChanges(t *testing.T) {
	x := newNames(5)
	for i := range 50000 {
		m := []byte(fmt.Sprint(i))
		list(&x, x.hash(m), m)
	}
	seen := map[string]int{}
	largest := 0
	for cursor := uint64(0); ; {
		n := 0
		cursor = x.scan(cursor, func(r slab.Ref) { seen[string(x.key(r))]++; n++ })
		largest = max(largest, n)
		if cursor == 0 {
			break
		}
	}
	require.Len(t, seen, 50000)
	for m, n := range seen {
		require.Equal(t, 1, n, m)
	}
	require.Less(t, largest, 64, "a step is small")
}

func TestIndex_random_isFair(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for _, n := range []int{3, 100, 5000} {
		x := newNames(17)
		for i := range n {
			m := []byte(fmt.Sprint(i))
			list(&x, x.hash(m), m)
		}
		drawn := map[string]int{}
		for range n * 100 {
			drawn[string(x.key(x.random(r)))]++
		}
		require.Len(t, drawn, n)
		for m, k := range drawn {
			require.InDelta(t, 100, k, 75, m)
		}
	}
}

func TestHashKey_spreads(t *testing.T) {
	// Keys that differ in little must differ in the top bits, which choose the segment.
	for _, format := range []string{"%d", "key:%08d", "user:%d:profile:of:some:length", "%064d"} {
		var buckets [256]int
		for i := range 256 * 100 {
			buckets[hashKey(1, fmt.Appendf(nil, format, i))>>56]++
		}
		for b, n := range buckets {
			require.InDelta(t, 100, n, 60, "%s bucket %d", format, b)
		}
	}
	require.NotEqual(t, hashKey(1, []byte("a")), hashKey(2, []byte("a")))
	require.NotEqual(t, hashKey(1, []byte("")), hashKey(1, []byte("\x00")))
}
