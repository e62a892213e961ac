package keyspace

import (
	"math/bits"
	"slices"
)

// A checkpoint keeps a value of many elements in blocks and writes those that changed. So a large structure remembers its
// base: how the last checkpoint has it, and which blocks differ from that by now. A dirty view that finds a base gives
// those blocks only, as an update; else it gives all. Either way a new base begins with it: what changes from then on is
// for the next checkpoint.
//
// A base is what the checkpoint has at one key of one store. It is given up, and the next dirty view gives the structure as
// a whole, wherever that might not be so:
//
//   - A structure that goes over to another key (Rename) drops its base. All else that brings a value to a key, from COPY
//     to a load, makes a structure, which has none.
//   - A store gives the bases of all its structures up at once (basesFrom): when it gets another number, when a dirty view
//     is closed before it is done, and with MarkClean, which comes before the copy of everything that a failed checkpoint
//     makes necessary.
//   - A dirty view gives up the base of what it gives as one piece, because it is not large enough any more.
//
// The blocks of hashes, sets and sorted sets are spans of the hash space, all of one size. When a structure has grown or
// shrunk so much that they are too large or too small, it is cut anew. Those of a list are its own, by numbers that rise
// from its head to its tail.
//
// To give another kind of structure a base, give it the method of based and its division the one of updating.

// based is a large structure that may have a base.
type based interface {
	// forgetBase is for when it is not known any more what the last checkpoint has of the structure.
	forgetBase()
}

func forgetBase(l large) {
	if b, ok := l.(based); ok {
		b.forgetBase()
	}
}

// updating is a division of a structure that may have a base.
type updating interface {
	// update says that only the parts come that have changed since the base, also those that are empty by now; perhaps none.
	update() bool
}

func isUpdate(d division) bool {
	u, ok := d.(updating)
	return ok && u.update()
}

// WholeMax is how many elements a value may have that a checkpoint keeps in one piece.
const WholeMax = 4096

// updates says whether a structure of so many elements can be given as an update: its base, which began at a freeze clock,
// still holds, and it is to stay in blocks.
func (f *Frozen) updates(s *store, began uint32, count int) bool {
	return f.dirty && began >= s.basesFrom && f.inBlocks(count)
}

// inBlocks says whether a checkpoint keeps a value of so many elements in blocks.
func (f *Frozen) inBlocks(count int) bool { return count > f.ks.grain.stored }

// giveUpBases makes void the bases of all structures that there are in the store, and those that the open view begins.
func (s *store) giveUpBases() { s.basesFrom = s.ks.freezeClock + 1 }

// indexBase is a base of spans: a hash lies in the span hash>>shift.
type indexBase struct {
	began uint32 // the freeze clock of the view
	shift uint8
	dirty []uint64 // a bit for each span: it may have changed since
}

func (b *indexBase) changed(h uint64) {
	span := h >> b.shift
	b.dirty[span/64] |= 1 << (span % 64)
}

// spansOff is how many times larger or smaller than aimed at the spans of a base may be on average.
const spansOff = 4

// suits says whether the spans are about as large as those of another shift.
func (b *indexBase) suits(shift uint8) bool {
	return 1<<(max(b.shift, shift)-min(b.shift, shift)) <= spansOff
}

// rebase has a dirty view's division give what differs from the base, if there is one, and begins a new one.
func (x *index) rebase(p *indexDivision, s *store) {
	f, b := p.view, x.base
	if b != nil && f.updates(s, b.began, x.count) && b.suits(p.shift) {
		p.updates, p.shift = true, b.shift
		p.taken = make([]uint64, len(b.dirty))
		for i, word := range b.dirty {
			p.taken[i] = ^word
			p.parts += bits.OnesCount64(word)
		}
	}
	x.base = nil
	if f.inBlocks(x.count) {
		x.base = &indexBase{began: f.epoch, shift: p.shift, dirty: make([]uint64, words(p.shift))}
	}
}

// words is how many words have a bit for each span.
func words(shift uint8) int { return (1<<(64-shift) + 63) / 64 }

func (t *hashTable) forgetBase() { t.fields.base = nil }
func (t *setTable) forgetBase()  { t.members.base = nil }
func (t *rankedSet) forgetBase() { t.members.base = nil }

// listBase is a base of numbered blocks. Each block of the list knows whether it is stored there, and as it is.
type listBase struct {
	began uint32   // the freeze clock of the view
	gone  []uint64 // numbers of stored blocks that left the list since: another one may have got the number
}

// The first block of a list gets the number in the middle, and others are so far apart. That is for 2^27 blocks to come and go
// at each end, and for 36 splits at one place.
const (
	blockIDMiddle = 1 << 63
	blockIDStep   = 1 << 36
)

// rebase has a dirty view's division give what differs from the base, if there is one, and begins a new one.
func (l *listBlocks) rebase(d *listDivision) {
	f, b := d.view, l.base
	d.updates = b != nil && f.updates(d.store, b.began, l.count)
	if d.updates {
		d.gone = l.unused(b.gone)
		d.blocks = slices.DeleteFunc(d.blocks, func(b *listBlock) bool { return b.current })
	}
	l.base = nil
	if !f.inBlocks(l.count) {
		return
	}
	l.base, d.named = &listBase{began: f.epoch}, true
	for i, b := range l.live() {
		b.stored, b.current = true, true
		if !d.updates {
			b.id = blockIDMiddle + uint64(i)*blockIDStep - uint64(len(l.live())/2)*blockIDStep
		}
	}
}

// unused gives those of some numbers that no block of the list has.
func (l *listBlocks) unused(ids []uint64) (kept []uint64) {
	slices.Sort(ids)
	live := l.live()
	for _, id := range ids {
		for len(live) > 0 && live[0].id < id {
			live = live[1:]
		}
		if len(live) == 0 || live[0].id != id {
			kept = append(kept, id)
		}
	}
	return kept
}

// number gives a block its number, before it becomes block number at of the list. Where there is none left between its
// neighbours the base is given up, and the next dirty view numbers all blocks anew.
func (l *listBlocks) number(at int, b *listBlock) {
	if l.base == nil {
		return
	}
	live, low, high := l.live(), uint64(0), uint64(0)
	switch {
	case len(live) == 0:
		b.id = blockIDMiddle
		return
	case at == 0:
		high = live[0].id
		low = high - min(high, 2*blockIDStep)
	default:
		low = live[at-1].id
		if high = low + min(^low, 2*blockIDStep); at < len(live) {
			high = live[at].id
		}
	}
	if b.id = low + (high-low)/2; b.id == low {
		l.base = nil
	}
}

// lost notes that a block is no longer in the list.
func (b *listBase) lost(block *listBlock) {
	if b != nil && block.stored {
		b.gone = append(b.gone, block.id)
	}
}

func (l *listBlocks) forgetBase() { l.base = nil }
