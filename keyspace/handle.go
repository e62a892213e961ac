package keyspace

import (
	"bytes"

	"github.com/tandemkv/tandem/internal/slab"
)

// view is the reading half of every value: v is nil for a missing key. The arena takes what has to be formatted.
type view struct {
	v     *value
	arena *arena
}

// Len is the number of elements.
func (w view) Len() int { return w.v.len() }

// handle is the writing half: the one way by which a value changes. Its first change prepares the entry (dirty mark,
// copy on write) and notes what the executor needs; a handler has nothing to announce.
type handle struct {
	db     *DB
	entry  *entry // nil: the key is missing so far
	key    []byte
	hash   uint64
	event  string
	kind   Kind
	opened bool  // the first change was noted
	at     *view // the view beside the handle; at.v is &entry.value or nil
}

// change must be called before each change, and gives the value to change.
func (h *handle) change() *value {
	v := h.changeInPlace()
	v.mutable(h.at.arena, 0)
	return v
}

// changeInPlace is change for a value whose bytes are overwritten with as many others, where they are, or not touched.
func (h *handle) changeInPlace() *value {
	h.db.ks.dirtyTotal++
	if !h.opened {
		h.begin()
	}
	return h.at.v
}

// retire gives a cell of the value back, from the next Begin on.
func (h *handle) retire(r slab.Ref) { h.db.ks.retireCell(h.db.store, r) }

func (h *handle) begin() {
	db := h.db
	if h.entry == nil {
		h.adopt()
	} else {
		db.touch(h.entry)
	}
	h.opened = true
	db.ks.noteEvent(db, h.event, h.kind, h.key)
}

// adopt makes the entry, or takes the one that the command made in another way meanwhile.
func (h *handle) adopt() {
	db := h.db
	r := db.keys.find(h.hash, h.key)
	if r == 0 {
		db.create(h.hash, h.key, h.kind, room{}) // attaches this handle too
		return
	}
	switch e := db.openRef(h.hash, r); {
	case db.ks.hidden(e):
		db.create(h.hash, h.key, h.kind, room{})
	case e.kind == h.kind:
		db.touch(e)
		h.attach(e)
	default:
		db.unlink(e, "")
		db.create(h.hash, h.key, h.kind, room{})
	}
}

// attach fills a vacant handle.
func (h *handle) attach(e *entry) {
	h.entry, h.at.v = e, &e.value
	h.db.ks.notes.vacant--
}

// detach makes a handle vacant.
func (h *handle) detach() {
	if h.entry != nil {
		h.entry, h.at.v, h.opened = nil, nil, false
		h.db.ks.notes.vacant++
	}
}

// attach lets the open handles of a new entry's key see it. The newest are looked at first, and mostly it is the newest:
// a loader may open very many in one command.
func (ks *Keyspace) attach(db *DB, e *entry) {
	n := &ks.notes
	for i := len(n.handles) - 1; i >= 0 && n.vacant > 0; i-- {
		h := n.handles[i]
		if h.entry == nil && h.db == db && h.hash == e.hash && h.kind == e.kind && bytes.Equal(h.key, e.key) {
			h.attach(e)
		}
	}
}

// release parts the open handles from an entry that goes away.
func (ks *Keyspace) release(e *entry) {
	for _, h := range ks.notes.handles {
		if h.entry == e {
			h.detach()
		}
	}
}

// edit readies a handle for a key.
func (db *DB) edit(h *handle, at *view, key []byte, kind Kind, event string) error {
	hash := db.keys.hash(key)
	e := db.lookWrite(hash, key)
	if e != nil && e.kind != kind {
		return ErrWrongType
	}
	*at = view{arena: &db.ks.arena}
	*h = handle{db: db, hash: hash, event: event, kind: kind, at: at}
	db.ks.notes.vacant++
	if e != nil {
		h.key = e.key
		h.attach(e)
	} else {
		h.key = db.ks.arena.keep(key)
	}
	db.ks.notes.handles = append(db.ks.notes.handles, h)
	return nil
}

// replaceWith readies a handle for a new value in the place of whatever is at the key.
func (db *DB) replaceWith(h *handle, at *view, key []byte, kind Kind, event string) {
	if e := db.lookWrite(db.keys.hash(key), key); e != nil {
		db.touch(e)
		db.ks.release(e)
		db.setDeadline(e, 0)
		db.dropLarge(e)
		e.value = newValue(kind)
		db.ks.dirtyTotal++
	}
	if err := db.edit(h, at, key, kind, event); err != nil {
		panic("keyspace: a replaced value has another kind")
	}
}

// pools keep handles for the next command, so that a command allocates none.
type pools struct {
	strings pool[StringEdit]
	hashes  pool[HashEdit]
	lists   pool[ListEdit]
	sets    pool[SetEdit]
	zsets   pool[ZSetEdit]
	streams pool[StreamEdit]
	entries pool[entry]
}

func (p *pools) reset() {
	p.strings.used, p.hashes.used, p.lists.used, p.sets.used, p.zsets.used, p.streams.used, p.entries.used = 0, 0, 0, 0, 0, 0, 0
}

const poolKeptMax = 64

type pool[T any] struct {
	kept []*T
	used int
}

func (p *pool[T]) take() *T {
	if p.used < len(p.kept) {
		p.used++
		return p.kept[p.used-1]
	}
	made := new(T)
	if len(p.kept) < poolKeptMax {
		p.kept = append(p.kept, made)
		p.used++
	}
	return made
}
