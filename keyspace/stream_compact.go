package keyspace

import (
	"slices"
	"unsafe"
)

// What housekeeping wants of streams.

// The position of a walk through a stream or a group: which part, and the rank in its order.
const (
	partShift = 40
	rankMask  = 1<<partShift - 1
)

// compact goes through the leaves of the order of blocks, the blocks, and then one group after another.
func (s *stream) compact(c *compaction, at uint64) (next uint64) {
	part, rank := at>>partShift, at&rankMask
	switch part {
	case 0:
		return nextPart(part, s.blocks.compact(c, rank), true)
	case 1:
		return nextPart(part, s.compactBlocks(c, rank), len(s.groups) > 0)
	}
	of, within := (part-2)>>groupPartsBits, (part-2)&(1<<groupPartsBits-1)
	if of >= uint64(len(s.groups)) {
		return 0
	}
	if next = s.groups[of].compact(c, within<<partShift|rank); next != 0 {
		return next + (of<<groupPartsBits+2)<<partShift
	}
	if of++; of == uint64(len(s.groups)) {
		return 0
	}
	return (of<<groupPartsBits + 2) << partShift
}

// groupPartsBits bounds the parts of a group that the walk through a stream can tell apart. Those beyond stay where they are.
const groupPartsBits = 14

// nextPart is the position behind a step that has come to the given rank, 0 at the end of its part.
func nextPart(part, rank uint64, more bool) uint64 {
	switch {
	case rank != 0:
		return part<<partShift | rank
	case more:
		return (part + 1) << partShift
	}
	return 0
}

// compactBlocks goes through some blocks, from one on.
func (s *stream) compactBlocks(c *compaction, rank uint64) (next uint64) {
	n := uint64(s.blocks.len())
	end := min(rank+compactBlocks, n)
	for ; rank < end; rank++ {
		c.move(s.heap, &s.blocks.find(s.blocks.at(int(rank))).ref)
	}
	if end == n {
		return 0
	}
	return end
}

// compact goes through the pending entries, and then those of each consumer.
func (g *streamGroup) compact(c *compaction, at uint64) (next uint64) {
	part, rank := at>>partShift, at&rankMask
	more := part < uint64(len(g.consumers)) && part < 1<<groupPartsBits-1
	switch {
	case part == 0:
		return nextPart(part, g.pending.compact(c, rank), more)
	case part <= uint64(len(g.consumers)):
		return nextPart(part, g.consumers[part-1].own.compact(c, rank), more)
	}
	return 0
}

// usage is about what the blocks, and the groups with what is pending, take.
func (s *stream) usage(samples int) int64 {
	bytes := int64(unsafe.Sizeof(*s)) + s.blocks.usage(samples)
	n := s.blocks.len()
	if samples == 0 || samples > n {
		samples = n
	}
	var found int64
	for i := range samples {
		found += int64(len(s.heap.Cell(s.blocks.at(i * n / samples).ref)))
	}
	bytes += share(found, int64(samples), int64(n))
	for _, g := range s.groups {
		bytes += pointerBytes + g.usage(samples)
	}
	return bytes
}

func (g *streamGroup) usage(samples int) int64 {
	bytes := int64(unsafe.Sizeof(*g)) + int64(len(g.name)) + g.pending.usage(samples)
	for _, c := range g.consumers {
		bytes += 2*pointerBytes + int64(unsafe.Sizeof(*c)) + int64(len(c.name)) + c.own.usage(samples)
	}
	return bytes
}

// freeze: a group is a part of its stream's value. It may be held by that one's views when it is dropped from it.
func (g *streamGroup) freeze(*Frozen, *store) division { return nil }

func (g *streamGroup) held() bool {
	return g.pending.frozen > 0 || slices.ContainsFunc(g.consumers, func(c *streamConsumer) bool { return c.own.frozen > 0 })
}
