package keyspace

import "slices"

// Stream is a read view. Its zero form, of a missing key, is an empty stream without groups.
type Stream struct{ view }

// Stream reads a stream; see Hash.
func (db *DB) Stream(key []byte) (Stream, error) {
	v, err := db.lookKind(key, KindStream)
	return Stream{view{v, &db.ks.arena}}, err
}

// Exists says whether there is a stream: it may be there and have no entries.
func (s Stream) Exists() bool { return s.of() != nil }

func (s Stream) of() *stream {
	if s.v == nil || s.v.large == nil {
		return nil
	}
	return s.v.large.(*stream)
}

// Len is the number of entries.
func (s Stream) Len() int {
	if of := s.of(); of != nil {
		return of.length
	}
	return 0
}

// StreamState is what a stream knows besides its entries and groups.
type StreamState struct {
	First, Last StreamID // of the entries that there are; zero when there is none
	Newest      StreamID // the last one that was given out
	MaxDeleted  StreamID // the greatest one that was deleted by its id
	Added       uint64   // entries ever added
	Edge        StreamID // where the first block begins; the greatest id when there is none
	Blocks      int      // of the whole stream, also in a part
	Groups      int      // likewise
}

// State gives it.
func (s Stream) State() StreamState {
	of := s.of()
	if of == nil {
		return StreamState{Edge: MaxStreamID()}
	}
	state := StreamState{First: of.first, Last: of.last, Newest: of.newest, MaxDeleted: of.maxDeleted, Added: of.added,
		Edge: of.edge(), Blocks: of.blocks.len(), Groups: len(of.groups)}
	if of.part != nil {
		state.Blocks, state.Groups = of.part.blocks, of.part.groups
	}
	return state
}

// ReadUpTo says how many of the entries ever added are not behind an id, where the stream can tell; else EntriesReadUnknown.
func (s Stream) ReadUpTo(id StreamID) int64 { return s.of().readUpTo(id) }

// Each visits the entries from one id to another, both included, in their order until fn returns false.
func (s Stream) Each(from, to StreamID, fn func(e *StreamEntry) bool) {
	if of := s.of(); of != nil {
		of.ascend(from, to, fn)
	}
}

// EachBackward is Each from the greater id down to the smaller one.
func (s Stream) EachBackward(from, to StreamID, fn func(e *StreamEntry) bool) {
	if of := s.of(); of != nil {
		of.descend(from, to, fn)
	}
}

// Entry reads one entry into the given room; false when there is none of that id.
func (s Stream) Entry(id StreamID, room *StreamEntry) bool {
	of := s.of()
	if of == nil {
		return false
	}
	_, ok := of.find(id, room)
	return ok
}

// StreamEdit changes a stream.
type StreamEdit struct {
	Stream
	handle handle
	opens  bool
}

// EditStream opens a stream for change; see EditHash.
func (db *DB) EditStream(key []byte, event string) (*StreamEdit, error) {
	s := db.ks.pools.streams.take()
	s.opens = false
	if err := db.edit(&s.handle, &s.view, key, KindStream, event); err != nil {
		return nil, err
	}
	return s, nil
}

// ReplaceStream opens a new stream in the place of what is at key; see ReplaceHash.
func (db *DB) ReplaceStream(key []byte, event string) *StreamEdit {
	s := db.ks.pools.streams.take()
	s.opens = false
	db.replaceWith(&s.handle, &s.view, key, KindStream, event)
	return s
}

// change prepares the stream, which is made if it is missing.
func (s *StreamEdit) change() *stream {
	v := s.handle.changeInPlace()
	if v.large == nil {
		v.large = newStream(s.handle.db.heap)
	}
	return v.large.(*stream)
}

// Create makes an empty stream if there is none.
func (s *StreamEdit) Create() {
	if !s.Exists() {
		s.change()
	}
}

// Append adds an entry of names and values in turn. Its id must be behind the last one that was given out.
func (s *StreamEdit) Append(id StreamID, pairs [][]byte) {
	of := s.change()
	if len(pairs) == 0 || len(pairs)%2 != 0 || !of.newest.Before(id) {
		panic("keyspace: an entry that does not belong at the end of the stream: " + id.String())
	}
	of.append(&s.handle, id, pairs, s.opens)
	s.opens = false
}

// OpenBlock has the next entry begin a new block: for a loader, who keeps what was blocks.
func (s *StreamEdit) OpenBlock() { s.opens = true }

// Delete removes the entry of an id; false when there is none.
func (s *StreamEdit) Delete(id StreamID) bool {
	var room StreamEntry
	if !s.Entry(id, &room) {
		return false
	}
	return s.change().remove(&s.handle, id)
}

// Trim deletes entries from the beginning, and gives their number.
func (s *StreamEdit) Trim(t StreamTrim) (deleted int) {
	of := s.of()
	if of == nil || !of.wouldTrim(t) {
		return 0
	}
	return s.change().trim(&s.handle, t)
}

// wouldTrim says whether there is anything to trim.
func (s *stream) wouldTrim(t StreamTrim) bool {
	if s.length == 0 || !t.ByID && int64(s.length) <= t.MaxLen || t.ByID && !s.first.Before(t.MinID) {
		return false
	}
	if !t.Whole {
		return true
	}
	row := s.blocks.at(0)
	live := s.block(row).count(blockLiveAt)
	return (t.Limit == 0 || int64(live) <= t.Limit) && s.wholly(row, live, t)
}

// SetState sets what a stream knows besides its entries: the last id given out, not before the last entry's, the greatest
// deleted one, and how many were ever added.
func (s *StreamEdit) SetState(newest, maxDeleted StreamID, added uint64) {
	of := s.change()
	if newest.Before(of.last) {
		panic("keyspace: a stream's last id before its last entry's: " + newest.String())
	}
	of.newest, of.maxDeleted, of.added = newest, maxDeleted, added
}

// groupAt gives the place of a group, or where it would be.
func (s *stream) groupAt(name []byte) (at int, found bool) {
	return slices.BinarySearchFunc(s.groups, name, func(g *streamGroup, name []byte) int { return slices.Compare(g.name, name) })
}
