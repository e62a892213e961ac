package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// streamDivision is a stream as of one moment: its blocks one after another, and then, in a last part, its consumer groups.
// Blocks are named by their master ids. One that is about to change, and was not given yet, is copied first. Groups are
// copied at the freeze: that takes as long as there are pending entries.
type streamDivision struct {
	of     *stream
	view   *Frozen
	blocks int                        // at the freeze
	limit  StreamID                   // the master of the last one; those behind it are new
	given  StreamID                   // the master of the last one that was given
	copies order[streamRow, byMaster] // of those that changed; ref 0: there was no such block at the freeze
	shown  slab.Ref                   // the copy that the last part showed: it goes with the next call
	groups []*streamGroup
	part   *stream // what next gives
}

// streamBlocksWhole is how many blocks a stream may have that is given in one part.
const streamBlocksWhole = 4

func (s *stream) freeze(f *Frozen, _ *store) division {
	if s.blocks.len() <= min(streamBlocksWhole, f.ks.grain.part) {
		return nil
	}
	heap := f.copies()
	part := *s
	part.frozen, part.groups, part.blocksInAll = nil, nil, s.blocks.len()
	part.blocks = order[streamRow, byMaster]{heap: heap}
	d := &streamDivision{of: s, view: f, blocks: s.blocks.len(), limit: s.blocks.at(s.blocks.len() - 1).master, part: &part}
	d.copies = order[streamRow, byMaster]{heap: heap}
	for _, g := range s.groups {
		d.groups = append(d.groups, g.clone(heap).(*streamGroup))
	}
	s.frozen = append(s.frozen, d)
	return d
}

func (s *stream) held() bool { return len(s.frozen) > 0 }

// size counts a part for each block and one for the groups.
func (d *streamDivision) size() int { return d.blocks + 1 }

// beforeChange comes before a block changes or goes.
func (s *stream) beforeChange(row streamRow) {
	for _, d := range s.frozen {
		if !d.wants(row.master) {
			continue
		}
		b := s.block(row)
		ref, cell := d.view.copies().Alloc(b.end())
		copy(cell, b.cell[:b.end()])
		d.copies.insert(streamRow{row.master, ref})
	}
}

// beforeOpening comes before a block is added: behind all others, but not always behind those that there were.
func (s *stream) beforeOpening(master StreamID) {
	for _, d := range s.frozen {
		if d.wants(master) {
			d.copies.insert(streamRow{master: master})
		}
	}
}

// wants says whether a block of that master is still to be given, and from the stream itself.
func (d *streamDivision) wants(master StreamID) bool {
	return d.given.Before(master) && !d.limit.Before(master) && d.copies.find(streamRow{master: master}) == nil
}

func (d *streamDivision) next() (v value, block uint64) {
	d.empty()
	d.blocks--
	heap, row := d.nextBlock()
	if row.ref == 0 {
		d.part.groups = d.groups
	} else {
		d.part.heap, d.given = heap, row.master
		d.part.blocks.insert(row)
	}
	return value{kind: KindStream, encoding: encodingStream, large: d.part}, uint64(d.part.blocksInAll - d.blocks - 1)
}

// empty takes the block of the last part out.
func (d *streamDivision) empty() {
	if d.part.blocks.len() > 0 {
		d.part.blocks.remove(d.part.blocks.at(0))
	}
	if d.shown != 0 {
		d.view.copies().Free(d.shown)
		d.shown = 0
	}
}

// nextBlock gives the block with the lowest master that was not given yet, and the heap that it is in; ref 0: there is none.
func (d *streamDivision) nextBlock() (heap *slab.Heap, row streamRow) {
	for {
		row = d.nextOfStream()
		if d.copies.len() == 0 {
			return d.of.heap, row
		}
		changed := d.copies.at(0)
		if row.ref != 0 && row.master.Before(changed.master) {
			return d.of.heap, row
		}
		d.copies.remove(changed)
		d.given = changed.master // and not what the stream has in its place
		if changed.ref != 0 {
			d.shown = changed.ref
			return d.view.copies(), changed
		}
	}
}

func (d *streamDivision) nextOfStream() (row streamRow) {
	all := &d.of.blocks
	rank := all.countWhere(func(r streamRow) bool { return !d.given.Before(r.master) })
	if rank == all.len() {
		return streamRow{}
	}
	if row = all.at(rank); d.limit.Before(row.master) {
		return streamRow{}
	}
	return row
}

func (d *streamDivision) release() { d.of.frozen = without(d.of.frozen, d) }
