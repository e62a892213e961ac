package keyspace

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// hashTable is a large hash: an index of cells with a field and its value.
type hashTable struct{ fields index }

func newHashTable(seed uint64, heap *slab.Heap) *hashTable {
	return &hashTable{newIndex(seed, cells{heap: heap})}
}

// field gives a cell's field and value.
func (t *hashTable) field(r slab.Ref) (field, value []byte) {
	field, rest := plainKey(t.fields.heap.Cell(r))
	value, _ = plainKey(rest)
	return field, value
}

// set sets a field, in its cell if that suits the new value. What the cell was before is retired, or given back.
func (t *hashTable) set(field, value []byte, retire func(slab.Ref)) (created bool) {
	h := t.fields.hash(field)
	size := lengthSize(len(value)) + len(value)
	had := t.fields.find(h, field)
	if had != 0 {
		cell := t.fields.heap.Cell(had)
		whole := lengthSize(len(field)) + len(field) + size
		if _, rest := plainKey(cell); len(rest) >= size && slab.Room(whole) >= len(cell)*3/4 {
			putPlain(rest, value)
			return false
		}
	}
	r, rest := t.fields.putKey(field, size)
	putPlain(rest, value)
	if had == 0 {
		t.fields.insert(h, r)
		return true
	}
	t.fields.repoint(h, had, r)
	retire(had)
	return false
}

func putPlain(p, b []byte) { copy(p[binary.PutUvarint(p, uint64(len(b))):], b) }

func (t *hashTable) len() int { return t.fields.count }

func (t *hashTable) clone(heap *slab.Heap) large {
	c := newHashTable(t.fields.seed, heap)
	t.fields.each(func(r slab.Ref) bool {
		f, v := t.field(r)
		c.set(f, v, nil)
		return true
	})
	return c
}

func (t *hashTable) discard(n int) (freed int, done bool) { return t.fields.discard(n) }

// Hash is a read view.
type Hash struct{ view }

// Hash reads a hash. A missing key gives an empty view; all its methods work.
// What a view or a callback gives out is borrowed: valid until the next write or Begin.
func (db *DB) Hash(key []byte) (Hash, error) {
	v, err := db.lookKind(key, KindHash)
	return Hash{view{v, &db.ks.arena}}, err
}

// Get gives a field's value.
func (h Hash) Get(field []byte) (v []byte, ok bool) {
	switch {
	case h.v == nil:
		return nil, false
	case h.v.encoding == encodingListpack:
		x := rowsOf(h.v)
		r, _, ok := x.find(field)
		if !ok {
			return nil, false
		}
		return x.value(r, h.arena), true
	default:
		t := h.v.large.(*hashTable)
		r := t.fields.find(t.fields.hash(field), field)
		if r == 0 {
			return nil, false
		}
		_, v = t.field(r)
		return v, true
	}
}

// Each visits all fields until fn returns false.
func (h Hash) Each(fn func(field, value []byte) bool) {
	switch {
	case h.v == nil:
	case h.v.encoding == encodingListpack:
		x := rowsOf(h.v)
		x.each(func(r row) bool { return fn(x.key(r, h.arena), x.value(r, h.arena)) })
	default:
		t := h.v.large.(*hashTable)
		t.fields.each(func(r slab.Ref) bool { return fn(t.field(r)) })
	}
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (h Hash) Scan(cursor uint64, fn func(field, value []byte)) (next uint64) {
	if h.v != nil && h.v.encoding == encodingHashtable {
		t := h.v.large.(*hashTable)
		return t.fields.scan(cursor, func(r slab.Ref) { fn(t.field(r)) })
	}
	h.Each(func(f, v []byte) bool { fn(f, v); return true })
	return 0
}

// Random gives one of the fields; the hash must not be empty.
func (h Hash) Random(r *rand.Rand) (field, value []byte) {
	if h.v.encoding == encodingListpack {
		x := rowsOf(h.v)
		one := x.at(x.place(r.IntN(int(h.v.number))))
		return x.key(one, h.arena), x.value(one, h.arena)
	}
	t := h.v.large.(*hashTable)
	return t.field(t.fields.random(r))
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
	if err := db.edit(&h.handle, &h.view, key, KindHash, event); err != nil {
		return nil, err
	}
	return h, nil
}

// ReplaceHash drops what is at key, of any kind, and opens a new hash there (for ...STORE commands, loading).
// If it is still empty at End the key is gone: event "del" if there was something.
func (db *DB) ReplaceHash(key []byte, event string) *HashEdit {
	h := db.ks.pools.hashes.take()
	db.replaceWith(&h.handle, &h.view, key, KindHash, event)
	return h
}

// Set sets a field. Setting an equal value is a change, as in Redis.
func (h *HashEdit) Set(field, value []byte) (created bool) {
	v := h.handle.changeInPlace()
	limits := &h.handle.db.ks.limits
	if v.encoding == encodingListpack {
		if len(field) <= limits.HashMaxListpackValue && len(value) <= limits.HashMaxListpackValue {
			return h.setPacked(v, field, value, limits.HashMaxListpackEntries)
		}
		h.enlarge(v)
	}
	return v.large.(*hashTable).set(field, value, h.handle.retire)
}

func (h *HashEdit) setPacked(v *value, field, value []byte, entriesMax int) (created bool) {
	x := rowsOf(v)
	r, _, exists := x.find(field)
	if exists && len(value) == len(x.values)+r.to-r.value && bytes.HasPrefix(value, x.values) {
		copy(x.p[r.value:r.to], value[len(x.values):])
		return false
	}
	v.mutable(h.arena, packedSize(len(field))+packedSize(len(value)))
	if exists {
		x = v.share(h.arena, field, value)
		r, _, _ = x.find(field)
		v.putRow(r.from, r.to, field[len(x.keys):], value[len(x.values):])
		return false
	}
	v.addRow(h.arena, field, value)
	if int(v.number) > entriesMax {
		h.enlarge(v)
	}
	return true
}

func (h *HashEdit) enlarge(v *value) {
	t := newHashTable(h.handle.db.ks.seed, h.handle.db.heap)
	h.Each(func(f, value []byte) bool {
		t.set(f, value, nil)
		return true
	})
	*v = value{kind: KindHash, encoding: encodingHashtable, large: t}
}

// Delete removes a field.
func (h *HashEdit) Delete(field []byte) bool {
	if _, ok := h.Get(field); !ok {
		return false
	}
	v := h.handle.change()
	if v.encoding == encodingListpack {
		x := rowsOf(v)
		r, _, _ := x.find(field)
		v.removeRow(r)
		return true
	}
	fields := &v.large.(*hashTable).fields
	h.handle.retire(fields.removeKey(fields.hash(field), field))
	return true
}
