package keyspace

import (
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// Hash is a read view. A field past its deadline is invisible, except where ExpiryIgnore and frozen views show all.
type Hash struct {
	view
	hiddenBefore int64 // fields with an earlier deadline are hidden; ms since 1970, 0: none is
}

// Hash reads a hash. A missing key gives an empty view; all its methods work.
// What a view or a callback gives out is borrowed: valid until the next write or Begin.
func (db *DB) Hash(key []byte) (Hash, error) {
	v, err := db.lookHash(key)
	return Hash{view{v, &db.ks.arena}, db.ks.fieldsHiddenBefore()}, err
}

// Get gives a field's value.
func (h Hash) Get(field []byte) (v []byte, ok bool) {
	v, _, ok = h.get(field)
	return v, ok
}

// get gives a field's value and deadline, if it is to be seen.
func (h Hash) get(field []byte) (v []byte, deadlineMs int64, ok bool) {
	v, deadlineMs, ok = h.v.field(field, h.arena)
	if !ok || h.hides(deadlineMs) {
		return nil, 0, false
	}
	return v, deadlineMs, true
}

// field finds a field of a hash, also past its deadline.
func (v *value) field(field []byte, a *arena) (b []byte, deadlineMs int64, ok bool) {
	switch {
	case v == nil:
		return nil, 0, false
	case v.large == nil:
		x := rowsOf(v)
		r, _, ok := x.find(field)
		if !ok {
			return nil, 0, false
		}
		b, deadlineMs = v.rowField(&x, r, a)
		return b, deadlineMs, true
	default:
		t := v.large.(*hashTable)
		r := t.fields.find(t.fields.hash(field), field)
		if r == 0 {
			return nil, 0, false
		}
		_, b, deadlineMs = t.field(r)
		return b, deadlineMs, true
	}
}

// Each visits all fields until fn returns false.
func (h Hash) Each(fn func(field, value []byte) bool) {
	h.EachTimed(func(field, value []byte, _ int64) bool { return fn(field, value) })
}

// EachTimed is Each with the fields' deadlines, ms since 1970; 0: none.
func (h Hash) EachTimed(fn func(field, value []byte, deadlineMs int64) bool) {
	switch {
	case h.v == nil:
	case h.v.large == nil:
		x := rowsOf(h.v)
		x.each(func(r row) bool {
			b, deadlineMs := h.v.rowField(&x, r, h.arena)
			return h.hides(deadlineMs) || fn(x.key(r, h.arena), b, deadlineMs)
		})
	default:
		t := h.v.large.(*hashTable)
		t.fields.each(func(r slab.Ref) bool {
			f, v, deadlineMs := t.field(r)
			return h.hides(deadlineMs) || fn(f, v, deadlineMs)
		})
	}
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (h Hash) Scan(cursor uint64, fn func(field, value []byte)) (next uint64) {
	if h.v != nil && h.v.encoding == encodingHashtable {
		t := h.v.large.(*hashTable)
		return t.fields.scan(cursor, func(r slab.Ref) {
			if f, v, deadlineMs := t.field(r); !h.hides(deadlineMs) {
				fn(f, v)
			}
		})
	}
	h.Each(func(f, v []byte) bool { fn(f, v); return true })
	return 0
}

// Random gives one of the fields that are to be seen; there must be one (Visible).
func (h Hash) Random(r *rand.Rand) (field, value []byte) {
	if h.v.large == nil {
		x, skip := rowsOf(h.v), r.IntN(h.Visible())
		x.each(func(r row) bool {
			if h.v.nextMs == 0 || !h.hides(x.deadline(r)) {
				skip--
			}
			if skip < 0 {
				field = x.key(r, h.arena)
				value, _ = h.v.rowField(&x, r, h.arena)
			}
			return skip >= 0
		})
		return field, value
	}
	t := h.v.large.(*hashTable)
	for range randomTriesMax {
		field, value, deadlineMs := t.field(t.fields.random(r))
		if !h.hides(deadlineMs) {
			return field, value
		}
	}
	// Nearly all fields have expired: one of those that have not, in the first piece that has some from a random place on.
	for cursor, n := r.Uint64(), 0; n == 0; {
		cursor = h.Scan(cursor, func(f, v []byte) {
			if n++; r.IntN(n) == 0 {
				field, value = f, v
			}
		})
	}
	return field, value
}

// HashEdit changes a hash.
type HashEdit struct {
	Hash
	handle handle
}

// EditHash opens a hash for change. A missing key is created by the first change that adds something,
// and a value that is empty at End is removed. The first change of a handle notes the event ("" = none).
// A handle is valid until End, belongs to the keyspace and must not be kept.
func (db *DB) EditHash(key []byte, event string) (*HashEdit, error) {
	h := db.ks.pools.hashes.take()
	h.hiddenBefore = db.ks.fieldsHiddenBefore()
	if err := db.edit(&h.handle, &h.view, key, KindHash, event); err != nil {
		return nil, err
	}
	return h, nil
}

// ReplaceHash drops what is at key, of any kind, and opens a new hash there (for ...STORE commands, loading).
// If it is still empty at End the key is gone: event "del" if there was something.
func (db *DB) ReplaceHash(key []byte, event string) *HashEdit {
	h := db.ks.pools.hashes.take()
	h.hiddenBefore = db.ks.fieldsHiddenBefore()
	db.replaceWith(&h.handle, &h.view, key, KindHash, event)
	return h
}

// Set sets a field and removes its deadline. Setting an equal value is a change, as in Redis. A field that is hidden
// as expired counts as created.
func (h *HashEdit) Set(field, value []byte) (created bool) { return h.Put(field, value, 0) }

// Put is Set with a deadline, ms since 1970 up to FieldDeadlineMax; 0: none; KeepDeadline: the one that the field has.
func (h *HashEdit) Put(field, value []byte, deadlineMs int64) (created bool) {
	if deadlineMs == KeepDeadline {
		_, deadlineMs, _ = h.get(field)
	}
	v := h.handle.changeInPlace()
	limits := &h.handle.db.ks.limits
	if v.large == nil {
		if len(field) <= limits.HashMaxListpackValue && len(value) <= limits.HashMaxListpackValue {
			return h.setPacked(v, field, value, deadlineMs)
		}
		h.enlarge(v)
	}
	hadMs, created := v.large.(*hashTable).set(field, value, deadlineMs, h.handle.retire)
	return created || h.hides(hadMs)
}

func (h *HashEdit) enlarge(v *value) {
	t := newHashTable(h.handle.db.ks.seed, h.handle.db.heap)
	Hash{view: h.view}.EachTimed(func(f, value []byte, deadlineMs int64) bool {
		t.set(f, value, deadlineMs, nil)
		return true
	})
	*v = value{kind: KindHash, encoding: encodingHashtable, large: t}
}

// Delete removes a field, also one that is hidden as expired; false when it is not to be seen.
func (h *HashEdit) Delete(field []byte) bool {
	if _, _, ok := h.v.field(field, h.arena); !ok {
		return false
	}
	_, _, seen := h.get(field)
	v := h.handle.change()
	if v.large == nil {
		v.deletePacked(field)
		return seen
	}
	t := v.large.(*hashTable)
	h.handle.retire(t.remove(t.fields.find(t.fields.hash(field), field)))
	return seen
}
