package keyspace

import (
	"bytes"
	"encoding/binary"

	"github.com/tandemkv/tandem/internal/slab"
)

// Two forms of cells lie in a store's heap.
//
// A plain cell, of a field or a member, is the length of its key as a base-128 number, the key, and what follows it: for
// a field the value with its length in front, for a member of a sorted set 8 bytes of score.
//
// An entry's cell is its header, then 8 bytes of deadline if the flag says so, the key with its length in front, and the
// value. The header is:
//
//	byte 0     the form of the value (its kind and encoding) in the low 4 bits, flags in the high ones
//	bytes 1-3  access information for eviction (access.go)
//	bytes 4-7  the stamp; while the entry is open, its place among the open ones
//
// The value of an integer is a number as in number.go. A large structure is its number in the store's table, 4 bytes.
// Other values are their number of elements (of a string in code, of its plain bytes; of other strings, none), behind it a
// list's size in Redis' form or the earliest deadline of a hash's fields, the length of their bytes, and the bytes. The
// length takes 4 bytes when flagWide says so: then the bytes may change and grow in place, up to the end of the cell.

const (
	formMask     = 0x0f
	flagDeadline = 0x10
	flagBorn     = 0x20
	flagOpen     = 0x40
	flagWide     = 0x80

	accessAt    = 1
	stampAt     = 4
	headerBytes = 8

	// wideBytesMin is the size from which bytes are changed in place, instead of being copied out and in again.
	wideBytesMin = 2 << 10
)

// cells is a heap and the form of the cells that an index holds.
type cells struct {
	heap    *slab.Heap
	entries bool // entries' cells, else plain ones
}

// key gives the key of a cell.
func (c cells) key(r slab.Ref) []byte {
	cell := c.heap.Cell(r)
	if !c.entries {
		key, _ := plainKey(cell)
		return key
	}
	key, _ := plainKey(cell[keyAt(cell):])
	return key
}

func keyAt(cell []byte) int {
	if cell[0]&flagDeadline != 0 {
		return headerBytes + 8
	}
	return headerBytes
}

// plainKey gives the key at the beginning of a plain cell, and what follows it.
func plainKey(cell []byte) (key, rest []byte) {
	n, size := int(cell[0]), 1
	if n >= 0x80 {
		long, read := binary.Uvarint(cell)
		n, size = int(long), read
	}
	return cell[size : size+n : size+n], cell[size+n:]
}

// holds says whether the cell's key is the given one.
func (c cells) holds(r slab.Ref, key []byte) bool { return bytes.Equal(c.key(r), key) }

// putKey makes a plain cell with room for more bytes behind the key, and gives those.
func (c cells) putKey(key []byte, more int) (r slab.Ref, rest []byte) {
	r, cell := c.heap.Alloc(lengthSize(len(key)) + len(key) + more)
	n := binary.PutUvarint(cell, uint64(len(key)))
	n += copy(cell[n:], key)
	return r, cell[n:]
}

// stampOf reads the stamp of an entry that is not open.
func stampOf(cell []byte) uint32 { return binary.LittleEndian.Uint32(cell[stampAt:]) }

// openedAt gives the place of an open entry among the open ones.
func openedAt(cell []byte) uint32 { return binary.LittleEndian.Uint32(cell[stampAt:]) }

// accessOf gives the access information of an entry's cell, 24 bits. It stands in the cell alone, also of an open entry.
func accessOf(cell []byte) uint32 {
	return uint32(cell[accessAt]) | uint32(cell[accessAt+1])<<8 | uint32(cell[accessAt+2])<<16
}

// setAccess sets the low 24 bits of v as access information.
func setAccess(cell []byte, v uint32) {
	cell[accessAt], cell[accessAt+1], cell[accessAt+2] = byte(v), byte(v>>8), byte(v>>16)
}

// decode reads an entry's cell. Its key and bytes alias the cell.
func (s *store) decode(r slab.Ref, e *entry) {
	cell := s.heap.Cell(r)
	*e = entry{store: s, ref: r, stamp: stampOf(cell), born: cell[0]&flagBorn != 0}
	of := forms[cell[0]&formMask]
	e.kind, e.encoding = of.kind, of.encoding
	at := headerBytes
	if cell[0]&flagDeadline != 0 {
		e.deadline = int64(binary.LittleEndian.Uint64(cell[at:]))
		at += 8
	}
	key, rest := plainKey(cell[at:])
	e.key = key
	switch e.encoding {
	case encodingInt:
		e.number, _ = numberAt(rest)
		return
	case encodingQuicklist, encodingHashtable, encodingSkiplist, encodingStream:
		e.tableAt = binary.LittleEndian.Uint32(rest)
		e.large = *s.larges.at(e.tableAt)
		e.fieldsDue = e.nextFieldDeadline()
		return
	}
	if e.counted() {
		rest = takeNumber(rest, &e.number)
	}
	if e.kind == KindList {
		var size int64
		rest = takeNumber(rest, &size)
		e.listpackBytes = int(size)
	}
	if e.encoding == encodingListpackEx {
		e.nextMs, rest = getFieldDeadline(rest), rest[fieldDeadlineBytes:]
		e.fieldsDue = e.nextMs
	}
	var n int
	if cell[0]&flagWide != 0 {
		n, rest = int(binary.LittleEndian.Uint32(rest)), rest[4:]
		e.data = rest[:n]
		return
	}
	var short int64
	rest = takeNumber(rest, &short)
	n = int(short)
	e.data, e.fixed = rest[:n:n], true
}

func takeNumber(p []byte, n *int64) (rest []byte) {
	if p[0] < 0x80 {
		*n = int64(p[0])
		return p[1:]
	}
	long, read := binary.Uvarint(p)
	*n = int64(long)
	return p[read:]
}

// encodedSize is what the entry's cell takes.
func (e *entry) encodedSize() int {
	size := headerBytes + lengthSize(len(e.key)) + len(e.key)
	if e.deadline != 0 {
		size += 8
	}
	switch e.encoding {
	case encodingInt:
		return size + numberSize(e.number)
	case encodingQuicklist, encodingHashtable, encodingSkiplist, encodingStream:
		return size + 4
	}
	if e.counted() {
		size += lengthSize(int(e.number))
	}
	if e.kind == KindList {
		size += lengthSize(e.listpackBytes)
	}
	if e.encoding == encodingListpackEx {
		size += fieldDeadlineBytes
	}
	if e.wide() {
		return size + 4 + len(e.data)
	}
	return size + lengthSize(len(e.data)) + len(e.data)
}

// counted says whether the cell has the value's number.
func (v *value) counted() bool { return v.kind != KindString || v.encoding.isCode() }

func (v *value) wide() bool { return len(v.data) >= wideBytesMin }

// encode writes the entry into a cell of at least encodedSize bytes that its bytes do not alias, or only at the very
// place where they go.
func (e *entry) encode(cell []byte) {
	at := e.encodeHeader(cell)
	at += binary.PutUvarint(cell[at:], uint64(len(e.key)))
	at += copy(cell[at:], e.key)
	e.encodeValue(cell[at:])
}

// encodeHeader writes all of the header but the access information, which stays what it is in the cell.
func (e *entry) encodeHeader(cell []byte) (at int) {
	first := formOf(e.kind, e.encoding)
	at = headerBytes
	if e.deadline != 0 {
		first |= flagDeadline
		binary.LittleEndian.PutUint64(cell[at:], uint64(e.deadline))
		at += 8
	}
	if e.born {
		first |= flagBorn
	}
	if e.encoding >= encodingEmbstr && e.large == nil && e.wide() {
		first |= flagWide
	}
	cell[0] = first
	binary.LittleEndian.PutUint32(cell[stampAt:], e.stamp)
	return at
}

func (e *entry) encodeValue(p []byte) {
	switch e.encoding {
	case encodingInt:
		putNumber(p, e.number)
		return
	case encodingQuicklist, encodingHashtable, encodingSkiplist, encodingStream:
		binary.LittleEndian.PutUint32(p, e.tableAt)
		return
	}
	at := 0
	if e.counted() {
		at += binary.PutUvarint(p, uint64(e.number))
	}
	if e.kind == KindList {
		at += binary.PutUvarint(p[at:], uint64(e.listpackBytes))
	}
	if e.encoding == encodingListpackEx {
		putFieldDeadline(p[at:], e.nextMs)
		at += fieldDeadlineBytes
	}
	if e.wide() {
		binary.LittleEndian.PutUint32(p[at:], uint32(len(e.data)))
		at += 4
	} else {
		at += binary.PutUvarint(p[at:], uint64(len(e.data)))
	}
	if len(e.data) > 0 && &p[at] != &e.data[0] {
		copy(p[at:], e.data)
	}
}
