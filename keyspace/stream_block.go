package keyspace

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/tandemkv/tandem/internal/slab"
)

// A block of a stream is a cell with some of its entries, in the order of their ids. It has a header, then the number and
// the names of the fields of the entry that opened it, then the entries. Its master id is that entry's, which is not in
// the cell but in the order of the blocks: it stays what it is when the entry goes.
//
// An entry is a byte of flags, what its milliseconds are above the master's (entryMs), its number in the millisecond, or
// what that is above the master's when the milliseconds are the same (entrySeq), and its values, each behind its name
// unless the names are the block's (entrySame). A name or a value is twice its length and its bytes, or 1 and a number
// as in number.go.
//
// Entries that were deleted are marked, as in Redis, which counts them when it fills a block. A block that will not be
// filled any more is written anew without them when they are as many as the others.
const (
	blockUsedAt     = 0  // bytes in use behind the header
	blockLiveAt     = 4  // entries
	blockDeletedAt  = 8  // entries that are marked as deleted
	blockListpackAt = 12 // what Redis' listpack would take, but for its two counters
	blockHeader     = 16

	entryDeleted = 1
	entrySame    = 2
	entryMs      = 4
	entrySeq     = 8

	elementNumber = 1
)

// streamBlock is a block as it is read and written.
type streamBlock struct {
	master StreamID
	cell   []byte
}

func (b streamBlock) count(at int) int { return int(binary.LittleEndian.Uint32(b.cell[at:])) }
func (b streamBlock) set(at, n int)    { binary.LittleEndian.PutUint32(b.cell[at:], uint32(n)) }
func (b streamBlock) add(at, n int)    { b.set(at, b.count(at)+n) }
func (b streamBlock) end() int         { return blockHeader + b.count(blockUsedAt) }

// listpackBytes is the size of the node that Redis would have.
func (b streamBlock) listpackBytes() int {
	return b.count(blockListpackAt) + listpackIntegerBytes(int64(b.count(blockLiveAt))) + listpackIntegerBytes(int64(b.count(blockDeletedAt)))
}

// full says, as Redis does, whether entries of so many bytes go into a new block. Limits of 0 are none.
func (b streamBlock) full(bytes int, l *Limits) bool {
	bytesMax := l.StreamNodeMaxBytes
	if bytesMax <= 0 || bytesMax > streamBlockBytesMax {
		bytesMax = streamBlockBytesMax
	}
	if b.listpackBytes()+bytes >= bytesMax {
		return true
	}
	return l.StreamNodeMaxEntries > 0 && b.count(blockLiveAt)+b.count(blockDeletedAt) >= l.StreamNodeMaxEntries
}

// openBlock gives the bytes of a new block for entries with the given fields (names and values in turn).
func openBlock(p []byte, pairs [][]byte) []byte {
	p = append(p[:0], make([]byte, blockHeader)...)
	listpack := listpackBytesEmpty + listpackIntegerBytes(int64(len(pairs)/2)) + listpackIntegerBytes(0)
	p = binary.AppendUvarint(p, uint64(len(pairs)/2))
	for i := 0; i < len(pairs); i += 2 {
		p = appendElement(p, pairs[i])
		listpack += listpackEntryBytes(pairs[i])
	}
	b := streamBlock{cell: p}
	b.set(blockListpackAt, listpack)
	b.set(blockUsedAt, len(p)-blockHeader)
	return p
}

// appendEntry adds an entry behind the block's bytes p, which may move.
func appendEntry(p []byte, master, id StreamID, pairs [][]byte) []byte {
	b := streamBlock{master, p}
	w := b.walk()
	same := w.sameFields(pairs)
	flagsAt := len(p)
	p = append(p, 0)
	seq := id.Seq
	if id.Ms != master.Ms {
		p[flagsAt] |= entryMs
		p = binary.AppendUvarint(p, id.Ms-master.Ms)
	} else {
		seq -= master.Seq
	}
	if seq != 0 {
		p[flagsAt] |= entrySeq
		p = binary.AppendUvarint(p, seq)
	}
	n := int64(len(pairs))
	listpack := listpackIntegerBytes(0) + listpackIntegerBytes(int64(id.Ms-master.Ms)) + listpackIntegerBytes(int64(id.Seq-master.Seq))
	if same {
		p[flagsAt] |= entrySame
		listpack += listpackIntegerBytes(n/2 + 3)
	} else {
		p = binary.AppendUvarint(p, uint64(n/2))
		listpack += listpackIntegerBytes(n/2) + listpackIntegerBytes(n+4)
	}
	for i, v := range pairs {
		if same && i%2 == 0 {
			continue
		}
		p = appendElement(p, v)
		listpack += listpackEntryBytes(v)
	}
	b.cell = p
	b.add(blockListpackAt, listpack)
	b.add(blockLiveAt, 1)
	b.set(blockUsedAt, len(p)-blockHeader)
	return p
}

func appendElement(p, v []byte) []byte {
	if n, ok := parseInteger(v); ok && numberSize(n) < len(v) {
		p = append(p, elementNumber)
		var room [wideNumber]byte
		return append(p, room[:putNumber(room[:], n)]...)
	}
	p = binary.AppendUvarint(p, uint64(len(v))<<1)
	return append(p, v...)
}

// elementAt reads a name or a value; a number is printed into the given room.
func elementAt(p, room []byte) (v, rest []byte) {
	if p[0] == elementNumber {
		n, size := numberAt(p[1:])
		return strconv.AppendInt(room[:0], n, 10), p[1+size:]
	}
	n, at := uint64(p[0]), 1
	if n >= 0x80 {
		n, at = binary.Uvarint(p)
	}
	end := at + int(n>>1)
	return p[at:end:end], p[end:]
}

func skipElement(p []byte) (rest []byte) {
	if p[0] == elementNumber {
		_, size := numberAt(p[1:])
		return p[1+size:]
	}
	n, at := uint64(p[0]), 1
	if n >= 0x80 {
		n, at = binary.Uvarint(p)
	}
	return p[at+int(n>>1):]
}

// StreamEntry is one entry. What it gives out is borrowed, and valid until the next one is read.
type StreamEntry struct {
	ID StreamID
	// Opens: the entry is the first one that there is of its block.
	Opens bool

	names   []byte // the block's; nil: they stand before the values
	body    []byte
	count   int
	at, end int // its place in the cell
	deleted bool
	room    [2][24]byte
}

// Len is the number of fields.
func (e *StreamEntry) Len() int { return e.count }

// Each visits the fields with their values in the order in which they were given.
func (e *StreamEntry) Each(fn func(field, value []byte)) {
	names, body := e.names, e.body
	for range e.count {
		var name, value []byte
		if e.names != nil {
			name, names = elementAt(names, e.room[0][:])
		} else {
			name, body = elementAt(body, e.room[0][:])
		}
		value, body = elementAt(body, e.room[1][:])
		fn(name, value)
	}
}

// blockWalk reads the entries of a block one after another.
type blockWalk struct {
	block streamBlock
	names []byte
	count int // of names
	at    int // where the next entry begins
}

func (b streamBlock) walk() blockWalk {
	n, size := binary.Uvarint(b.cell[blockHeader:])
	w := blockWalk{block: b, names: b.cell[blockHeader+size:], count: int(n)}
	rest := w.names
	for range n {
		rest = skipElement(rest)
	}
	w.at = len(b.cell) - len(rest)
	return w
}

// sameFields says whether the names among pairs are the block's.
func (w *blockWalk) sameFields(pairs [][]byte) bool {
	if len(pairs) != 2*w.count {
		return false
	}
	var room [24]byte
	rest := w.names
	for i := 0; i < len(pairs); i += 2 {
		var name []byte
		if name, rest = elementAt(rest, room[:]); !bytes.Equal(name, pairs[i]) {
			return false
		}
	}
	return true
}

// next reads an entry, a deleted one too; false at the end.
func (w *blockWalk) next(e *StreamEntry) bool {
	if w.at >= w.block.end() {
		return false
	}
	w.read(w.at, e)
	w.at = e.end
	return true
}

// read reads the entry at a place.
func (w *blockWalk) read(at int, e *StreamEntry) {
	flags := w.block.cell[at]
	p := w.block.cell[at+1:]
	id, size := w.block.master, 0
	if flags&entryMs != 0 {
		var ms uint64
		ms, size = binary.Uvarint(p)
		id.Ms, id.Seq, p = id.Ms+ms, 0, p[size:]
	}
	if flags&entrySeq != 0 {
		var seq uint64
		seq, size = binary.Uvarint(p)
		id.Seq, p = id.Seq+seq, p[size:]
	}
	e.ID, e.at, e.deleted = id, at, flags&entryDeleted != 0
	elements := w.count
	if flags&entrySame != 0 {
		e.names, e.count = w.names, w.count
	} else {
		n, size := binary.Uvarint(p)
		e.names, e.count, p = nil, int(n), p[size:]
		elements = 2 * e.count
	}
	e.body = p
	for range elements {
		p = skipElement(p)
	}
	e.end = len(w.block.cell) - len(p)
}

// mark deletes an entry that was read.
func (b streamBlock) mark(e *StreamEntry) {
	b.cell[e.at] |= entryDeleted
	b.add(blockLiveAt, -1)
	b.add(blockDeletedAt, 1)
}

// wasteful says whether a block that will not be filled any more should be written anew.
func (b streamBlock) wasteful() bool {
	deleted := b.count(blockDeletedAt)
	return deleted >= 8 && deleted >= b.count(blockLiveAt)
}

// compacted is the block without its deleted entries, in a new cell.
func (b streamBlock) compacted(heap *slab.Heap) slab.Ref {
	w := b.walk()
	p := append([]byte(nil), b.cell[:w.at]...)
	for e := (StreamEntry{}); w.next(&e); {
		if !e.deleted {
			p = append(p, b.cell[e.at:e.end]...)
		}
	}
	into := streamBlock{b.master, p}
	into.set(blockUsedAt, len(p)-blockHeader)
	into.set(blockDeletedAt, 0)
	into.set(blockListpackAt, b.count(blockListpackAt)*len(p)/b.end())
	ref, cell := heap.Alloc(len(p))
	copy(cell, p)
	return ref
}
