package keyspace

import (
	"math/bits"

	"github.com/tandemkv/tandem/internal/slab"
)

// indexDivision are the cells of an index as of one moment. The hash space is cut into equal spans, each with the cells of
// one part on average, or fewer if they are large, and every span is in one of two states: what it held at the freeze has
// been taken over (given, or copied because a change was due), or nothing in it has changed. Segments may split and merge
// meanwhile: spans do not depend on them. Of an update the spans that have not changed count as taken over from the beginning.
type indexDivision struct {
	of      *index
	view    *Frozen
	count   int         // of cells
	shift   uint8       // a hash lies in the span hash>>shift
	spans   uint64      // their number
	at      uint64      // spans below have been taken over
	taken   []uint64    // a bit for each span: it has been taken over by a copy, or is not wanted
	stash   *copiedSpan // the newest
	freed   []uint64    // slots of copies that the last part showed: they go with the next call
	part    value       // what next gives; its index is into
	into    *index
	room    []uint64
	updates bool // only the spans that have changed since the base are given, also those without cells
	parts   int  // the number of those
}

// copiedSpan is a span whose cells were copied before the first change: slots with cells in the view's heap.
type copiedSpan struct {
	span  uint64
	slots []uint64
	older *copiedSpan // a chain, for a long slice would stop the owner when it grows
}

// freezeIndex begins the freeze of an index. into is the index of the structure in part, which shows one part after the
// other.
func freezeIndex(x *index, f *Frozen, s *store, part value, into *index) *indexDivision {
	p := &indexDivision{of: x, view: f, count: x.count, shift: x.spanShift(&f.ks.grain), part: part, into: into}
	if f.dirty {
		x.rebase(p, s)
	}
	p.spans = 1 << (64 - p.shift)
	if p.taken == nil {
		p.taken = make([]uint64, words(p.shift))
	}
	x.frozen = append(x.frozen, p)
	return p
}

// spanShift is the one that suits the index as it is.
func (x *index) spanShift(g *grain) uint8 {
	depth := bits.Len(uint(x.count / g.part))
	if g.bytes > 0 {
		depth = max(depth, bits.Len64(uint64(x.cellUsage(usageSamples)/g.bytes)))
	}
	return uint8(64 - min(depth, hashBits))
}

func (p *indexDivision) size() int {
	if p.updates {
		return p.parts
	}
	return p.count
}

func (p *indexDivision) update() bool { return p.updates }

// beforeChange comes before any change of the cells with hashes like h, and before one is added or taken out.
func (x *index) beforeChange(h uint64) {
	if x.base != nil {
		x.base.changed(h)
	}
	for _, p := range x.frozen {
		p.copySpan(h >> p.shift)
	}
}

// held says whether a view has not got all of the index yet.
func (x *index) held() bool { return len(x.frozen) > 0 }

func (p *indexDivision) copySpan(span uint64) {
	if span < p.at || p.isTaken(span) {
		return
	}
	p.taken[span/64] |= 1 << (span % 64)
	heap := p.view.copies()
	c := &copiedSpan{span: span, older: p.stash}
	p.each(span, func(slot uint64) {
		cell := p.of.heap.Cell(refOf(slot))
		r, made := heap.Alloc(len(cell))
		copy(made, cell)
		c.slots = append(c.slots, slotOf(slot, r))
	})
	if p.updates || len(c.slots) > 0 {
		p.stash = c
	}
}

func (p *indexDivision) isTaken(span uint64) bool { return p.taken[span/64]>>(span%64)&1 == 1 }

// nextSpan finds the next span that has not been taken over; there may be none.
func (p *indexDivision) nextSpan() (ok bool) {
	for p.at < p.spans {
		untaken := ^p.taken[p.at/64] >> (p.at % 64)
		if untaken != 0 {
			p.at += uint64(bits.TrailingZeros64(untaken))
			return p.at < p.spans
		}
		p.at = (p.at/64 + 1) * 64
	}
	return false
}

func (p *indexDivision) each(span uint64, fn func(slot uint64)) {
	p.of.within(span<<p.shift, span<<p.shift|(1<<p.shift-1), fn)
}

// next gives copies first, because they take memory.
func (p *indexDivision) next() (v value, block uint64) {
	p.freeCopies()
	if c := p.stash; c != nil {
		p.stash = c.older
		p.freed = c.slots
		p.show(p.view.heap, c.slots)
		return p.part, c.span << p.shift
	}
	var slots []uint64
	for p.nextSpan() {
		p.each(p.at, func(slot uint64) { slots = append(slots, slot) })
		p.at++
		if p.updates || len(slots) > 0 {
			break
		}
	}
	p.show(p.of.heap, slots)
	return p.part, (p.at - 1) << p.shift
}

func (p *indexDivision) freeCopies() {
	for _, slot := range p.freed {
		p.view.heap.Free(refOf(slot))
	}
	p.freed = nil
}

// show makes the part's index one segment with the given cells. They have about one home in it, but they are few.
func (p *indexDivision) show(heap *slab.Heap, slots []uint64) {
	size := slotsFor(len(slots))
	if cap(p.room) < size {
		p.room = make([]uint64, size)
	}
	p.room = p.room[:size]
	clear(p.room)
	s := &segment{slots: p.room}
	for _, slot := range slots {
		s.put(slot)
	}
	*p.into = index{cells: p.of.cells, seed: p.of.seed, dir: []*segment{s}, count: len(slots), segments: 1}
	p.into.heap = heap
}

func (p *indexDivision) release() {
	if p.view.heap != nil {
		p.freeCopies()
	}
	p.of.frozen = without(p.of.frozen, p)
}
