package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// listBlocks is a large list: a sequence of blocks of packed bytes. The front keeps free places, so that both ends
// cost the same.
type listBlocks struct {
	heap  *slab.Heap
	all   []*listBlock // all[:first] are free places
	first int
	count int
	// dropped are blocks that left the list in great number, until somebody gives them back in pieces.
	dropped []*listBlock

	frozen []*listDivision // by which views are taking the list over; they share blocks with it
	clock  uint32          // counts those there were
	left   []*listBlock    // blocks that only they have: they go when the last view lets go of the list
	base   *listBase       // what the last checkpoint has of the list; nil: that is not known
}

// listBlock is never empty while it stands in a list. Its elements are cell[from:to]: room in front lets a push at the head
// move nothing.
type listBlock struct {
	cell          []byte
	ref           slab.Ref
	from, to      int
	count         int
	listpackBytes int    // as value.listpackBytes, without header
	stamp         uint32 // the list's clock when the block was made: older ones may be shared with a view
	left          bool

	// Of a list with a base. id: the block's number, which rises from block to block. stored: the checkpoint has a block of
	// that number. current: as it is; that may only be if stored.
	stored, current bool
	id              uint64
}

// blockLimit bounds a block; one element that is larger stands alone.
type blockLimit struct{ bytesMax, countMax int }

const (
	blockBytesMin = 256
	// droppedAtOnceMax is how many blocks a command gives back itself.
	droppedAtOnceMax = 64
)

// newListBlocks makes a list, of one block with the given packed bytes if they are any.
func newListBlocks(heap *slab.Heap, data []byte, count, listpackBytes int) *listBlocks {
	l := &listBlocks{heap: heap}
	if count > 0 {
		l.all = append(l.all, l.newBlock(data, count, listpackBytes))
		l.count = count
	}
	return l
}

func (l *listBlocks) len() int           { return l.count }
func (l *listBlocks) live() []*listBlock { return l.all[l.first:] }
func (b *listBlock) bytes() []byte       { return b.cell[b.from:b.to] }

// newBlock makes a block of packed bytes, in a cell that fits.
func (l *listBlocks) newBlock(data []byte, count, listpackBytes int) *listBlock {
	b := &listBlock{count: count, listpackBytes: listpackBytes, stamp: l.clock}
	l.put(b, data, max(len(data), blockBytesMin), 0)
	return b
}

// put gives a block a new cell of at least so many bytes, with data from a place on.
func (l *listBlocks) put(b *listBlock, data []byte, size, at int) {
	ref, cell := l.heap.Alloc(size)
	b.from, b.to = at, at+copy(cell[at:], data)
	l.free(b)
	b.ref, b.cell = ref, cell
}

// free gives a block's cell back. Nobody may still need what a view has shown of it.
func (l *listBlocks) free(b *listBlock) {
	if b.ref != 0 {
		l.heap.Free(b.ref)
	}
	b.ref, b.cell = 0, nil
}

// makeRoom gives a block at least so many free bytes in front of its elements, or behind them; the other is 0.
func (l *listBlocks) makeRoom(b *listBlock, front, behind int, limit blockLimit) {
	used := b.to - b.from
	if free := len(b.cell) - used - front - behind; free > used/4 {
		// Both ends grow: they share what is left.
		from := front + free/2
		copy(b.cell[from:], b.bytes())
		b.from, b.to = from, from+used
		return
	}
	size := used + front + behind
	size = max(size+min(used, max(limit.bytesMax-size, used/8)), blockBytesMin)
	at := 0
	if front > 0 {
		at = slab.Room(size) - used
	}
	l.put(b, b.bytes(), size, at)
}

func (l *listBlocks) clone(heap *slab.Heap) large {
	c := &listBlocks{heap: heap, count: l.count, all: make([]*listBlock, 0, len(l.live()))}
	for _, b := range l.live() {
		c.all = append(c.all, c.newBlock(b.bytes(), b.count, b.listpackBytes))
	}
	return c
}

// discard frees about n blocks, from the end; the list cannot be used any more.
func (l *listBlocks) discard(n int) (freed int, done bool) {
	l.takeDropped(&l.all)
	for ; freed < n && len(l.all) > l.first; freed++ {
		last := len(l.all) - 1
		l.free(l.all[last])
		l.all[last] = nil
		l.all = l.all[:last]
	}
	return freed, len(l.all) == l.first
}

// takeDropped moves the dropped blocks behind others.
func (l *listBlocks) takeDropped(to *[]*listBlock) {
	*to = append(*to, l.dropped...)
	l.dropped = nil
}

// entryHeaderBytes is Redis' estimate for the header of an element that is to be added to a block.
const entryHeaderBytes = 8

func (b *listBlock) fits(v []byte, limit blockLimit) bool {
	size := listpackBytesEmpty + b.listpackBytes + len(v) + entryHeaderBytes
	return size <= limit.bytesMax && b.count < limit.countMax
}

func (b *listBlock) over(limit blockLimit) bool {
	return listpackBytesEmpty+b.listpackBytes > limit.bytesMax || b.count > limit.countMax
}

// locate gives the block of element i < count, and the element's place in it.
func (l *listBlocks) locate(i int) (block, within int) {
	live := l.live()
	if i <= l.count/2 {
		for i >= live[block].count {
			i -= live[block].count
			block++
		}
		return block, i
	}
	block = len(live) - 1
	for i -= l.count; i < -live[block].count; block-- {
		i += live[block].count
	}
	return block, i + live[block].count
}

func (l *listBlocks) at(i int) []byte {
	block, within := l.locate(i)
	b := l.live()[block]
	v, _ := packedNext(b.bytes(), packedAt(b.bytes(), within, b.count))
	return v
}

func (l *listBlocks) each(from int, backward bool, fn func(i int, v []byte) bool) {
	live := l.live()
	block, within := l.locate(from)
	base := from - within // index of the block's first element
	for {
		b := live[block]
		if !eachPacked(b.bytes(), b.count, within, backward, func(k int, v []byte) bool { return fn(base+k, v) }) {
			return
		}
		if backward {
			if block--; block < 0 {
				return
			}
			within = live[block].count - 1
			base -= live[block].count
			continue
		}
		base += b.count
		if block++; block == len(live) {
			return
		}
		within = 0
	}
}

// insertBlock makes b the block number at.
func (l *listBlocks) insertBlock(at int, b *listBlock) {
	l.number(at, b)
	if at > 0 || len(l.live()) == 0 {
		l.all = slices.Insert(l.all, l.first+at, b)
		return
	}
	if l.first == 0 {
		gap := len(l.all)/2 + 4
		l.all = append(make([]*listBlock, gap, gap+len(l.all)), l.all...)
		l.first = gap
	}
	l.first--
	l.all[l.first] = b
}

// dropBlocks removes the blocks [from, to).
func (l *listBlocks) dropBlocks(from, to int) {
	gone := l.live()[from:to]
	for _, b := range gone {
		l.count -= b.count
		l.base.lost(b)
		switch {
		case l.shared(b):
			l.leave(b)
		case len(gone) > droppedAtOnceMax:
			l.dropped = append(l.dropped, b)
		default:
			l.free(b)
		}
	}
	if from > 0 {
		l.all = slices.Delete(l.all, l.first+from, l.first+to)
		return
	}
	clear(gone)
	l.first += to
	if l.first > 64 && l.first > len(l.all)*3/4 {
		l.all, l.first = slices.Clone(l.all[l.first:]), 0
	}
}

func (l *listBlocks) pushHead(v []byte, limit blockLimit) {
	if live := l.live(); len(live) == 0 || !live[0].fits(v, limit) {
		if len(live) > 0 {
			l.trim(live[0])
		}
		l.insertBlock(0, &listBlock{stamp: l.clock})
	}
	b := l.own(0)
	need := packedSize(len(v))
	if b.from < need {
		l.makeRoom(b, need, 0, limit)
	}
	packedAppend(b.cell[b.from-need:b.from-need:b.from], v)
	b.from -= need
	b.count++
	b.listpackBytes += listpackEntryBytes(v)
	l.count++
}

func (l *listBlocks) pushTail(v []byte, limit blockLimit) {
	live := l.live()
	if len(live) == 0 || !live[len(live)-1].fits(v, limit) {
		if len(live) > 0 {
			l.trim(live[len(live)-1])
		}
		l.insertBlock(len(live), &listBlock{stamp: l.clock})
		live = l.live()
	}
	b := l.own(len(live) - 1)
	need := packedSize(len(v))
	if len(b.cell)-b.to < need {
		l.makeRoom(b, 0, need, limit)
	}
	packedAppend(b.cell[:b.to], v)
	b.to += need
	b.count++
	b.listpackBytes += listpackEntryBytes(v)
	l.count++
}

// trim gives back the room of a block that is full, or has lost much.
func (l *listBlocks) trim(b *listBlock) {
	if size := max(len(b.bytes()), blockBytesMin); slab.Room(size) < len(b.cell)*7/8 && !l.shared(b) {
		l.put(b, b.bytes(), size, 0)
	}
}

func (l *listBlocks) popHead() {
	b := l.live()[0]
	if b.count == 1 {
		l.dropBlocks(0, 1)
		return
	}
	b = l.own(0)
	v, next := packedNext(b.cell, b.from)
	b.listpackBytes -= listpackEntryBytes(v)
	b.from = next
	b.count--
	l.count--
}

func (l *listBlocks) popTail() {
	live := l.live()
	b := live[len(live)-1]
	if b.count == 1 {
		l.dropBlocks(len(live)-1, len(live))
		return
	}
	b = l.own(len(live) - 1)
	v, start := packedPrev(b.cell, b.to)
	b.listpackBytes -= listpackEntryBytes(v)
	b.to = start
	b.count--
	l.count--
}

// splice lets n elements of a block, from place i on, give way to the given ones.
func (l *listBlocks) splice(block int, limit blockLimit, i, n int, with ...[]byte) {
	b := l.own(block)
	data := b.bytes()
	from := packedAt(data, i, b.count)
	to := from
	for range n {
		v, next := packedNext(data, to)
		b.listpackBytes -= listpackEntryBytes(v)
		to = next
	}
	more := from - to
	for _, v := range with {
		b.listpackBytes += listpackEntryBytes(v)
		more += packedSize(len(v))
	}
	if len(b.cell)-b.to < more {
		l.makeRoom(b, 0, more, limit)
	}
	b.to = len(packedSplice(b.cell[:b.to], b.from+from, b.from+to, with...))
	b.count += len(with) - n
	l.count += len(with) - n
	if b.to-b.from < len(b.cell)/2 {
		l.trim(b)
	}
}

func (l *listBlocks) insert(i int, v []byte, limit blockLimit) {
	switch i {
	case 0:
		l.pushHead(v, limit)
		return
	case l.count:
		l.pushTail(v, limit)
		return
	}
	block, within := l.locate(i)
	l.splice(block, limit, within, 0, v)
	l.splitOver(block, limit)
}

func (l *listBlocks) replace(i int, v []byte, limit blockLimit) {
	block, within := l.locate(i)
	l.splice(block, limit, within, 1, v)
	l.splitOver(block, limit)
}

// splitOver halves a block, by bytes, until its parts keep to the limit.
func (l *listBlocks) splitOver(block int, limit blockLimit) {
	if b := l.live()[block]; b.count < 2 || !b.over(limit) {
		return
	}
	b := l.own(block)
	data := b.bytes()
	count, size, off := 0, 0, 0
	for count < b.count-1 {
		v, next := packedNext(data, off)
		if count > 0 && next > len(data)/2 {
			break
		}
		count++
		size += listpackEntryBytes(v)
		off = next
	}
	right := l.newBlock(data[off:], b.count-count, b.listpackBytes-size)
	b.to, b.count, b.listpackBytes = b.from+off, count, size
	l.trim(b)
	l.insertBlock(block+1, right)
	l.splitOver(block+1, limit)
	l.splitOver(block, limit)
}

func (l *listBlocks) deleteRange(from, n int, limit blockLimit) {
	block, within := l.locate(from)
	if within > 0 {
		b := l.live()[block]
		part := min(n, b.count-within)
		l.splice(block, limit, within, part)
		n -= part
		block++
	}
	end := block
	for end < len(l.live()) && n >= l.live()[end].count {
		n -= l.live()[end].count
		end++
	}
	if end > block {
		l.dropBlocks(block, end)
	}
	if n > 0 {
		l.splice(block, limit, 0, n)
	}
	l.joinAt(block, limit)
}

// joinAt makes one block of two neighbours that fit into half of one.
func (l *listBlocks) joinAt(block int, limit blockLimit) {
	live := l.live()
	if block == 0 || block >= len(live) {
		return
	}
	a, b := live[block-1], live[block]
	if a.listpackBytes+b.listpackBytes > limit.bytesMax/2 || a.count+b.count > limit.countMax/2 {
		return
	}
	a = l.own(block - 1)
	if len(a.cell)-a.to < len(b.bytes()) {
		l.makeRoom(a, 0, len(b.bytes()), limit)
	}
	a.to += copy(a.cell[a.to:], b.bytes())
	a.count += b.count
	a.listpackBytes += b.listpackBytes
	l.count += b.count // dropBlocks takes them off again
	l.dropBlocks(block, block+1)
}
