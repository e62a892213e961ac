package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// marks say what of a database has changed since the last checkpoint took it: the keys that are to be written, those
// that are gone, or simply everything.
type marks struct {
	changed index // names of those that changed since then, and are still there
	gone    index // names
	// whole: every key counts as changed without being listed. flushed: what the checkpoint has goes first.
	whole, flushed bool
}

func (m *marks) init(seed uint64) {
	heap := slab.New() // of their own: views take the marks, and drop them as a whole
	m.changed, m.gone = newIndex(seed, cells{heap: heap}), newIndex(seed, cells{heap: heap})
	m.whole, m.flushed = false, false
}

// list adds a name that is not there.
func list(names *index, h uint64, key []byte) {
	r, _ := names.putKey(key, 0)
	names.insert(h, r)
}

// unlist takes a name out if it is there.
func unlist(names *index, h uint64, key []byte) bool {
	r := names.removeKey(h, key)
	if r != 0 {
		names.heap.Free(r)
	}
	return r != 0
}

// forgetBase makes everything count as changed.
func (m *marks) forgetBase(flushed bool) {
	flushed = flushed || m.flushed
	m.init(m.changed.seed)
	m.whole, m.flushed = true, flushed
}

func (s *store) forgetBase(flushed bool) {
	s.marks.forgetBase(flushed)
	s.giveUpBases()
}

// touched lists an entry whose stamp is older than the marks. A view that was given up may have listed it again.
func (m *marks) touched(e *entry) {
	if !m.whole && m.changed.find(e.hash, e.key) == 0 {
		list(&m.changed, e.hash, e.key)
	}
}

// created lists a new entry, and remembers whether the checkpoint may know its key.
func (m *marks) created(e *entry) {
	e.born = true
	if m.whole {
		return
	}
	if known := unlist(&m.gone, e.hash, e.key); known {
		e.born = false
	}
	list(&m.changed, e.hash, e.key)
}

// removed unlists an entry. A key that the checkpoint never had leaves no trace, so the memory for marks is bounded by
// the keys that are there and those that the checkpoint has.
func (m *marks) removed(e *entry) {
	if m.whole {
		return
	}
	unlist(&m.changed, e.hash, e.key)
	if !e.born {
		list(&m.gone, e.hash, e.key)
	}
}

// MarkClean is for after the loading of a checkpoint: nothing is dirty for FreezeDirty. No dirty view may be open. What it
// gives of a large value the next time is all of it, once: how its blocks are cut follows from the hash seed.
func (ks *Keyspace) MarkClean() {
	for _, db := range ks.dbs {
		db.marks.init(ks.seed)
		db.giveUpBases()
	}
	ks.freezeClock++
	ks.dirtyClock = ks.freezeClock
}

// restore puts the marks back that a view took and did not bring to an end.
func (ks *Keyspace) restore(w *walk) {
	if !ks.holds(w.store) {
		return // flushed since: the new store is all changed as it is
	}
	w.store.giveUpBases() // some of them began with the view, or were given to it
	m := &w.store.marks
	switch {
	case m.whole:
		return // exchanged since, which marks all
	case w.whole:
		m.forgetBase(w.flushed)
		return
	}
	live := &w.store.keys
	w.keys.each(func(name slab.Ref) bool {
		key := w.keys.key(name)
		h := live.hash(key)
		if r := live.find(h, key); r != 0 && stampOf(live.heap.Cell(r)) < ks.dirtyClock {
			list(&m.changed, h, key)
		}
		return true
	})
	w.gone.each(func(name slab.Ref) bool {
		key := w.gone.key(name)
		h := live.hash(key)
		if r := live.find(h, key); r != 0 {
			live.heap.Cell(r)[0] &^= flagBorn // came back since, and the checkpoint still knows it
		} else if m.gone.find(h, key) == 0 {
			list(&m.gone, h, key)
		}
		return true
	})
}

func (ks *Keyspace) holds(s *store) bool {
	for _, db := range ks.dbs {
		if db.store == s {
			return true
		}
	}
	return false
}
