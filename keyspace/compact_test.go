package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// ballast is cells that nobody owns, to fill pages with, so that a small world has something to compact.
type ballast struct {
	heap *slab.Heap
	refs []slab.Ref
}

// scatter makes sparse pages of the size of some key's cell, so that what a world makes next comes to lie here and there.
func (w *world) scatter() {
	db := w.ks.DB(w.c.pick(len(w.dbs)))
	if db.Len() == 0 {
		return
	}
	r := rand.New(rand.NewPCG(uint64(w.c.pick(100)), 1))
	like := db.heap.Cell(db.keys.random(r))
	const pages = 4
	b := ballast{heap: db.heap}
	var holes []slab.Ref
	for range pages * (64 << 10) / max(len(like), 32) {
		ref, _ := db.heap.Alloc(len(like))
		if page := int(ref >> 12); r.IntN(100) < page%5 {
			b.refs = append(b.refs, ref)
		} else {
			holes = append(holes, ref)
		}
	}
	for _, ref := range holes {
		b.heap.Free(ref)
	}
	w.ballast = append(w.ballast, b)
}

// sink frees the ballast of stores that are still there.
func (w *world) sink() {
	for _, b := range w.ballast {
		for i := range w.dbs {
			if w.ks.DB(i).heap == b.heap {
				for _, r := range b.refs {
					b.heap.Free(r)
				}
			}
		}
	}
	w.ballast = nil
}

func TestCompact_whileCommandsAndViewsRun(t *testing.T) {
	var counts Compacted
	for seed := range uint64(6) {
		w := newFreezing(t, newSeeded(2000+seed, 600))
		w.keys = 12 + 100*int(seed%3)
		for !w.c.done() {
			switch w.c.pick(8) {
			case 0:
				w.scatter()
			case 1, 2:
				w.ks.Compact(1 + w.c.pick(2000))
			default:
				w.step()
			}
		}
		w.finish()
		w.check()
		counts.Moved += w.ks.Compacted().Moved
		counts.KeysMoved += w.ks.Compacted().KeysMoved
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	require.Greater(t, counts.KeysMoved, int64(100))
	require.Greater(t, counts.Moved, counts.KeysMoved+20, "parts of large structures too")
}

// sparse fills a database with all kinds of values, and removes three of four at random, also from large structures.
func sparse(t *testing.T, n int) (ks *Keyspace, left map[string]bool) {
	ks = New(Options{Databases: 2, HashSeed: 7})
	db := ks.DB(1)
	r := rand.New(rand.NewPCG(8, 9))
	left = map[string]bool{}
	for i := range n {
		name := fmt.Sprintf("%07d", i)
		left[name] = true
		run(ks, func() {
			db.PutString([]byte(name), fmt.Appendf(nil, "value %s of some length", name), int64(i%2)*(1e6+int64(i*7919%n)), "")
			must(db.EditHash([]byte("hash"), "")).Put([]byte(name), []byte("v"+name), int64(i%2)*(1e6+int64(i*7919%n)))
			must(db.EditSet([]byte("set"), "")).Add([]byte("m" + name))
			must(db.EditZSet([]byte("zset"), "")).Put([]byte(name), float64(i*7919%n/3))
			must(db.EditList([]byte(fmt.Sprint("list", i%50)), "")).PushTail(make([]byte, 100+i%100))
		})
	}
	for name := range left {
		if r.IntN(4) == 0 {
			continue
		}
		delete(left, name)
		run(ks, func() {
			require.True(t, db.Remove([]byte(name), ""))
			must(db.EditHash([]byte("hash"), "")).Delete([]byte(name))
			must(db.EditSet([]byte("set"), "")).Remove([]byte("m" + name))
			must(db.EditZSet([]byte("zset"), "")).Remove([]byte(name))
		})
	}
	return ks, left
}

// TestCompact_givesBack: after a pass the pages are about as many as the cells need, all is as it was, and there is
// nothing to gain.
func TestCompact_givesBack(t *testing.T) {
	ks, left := sparse(t, 40_000)
	db := ks.DB(1)
	run(ks, func() { db.Remove([]byte("list3"), "") })
	digest := ks.Digest()
	used, mapped := ks.Memory()
	require.Greater(t, mapped, used*3/2)
	gain := ks.Gain()
	require.Greater(t, gain, used/4)
	require.False(t, ks.Compacting())
	steps := 0
	for !ks.Compact(1000) {
		require.True(t, ks.Compacting())
		if steps++; steps%100 == 0 {
			require.Equal(t, digest, ks.Digest())
		}
	}
	require.Greater(t, steps, 100, "in slices")
	require.Zero(t, ks.Gain())
	require.Equal(t, digest, ks.Digest())
	run(ks, func() { checkMemory(t, ks) })
	for ks.FreeSome() {
	}
	_, after := ks.Memory()
	require.LessOrEqual(t, after, mapped-gain*9/10)
	db.keys.checkShape(t)
	db.deadlines.root.checkShape(t, db.deadlines.by, true)
	z := ks.DB(1).find([]byte("zset"), &entry{}).large.(*rankedSet)
	z.members.checkShape(t)
	z.ranks.root.checkShape(t, z.ranks.by, true)
	for name := range left {
		row, ok := z.row([]byte(name))
		require.True(t, ok)
		require.Equal(t, row, z.ranks.at(z.ranks.rank(row)), "the order refers to the member's cell")
	}
	moved := ks.Compacted()
	require.Greater(t, moved.Moved, int64(len(left)))
	require.True(t, ks.Compact(1000), "nothing to do")
	require.Equal(t, moved, ks.Compacted(), "and nothing done")
}

// TestCompact_boundedPieces: a call does what it was asked for and one step more at most.
func TestCompact_boundedPieces(t *testing.T) {
	ks, _ := sparse(t, 20_000)
	c := &ks.compaction
	for done := false; !done; {
		before := c.counts.Moved
		done = ks.Compact(100)
		require.LessOrEqual(t, c.work, 100+compactSlots*(2+moveWork))
		require.LessOrEqual(t, c.counts.Moved-before, int64(100/moveWork+compactSlots+1))
	}
}

// TestCompact_flushedMeanwhile: a store that goes ends the walk through it.
func TestCompact_flushedMeanwhile(t *testing.T) {
	ks, _ := sparse(t, 10_000)
	for range 5 {
		require.False(t, ks.Compact(500))
	}
	run(ks, func() { ks.SwapDB(0, 1) })
	require.False(t, ks.Compact(500))
	run(ks, ks.FlushAll)
	for !ks.Compact(500) {
	}
	require.Zero(t, ks.Gain())
	require.Zero(t, ks.DB(1).Len())
}
