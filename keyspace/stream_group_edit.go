package keyspace

import "slices"

// GroupEdit changes a consumer group of a stream that is open for change.
type GroupEdit struct {
	StreamGroup
	edit *StreamEdit
}

// CreateGroup adds a group that has read up to an id; false when there is one of that name.
func (s *StreamEdit) CreateGroup(name []byte, delivered StreamID, read int64) bool {
	if _, found := s.Group(name); found {
		return false
	}
	of := s.change()
	g := newStreamGroup(of.heap, name)
	g.delivered, g.read = delivered, read
	at, _ := of.groupAt(name)
	of.groups = slices.Insert(of.groups, at, g)
	return true
}

// DestroyGroup drops a group with all that is pending; false when there is none of that name.
func (s *StreamEdit) DestroyGroup(name []byte) bool {
	v, found := s.Group(name)
	if !found {
		return false
	}
	of := s.change()
	at, _ := of.groupAt(name)
	of.groups = slices.Delete(of.groups, at, at+1)
	s.handle.db.ks.retireLarge(s.handle.db.store, v.g)
	return true
}

// EditGroup opens a group for change; false when there is none of that name.
func (s *StreamEdit) EditGroup(name []byte) (GroupEdit, bool) {
	v, found := s.Group(name)
	return GroupEdit{v, s}, found
}

// Set moves the group to a place in the stream.
func (v GroupEdit) Set(delivered StreamID, read int64) {
	v.edit.change()
	v.g.delivered, v.g.read = delivered, read
}

// Advance notes that an entry behind all that were delivered before is delivered now.
func (v GroupEdit) Advance(id StreamID) {
	of := v.edit.change()
	switch {
	case v.g.read != EntriesReadUnknown && !of.gapBehind(id):
		v.g.read++
	case of.added > 0:
		v.g.read = of.readUpTo(id)
	}
	v.g.delivered = id
}

// CreateConsumer adds a consumer, seen now; there is none of that name.
func (v GroupEdit) CreateConsumer(name []byte, nowMs int64) StreamConsumer {
	of := v.edit.change()
	return StreamConsumer{v.g, v.g.addConsumer(of.heap, name, nowMs)}
}

// RemoveConsumer drops a consumer with what it has pending, and gives the number of that; false when there is none.
func (v GroupEdit) RemoveConsumer(name []byte) (pending int, found bool) {
	c, found := v.Consumer(name)
	if !found {
		return 0, false
	}
	of := v.edit.change()
	pending = v.g.removeConsumer(c.c)
	gone := newStreamGroup(of.heap, nil)
	gone.consumers = append(gone.consumers, c.c)
	if db := v.edit.handle.db; gone.held() || pending > sweepCells {
		db.ks.retireLarge(db.store, gone)
	} else {
		gone.discard(2 * sweepCells)
	}
	return pending, true
}

// Deliver makes an entry pending with a consumer, whoever had it before.
func (v GroupEdit) Deliver(to StreamConsumer, id StreamID, deliveredMs int64, times uint64) {
	v.edit.change()
	v.g.deliver(to.c, pendingRow{id: id, deliveredMs: deliveredMs, times: times})
}

// Acknowledge takes a pending entry out; false when there is none of that id.
func (v GroupEdit) Acknowledge(id StreamID) bool {
	if v.g.pending.find(pendingRow{id: id}) == nil {
		return false
	}
	v.edit.change()
	return v.g.acknowledge(id)
}

// LoadPending adds a pending entry that nobody has yet, for a loader that learns later who does; false when it is there.
func (v GroupEdit) LoadPending(id StreamID, deliveredMs int64, times uint64) bool {
	if v.g.pending.find(pendingRow{id: id}) != nil {
		return false
	}
	v.edit.change()
	v.g.pending.insert(pendingRow{id: id, deliveredMs: deliveredMs, times: times, consumer: nobody})
	return true
}

// LoadOwner gives such an entry to a consumer; false when there is none, or somebody has it.
func (v GroupEdit) LoadOwner(id StreamID, to StreamConsumer) bool {
	row := v.g.pending.findOwn(pendingRow{id: id})
	if row == nil || row.consumer != nobody {
		return false
	}
	row.consumer = to.c.number
	to.c.own.insert(id)
	return true
}
