package keyspace

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
