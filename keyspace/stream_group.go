package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// streamGroup is a consumer group. Its pending entries are rows in the heap, twice: in the group's order with all that is
// known of them, and as ids in the order of the consumer that has them, so that neither a consumer's history nor its part
// of XPENDING looks at the others' entries. A million pending entries are some ten thousand leaves and no pointer more.
//
// Invariants: each row's consumer has its id, and no other one has it; consumers are sorted by name, and numbered has each
// at its number.
type streamGroup struct {
	name      []byte
	delivered StreamID // the last one that was given to a consumer
	read      int64    // entries of the stream up to there; EntriesReadUnknown: nobody knows
	pending   order[pendingRow, byPendingID]
	consumers []*streamConsumer
	numbered  []*streamConsumer // nil: a free number
}

// pendingRow is an entry that a consumer was given and has not acknowledged.
type pendingRow struct {
	id          StreamID
	deliveredMs int64
	times       uint64 // of delivery
	consumer    uint32
}

type byPendingID struct{}

func (byPendingID) before(a, b pendingRow) bool { return a.id.Before(b.id) }

// nobody is the consumer of rows that a loader has not given to one yet.
const nobody = ^uint32(0)

type streamConsumer struct {
	name     []byte
	number   uint32
	seenMs   int64
	activeMs int64 // NeverActive: it was given nothing yet
	own      order[StreamID, byStreamID]
}

// NeverActive is the time at which a consumer that was given nothing yet was active.
const NeverActive int64 = -1

func newStreamGroup(heap *slab.Heap, name []byte) *streamGroup {
	return &streamGroup{name: slices.Clone(name), pending: order[pendingRow, byPendingID]{heap: heap}}
}

func (g *streamGroup) len() int { return g.pending.len() }

func (g *streamGroup) clone(heap *slab.Heap) large {
	c := newStreamGroup(heap, g.name)
	c.delivered, c.read = g.delivered, g.read
	c.numbered = make([]*streamConsumer, len(g.numbered))
	for _, from := range g.consumers {
		to := &streamConsumer{name: from.name, number: from.number, seenMs: from.seenMs, activeMs: from.activeMs, own: order[StreamID, byStreamID]{heap: heap}}
		from.own.ascend(0, func(id StreamID) bool { to.own.insert(id); return true })
		c.consumers = append(c.consumers, to)
		c.numbered[to.number] = to
	}
	g.pending.ascend(0, func(row pendingRow) bool { c.pending.insert(row); return true })
	return c
}

func (g *streamGroup) discard(n int) (freed int, done bool) {
	freed, done = g.pending.discard(n)
	for done && len(g.consumers) > 0 && freed < n {
		last := len(g.consumers) - 1
		part, emptied := g.consumers[last].own.discard(n - freed)
		freed += part + 1
		if !emptied {
			break
		}
		g.consumers[last], g.consumers = nil, g.consumers[:last]
	}
	return freed, done && len(g.consumers) == 0
}

// consumerAt gives the place of a consumer, or where it would be.
func (g *streamGroup) consumerAt(name []byte) (at int, found bool) {
	return slices.BinarySearchFunc(g.consumers, name, func(c *streamConsumer, name []byte) int { return slices.Compare(c.name, name) })
}

// addConsumer makes one that is not there.
func (g *streamGroup) addConsumer(heap *slab.Heap, name []byte, nowMs int64) *streamConsumer {
	c := &streamConsumer{name: slices.Clone(name), seenMs: nowMs, activeMs: NeverActive, own: order[StreamID, byStreamID]{heap: heap}}
	number := len(g.numbered)
	if number > len(g.consumers) {
		number = slices.Index(g.numbered, nil)
	} else {
		g.numbered = append(g.numbered, nil)
	}
	c.number, g.numbered[number] = uint32(number), c
	at, _ := g.consumerAt(name)
	g.consumers = slices.Insert(g.consumers, at, c)
	return c
}

// removeConsumer drops one with its pending entries, and gives their number. What it had them in is not given back.
func (g *streamGroup) removeConsumer(c *streamConsumer) (pending int) {
	c.own.ascend(0, func(id StreamID) bool { return g.pending.remove(pendingRow{id: id}) })
	at, _ := g.consumerAt(c.name)
	g.consumers = slices.Delete(g.consumers, at, at+1)
	g.numbered[c.number] = nil
	return c.own.len()
}

// deliver notes that a consumer has an entry, whoever had it before.
func (g *streamGroup) deliver(c *streamConsumer, row pendingRow) {
	row.consumer = c.number
	had := g.pending.findOwn(row)
	if had == nil {
		g.pending.insert(row)
		c.own.insert(row.id)
		return
	}
	if had.consumer != c.number {
		g.numbered[had.consumer].own.remove(row.id)
		c.own.insert(row.id)
	}
	*had = row
}

// acknowledge takes a pending entry out; false when there is none of that id.
func (g *streamGroup) acknowledge(id StreamID) bool {
	row := g.pending.find(pendingRow{id: id})
	if row == nil {
		return false
	}
	g.numbered[row.consumer].own.remove(id)
	return g.pending.remove(pendingRow{id: id})
}

// StreamGroup is a read view of a consumer group.
type StreamGroup struct {
	of *stream
	g  *streamGroup
}

// Group reads a group; false when there is none of that name.
func (s Stream) Group(name []byte) (StreamGroup, bool) {
	of := s.of()
	if of == nil {
		return StreamGroup{}, false
	}
	at, found := of.groupAt(name)
	if !found {
		return StreamGroup{}, false
	}
	return StreamGroup{of, of.groups[at]}, true
}

// EachGroup visits the groups by name.
func (s Stream) EachGroup(fn func(g StreamGroup)) {
	if of := s.of(); of != nil {
		for _, g := range of.groups {
			fn(StreamGroup{of, g})
		}
	}
}

// Name is the group's.
func (v StreamGroup) Name() []byte { return v.g.name }

// Delivered is the id of the last entry that was given to a consumer.
func (v StreamGroup) Delivered() StreamID { return v.g.delivered }

// EntriesRead says how many entries of the stream that is; EntriesReadUnknown if nobody knows.
func (v StreamGroup) EntriesRead() int64 { return v.g.read }

// Lag is the number of entries that are still to be delivered; false when it is not known.
func (v StreamGroup) Lag() (n int64, known bool) {
	total := int64(v.of.added)
	if total == 0 {
		return 0, true
	}
	read := v.g.read
	if read == EntriesReadUnknown || v.of.gapBehind(v.g.delivered) {
		read = v.of.readUpTo(v.g.delivered)
	}
	return total - read, read != EntriesReadUnknown
}

// Pending is the number of entries that were delivered and not acknowledged, Consumers that of consumers.
func (v StreamGroup) Pending() int   { return v.g.pending.len() }
func (v StreamGroup) Consumers() int { return len(v.g.consumers) }

// PendingEntry is an entry that was delivered and not acknowledged.
type PendingEntry struct {
	ID          StreamID
	Consumer    []byte // who has it
	DeliveredMs int64
	Times       uint64 // of delivery
}

func (g *streamGroup) entry(row *pendingRow) PendingEntry {
	p := PendingEntry{ID: row.id, DeliveredMs: row.deliveredMs, Times: row.times}
	if row.consumer != nobody {
		p.Consumer = g.numbered[row.consumer].name
	}
	return p
}

// EachPending visits the pending entries from an id on until fn returns false.
func (v StreamGroup) EachPending(from StreamID, fn func(p PendingEntry) bool) {
	at := v.g.pending.rank(pendingRow{id: from})
	v.g.pending.ascend(at, func(row pendingRow) bool { return fn(v.g.entry(&row)) })
}

// LastPending is the last one; there must be one.
func (v StreamGroup) LastPending() PendingEntry {
	row := v.g.pending.at(v.g.pending.len() - 1)
	return v.g.entry(&row)
}

// PendingAt reads one pending entry; false when there is none of that id.
func (v StreamGroup) PendingAt(id StreamID) (p PendingEntry, ok bool) {
	row := v.g.pending.find(pendingRow{id: id})
	if row == nil {
		return p, false
	}
	return v.g.entry(row), true
}

// StreamConsumer is a consumer of a group.
type StreamConsumer struct {
	g *streamGroup
	c *streamConsumer
}

// Consumer reads a consumer; false when there is none of that name.
func (v StreamGroup) Consumer(name []byte) (StreamConsumer, bool) {
	at, found := v.g.consumerAt(name)
	if !found {
		return StreamConsumer{}, false
	}
	return StreamConsumer{v.g, v.g.consumers[at]}, true
}

// EachConsumer visits the consumers by name.
func (v StreamGroup) EachConsumer(fn func(c StreamConsumer)) {
	for _, c := range v.g.consumers {
		fn(StreamConsumer{v.g, c})
	}
}

// Name is the consumer's.
func (v StreamConsumer) Name() []byte { return v.c.name }

// SeenMs is when it last asked for anything, ActiveMs when it was last given something, or NeverActive.
func (v StreamConsumer) SeenMs() int64   { return v.c.seenMs }
func (v StreamConsumer) ActiveMs() int64 { return v.c.activeMs }

// Pending is the number of entries that it has.
func (v StreamConsumer) Pending() int { return v.c.own.len() }

// EachPending visits them from an id on until fn returns false.
func (v StreamConsumer) EachPending(from StreamID, fn func(p PendingEntry) bool) {
	v.c.own.ascend(v.c.own.rank(from), func(id StreamID) bool { return fn(v.g.entry(v.g.pending.find(pendingRow{id: id}))) })
}

// Seen and Active note when the consumer asked, and was given something. Like access information they are no part of the
// data: they change without a handle, are in no digest and not told to standbys.
func (v StreamConsumer) Seen(nowMs int64)   { v.c.seenMs = nowMs }
func (v StreamConsumer) Active(nowMs int64) { v.c.activeMs = nowMs }
