package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// streamDivision is a stream as of one moment: its blocks one after another, and then its consumer groups as a groupsWalk
// goes through them. Blocks are named by their master ids. One that is about to change, and was not given yet, is copied first.
// Of the groups it has what is pending frozen, and the heads of groups and consumers copied: they are taken to be few.
type streamDivision struct {
	of     *stream
	view   *Frozen
	store  *store
	blocks int                        // at the freeze
	limit  StreamID                   // the master of the last one; those behind it are new
	given  StreamID                   // the master of the last one that was given
	copies order[streamRow, byMaster] // of those that changed; ref 0: there was no such block at the freeze
	shown  slab.Ref                   // the copy that the last part showed: it goes with the next call
	groups []frozenGroup
	units  int     // of the walk through the groups
	at     int     // parts that were given
	part   *stream // what next gives
}

// streamBlocksWhole is how many blocks a stream may have that is given in one part.
const streamBlocksWhole = 4

func (s *stream) freeze(f *Frozen, of *store) division {
	grain := f.ks.grain
	if s.blocks.len() <= min(streamBlocksWhole, grain.part) && s.fewUnits(grain.whole) {
		return nil
	}
	heap := f.copies()
	part := *s
	part.frozen, part.groups = nil, nil
	part.blocks = order[streamRow, byMaster]{heap: heap}
	part.part = &streamPart{blocks: s.blocks.len(), groups: len(s.groups), walk: groupsWalk{of: &part}}
	d := &streamDivision{of: s, view: f, store: of, blocks: s.blocks.len(), part: &part}
	if d.blocks > 0 {
		d.limit = s.blocks.at(d.blocks - 1).master
	}
	d.copies = order[streamRow, byMaster]{heap: heap}
	for _, g := range s.groups {
		one := g.freezeRows()
		d.groups = append(d.groups, one)
		part.part.walk.groups = append(part.part.walk.groups, one.was)
	}
	d.units = part.part.walk.size()
	s.frozen = append(s.frozen, d)
	return d
}

// fewUnits says whether the walk through the groups is not longer than that.
func (s *stream) fewUnits(most int) bool {
	units := 0
	for _, g := range s.groups {
		if units += g.units(); units > most {
			return false
		}
	}
	return true
}

func (s *stream) held() bool { return len(s.frozen) > 0 }

// streamWork is how many entries and units of groups a stream shows; 0 for what is none.
func (v *value) streamWork() (n int) {
	if v == nil {
		return 0
	}
	s, is := v.large.(*stream)
	switch {
	case !is:
		return 0
	case s.part == nil:
		w := groupsWalk{groups: s.groups}
		return s.length + w.size()
	}
	s.blocks.ascend(0, func(row streamRow) bool { n += s.block(row).count(blockLiveAt); return true })
	return n + s.part.units
}

// size counts the parts: one for each block, and those of the groups, which there are always.
func (d *streamDivision) size() int {
	of := d.view.ks.grain.part
	return d.blocks + (d.units+of-1)/of
}

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
	d.at++
	if heap, row := d.nextBlock(); row.ref != 0 {
		d.part.heap, d.given = heap, row.master
		d.part.blocks.insert(row)
	} else {
		p := d.part.part
		p.walk.pass(p.units, nil)
		p.units = d.view.ks.grain.part
	}
	return value{kind: KindStream, encoding: encodingStream, large: d.part}, uint64(d.at - 1)
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

func (d *streamDivision) release() {
	d.of.frozen = without(d.of.frozen, d)
	for i := range d.groups {
		d.groups[i].thaw(d.store)
	}
	d.groups = nil
}
