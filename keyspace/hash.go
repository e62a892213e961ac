package keyspace

import (
	"bytes"
	"math/rand/v2"
)

// hashTable is a large hash.
type hashTable struct{ fields index[hashField] }

// hashField holds a field and its value in one buffer.
type hashField struct {
	data     []byte
	fieldLen int
}

func (f hashField) indexKey() []byte { return f.data[:f.fieldLen:f.fieldLen] }
func (f hashField) value() []byte    { return f.data[f.fieldLen:len(f.data):len(f.data)] }

func newHashField(field, value []byte) hashField {
	data := make([]byte, 0, len(field)+len(value))
	return hashField{append(append(data, field...), value...), len(field)}
}

func (t *hashTable) len() int { return t.fields.count }

func (t *hashTable) clone() large {
	c := &hashTable{newIndex[hashField](t.fields.seed)}
	t.fields.each(func(h uint64, f *hashField) bool {
		c.fields.insert(h, newHashField(f.indexKey(), f.value()))
		return true
	})
	return c
}

// Hash is a read view.
type Hash struct{ view }

// Hash reads a hash. A missing key gives an empty view; all its methods work.
// What a view or a callback gives out is borrowed: valid until the next write or Begin.
func (db *DB) Hash(key []byte) (Hash, error) {
	v, err := db.lookKind(key, KindHash)
	return Hash{view{v, &db.ks.arena}}, err
}

// packedField finds a field: where its pair begins and ends, and its value.
func packedField(p, field []byte) (from, to int, value []byte) {
	for off := 0; off < len(p); {
		f, mid := packedNext(p, off)
		v, next := packedNext(p, mid)
		if bytes.Equal(f, field) {
			return off, next, v
		}
		off = next
	}
	return -1, -1, nil
}

// Get gives a field's value.
func (h Hash) Get(field []byte) (v []byte, ok bool) {
	switch {
	case h.v == nil:
		return nil, false
	case h.v.encoding == encodingListpack:
		from, _, v := packedField(h.v.data, field)
		return v, from >= 0
	default:
		fields := &h.v.large.(*hashTable).fields
		if f := fields.find(fields.hash(field), field); f != nil {
			return f.value(), true
		}
		return nil, false
	}
}

// Each visits all fields until fn returns false.
func (h Hash) Each(fn func(field, value []byte) bool) {
	switch {
	case h.v == nil:
	case h.v.encoding == encodingListpack:
		for p, off := h.v.data, 0; off < len(p); {
			f, mid := packedNext(p, off)
			v, next := packedNext(p, mid)
			if !fn(f, v) {
				return
			}
			off = next
		}
	default:
		h.v.large.(*hashTable).fields.each(func(_ uint64, f *hashField) bool { return fn(f.indexKey(), f.value()) })
	}
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (h Hash) Scan(cursor uint64, fn func(field, value []byte)) (next uint64) {
	if h.v != nil && h.v.encoding == encodingHashtable {
		return h.v.large.(*hashTable).fields.scan(cursor, func(f *hashField) { fn(f.indexKey(), f.value()) })
	}
	h.Each(func(f, v []byte) bool { fn(f, v); return true })
	return 0
}

// Random gives one of the fields; the hash must not be empty.
func (h Hash) Random(r *rand.Rand) (field, value []byte) {
	if h.v.encoding == encodingListpack {
		off := packedAt(h.v.data, 2*r.IntN(int(h.v.number)), 2*int(h.v.number))
		field, off = packedNext(h.v.data, off)
		value, _ = packedNext(h.v.data, off)
		return field, value
	}
	f := h.v.large.(*hashTable).fields.random(r)
	return f.indexKey(), f.value()
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
	v := h.handle.change()
	limits := &h.handle.db.ks.limits
	if v.encoding == encodingListpack {
		if len(field) <= limits.HashMaxListpackValue && len(value) <= limits.HashMaxListpackValue {
			return h.setPacked(v, field, value, limits.HashMaxListpackEntries)
		}
		h.enlarge(v)
	}
	fields := &v.large.(*hashTable).fields
	hash := fields.hash(field)
	if f := fields.find(hash, field); f != nil {
		if cap(f.data) >= len(field)+len(value) && cap(f.data) <= 2*(len(field)+len(value))+embstrBytesMax {
			f.data = append(f.data[:f.fieldLen], value...)
		} else {
			*f = newHashField(field, value)
		}
		return false
	}
	fields.insert(hash, newHashField(field, value))
	return true
}

func (h *HashEdit) setPacked(v *value, field, value []byte, entriesMax int) (created bool) {
	from, to, old := packedField(v.data, field)
	switch {
	case from >= 0 && len(old) == len(value):
		copy(old, value)
		return false
	case from >= 0:
		v.data = packedSplice(v.data, to-packedSize(len(old)), to, value)
		return false
	}
	v.data = packedSplice(v.data, len(v.data), len(v.data), field, value)
	v.number++
	if int(v.number) > entriesMax {
		h.enlarge(v)
	}
	return true
}

func (h *HashEdit) enlarge(v *value) {
	t := &hashTable{newIndex[hashField](h.handle.db.ks.seed)}
	h.Each(func(f, value []byte) bool {
		t.fields.insert(t.fields.hash(f), newHashField(f, value))
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
		from, to, _ := packedField(v.data, field)
		v.data = trimmed(packedSplice(v.data, from, to))
		v.number--
		return true
	}
	fields := &v.large.(*hashTable).fields
	fields.remove(fields.hash(field), field)
	return true
}
