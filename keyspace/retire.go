package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// What is not needed any more is retired first: bytes that were given out stay readable until the next Begin, and large
// things are given back in pieces, so that no command waits for them.

const (
	sweepCells = 512 // of large structures, by one Begin at least,
	// and as many as were made since the last one, up to this: so freeing keeps up with making.
	sweepCellsMax = 16 << 10
	sweepBytes    = 512 << 10 // of flushed stores, by one Begin; and of very large cells, by one FreeSome
)

// retired is what is waiting to be given back.
type retired struct {
	cells  []retiredCell
	larges []retiredLarge
	stores []retiredStore
	held   []*store       // flushed, but a view needs them yet
	kept   []retiredLarge // that a view has not got all of yet
	made   uint64         // the cells that had been made at the last sweep, while larges are waiting
	freed  int64          // keys and structures that have gone this way
	// bytes is about what larges and kept take: they are not in use any more, and not free yet.
	bytes int64
}

type retiredCell struct {
	store *store
	ref   slab.Ref
}

type retiredLarge struct {
	store *store
	large large
	bytes int64 // that it takes, about, and not below zero
}

type retiredStore struct {
	heap *slab.Heap
	keys int
}

func (ks *Keyspace) retireCell(s *store, r slab.Ref) {
	ks.retired.cells = append(ks.retired.cells, retiredCell{s, r})
}

func (ks *Keyspace) retireLarge(s *store, l large) {
	r := &ks.retired
	bytes := l.usage(usageSamples)
	r.bytes += bytes
	ks.discardLater(retiredLarge{s, l, bytes})
}

func (ks *Keyspace) discardLater(l retiredLarge) {
	r := &ks.retired
	if l.large.held() {
		r.kept = append(r.kept, l)
		return
	}
	if len(r.larges) == 0 {
		r.made = ks.made()
	}
	r.larges = append(r.larges, l)
}

// made counts the cells that were ever made in the databases as they are.
func (ks *Keyspace) made() (cells uint64) {
	for _, db := range ks.dbs {
		cells += db.heap.Made()
	}
	return cells
}

// retireBlocks is for the blocks that a list has dropped without giving them back.
func (s *store) retireBlocks(l *listBlocks) {
	if len(l.dropped) > 0 {
		gone := &listBlocks{heap: l.heap}
		l.takeDropped(&gone.all)
		s.ks.retireLarge(s, gone)
	}
}

// retireStore is for a store that no database has any more. Views that still need it keep it meanwhile.
func (ks *Keyspace) retireStore(s *store) {
	s.flushed = true
	if i := slices.Index(ks.filled, s); i >= 0 {
		ks.filled = slices.Delete(ks.filled, i, i+1)
	}
	for i := range ks.retired.larges {
		if l := &ks.retired.larges[i]; l.store == s {
			ks.retired.settle(l, l.bytes)
		}
	}
	if ks.needed(s) {
		ks.retired.held = append(ks.retired.held, s)
		return
	}
	ks.retireHeap(s.heap, s.keys.count)
	ks.retireHeap(s.marks.gone.heap, 0)
}

// retireHeap is for a heap, of so many keys, that nobody needs any more. The collector would find it too, some time.
func (ks *Keyspace) retireHeap(heap *slab.Heap, keys int) {
	if _, mapped := heap.Bytes(); mapped > 0 {
		ks.retired.stores = append(ks.retired.stores, retiredStore{heap, keys})
	}
}

// TakeOver has all memory of another keyspace given back in pieces, as after a flush. The other one is not to be used any more,
// but by the views that are open on it: what they need goes when the collector finds it.
func (ks *Keyspace) TakeOver(old *Keyspace) {
	ks.retired.stores = append(ks.retired.stores, old.retired.stores...)
	for _, db := range old.dbs {
		if !old.needed(db.store) {
			ks.retireHeap(db.heap, db.keys.count)
			ks.retireHeap(db.marks.gone.heap, 0)
		}
		db.store = newStore(old, true)
	}
	old.retired, old.filled, old.compaction = retired{}, nil, compaction{}
}

// needed says whether an open view has still to read a store.
func (ks *Keyspace) needed(s *store) bool {
	for _, f := range ks.views {
		for i := range f.walks[f.at:] {
			if f.walks[f.at+i].store == s {
				return true
			}
		}
		for _, c := range f.captured {
			if c.store == s {
				return true
			}
		}
	}
	return false
}

// letGo is for after a view has let go of a structure.
func (ks *Keyspace) letGo() {
	kept := ks.retired.kept
	ks.retired.kept = nil
	for _, l := range kept {
		ks.discardLater(l)
	}
	ks.releaseHeld()
}

// releaseHeld retires the flushed stores that no view needs any more.
func (ks *Keyspace) releaseHeld() {
	held := ks.retired.held
	ks.retired.held = nil
	for _, s := range held {
		ks.retireStore(s)
	}
}

// Lazy gives the keys and large structures that wait to be given back, and those that were since the start.
func (ks *Keyspace) Lazy() (pending, freed int64) {
	r := &ks.retired
	pending = int64(len(r.larges) + len(r.kept))
	for i := range r.stores {
		pending += int64(r.stores[i].keys)
	}
	for _, s := range r.held {
		pending += int64(s.keys.count)
	}
	return pending, r.freed
}

// settle notes that so much of a structure has been freed.
func (r *retired) settle(l *retiredLarge, bytes int64) {
	bytes = min(bytes, l.bytes)
	l.bytes -= bytes
	r.bytes -= bytes
}

// Memory is the bytes of the cells in use, and of the pages mapped for them: data that Go's heap does not show.
func (ks *Keyspace) Memory() (used, mapped int64) {
	for _, db := range ks.dbs {
		u, m := db.store.heap.Bytes()
		used, mapped = used+u, mapped+m
	}
	for _, s := range ks.retired.stores {
		u, m := s.heap.Bytes()
		used, mapped = used+u, mapped+m
	}
	for _, s := range ks.retired.held {
		u, m := s.heap.Bytes()
		used, mapped = used+u, mapped+m
	}
	return used, mapped
}

// FreeSome gives back a piece of what large deletions and flushes left, as each Begin does, and of very large cells: for
// housekeeping, between commands. more: there is more.
func (ks *Keyspace) FreeSome() (more bool) {
	ks.sweep()
	for _, db := range ks.dbs {
		more = db.heap.GiveBack(sweepBytes) || more
	}
	return more || len(ks.retired.larges)+len(ks.retired.stores) > 0
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
	if len(r.larges) > 0 {
		ks.sweepLarges()
	}
	if last := len(r.stores) - 1; last >= 0 && r.stores[last].heap.Drop(sweepBytes) {
		r.freed += int64(r.stores[last].keys)
		r.stores[last] = retiredStore{}
		r.stores = r.stores[:last]
	}
}

func (ks *Keyspace) sweepLarges() {
	r := &ks.retired
	made := ks.made()
	budget := sweepCells + int(made-min(r.made, made))
	r.made = made
	for budget = min(budget, sweepCellsMax); budget > 0 && len(r.larges) > 0; {
		last := len(r.larges) - 1
		l := &r.larges[last]
		done := l.store.flushed
		if !done {
			var freed int
			before, _ := l.store.heap.Bytes()
			freed, done = l.large.discard(budget)
			after, _ := l.store.heap.Bytes()
			budget -= freed + 1
			r.settle(l, before-after)
		}
		if done {
			r.settle(l, l.bytes)
			r.larges[last] = retiredLarge{}
			r.larges = r.larges[:last]
			r.freed++
		}
	}
}

// MemoryAhead gives memory that the keyspace will need soon, nil when enough is ready. Whoever has time passes it to
// slab.Populate, outside ownership.
func (ks *Keyspace) MemoryAhead() []byte {
	for _, db := range ks.dbs {
		if piece := db.store.heap.Ahead(); piece != nil {
			return piece
		}
	}
	return nil
}
