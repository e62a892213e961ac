package keyspace

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
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
	segmentMergeFill = segmentSlotsMax / 4 // siblings with fewer items together become one
	pieceItems       = 12                  // aimed at by one step of a walk
	cursorShift      = 16                  // a cursor is the top 48 bits of a position
	pieceDepthMax    = 64 - cursorShift
)

// keyed is what an index holds: something that knows its key.
type keyed interface{ indexKey() []byte }

type index[T keyed] struct {
	seed     uint64
	dir      []*segment[T] // 1<<depth of them; a segment of depth d stands in 1<<(depth-d) neighbouring places
	depth    uint8
	count    int
	segments int
	deepest  int // segments whose depth is the directory's: at 0 the directory halves
}

type segment[T keyed] struct {
	hashes []uint64 // 0: empty slot
	items  []T
	count  int
	depth  uint8 // all hashes here agree in so many top bits
	bits   uint8 // 1<<bits slots
}

func newIndex[T keyed](seed uint64) index[T] { return index[T]{seed: seed} }

func newSegment[T keyed](depth, bits uint8) *segment[T] {
	return &segment[T]{hashes: make([]uint64, 1<<bits), items: make([]T, 1<<bits), depth: depth, bits: bits}
}

func (x *index[T]) hash(key []byte) uint64 { return hashKey(x.seed, key) }

func (x *index[T]) segmentOf(h uint64) *segment[T] { return x.dir[h>>(64-x.depth)] }

// home is the slot where the search for h begins. It grows with h, so that a segment is nearly sorted.
func (s *segment[T]) home(h uint64) int { return int((h << s.depth) >> (64 - s.bits)) }

func (s *segment[T]) full() bool { return s.count >= len(s.hashes)*4/5 }

// find gives the place of the item, valid until the next insert or remove.
func (x *index[T]) find(h uint64, key []byte) *T {
	if x.count == 0 {
		return nil
	}
	s := x.segmentOf(h)
	if i := s.slot(h, key); i >= 0 {
		return &s.items[i]
	}
	return nil
}

func (s *segment[T]) slot(h uint64, key []byte) int {
	mask := len(s.hashes) - 1
	for i := s.home(h); ; i = (i + 1) & mask {
		switch s.hashes[i] {
		case 0:
			return -1
		case h:
			if bytes.Equal(s.items[i].indexKey(), key) {
				return i
			}
		}
	}
}

// insert adds an item whose key is not there.
func (x *index[T]) insert(h uint64, item T) {
	if x.dir == nil {
		x.dir = []*segment[T]{newSegment[T](0, uint8(bits.Len(segmentSlotsMin-1)))}
		x.segments, x.deepest = 1, 1
	}
	s := x.segmentOf(h)
	for s.full() {
		x.makeRoom(s, h)
		s = x.segmentOf(h)
	}
	s.put(h, item)
	x.count++
}

func (s *segment[T]) put(h uint64, item T) {
	mask := len(s.hashes) - 1
	i := s.home(h)
	for s.hashes[i] != 0 {
		i = (i + 1) & mask
	}
	s.hashes[i], s.items[i] = h, item
	s.count++
}

func (x *index[T]) makeRoom(s *segment[T], h uint64) {
	// The directory may only grow while segments fill it: keys that share many top bits, which a seeded hash does
	// not produce, enlarge their segment instead.
	crowded := s.depth == x.depth && 1<<x.depth >= 16*x.segments+16
	if len(s.hashes) < segmentSlotsMax || s.depth >= pieceDepthMax || crowded {
		x.replace(h, s, s.resized(s.bits+1))
		return
	}
	x.split(s, h)
}

func (s *segment[T]) resized(bits uint8) *segment[T] {
	t := newSegment[T](s.depth, bits)
	s.pour(t)
	return t
}

func (s *segment[T]) pour(t *segment[T]) {
	for i, h := range s.hashes {
		if h != 0 {
			t.put(h, s.items[i])
		}
	}
}

// place gives the directory places [from, to) of the segment with the given depth that holds h.
func (x *index[T]) place(h uint64, depth uint8) (from, to int) {
	width := x.depth - depth
	from = int(h>>(64-depth)) << width
	return from, from + 1<<width
}

func (x *index[T]) replace(h uint64, old, with *segment[T]) {
	from, to := x.place(h, old.depth)
	for i := from; i < to; i++ {
		x.dir[i] = with
	}
}

func (x *index[T]) split(s *segment[T], h uint64) {
	if s.depth == x.depth {
		x.double()
	}
	low, high := newSegment[T](s.depth+1, s.bits), newSegment[T](s.depth+1, s.bits)
	for i, g := range s.hashes {
		switch {
		case g == 0:
		case g<<s.depth>>63 == 0:
			low.put(g, s.items[i])
		default:
			high.put(g, s.items[i])
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
	x.segments++
	if low.depth == x.depth {
		x.deepest += 2
	}
}

func (x *index[T]) double() {
	dir := make([]*segment[T], 2*len(x.dir))
	for i, s := range x.dir {
		dir[2*i], dir[2*i+1] = s, s
	}
	x.dir, x.deepest = dir, 0
	x.depth++
}

// remove takes an item out.
func (x *index[T]) remove(h uint64, key []byte) (item T, ok bool) {
	if x.count == 0 {
		return item, false
	}
	s := x.segmentOf(h)
	i := s.slot(h, key)
	if i < 0 {
		return item, false
	}
	item = s.items[i]
	s.clear(i)
	x.count--
	x.maybeShrink(s, h)
	return item, true
}

// clear empties a slot and moves up what had to pass it, so that no search ends too early and no marker stays.
func (s *segment[T]) clear(i int) {
	mask := len(s.hashes) - 1
	for j := i; ; {
		j = (j + 1) & mask
		if s.hashes[j] == 0 {
			break
		}
		// The item at j may move to i unless its home lies cyclically in (i, j].
		if home := s.home(s.hashes[j]); (j-home)&mask >= (j-i)&mask {
			s.hashes[i], s.items[i] = s.hashes[j], s.items[j]
			i = j
		}
	}
	var none T
	s.hashes[i], s.items[i] = 0, none
	s.count--
}

func (x *index[T]) maybeShrink(s *segment[T], h uint64) {
	if s.depth > 0 && s.count < segmentMergeFill {
		other := x.dir[x.sibling(h, s.depth)]
		if other.depth == s.depth && other.count+s.count < segmentMergeFill {
			x.merge(s, other, h)
			return
		}
	}
	if len(s.hashes) > segmentSlotsMin && s.count <= len(s.hashes)/8 {
		x.replace(h, s, s.resized(s.bits-1))
	}
}

// sibling gives a directory place of the other half of the segment's parent.
func (x *index[T]) sibling(h uint64, depth uint8) int {
	return int(h>>(64-depth)^1) << (x.depth - depth)
}

func (x *index[T]) merge(s, other *segment[T], h uint64) {
	merged := newSegment[T](s.depth-1, uint8(bits.Len(segmentMergeFill*2-1)))
	s.pour(merged)
	other.pour(merged)
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

func (x *index[T]) halve() {
	dir := make([]*segment[T], len(x.dir)/2)
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

// each visits all items in hash order, roughly, until fn returns false. The index may not change meanwhile.
func (x *index[T]) each(fn func(h uint64, item *T) bool) bool {
	for d := 0; d < len(x.dir); {
		s := x.dir[d]
		for i, h := range s.hashes {
			if h != 0 && !fn(h, &s.items[i]) {
				return false
			}
		}
		d += 1 << (x.depth - s.depth)
	}
	return true
}

// piece visits the items whose hash lies in a piece of the hash space that begins at pos, and gives where it ends;
// 0 is the end of the space.
func (x *index[T]) piece(pos uint64, fn func(item *T)) (next uint64) {
	if x.count == 0 {
		return 0
	}
	s := x.segmentOf(pos)
	depth := min(int(s.depth)+bits.Len(uint(s.count/pieceItems)), pieceDepthMax)
	width := 64 - depth
	last := pos | (1<<width - 1)
	mask := len(s.hashes) - 1
	from, to := s.home(pos), s.home(last)
	// Past its home an item stands before the next empty slot; at the end of the segment the search goes round.
	for i := from; i <= from+mask; i++ {
		h := s.hashes[i&mask]
		if h == 0 {
			if i >= to {
				break
			}
			continue
		}
		if h >= pos && h <= last {
			fn(&s.items[i&mask])
		}
	}
	return last + 1
}

// scan is piece with a cursor for clients.
func (x *index[T]) scan(cursor uint64, fn func(item *T)) (next uint64) {
	return x.piece(cursor<<cursorShift, fn) >> cursorShift
}

// random gives one of the items, each about as likely; the index must not be empty. Hashes are spread evenly, so a
// random place in the hash space picks segments by their share of the items.
func (x *index[T]) random(r *rand.Rand) *T {
	s := x.segmentOf(r.Uint64())
	for s.count == 0 {
		s = x.segmentOf(r.Uint64())
	}
	for {
		if i := r.IntN(len(s.hashes)); s.hashes[i] != 0 {
			return &s.items[i]
		}
	}
}
