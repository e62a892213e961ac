package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// Compaction gives memory back that deletions left in holes. For one store after another the heap says which pages are
// to be emptied (slab.Heap.Plan), and a walk over everything that owns cells moves those that lie there. The walk is in
// pieces: its place is a position in the hash space, so keys may come and go between two of them. What it misses for
// that reason just stays where it is.
//
// To add an owner of cells: a large structure has a method compact; whatever else keeps a slab.Ref must be on the way
// here.

// compaction is the walk, and what it has counted since the start.
type compaction struct {
	stage  compactStage
	number int // of the database that the walk is in
	store  *store
	at     uint64 // in keys, in a large structure, or in deadlines
	large  int    // the place in the table of large structures
	work   int    // done by this call
	counts Compacted
}

// Compacted counts what compaction did.
type Compacted struct {
	Moved, Kept         int64 // cells: moved to another page, looked at and left
	KeysMoved, KeysKept int64 // of those, the entries of keys
}

type compactStage uint8

const (
	compactIdle compactStage = iota
	compactPlan
	compactKeys
	compactLarges
	compactDeadlines
	compactEnd
)

// The units of work: a cell that is looked at is one, and one that is moved as many more as it takes longer.
const (
	moveWork       = 8
	moveWorkBytes  = 512 // of a cell, for each one more
	compactSlots   = 64  // of an index, by one step
	compactBlocks  = 16  // of a list, by one step
	planWorkPages  = 16  // that are looked at while one cell is
	planStepPages  = 512
	planStepAsWork = planStepPages / planWorkPages
)

// Gain is how many bytes of resident memory compaction could give back to the system.
func (ks *Keyspace) Gain() (bytes int64) {
	for _, db := range ks.dbs {
		bytes += db.heap.Gain()
	}
	return bytes
}

// Compacted gives what compaction has done since the start.
func (ks *Keyspace) Compacted() Compacted { return ks.compaction.counts }

// Compacting says whether a pass is under way.
func (ks *Keyspace) Compacting() bool { return ks.compaction.stage != compactIdle }

// Compact goes on with a pass over all databases, or begins one, for about so many units of work (some 50 ns each). It is
// for housekeeping, between commands, and as a Begin it ends what was borrowed. done: the pass is over.
func (ks *Keyspace) Compact(units int) (done bool) {
	ks.closeEntries(nil)
	ks.sweep()
	c := &ks.compaction
	if c.stage == compactIdle {
		c.number, c.store = -1, nil
		c.nextStore(ks)
	}
	for c.work = 0; c.stage != compactIdle && c.work < units; {
		if c.store.flushed {
			c.nextStore(ks)
			continue
		}
		c.step(ks)
	}
	return c.stage == compactIdle
}

// GiveUpCompaction has the pass under way come to its end without moving more. Compact is to be called on until it is done.
func (ks *Keyspace) GiveUpCompaction() {
	if c := &ks.compaction; c.stage != compactIdle {
		c.stage, c.number = compactEnd, len(ks.dbs)
	}
}

// nextStore goes to the next database that has something to gain.
func (c *compaction) nextStore(ks *Keyspace) {
	for c.number++; c.number < len(ks.dbs); c.number++ {
		if s := ks.dbs[c.number].store; s.heap.Gain() > 0 {
			c.store, c.stage = s, compactPlan
			return
		}
	}
	c.store, c.stage = nil, compactIdle
}

func (c *compaction) step(ks *Keyspace) {
	s := c.store
	switch c.stage {
	case compactPlan:
		c.work += planStepAsWork
		if s.heap.Plan(planStepPages) {
			c.stage, c.at = compactKeys, 0
		}
	case compactKeys:
		before := c.counts
		c.at = s.keys.compact(c, c.at, nil)
		c.counts.KeysMoved += c.counts.Moved - before.Moved
		c.counts.KeysKept += c.counts.Kept - before.Kept
		if c.at == 0 {
			c.stage, c.large = compactLarges, 1
		}
	case compactLarges:
		c.work++
		if c.large >= s.larges.all.Len() {
			c.stage = compactDeadlines
			return
		}
		if l := *s.larges.at(uint32(c.large)); l != nil {
			c.at = l.compact(c, c.at)
		} else {
			c.at = 0 // it went while the walk was in it
		}
		if c.at == 0 {
			c.large++
		}
	case compactDeadlines:
		c.at = inTurn(c.at,
			func(at uint64) uint64 { return s.deadlines.compact(c, at/2) * 2 },
			func(at uint64) uint64 { return s.fieldsDue.compact(c, at) })
		if c.at == 0 {
			c.stage = compactEnd
		}
	case compactEnd:
		c.work += planStepAsWork
		if s.heap.EndPlan(planStepPages) {
			c.nextStore(ks)
		}
	}
}

// leaving says whether a cell is to be moved, and counts it.
func (c *compaction) leaving(heap *slab.Heap, r slab.Ref) bool {
	c.work++
	if !heap.Leaving(r) {
		c.counts.Kept++
		return false
	}
	return true
}

func (c *compaction) moved(cell []byte) {
	c.counts.Moved++
	c.work += moveWork + len(cell)/moveWorkBytes
}

// move moves a cell, if it lies on a page that is to be emptied, and gives its bytes; nil if it stays. Only *r may refer
// to it.
func (c *compaction) move(heap *slab.Heap, r *slab.Ref) (cell []byte) {
	if *r == 0 || !c.leaving(heap, *r) {
		return nil
	}
	*r, cell = heap.Move(*r)
	c.moved(cell)
	return cell
}

// The position of a walk in an index: where its segment begins in the hash space, and in the low half, which no such place
// needs, the next slot in it. Should the segment have changed meanwhile, some slots are seen twice or not at all. The
// lowest bit is left to structures that have more than an index.
const (
	slotShift        = 1
	slotsMask uint64 = 1<<(64-splitDepthMax) - 1
)

// compact moves the cells of some slots, and the segment, on from a position; next 0 is the end. repoint is told of a
// move while both cells are there, for those that refer to it from elsewhere; nil: none.
func (x *index) compact(c *compaction, at uint64, repoint func(from, to slab.Ref)) (next uint64) {
	if x.dir == nil {
		return 0
	}
	pos, slot := at&^slotsMask, int(at&slotsMask)>>slotShift
	s := x.segmentOf(pos)
	if slot == 0 {
		if cell := c.move(x.heap, &s.ref); cell != nil {
			s.slots = slab.View[uint64](cell)
		}
	}
	end := min(slot+compactSlots, len(s.slots))
	c.work++
	for i := slot; i < end; i++ {
		r := refOf(s.slots[i])
		if r == 0 || !c.leaving(x.heap, r) {
			continue
		}
		to, cell := x.heap.Alloc(len(x.heap.Cell(r)))
		copy(cell, x.heap.Cell(r))
		if repoint != nil {
			repoint(r, to)
		}
		s.slots[i] = slotOf(s.slots[i], to)
		x.heap.Free(r)
		c.moved(cell)
	}
	if end < len(s.slots) {
		return pos | uint64(end)<<slotShift
	}
	width := 64 - s.depth
	return (pos>>width + 1) << width
}

// compact goes through the fields, and then through the leaves of the order.
func (t *hashTable) compact(c *compaction, at uint64) (next uint64) {
	return inTurn(at,
		func(at uint64) uint64 { return t.fields.compact(c, at, nil) },
		func(at uint64) uint64 { return t.deadlines.compact(c, at) })
}

func (t *setTable) compact(c *compaction, at uint64) (next uint64) {
	return t.members.compact(c, at, nil)
}

// compact goes through the members, and then through the leaves of the order.
func (t *rankedSet) compact(c *compaction, at uint64) (next uint64) {
	return inTurn(at,
		func(at uint64) uint64 {
			return t.members.compact(c, at, func(from, to slab.Ref) { t.ranks.repoint(t.rowOf(from), t.rowOf(to)) })
		},
		func(at uint64) uint64 { return t.ranks.compact(c, at) })
}

// inTurn goes on with one walk at even positions and with another one, which comes behind it, at odd ones.
func inTurn(at uint64, even, odd func(at uint64) (next uint64)) (next uint64) {
	if at&1 == 0 {
		return max(even(at), 1)
	}
	if next = odd(at >> 1); next != 0 {
		next = next<<1 | 1
	}
	return next
}

// compact goes through some blocks, from one on.
func (l *listBlocks) compact(c *compaction, at uint64) (next uint64) {
	live := l.live()
	if at >= uint64(len(live)) {
		return 0
	}
	end := min(int(at)+compactBlocks, len(live))
	for i := int(at); i < end; i++ {
		b := live[i]
		if cell := c.move(l.heap, &b.ref); cell != nil {
			b.cell = cell
		}
	}
	return uint64(end)
}

// compact moves the leaf that has the item of a rank, and gives the rank behind it; 0 at the end.
func (o *order[T, C]) compact(c *compaction, rank uint64) (next uint64) {
	n, from := o.root, int(rank)
	if n == nil || from >= o.len() {
		return 0
	}
	for n.kids != nil {
		i := 0
		for from >= n.sizes[i] {
			from -= n.sizes[i]
			i++
		}
		n = n.kids[i]
	}
	if cell := c.move(o.heap, &n.ref); cell != nil {
		n.items = slab.View[T](cell)[:len(n.items)]
	}
	if next = rank - uint64(from) + uint64(len(n.items)); next >= uint64(o.len()) {
		return 0
	}
	return next
}

// repoint puts an item in the place of one that stands at the same place in the order, also where that one separates.
func (o *order[T, C]) repoint(from, to T) {
	n := o.root
	for n.kids != nil {
		i := n.kidFor(o.by, from)
		if i > 0 && !o.by.before(n.lows[i], from) {
			n.lows[i] = to
		}
		n = n.kids[i]
	}
	n.items[rankIn(o.by, n.items, from)] = to
}
