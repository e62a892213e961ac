package keyspace

import (
	"encoding/binary"

	"github.com/tandemkv/tandem/internal/slab"
)

// value is what a key holds: a string, packed bytes, or a large structure.
type value struct {
	kind     Kind
	encoding encoding
	// fixed: data is the part of a cell that may not be changed there; see mutable.
	fixed bool
	// number is the integer of encodingInt, the number of elements of packed bytes (pairs for hash and zset), and that of the
	// plain bytes of a string in code.
	number int64
	// listpackBytes is what a list in packed bytes would take in Redis, whose threshold is in bytes.
	listpackBytes int
	// nextMs is the earliest deadline of the fields of a hash in encodingListpackEx; 0: none has one.
	nextMs int64
	data   []byte
	large  large // of encodingQuicklist, encodingHashtable, encodingSkiplist and encodingStream
}

// large is a structure with blocks of its own: *hashTable, *setTable, *listBlocks, *rankedSet, *stream.
type large interface {
	len() int
	// clone makes a copy whose cells are in the given heap.
	clone(heap *slab.Heap) large
	// discard frees about n cells, and says when there are none left. It comes when the structure is not held any more.
	discard(n int) (freed int, done bool)
	// compact moves the cells that lie on pages to be emptied, a piece a call, from a position on. 0: beginning, and end.
	compact(c *compaction, at uint64) (next uint64)
	// usage is about the bytes that it takes; see usage.go.
	usage(samples int) int64
	// freeze begins its taking over by a view, which holds it until it has all parts; nil: it is given as a whole.
	freeze(f *Frozen, s *store) division
	held() bool
}

// newValue is an empty value in the kind's smallest form.
func newValue(kind Kind) value {
	v := value{kind: kind, encoding: encodingListpack}
	switch kind {
	case KindString:
		v.encoding = encodingEmbstr
	case KindList:
		v.listpackBytes = listpackBytesEmpty
	case KindSet:
		v.encoding = encodingIntset
	case KindStream:
		v.encoding = encodingStream
	}
	return v
}

// len is the number of elements; a string or a stream always counts as one, because it is never removed for being empty.
func (v *value) len() int {
	switch {
	case v == nil:
		return 0
	case v.kind == KindString || v.kind == KindStream:
		return 1
	case v.large != nil:
		return v.large.len()
	default:
		return int(v.number)
	}
}

// clone is a copy for another key, of this store or of another one.
func (v *value) clone(heap *slab.Heap) value {
	c := *v
	c.data, c.fixed = append([]byte(nil), v.data...), false
	if v.large != nil {
		c.large = v.large.clone(heap)
	}
	return c
}

// editRoomBytes is spare room for the changes of one command.
const editRoomBytes = 64

// mutable makes the bytes ready to be changed: what stands in a small cell is copied out, and End copies it in again.
func (v *value) mutable(a *arena, more int) {
	if v.fixed {
		v.data = a.keepWith(v.data, max(more, editRoomBytes))
		v.fixed = false
	}
}

// entry is one key of a database, read from its cell. The entries that a command changes are open: there is one of each
// until End writes it back, and lookups find it instead of the cell. Others are read when they are needed.
type entry struct {
	store    *store
	ref      slab.Ref
	key      []byte // in the cell; stays readable until the next Begin
	hash     uint64
	deadline int64 // ms since 1970; 0: none
	// fieldsDue is the hash's row in the store's order of those; 0: none. While the entry is open the value may be ahead.
	fieldsDue int64
	value

	// stamp is the freeze clock when the entry was last prepared for a change: a view opened later has not got it.
	stamp uint32
	// tableAt is the place of the large structure that the cell has in the store's table; 0: none.
	tableAt uint32
	// born: the key came to be since the last checkpoint, which does not know it. Of meaning while the stamp is that new.
	born bool

	open    bool
	changed bool // to be written back
	// notedAt is the place of the entry's note plus one; 0: none. met: the command met it as expired.
	notedAt int
	met     bool
}

// larges is the table of a store's large structures. Number 0 is none.
type larges struct {
	all  slab.Table[large]
	free slab.Table[uint32]
}

func (l *larges) at(number uint32) *large { return l.all.At(number) }

func (l *larges) add(x large) uint32 {
	if l.free.Len() > 0 {
		number := l.free.Pop()
		*l.at(number) = x
		return number
	}
	if l.all.Len() == 0 {
		l.all.Push(nil)
	}
	l.all.Push(x)
	return uint32(l.all.Len() - 1)
}

func (l *larges) remove(number uint32) {
	*l.at(number) = nil
	l.free.Push(number)
}

// read gives the entry of a cell: the open one, or what the cell says, in the given room.
func (s *store) read(r slab.Ref, room *entry) *entry {
	cell := s.heap.Cell(r)
	if cell[0]&flagOpen != 0 {
		return s.ks.opened[openedAt(cell)]
	}
	s.decode(r, room)
	return room
}

// openRef opens the entry of a cell.
func (s *store) openRef(hash uint64, r slab.Ref) *entry {
	cell := s.heap.Cell(r)
	if cell[0]&flagOpen != 0 {
		return s.ks.opened[openedAt(cell)]
	}
	e := s.ks.pools.entries.take()
	s.decode(r, e)
	e.hash = hash
	s.register(e, cell)
	return e
}

func (s *store) register(e *entry, cell []byte) {
	ks := s.ks
	e.open = true
	cell[0] |= flagOpen
	binary.LittleEndian.PutUint32(cell[stampAt:], uint32(len(ks.opened)))
	ks.opened = append(ks.opened, e)
}

// room says what a new entry will have, as far as that is known: then its first cell fits.
type room struct {
	bytes    int // of its value
	deadline bool
}

// newEntry makes an entry and an open cell for it.
func (s *store) newEntry(hash uint64, key []byte, v value, expected room) *entry {
	e := s.ks.pools.entries.take()
	*e = entry{store: s, hash: hash, key: key, value: v, changed: true}
	if expected.deadline {
		e.deadline = 1
	}
	var cell []byte
	e.ref, cell = s.heap.Alloc(e.encodedSize() + expected.bytes)
	setAccess(cell, s.ks.access.fresh())
	e.encode(cell)
	e.deadline = 0
	e.key, _ = plainKey(cell[keyAt(cell):])
	s.register(e, cell)
	return e
}

// closeEntries writes the open entries back, of one store or (nil) of all.
func (ks *Keyspace) closeEntries(of *store) {
	for _, e := range ks.opened {
		if e.open && (of == nil || e.store == of) {
			e.store.writeBack(e)
			e.open = false
		}
	}
	if of == nil {
		clear(ks.opened)
		ks.opened = ks.opened[:0]
	}
}

// writeBack puts an open entry's state into its cell, or into a new one where it does not fit or wastes much.
func (s *store) writeBack(e *entry) {
	cell := s.heap.Cell(e.ref)
	if !e.changed {
		cell[0] &^= flagOpen
		binary.LittleEndian.PutUint32(cell[stampAt:], e.stamp)
		return
	}
	s.settleFieldsDue(e, e.nextFieldDeadline())
	if s.sameLayout(e, cell) {
		e.encodeHeader(cell)
		return
	}
	s.settleLarge(e)
	s.countCode(cell, -1)
	size := e.encodedSize()
	inside := e.fixed || within(e.data, cell)
	if size > len(cell) || slab.Room(size) < len(cell)*3/4 || e.shifted(cell, size, inside) {
		cell = s.moveCell(e, cell, size)
	}
	e.encode(cell)
	s.countCode(cell, 1)
}

// sameLayout says whether nothing but the header has to be written.
func (s *store) sameLayout(e *entry, cell []byte) bool {
	if (cell[0]&flagDeadline != 0) != (e.deadline != 0) || cell[0]&formMask != formOf(e.kind, e.encoding) {
		return false
	}
	return e.fixed || e.large != nil && e.tableAt != 0 && *s.larges.at(e.tableAt) == e.large
}

// within says whether bytes that may be changed in place are those of the cell; both end where the cell ends.
func within(b, cell []byte) bool {
	at := len(cell) - cap(b)
	return cap(b) > 0 && at > 0 && &cell[at] == &b[:1][0]
}

// shifted says whether the key, or bytes that still are inside of the cell, would have to stand somewhere else in it.
func (e *entry) shifted(cell []byte, size int, inside bool) bool {
	if (cell[0]&flagDeadline != 0) != (e.deadline != 0) {
		return true
	}
	return inside && !e.fixed && size-len(e.data) != len(cell)-cap(e.data)
}

// moveCell gives an entry another cell, which is to be written.
func (s *store) moveCell(e *entry, old []byte, size int) (cell []byte) {
	if e.wide() && size > len(old) {
		size += len(e.data) / 8 // it grows, and will again
	}
	r, cell := s.heap.Alloc(size)
	setAccess(cell, accessOf(old))
	s.keys.repoint(e.hash, e.ref, r)
	s.ks.retireCell(s, e.ref)
	e.ref = r
	return cell
}

// settleLarge keeps the store's table in line with the value.
func (s *store) settleLarge(e *entry) {
	switch {
	case e.large == nil && e.tableAt == 0:
	case e.large == nil:
		s.larges.remove(e.tableAt)
		e.tableAt = 0
	case e.tableAt == 0:
		e.tableAt = s.larges.add(e.large)
	default:
		*s.larges.at(e.tableAt) = e.large
	}
}
