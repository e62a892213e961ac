package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// listBlocks is a large list: a sequence of blocks of packed bytes. The front keeps free places, so that both ends
// cost the same.
type listBlocks struct {
	all   []*listBlock // all[:first] are free places
	first int
	count int
}

// listBlock is never empty while it stands in a list.
type listBlock struct {
	buf           []byte // buf[:off] is free, so that pushing at the head does not move what is there
	off           int
	count         int
	listpackBytes int // as value.listpackBytes, without header
}

// blockLimit bounds a block; one element that is larger stands alone.
type blockLimit struct{ bytesMax, countMax int }

func newListBlocks(data []byte, count, listpackBytes int) *listBlocks {
	l := &listBlocks{}
	if count > 0 {
		l.all = append(l.all, &listBlock{buf: data, count: count, listpackBytes: listpackBytes})
		l.count = count
	}
	return l
}

func (l *listBlocks) len() int           { return l.count }
func (l *listBlocks) live() []*listBlock { return l.all[l.first:] }
func (b *listBlock) bytes() []byte       { return b.buf[b.off:] }

func (l *listBlocks) clone(*slab.Heap) large {
	c := &listBlocks{count: l.count}
	for _, b := range l.live() {
		c.all = append(c.all, &listBlock{buf: slices.Clone(b.bytes()), count: b.count, listpackBytes: b.listpackBytes})
	}
	return c
}

// discard has nothing to free: blocks are memory of Go.
func (l *listBlocks) discard(int) (freed int, done bool) { return 0, true }

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
	for _, b := range l.live()[from:to] {
		l.count -= b.count
	}
	if from > 0 {
		l.all = slices.Delete(l.all, l.first+from, l.first+to)
		return
	}
	clear(l.all[l.first : l.first+to])
	l.first += to
	if l.first > 64 && l.first > len(l.all)*3/4 {
		l.all, l.first = slices.Clone(l.all[l.first:]), 0
	}
}

func (l *listBlocks) pushHead(v []byte, limit blockLimit) {
	if live := l.live(); len(live) == 0 || !live[0].fits(v, limit) {
		if len(live) > 0 {
			live[0].trim()
		}
		l.insertBlock(0, &listBlock{})
	}
	b := l.live()[0]
	need := packedSize(len(v))
	if b.off < need {
		gap := need + min(len(b.bytes())/2, limit.bytesMax-len(b.bytes()))
		grown := make([]byte, max(gap, need), max(gap, need)+len(b.bytes()))
		b.buf, b.off = append(grown, b.bytes()...), len(grown)
	}
	packedAppend(b.buf[b.off-need:b.off-need:b.off], v)
	b.off -= need
	b.count++
	b.listpackBytes += listpackEntryBytes(v)
	l.count++
}

func (l *listBlocks) pushTail(v []byte, limit blockLimit) {
	live := l.live()
	if len(live) == 0 || !live[len(live)-1].fits(v, limit) {
		if len(live) > 0 {
			live[len(live)-1].trim()
		}
		l.insertBlock(len(live), &listBlock{})
		live = l.live()
	}
	b := live[len(live)-1]
	b.buf = packedAppend(b.buf, v)
	b.count++
	b.listpackBytes += listpackEntryBytes(v)
	l.count++
}

// trim gives back the room of a block that is full.
func (b *listBlock) trim() {
	if cap(b.buf)-len(b.bytes()) > len(b.bytes())/8 {
		b.buf, b.off = slices.Clone(b.bytes()), 0
	}
}

func (l *listBlocks) popHead() {
	b := l.live()[0]
	if b.count == 1 {
		l.dropBlocks(0, 1)
		return
	}
	v, next := packedNext(b.buf, b.off)
	b.listpackBytes -= listpackEntryBytes(v)
	b.off = next
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
	v, start := packedPrev(b.buf, len(b.buf))
	b.listpackBytes -= listpackEntryBytes(v)
	b.buf = b.buf[:start]
	b.count--
	l.count--
}

// splice lets n elements of a block, from place i on, give way to the given ones.
func (l *listBlocks) splice(b *listBlock, i, n int, with ...[]byte) {
	data := b.bytes()
	from := packedAt(data, i, b.count)
	to := from
	for range n {
		v, next := packedNext(data, to)
		b.listpackBytes -= listpackEntryBytes(v)
		to = next
	}
	for _, v := range with {
		b.listpackBytes += listpackEntryBytes(v)
	}
	b.buf = packedSplice(b.buf, b.off+from, b.off+to, with...)
	b.count += len(with) - n
	l.count += len(with) - n
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
	l.splice(l.live()[block], within, 0, v)
	l.splitOver(block, limit)
}

func (l *listBlocks) replace(i int, v []byte, limit blockLimit) {
	block, within := l.locate(i)
	l.splice(l.live()[block], within, 1, v)
	l.splitOver(block, limit)
}

// splitOver halves a block, by bytes, until its parts keep to the limit.
func (l *listBlocks) splitOver(block int, limit blockLimit) {
	b := l.live()[block]
	data := b.bytes()
	if b.count < 2 || !b.over(limit) {
		return
	}
	left := &listBlock{}
	off := 0
	for left.count < b.count-1 {
		v, next := packedNext(data, off)
		if left.count > 0 && next > len(data)/2 {
			break
		}
		left.count++
		left.listpackBytes += listpackEntryBytes(v)
		off = next
	}
	right := &listBlock{buf: slices.Clone(data[off:]), count: b.count - left.count, listpackBytes: b.listpackBytes - left.listpackBytes}
	left.buf = slices.Clone(data[:off])
	l.live()[block] = left
	l.insertBlock(block+1, right)
	l.splitOver(block+1, limit)
	l.splitOver(block, limit)
}

func (l *listBlocks) deleteRange(from, n int, limit blockLimit) {
	block, within := l.locate(from)
	if within > 0 {
		b := l.live()[block]
		part := min(n, b.count-within)
		l.splice(b, within, part)
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
		l.splice(l.live()[block], 0, n)
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
	a.buf = append(a.buf, b.bytes()...)
	a.count += b.count
	a.listpackBytes += b.listpackBytes
	l.count += b.count // dropBlocks takes them off again
	l.dropBlocks(block, block+1)
}
