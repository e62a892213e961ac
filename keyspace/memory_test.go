package keyspace

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// owned is what the cells and the segments of an index take.
func (x *index) owned() (bytes int64) {
	var last *segment
	for _, s := range x.dir {
		if s != last {
			bytes += int64(len(x.heap.Cell(s.ref)))
		}
		last = s
	}
	x.each(func(r slab.Ref) bool {
		bytes += int64(len(x.heap.Cell(r)))
		return true
	})
	return bytes
}

// owned is what the leaves of an order take.
func (o *order[T, C]) owned() int64 {
	if o.root == nil {
		return 0
	}
	return o.root.owned(o.heap)
}

func (n *orderNode[T, C]) owned(heap *slab.Heap) (bytes int64) {
	if n.ref != 0 {
		bytes = int64(len(heap.Cell(n.ref)))
	}
	for _, kid := range n.kids {
		bytes += kid.owned(heap)
	}
	return bytes
}

func (s *stream) owned() (bytes int64) {
	bytes = s.blocks.owned()
	s.blocks.ascend(0, func(row streamRow) bool {
		bytes += int64(len(s.heap.Cell(row.ref)))
		return true
	})
	for _, g := range s.groups {
		bytes += g.pending.owned()
		for _, c := range g.consumers {
			bytes += c.own.owned()
		}
	}
	return bytes
}

// checkMemory holds invariants 12 to 14 right after a Begin: every cell in use has its owner, and none has two.
func checkMemory(t require.TestingT, ks *Keyspace) {
	require.Empty(t, ks.opened)
	require.Empty(t, ks.retired.cells)
	require.Empty(t, ks.retired.larges)
	for _, db := range ks.dbs {
		owned := db.keys.owned()
		structures := 0
		db.keys.each(func(r slab.Ref) bool {
			var e entry
			require.Zero(t, db.heap.Cell(r)[0]&flagOpen)
			db.decode(r, &e)
			if e.large == nil {
				return true
			}
			structures++
			switch x := e.large.(type) {
			case *hashTable:
				owned += x.fields.owned() + x.deadlines.owned()
			case *setTable:
				owned += x.members.owned()
			case *listBlocks:
				require.Empty(t, x.dropped)
				for _, b := range x.live() {
					owned += int64(len(x.heap.Cell(b.ref)))
				}
			case *rankedSet:
				owned += x.members.owned() + x.ranks.owned()
			case *stream:
				owned += x.owned()
			}
			return true
		})
		owned += db.deadlines.owned() + db.fieldsDue.owned()
		used, _ := db.heap.Bytes()
		require.Equal(t, owned, used, "bytes of cells in use")
		require.Equal(t, structures, max(db.larges.all.Len()-1, 0)-db.larges.free.Len())
	}
}

// TestMemory_comesBack: what is deleted, dropped or flushed leaves nothing behind.
func TestMemory_comesBack(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	fill := func() {
		for i := range 5000 {
			k := []byte{byte(i), byte(i >> 8)}
			run(ks, func() { db.PutString(k, make([]byte, i), int64(i%2)*5000, "") })
			run(ks, func() { must(db.EditHash([]byte("hash"), "")).Set(k, k) })
			run(ks, func() { must(db.EditZSet([]byte("zset"), "")).Put(k, float64(i)) })
		}
	}
	fill()
	full, _ := db.heap.Bytes()
	require.Greater(t, full, int64(5000*2500))
	for i := range 5000 {
		run(ks, func() { db.Remove([]byte{byte(i), byte(i >> 8)}, "") })
	}
	run(ks, func() { db.Remove([]byte("hash"), "") })
	run(ks, func() { db.PutString([]byte("zset"), nil, 0, "") })
	for range 5000/sweepCells*3 + 10 {
		require.NotEmpty(t, ks.retired.larges, "in pieces")
		run(ks, func() {})
		if len(ks.retired.larges) == 0 {
			break
		}
	}
	run(ks, func() { checkMemory(t, ks) })
	for ks.FreeSome() {
	}
	used, mapped := db.heap.Bytes()
	require.Less(t, used, int64(500))
	require.Less(t, mapped, full/2, "a page of each class may stay")
	run(ks, func() { db.Remove([]byte("zset"), "") })
	fill()
	old := db.heap
	run(ks, ks.FlushAll)
	for range 200 {
		run(ks, func() {})
	}
	require.Empty(t, ks.retired.stores)
	_, mapped = old.Bytes()
	require.Zero(t, mapped)
}
