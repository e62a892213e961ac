package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// What is not needed any more is retired first: bytes that were given out stay readable until the next Begin, and large
// things are given back in pieces, so that no command waits for them.

const (
	sweepCells = 512       // of large structures, by one Begin
	sweepBytes = 512 << 10 // of flushed stores, by one Begin
)

// retired is what is waiting to be given back.
type retired struct {
	cells  []retiredCell
	larges []retiredLarge
	heaps  []*slab.Heap
}

type retiredCell struct {
	store *store
	ref   slab.Ref
}

type retiredLarge struct {
	store *store
	large large
}

func (ks *Keyspace) retireCell(s *store, r slab.Ref) {
	ks.retired.cells = append(ks.retired.cells, retiredCell{s, r})
}

// retireBlocks is for the blocks that a list has dropped without giving them back.
func (s *store) retireBlocks(l *listBlocks) {
	if len(l.dropped) > 0 {
		gone := &listBlocks{heap: l.heap}
		l.takeDropped(&gone.all)
		s.ks.retired.larges = append(s.ks.retired.larges, retiredLarge{s, gone})
	}
}

// retireStore is for a store that no database has any more. Views that still need it keep it; then its memory goes when
// the collector finds it unreachable.
func (ks *Keyspace) retireStore(s *store) {
	s.flushed = true
	if len(ks.views) == 0 && s.keys.count > 0 {
		ks.retired.heaps = append(ks.retired.heaps, s.heap)
	}
}

// Memory is the bytes of the cells in use, and of the pages mapped for them: data that Go's heap does not show.
func (ks *Keyspace) Memory() (used, mapped int64) {
	for _, db := range ks.dbs {
		u, m := db.store.heap.Bytes()
		used, mapped = used+u, mapped+m
	}
	for _, h := range ks.retired.heaps {
		u, m := h.Bytes()
		used, mapped = used+u, mapped+m
	}
	return used, mapped
}

// FreeSome gives back a piece of what large deletions and flushes left, as each Begin does: for housekeeping, between
// commands. more: there is more.
func (ks *Keyspace) FreeSome() (more bool) {
	ks.sweep()
	return len(ks.retired.larges)+len(ks.retired.heaps) > 0
}

// sweep gives back what may go now.
func (ks *Keyspace) sweep() {
	r := &ks.retired
	for _, c := range r.cells {
		if !c.store.flushed {
			c.store.heap.Free(c.ref)
		}
	}
	if cap(r.cells) > notesKeptMax {
		r.cells = nil
	}
	clear(r.cells)
	r.cells = r.cells[:0]
	for budget := sweepCells; budget > 0 && len(r.larges) > 0; {
		last := len(r.larges) - 1
		done := r.larges[last].store.flushed
		if !done {
			var freed int
			freed, done = r.larges[last].large.discard(budget)
			budget -= freed + 1
		}
		if done {
			r.larges[last] = retiredLarge{}
			r.larges = r.larges[:last]
		}
	}
	if last := len(r.heaps) - 1; last >= 0 && r.heaps[last].Drop(sweepBytes) {
		r.heaps[last] = nil
		r.heaps = r.heaps[:last]
	}
}
