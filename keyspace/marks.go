package keyspace

// marks say what of a database has changed since the last checkpoint took it: the keys that are to be written, those
// that are gone, or simply everything.
type marks struct {
	changed index[*entry] // since then, and still there
	gone    index[goneKey]
	// whole: every key counts as changed without being listed. flushed: what the checkpoint has goes first.
	whole, flushed bool
}

type goneKey []byte

func (k goneKey) indexKey() []byte { return k }

func (m *marks) init(seed uint64) {
	m.changed, m.gone = newIndex[*entry](seed), newIndex[goneKey](seed)
	m.whole, m.flushed = false, false
}

// forgetBase makes everything count as changed.
func (m *marks) forgetBase(flushed bool) {
	flushed = flushed || m.flushed
	m.init(m.changed.seed)
	m.whole, m.flushed = true, flushed
}

func (s *store) forgetBase(flushed bool) { s.marks.forgetBase(flushed) }

// touched lists an entry that was not marked in this generation.
func (m *marks) touched(e *entry) {
	if !m.whole {
		m.changed.insert(e.hash, e)
	}
}

// created lists a new entry, and remembers whether the checkpoint may know its key.
func (m *marks) created(e *entry, generation uint64) {
	e.born = generation
	if m.whole {
		return
	}
	if _, known := m.gone.remove(e.hash, e.key); known {
		e.born = 0
	}
	m.changed.insert(e.hash, e)
}

// removed unlists an entry. A key that the checkpoint never had leaves no trace, so the memory for marks is bounded by
// the keys that are there and those that the checkpoint has.
func (m *marks) removed(e *entry, generation uint64) {
	if m.whole {
		return
	}
	m.changed.remove(e.hash, e.key)
	if e.born != generation {
		m.gone.insert(e.hash, goneKey(e.key))
	}
}

// MarkClean is for after the loading of a checkpoint: nothing is dirty for FreezeDirty. No dirty view may be open.
func (ks *Keyspace) MarkClean() {
	for _, db := range ks.dbs {
		db.marks.init(ks.seed)
	}
	ks.dirtyGeneration++
}

// restore puts the marks back that a view took and did not bring to an end.
func (ks *Keyspace) restore(w *walk) {
	if !ks.holds(w.store) {
		return // flushed since: the new store is all changed as it is
	}
	m := &w.store.marks
	switch {
	case m.whole:
		return // exchanged since, which marks all
	case w.whole:
		m.forgetBase(w.flushed)
		return
	}
	w.keys.each(func(h uint64, at **entry) bool {
		e := *at
		if live := w.store.keys.find(h, e.key); live != nil && *live == e && e.dirty != ks.dirtyGeneration {
			e.dirty = ks.dirtyGeneration
			m.changed.insert(h, e)
		}
		return true
	})
	w.gone.each(func(h uint64, key *goneKey) bool {
		if live := w.store.keys.find(h, *key); live != nil {
			(*live).born = 0 // came back since, and the checkpoint still knows it
		} else if m.gone.find(h, *key) == nil {
			m.gone.insert(h, *key)
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
