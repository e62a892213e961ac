package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// A large structure is given to a view in parts, so that no call of the view takes long. When the view needs it, because
// it is about to change or because the walk has reached it, the view captures it: from then on the structure keeps, of
// what it changes, the parts as they were, until they have been given. A capture holds the structure and not the key:
// the key may be renamed, deleted or overwritten meanwhile.
//
// To make another kind of structure divisible, give it a type with the methods of division and return one from its freeze.

// division is a large structure as of one moment, taken out piece by piece while commands change it.
type division interface {
	// next gives some of the elements, at least one while there are any, each element once: as a value that is good
	// until the structure changes or next is called again. block tells the part from the others of the same structure,
	// and in a list the order of the blocks is that of the elements.
	next() (v value, block uint64)
	// size is what the lengths of all parts add up to; of an update (base.go) it is the number of parts.
	size() int
	// release lets go of the structure, also before all was taken.
	release()
}

// grain is how finely views divide structures, in elements. Tests make it finer.
type grain struct {
	whole int // a structure of so many is given in one part
	part  int // aimed at otherwise; at most about twice as many come in one, of an update spansOff times
	// bytes is what a part should have at most, and a structure that is given in one; 0: any number. An element is not divided.
	bytes int64
	// stored: a structure of more is kept in blocks by checkpoints. It is not below whole.
	stored int
}

func defaultGrain() grain { return grain{whole: 256, part: 64, bytes: 256 << 10, stored: WholeMax} }

// asOne says whether a structure is given in one part, a stream apart: that looks itself.
func (g *grain) asOne(l large) bool {
	return l.len() <= g.whole && (g.bytes == 0 || l.usage(0) <= g.bytes)
}

// capture is a key of a view whose large value is given in parts.
type capture struct {
	store    *store
	item     Item // of the next part, but for what it holds
	left     int  // elements that are still to be given, or parts of a stream or of an update
	division division
}

// capture takes an item over whose value is large, if that is divisible.
func (f *Frozen) capture(s *store, it *Item) bool {
	l := it.v.large
	if l == nil || it.Kind != KindStream && f.ks.grain.asOne(l) {
		return false
	}
	d := l.freeze(f, s)
	if d == nil {
		return false
	}
	c := &capture{store: s, item: *it, left: d.size(), division: d}
	c.item.Key, c.item.v = append([]byte(nil), it.Key...), nil
	c.item.InBlocks, c.item.Update = f.inBlocks(it.count), isUpdate(d)
	f.captured = append(f.captured, c)
	return true
}

// givePart gives the next part of the first captured structure.
func (f *Frozen) givePart() {
	c := f.captured[0]
	v := c.next()
	n := v.len()
	c.item.v = &v
	f.inParts = !c.item.Last
	if c.item.Last {
		f.captured[0] = nil
		f.captured = f.captured[1:]
		f.given++
	}
	f.units += max(n, v.streamWork(), 1)
	f.sink(&c.item)
	f.arena.reset()
	c.item.Part++
	if c.item.Last {
		c.division.release()
		f.ks.letGo()
	}
}

// next readies the item for the next part, whose value it gives.
func (c *capture) next() (v value) {
	if c.item.HeadOnly = c.item.Update && c.left == 0; c.item.HeadOnly {
		c.item.Last = true
		return newValue(c.item.Kind)
	}
	v, c.item.Block = c.division.next()
	n := v.len()
	c.item.Gone = n == 0
	if c.item.Update {
		n = 1
	}
	if n == 0 || n > c.left {
		panic("keyspace: a frozen structure does not have as many elements as it had")
	}
	c.left -= n
	c.item.Last = c.left == 0
	return v
}

// hold keeps an item back that must not come between two parts of another one.
func (f *Frozen) hold(it *Item) {
	kept := *it
	kept.Key = append([]byte(nil), it.Key...)
	if it.v != nil {
		v := it.v.clone(f.copies())
		kept.v, kept.arena = &v, &f.arena
	}
	f.held.Push(kept)
}

// giveHeld gives the oldest item that was held back.
func (f *Frozen) giveHeld() {
	it := f.held.Pop()
	f.handOver(&it)
	if it.v != nil && it.v.large != nil {
		for done := false; !done; {
			_, done = it.v.large.discard(sweepCells)
		}
	}
}

// without gives the list without one of its members; nil when there are no others.
func without[T comparable](all []T, one T) (kept []T) {
	for _, x := range all {
		if x != one {
			kept = append(kept, x)
		}
	}
	return kept
}

// copies is the heap for what the view keeps of structures that have changed since: apart from the data, and not counted
// as such.
func (f *Frozen) copies() *slab.Heap {
	if f.heap == nil {
		f.heap = slab.New()
	}
	return f.heap
}

// CopiedBytes is the memory that the view holds for parts that have changed since the freeze and were not given yet.
func (f *Frozen) CopiedBytes() int64 {
	if f.heap == nil {
		return 0
	}
	used, _ := f.heap.Bytes()
	return used
}

// CopiedBytes is that of all views that are open.
func (ks *Keyspace) CopiedBytes() (bytes int64) {
	for _, f := range ks.views {
		bytes += f.CopiedBytes()
	}
	return bytes
}

// release gives up what is captured.
func (f *Frozen) release() {
	for _, c := range f.captured {
		c.division.release()
	}
	f.captured, f.held, f.heap, f.inParts = nil, slab.Queue[Item]{}, nil, false
}
