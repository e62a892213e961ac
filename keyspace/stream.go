package keyspace

import (
	"math"

	"github.com/tandemkv/tandem/internal/slab"
)

// stream is a stream of any size: its blocks in the order of their ids, and its consumer groups. It may be empty.
//
// Invariants: no block is without entries; all entries of a block are before the master of the next one; first and last
// are the ids of the first and the last entry that there are, zero when there is none; no entry is behind newest.
type stream struct {
	heap   *slab.Heap
	blocks order[streamRow, byMaster]
	length int

	first, last StreamID
	newest      StreamID // the last id that was given out; XSETID sets it
	maxDeleted  StreamID // the greatest one that XDEL has deleted
	added       uint64   // entries ever added
	groups      []*streamGroup

	frozen []*streamDivision // of the views that have not got all of it yet
	part   *streamPart       // nil: it is no part of another one, in a view
}

// streamPart is what a part of a stream knows of the whole.
type streamPart struct {
	blocks, groups int        // of the whole
	walk           groupsWalk // where the part begins in the groups
	units          int        // of the walk, that are the part's
}

// streamRow is a place in the order of blocks.
type streamRow struct {
	master StreamID
	ref    slab.Ref
}

type byMaster struct{}

func (byMaster) before(a, b streamRow) bool { return a.master.Before(b.master) }

// streamBlockBytesMax bounds a block, in Redis' form, whatever the limits say.
const streamBlockBytesMax = 1 << 30

func newStream(heap *slab.Heap) *stream {
	return &stream{heap: heap, blocks: order[streamRow, byMaster]{heap: heap}}
}

// len is 1 because a stream is not removed for being empty.
func (s *stream) len() int { return 1 }

func (s *stream) clone(heap *slab.Heap) large {
	c := *s
	c.heap, c.groups, c.frozen, c.part = heap, nil, nil, nil
	c.blocks = order[streamRow, byMaster]{heap: heap}
	s.blocks.ascend(0, func(row streamRow) bool {
		b := s.block(row)
		ref, cell := heap.Alloc(b.end())
		copy(cell, b.cell[:b.end()])
		c.blocks.insert(streamRow{row.master, ref})
		return true
	})
	for _, g := range s.groups {
		c.groups = append(c.groups, g.clone(heap).(*streamGroup))
	}
	return &c
}

func (s *stream) discard(n int) (freed int, done bool) {
	for freed < n && s.blocks.len() > 0 {
		row := s.blocks.at(s.blocks.len() - 1)
		s.heap.Free(row.ref)
		s.blocks.remove(row)
		freed++
	}
	for freed < n && len(s.groups) > 0 {
		last := len(s.groups) - 1
		part, done := s.groups[last].discard(n - freed)
		freed += part
		if !done {
			break
		}
		s.groups[last], s.groups = nil, s.groups[:last]
	}
	return freed, s.blocks.len() == 0 && len(s.groups) == 0
}

func (s *stream) block(row streamRow) streamBlock {
	return streamBlock{row.master, s.heap.Cell(row.ref)}
}

// blockFor gives the rank of the block that holds an id if any does; -1 when it is before all.
func (s *stream) blockFor(id StreamID) int {
	return s.blocks.countWhere(func(row streamRow) bool { return !id.Before(row.master) }) - 1
}

// ascend visits the entries in a range, both ends included, until fn returns false.
func (s *stream) ascend(from, to StreamID, fn func(e *StreamEntry) bool) {
	if to.Before(from) {
		return
	}
	var e StreamEntry
	s.blocks.ascend(s.blockFor(from), func(row streamRow) bool {
		if to.Before(row.master) {
			return false
		}
		w := s.block(row).walk()
		for opens := true; w.next(&e); {
			if e.deleted {
				continue
			}
			e.Opens, opens = opens, false
			switch {
			case e.ID.Before(from):
			case to.Before(e.ID) || !fn(&e):
				return false
			}
		}
		return true
	})
}

// descend is ascend from the other end.
func (s *stream) descend(from, to StreamID, fn func(e *StreamEntry) bool) {
	if from.Before(to) {
		return
	}
	var e StreamEntry
	var places []int
	s.blocks.descend(s.blockFor(from), func(row streamRow) bool {
		w := s.block(row).walk()
		places = places[:0]
		for w.next(&e) && !from.Before(e.ID) {
			if !e.deleted {
				places = append(places, e.at)
			}
		}
		for i := len(places) - 1; i >= 0; i-- {
			w.read(places[i], &e)
			if e.ID.Before(to) || !fn(&e) {
				return false
			}
		}
		return to.Before(row.master)
	})
}

// find reads the entry of an id.
func (s *stream) find(id StreamID, e *StreamEntry) (at streamRow, ok bool) {
	rank := s.blockFor(id)
	if rank < 0 {
		return at, false
	}
	at = s.blocks.at(rank)
	w := s.block(at).walk()
	for w.next(e) && !id.Before(e.ID) {
		if e.ID == id {
			return at, !e.deleted
		}
	}
	return at, false
}

// append adds an entry behind all others; it opens a new block if it must, or is told to.
func (s *stream) append(h *handle, id StreamID, pairs [][]byte, opens bool) {
	limits := &h.db.ks.limits
	bytes := 0
	for _, v := range pairs {
		bytes += len(v)
	}
	n := s.blocks.len()
	if n > 0 {
		row := s.blocks.at(n - 1)
		if b := s.block(row); !opens && !b.full(bytes, limits) {
			s.beforeChange(row)
			p := appendEntry(b.cell[:b.end()], row.master, id, pairs)
			if cap(p) > cap(b.cell) {
				s.move(h, row, p, len(p)+min(len(p)/2, max(limits.StreamNodeMaxBytes-len(p), 0)))
			}
			s.appended(id)
			return
		}
		s.seal(h, row)
	}
	s.beforeOpening(id)
	p := h.at.arena.keepWith(nil, blockHeader+bytes+len(pairs)+32)
	p = appendEntry(openBlock(p, pairs), id, id, pairs)
	ref, cell := s.heap.Alloc(len(p))
	copy(cell, p)
	s.blocks.insert(streamRow{id, ref})
	s.appended(id)
}

func (s *stream) appended(id StreamID) {
	if s.length == 0 {
		s.first = id
	}
	s.length++
	s.added++
	s.last, s.newest = id, id
}

// move puts a block's bytes into a cell with room for so many.
func (s *stream) move(h *handle, row streamRow, p []byte, room int) {
	ref, cell := s.heap.Alloc(room)
	copy(cell, p)
	s.blocks.find(row).ref = ref
	h.retire(row.ref)
}

// seal gives back the room of a block that is full.
func (s *stream) seal(h *handle, row streamRow) {
	if b := s.block(row); slab.Room(b.end()) < len(b.cell)*7/8 {
		s.move(h, row, b.cell[:b.end()], b.end())
	}
}

// remove deletes the entry of an id; false when there is none.
func (s *stream) remove(h *handle, id StreamID) bool {
	var e StreamEntry
	row, ok := s.find(id, &e)
	if !ok {
		return false
	}
	s.beforeChange(row)
	s.block(row).mark(&e)
	s.length--
	s.tidy(h, row)
	if s.maxDeleted.Before(id) {
		s.maxDeleted = id
	}
	if id == s.first {
		s.findFirst()
	}
	if id == s.last {
		s.findLast()
	}
	return true
}

// tidy drops a block that was emptied, and writes a wasteful one anew.
func (s *stream) tidy(h *handle, row streamRow) {
	b := s.block(row)
	switch {
	case b.count(blockLiveAt) == 0:
		s.blocks.remove(row)
		h.retire(row.ref)
	case b.wasteful() && row != s.blocks.at(s.blocks.len()-1):
		s.blocks.find(row).ref = b.compacted(s.heap)
		h.retire(row.ref)
	}
}

func (s *stream) findFirst() {
	s.first = StreamID{}
	s.ascend(StreamID{}, MaxStreamID(), func(e *StreamEntry) bool {
		s.first = e.ID
		return false
	})
}

func (s *stream) findLast() {
	s.last = StreamID{}
	s.descend(MaxStreamID(), StreamID{}, func(e *StreamEntry) bool {
		s.last = e.ID
		return false
	})
}

// StreamTrim says which entries from the beginning of a stream are to go.
type StreamTrim struct {
	ByID   bool
	MinID  StreamID // ByID: those before it
	MaxLen int64    // else: those above this number
	// Whole: only whole blocks go, and of those only so many that Limit entries at most are deleted (0: no limit).
	Whole bool
	Limit int64
}

// trim deletes entries from the beginning, block by block, and gives their number.
func (s *stream) trim(h *handle, t StreamTrim) (deleted int) {
	for s.blocks.len() > 0 && (t.ByID || int64(s.length) > t.MaxLen) {
		row := s.blocks.at(0)
		live := s.block(row).count(blockLiveAt)
		if t.Limit > 0 && int64(deleted+live) > t.Limit {
			break
		}
		if !s.wholly(row, live, t) {
			if !t.Whole {
				deleted += s.trimInside(h, row, t)
			}
			break
		}
		s.beforeChange(row)
		s.blocks.remove(row)
		h.retire(row.ref)
		s.length -= live
		deleted += live
	}
	if deleted > 0 {
		s.findFirst()
		if s.length == 0 {
			s.last = StreamID{}
		}
	}
	return deleted
}

// wholly says whether all entries of the first block are to go.
func (s *stream) wholly(row streamRow, live int, t StreamTrim) bool {
	if !t.ByID {
		return int64(s.length-live) >= t.MaxLen
	}
	if s.blocks.len() > 1 && !t.MinID.Before(s.blocks.at(1).master) {
		return true
	}
	var e StreamEntry
	for w := s.block(row).walk(); w.next(&e); {
	}
	return e.ID.Before(t.MinID)
}

// trimInside deletes entries at the beginning of the first block, of which some stay.
func (s *stream) trimInside(h *handle, row streamRow, t StreamTrim) (deleted int) {
	b := s.block(row)
	var e StreamEntry
	for w := b.walk(); w.next(&e); {
		if t.ByID && !e.ID.Before(t.MinID) || !t.ByID && int64(s.length) <= t.MaxLen {
			break
		}
		if !e.deleted {
			s.beforeChange(row)
			b.mark(&e)
			s.length--
			deleted++
		}
	}
	if deleted > 0 {
		s.tidy(h, row)
	}
	return deleted
}

// edge is the id of the first entry that is, or was and is marked as deleted; the greatest id when there is none.
func (s *stream) edge() StreamID {
	if s.blocks.len() == 0 {
		return MaxStreamID()
	}
	return s.blocks.at(0).master
}

// gapBehind says whether XDEL may have made a hole behind an id.
func (s *stream) gapBehind(id StreamID) bool {
	switch {
	case s.length == 0 || s.maxDeleted == StreamID{} || s.maxDeleted.Before(s.first):
		return false
	default:
		return !s.maxDeleted.Before(id)
	}
}

// EntriesReadUnknown is the count of a group that was set to a place whose distance from the stream's beginning nobody
// has counted.
const EntriesReadUnknown int64 = -1

// readUpTo says how many of the entries ever added are not behind an id, where the stream can tell.
func (s *stream) readUpTo(id StreamID) int64 {
	total := int64(min(s.added, math.MaxInt64))
	switch {
	case total == 0:
		return 0
	case s.length == 0 && !s.newest.Before(id), id == s.newest:
		return total
	case s.newest.Before(id):
		return EntriesReadUnknown
	case s.maxDeleted != StreamID{} && !s.maxDeleted.Before(s.first):
		return EntriesReadUnknown // there are holes
	case id.Before(s.first):
		return total - int64(s.length)
	case id == s.first:
		return total - int64(s.length) + 1
	}
	return EntriesReadUnknown
}
