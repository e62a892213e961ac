package keyspace

import (
	"encoding/binary"

	"github.com/tandemkv/tandem/internal/slab"
)

// hashTable is a large hash: an index of cells with a field and its value, and the order of the fields' deadlines.
//
// A cell with a deadline has fieldMark and 6 bytes of it between the field and the value. A field without one costs
// nothing for it: the mark is a length that is not written in its shortest form, so no value begins with it.
type hashTable struct {
	fields index
	// deadlines has a row for each field with a deadline, by the field's hash. Rows of different fields may be equal.
	deadlines order[deadline, byTime]
}

const (
	fieldMark          = "\x80\x00"
	fieldDeadlineBytes = 6
	fieldMarkedBytes   = len(fieldMark) + fieldDeadlineBytes
)

func newHashTable(seed uint64, heap *slab.Heap) *hashTable {
	return &hashTable{fields: newIndex(seed, cells{heap: heap}), deadlines: order[deadline, byTime]{heap: heap}}
}

// field gives a cell's field, value and deadline, 0 if it has none.
func (t *hashTable) field(r slab.Ref) (field, value []byte, deadlineMs int64) {
	field, rest := plainKey(t.fields.heap.Cell(r))
	value, deadlineMs = fieldValue(rest)
	return field, value, deadlineMs
}

// fieldValue reads what stands behind a field in its cell.
func fieldValue(rest []byte) (value []byte, deadlineMs int64) {
	if rest[0] == fieldMark[0] && rest[1] == fieldMark[1] {
		deadlineMs = getFieldDeadline(rest[len(fieldMark):])
		rest = rest[fieldMarkedBytes:]
	}
	value, _ = plainKey(rest)
	return value, deadlineMs
}

func getFieldDeadline(p []byte) int64 {
	return int64(binary.LittleEndian.Uint32(p)) | int64(binary.LittleEndian.Uint16(p[4:]))<<32
}

func putFieldDeadline(p []byte, ms int64) {
	binary.LittleEndian.PutUint32(p, uint32(ms))
	binary.LittleEndian.PutUint16(p[4:], uint16(ms>>32))
}

// fieldValueSize is what putFieldValue writes.
func fieldValueSize(value []byte, deadlineMs int64) int {
	size := lengthSize(len(value)) + len(value)
	if deadlineMs != 0 {
		size += fieldMarkedBytes
	}
	return size
}

// putFieldValue writes what stands behind a field. The value may be the one that stands there: it is moved first.
func putFieldValue(p, value []byte, deadlineMs int64) {
	at := 0
	if deadlineMs != 0 {
		at = fieldMarkedBytes
	}
	copy(p[at+lengthSize(len(value)):], value)
	binary.PutUvarint(p[at:], uint64(len(value)))
	if deadlineMs != 0 {
		putFieldDeadline(p[copy(p, fieldMark):], deadlineMs)
	}
}

// set sets a field, in its cell if that suits the new value, and gives the deadline that it had. What the cell was before
// is retired, or given back.
func (t *hashTable) set(field, value []byte, deadlineMs int64, retire func(slab.Ref)) (hadMs int64, created bool) {
	h := t.fields.hash(field)
	had := t.fields.find(h, field)
	if had != 0 {
		t.fields.beforeChange(h)
		_, _, hadMs = t.field(had)
	}
	t.reschedule(h, hadMs, deadlineMs)
	size := fieldValueSize(value, deadlineMs)
	if had != 0 {
		cell := t.fields.heap.Cell(had)
		whole := lengthSize(len(field)) + len(field) + size
		if _, rest := plainKey(cell); len(rest) >= size && slab.Room(whole) >= len(cell)*3/4 {
			putFieldValue(rest, value, deadlineMs)
			return hadMs, false
		}
	}
	r, rest := t.fields.putKey(field, size)
	putFieldValue(rest, value, deadlineMs)
	if had == 0 {
		t.fields.insert(h, r)
		return 0, true
	}
	t.fields.repoint(h, had, r)
	retire(had)
	return hadMs, false
}

// reschedule puts a field with the given hash at another place in the order.
func (t *hashTable) reschedule(h uint64, fromMs, toMs int64) {
	if fromMs == toMs {
		return
	}
	if fromMs != 0 {
		t.deadlines.remove(deadline{fromMs, h})
	}
	if toMs != 0 {
		t.deadlines.insert(deadline{toMs, h})
	}
}

// remove takes a field's cell out, and gives it back.
func (t *hashTable) remove(r slab.Ref) slab.Ref {
	field, _, deadlineMs := t.field(r)
	h := t.fields.hash(field)
	t.reschedule(h, deadlineMs, 0)
	t.fields.remove(h, r)
	return r
}

// first gives the cell of a field with the earliest deadline; there must be one.
func (t *hashTable) first() (found slab.Ref) {
	d := t.deadlines.at(0)
	t.fields.alike(d.hash, func(r slab.Ref) bool {
		if field, _, deadlineMs := t.field(r); deadlineMs == d.atMs && t.fields.hash(field) == d.hash {
			found = r
		}
		return found == 0
	})
	return found
}

func (t *hashTable) len() int { return t.fields.count }

func (t *hashTable) clone(heap *slab.Heap) large {
	c := newHashTable(t.fields.seed, heap)
	t.fields.each(func(r slab.Ref) bool {
		f, v, deadlineMs := t.field(r)
		c.set(f, v, deadlineMs, nil)
		return true
	})
	return c
}

func (t *hashTable) discard(n int) (freed int, done bool) {
	if freed, done = t.deadlines.discard(n); !done {
		return freed, false
	}
	more, done := t.fields.discard(n - freed)
	return freed + more, done
}

func (t *hashTable) freeze(f *Frozen, s *store) division {
	part := &hashTable{}
	return freezeIndex(&t.fields, f, s, value{kind: KindHash, encoding: encodingHashtable, large: part}, &part.fields)
}

func (t *hashTable) held() bool { return t.fields.held() }
