package keyspace

import (
	"math/bits"
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// An index is a hash table in hash order: a directory, addressed by the top bits of the hash, of segments that are small
// open-addressing tables addressed by the bits that follow. A full segment splits in two by its next bit and two
// small siblings merge, so the table grows and shrinks piece by piece and nothing is ever rehashed as a whole.
//
// Because a slot's place follows from the hash from the top down, a position in the hash space means the same
// before and after any growth: that is the cursor of SCAN and the place of a frozen walk.

const (
	segmentSlotsMin  = 8
	segmentSlotsMax  = 1024
	segmentStep      = 128
	segmentMergeFill = segmentSlotsMax / 4 // siblings with fewer items together become one
	splitDepthMax    = 24                  // deeper a slot's part of the hash would say too little
	pieceItems       = 12                  // aimed at by one step of a walk
	cursorShift      = 16                  // a cursor is the top 48 bits of a position
	pieceDepthMax    = hashBits
)

// hashBits of a hash, its top ones, stand in the slot above the reference: the index tells keys apart by them, almost
// always without a look at the cell, and knows no others.
const hashBits = 32

type index struct {
	cells
	seed     uint64
	dir      []*segment // 1<<depth of them; a segment of depth d stands in 1<<(depth-d) neighbouring places
	depth    uint8
	count    int
	segments int
	deepest  int              // segments whose depth is the directory's: at 0 the directory halves
	frozen   []*indexDivision // by which views are taking it over
	base     *indexBase       // of a large structure that the last checkpoint has in blocks; nil: none
}

type segment struct {
	slots []uint64 // in a cell; 0: empty
	ref   slab.Ref // that cell
	count int
	depth uint8 // all hashes here agree in so many top bits
}

const hashMask uint64 = (1<<hashBits - 1) << (64 - hashBits)

func slotOf(h uint64, r slab.Ref) uint64 { return h&hashMask | uint64(r) }
func refOf(slot uint64) slab.Ref         { return slab.Ref(uint32(slot)) }

func newIndex(seed uint64, of cells) index { return index{seed: seed, cells: of} }

// newSegment makes a segment of at least so many slots: as many as its cell holds.
func (x *index) newSegment(depth uint8, slots int) *segment {
	r, cell := x.heap.Alloc(slab.BytesOf[uint64](slots))
	s := &segment{slots: slab.View[uint64](cell), ref: r, depth: depth}
	clear(s.slots)
	return s
}

func (x *index) hash(key []byte) uint64 { return hashKey(x.seed, key) }

func (x *index) segmentOf(h uint64) *segment { return x.dir[h>>(64-x.depth)] }

// home is the slot where the search for h begins. It grows with h, so that a segment is nearly sorted.
func (s *segment) home(h uint64) int {
	at, _ := bits.Mul64(h&hashMask<<s.depth, uint64(len(s.slots)))
	return int(at)
}

// after is the next slot; the search goes round at the end.
func (s *segment) after(i int) int {
	if i++; i < len(s.slots) {
		return i
	}
	return 0
}

// distance is the number of steps from one slot to another.
func (s *segment) distance(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(s.slots)
}

func (s *segment) full() bool { return s.count >= len(s.slots)*7/8 }

// find gives the cell of a key, 0 when it is not there.
func (x *index) find(h uint64, key []byte) slab.Ref {
	if x.count == 0 {
		return 0
	}
	s := x.segmentOf(h)
	if i := x.slot(s, h, key); i >= 0 {
		return refOf(s.slots[i])
	}
	return 0
}

func (x *index) slot(s *segment, h uint64, key []byte) int {
	for i := s.home(h); ; i = s.after(i) {
		slot := s.slots[i]
		if slot == 0 {
			return -1
		}
		if (slot^h)&hashMask == 0 && x.holds(refOf(slot), key) {
			return i
		}
	}
}

// slotOfRef gives the slot of a cell that is there.
func (s *segment) slotOfRef(h uint64, r slab.Ref) int {
	for i := s.home(h); ; i = s.after(i) {
		switch s.slots[i] {
		case slotOf(h, r):
			return i
		case 0:
			panic("keyspace: a cell is not in its index")
		}
	}
}

// repoint puts a cell in the place of another one of the same key.
func (x *index) repoint(h uint64, from, to slab.Ref) {
	s := x.segmentOf(h)
	s.slots[s.slotOfRef(h, from)] = slotOf(h, to)
}

// alike visits the cells whose hashes cannot be told from h, until fn returns false.
func (x *index) alike(h uint64, fn func(r slab.Ref) bool) {
	if x.count == 0 {
		return
	}
	s := x.segmentOf(h)
	for i := s.home(h); s.slots[i] != 0; i = s.after(i) {
		if (s.slots[i]^h)&hashMask == 0 && !fn(refOf(s.slots[i])) {
			return
		}
	}
}

// insert adds a cell whose key is not there.
func (x *index) insert(h uint64, r slab.Ref) {
	x.beforeChange(h)
	if x.dir == nil {
		x.dir = []*segment{x.newSegment(0, segmentSlotsMin)}
		x.segments, x.deepest = 1, 1
	}
	s := x.segmentOf(h)
	for s.full() {
		x.makeRoom(s, h)
		s = x.segmentOf(h)
	}
	s.put(slotOf(h, r))
	x.count++
}

func (s *segment) put(slot uint64) {
	i := s.home(slot)
	for s.slots[i] != 0 {
		i = s.after(i)
	}
	s.slots[i] = slot
	s.count++
}

func (x *index) makeRoom(s *segment, h uint64) {
	// The directory may only grow while segments fill it: keys that share many top bits, which a seeded hash does
	// not produce, enlarge their segment instead.
	crowded := s.depth == x.depth && 1<<x.depth >= 16*x.segments+16
	if len(s.slots) < segmentSlotsMax || s.depth >= splitDepthMax || crowded {
		x.resize(s, h, s.larger())
		return
	}
	x.split(s, h)
}

// larger is the next number of slots: small steps while there are many, so that few stay empty.
func (s *segment) larger() int {
	n := len(s.slots)
	if n < segmentStep || n >= segmentSlotsMax {
		return 2 * n
	}
	return min(n+segmentStep, segmentSlotsMax)
}

// resize gives a segment another number of slots.
func (x *index) resize(s *segment, h uint64, slots int) {
	t := x.newSegment(s.depth, slots)
	s.pour(t)
	from, to := x.place(h, s.depth)
	for i := from; i < to; i++ {
		x.dir[i] = t
	}
	x.heap.Free(s.ref)
}

func (s *segment) pour(t *segment) {
	for _, slot := range s.slots {
		if slot != 0 {
			t.put(slot)
		}
	}
}

// place gives the directory places [from, to) of the segment with the given depth that holds h.
func (x *index) place(h uint64, depth uint8) (from, to int) {
	width := x.depth - depth
	from = int(h>>(64-depth)) << width
	return from, from + 1<<width
}

func (x *index) split(s *segment, h uint64) {
	if s.depth == x.depth {
		x.double()
	}
	ones := 0
	for _, slot := range s.slots {
		if slot != 0 && slot<<s.depth>>63 == 1 {
			ones++
		}
	}
	low, high := x.newSegment(s.depth+1, slotsFor(s.count-ones)), x.newSegment(s.depth+1, slotsFor(ones))
	for _, slot := range s.slots {
		switch {
		case slot == 0:
		case slot<<s.depth>>63 == 0:
			low.put(slot)
		default:
			high.put(slot)
		}
	}
	from, to := x.place(h, s.depth)
	middle := (from + to) / 2
	for i := from; i < to; i++ {
		if i < middle {
			x.dir[i] = low
		} else {
			x.dir[i] = high
		}
	}
	x.heap.Free(s.ref)
	x.segments++
	if low.depth == x.depth {
		x.deepest += 2
	}
}

// slotsFor is the number of slots for so many items and some more.
func slotsFor(items int) int { return max(items+items/4, segmentSlotsMin) }

func (x *index) double() {
	dir := make([]*segment, 2*len(x.dir))
	for i, s := range x.dir {
		dir[2*i], dir[2*i+1] = s, s
	}
	x.dir, x.deepest = dir, 0
	x.depth++
}

// remove takes a cell out that is there.
func (x *index) remove(h uint64, r slab.Ref) {
	x.beforeChange(h)
	s := x.segmentOf(h)
	s.clear(s.slotOfRef(h, r))
	x.count--
	x.maybeShrink(s, h)
}

// removeKey takes the cell of a key out and gives it; 0 when it is not there.
func (x *index) removeKey(h uint64, key []byte) slab.Ref {
	r := x.find(h, key)
	if r != 0 {
		x.remove(h, r)
	}
	return r
}

// clear empties a slot and moves up what had to pass it, so that no search ends too early and no marker stays.
func (s *segment) clear(i int) {
	for j := i; ; {
		j = s.after(j)
		if s.slots[j] == 0 {
			break
		}
		// The item at j may move to i unless its home lies cyclically in (i, j].
		if s.distance(s.home(s.slots[j]), j) >= s.distance(i, j) {
			s.slots[i] = s.slots[j]
			i = j
		}
	}
	s.slots[i] = 0
	s.count--
}

func (x *index) maybeShrink(s *segment, h uint64) {
	if s.depth > 0 && s.count < segmentMergeFill {
		other := x.dir[x.sibling(h, s.depth)]
		if other.depth == s.depth && other.count+s.count < segmentMergeFill {
			x.merge(s, other, h)
			return
		}
	}
	if len(s.slots) > segmentSlotsMin && s.count <= len(s.slots)/8 {
		x.resize(s, h, max(len(s.slots)/2, segmentSlotsMin))
	}
}

// sibling gives a directory place of the other half of the segment's parent.
func (x *index) sibling(h uint64, depth uint8) int {
	return int(h>>(64-depth)^1) << (x.depth - depth)
}

func (x *index) merge(s, other *segment, h uint64) {
	merged := x.newSegment(s.depth-1, slotsFor(s.count+other.count))
	s.pour(merged)
	other.pour(merged)
	x.heap.Free(s.ref)
	x.heap.Free(other.ref)
	from, to := x.place(h, merged.depth)
	for i := from; i < to; i++ {
		x.dir[i] = merged
	}
	x.segments--
	if s.depth == x.depth {
		x.deepest -= 2
	}
	for x.depth > 0 && x.deepest == 0 {
		x.halve()
	}
}

func (x *index) halve() {
	dir := make([]*segment, len(x.dir)/2)
	for i := range dir {
		dir[i] = x.dir[2*i]
	}
	x.dir = dir
	x.depth--
	for _, s := range dir {
		if s.depth == x.depth {
			x.deepest++
		}
	}
}

// each visits all cells in hash order, roughly, until fn returns false. The index may not change meanwhile.
func (x *index) each(fn func(r slab.Ref) bool) bool {
	for d := 0; d < len(x.dir); {
		s := x.dir[d]
		for _, slot := range s.slots {
			if slot != 0 && !fn(refOf(slot)) {
				return false
			}
		}
		d += 1 << (x.depth - s.depth)
	}
	return true
}

// piece visits the cells whose hash lies in a piece of the hash space that begins at pos, and gives where it ends;
// 0 is the end of the space.
func (x *index) piece(pos uint64, fn func(r slab.Ref)) (next uint64) {
	if x.count == 0 {
		return 0
	}
	s := x.segmentOf(pos)
	depth := min(int(s.depth)+bits.Len(uint(s.count/pieceItems)), pieceDepthMax)
	width := 64 - depth
	pos &= hashMask
	last := pos | (1<<width - 1)
	s.within(pos, last, func(slot uint64) { fn(refOf(slot)) })
	return last + 1
}

// within visits the slots whose hashes lie in [first, last].
func (x *index) within(first, last uint64, fn func(slot uint64)) {
	for pos := first; x.count > 0; {
		s := x.segmentOf(pos)
		end := min(pos|(1<<(64-s.depth)-1), last) // of the segment or of the range
		s.within(pos, end, fn)
		if pos = end + 1; end == last {
			return
		}
	}
}

// within visits the slots whose hashes lie in [first, last], a range inside of the segment's.
func (s *segment) within(first, last uint64, fn func(slot uint64)) {
	n := len(s.slots)
	from, to := s.home(first), s.home(last)
	// Past its home an item stands before the next empty slot; at the end of the segment the search goes round.
	for i := from; i < from+n; i++ {
		at := i
		if at >= n {
			at -= n
		}
		slot := s.slots[at]
		if slot == 0 {
			if i >= to {
				break
			}
			continue
		}
		if h := slot & hashMask; h >= first && h <= last {
			fn(slot)
		}
	}
}

// scan is piece with a cursor for clients.
func (x *index) scan(cursor uint64, fn func(r slab.Ref)) (next uint64) {
	return x.piece(cursor<<cursorShift, fn) >> cursorShift
}

// random gives one of the cells, each about as likely; the index must not be empty. Hashes are spread evenly, so a
// random place in the hash space picks segments by their share of the items.
func (x *index) random(r *rand.Rand) slab.Ref {
	s := x.segmentOf(r.Uint64())
	for s.count == 0 {
		s = x.segmentOf(r.Uint64())
	}
	for {
		if slot := s.slots[r.IntN(len(s.slots))]; slot != 0 {
			return refOf(slot)
		}
	}
}

// discard frees cells and the segments that held them, from the end, about n cells a call.
func (x *index) discard(n int) (freed int, done bool) {
	for freed < n && len(x.dir) > 0 {
		s := x.dir[len(x.dir)-1]
		for i := range s.slots {
			if s.slots[i] != 0 {
				x.heap.Free(refOf(s.slots[i]))
				freed++
			}
		}
		x.heap.Free(s.ref)
		x.dir = x.dir[:len(x.dir)-1<<(x.depth-s.depth)]
	}
	return freed, len(x.dir) == 0
}
