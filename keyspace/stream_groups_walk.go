package keyspace

import "slices"

// GroupsReader is told what the consumer groups of a stream are, in the order in which Redis writes them down. What it is
// told is borrowed, and read only.
type GroupsReader interface {
	Groups(n int) // so many groups follow
	Group(g StreamGroup)
	Pending(p PendingEntry) // all of the group's follow it by id,
	Consumers(n int)        // and then its consumers,
	Consumer(c StreamConsumer)
	Owned(id StreamID) // each followed by the ids of what it has pending
}

// ReadGroups tells of all groups. Of a stream that comes in parts, those with entries tell nothing, and those behind them what
// makes it up when they are read one after the other: a bounded number of calls each, so a group may begin in one of
// them and end in another.
func (s Stream) ReadGroups(r GroupsReader) {
	of := s.of()
	switch {
	case of == nil:
	case of.part != nil:
		w := of.part.walk // the next reader begins there again
		w.pass(of.part.units, r)
	default:
		w := groupsWalk{of: of, groups: of.groups}
		w.pass(w.size(), r)
	}
}

// groupsWalk is a way through groups, of which each thing that a reader is told is one unit. Where it has come to says how
// to go on, for groups that do not change.
type groupsWalk struct {
	of     *stream
	groups []*streamGroup
	at     int // the group
	stage  groupStage
	one    int // the consumer
	rank   int // in what is pending with the group, or with the consumer
}

type groupStage uint8

const (
	stageGroups groupStage = iota
	stageGroup
	stagePending
	stageConsumers
	stageConsumer
	stageOwned
)

// size is how many units there are in all.
func (w *groupsWalk) size() int {
	n := 1
	for _, g := range w.groups {
		n += g.units()
	}
	return n
}

// units is how many there are of a group: each pending entry is somebody's.
func (g *streamGroup) units() int { return 2 + 2*g.pending.len() + len(g.consumers) }

// pass goes on by so many units, or to the end. r is nil for nobody to be told.
func (w *groupsWalk) pass(units int, r GroupsReader) {
	for units > 0 && (w.at < len(w.groups) || w.stage == stageGroups) {
		units -= w.step(units, r)
	}
}

// step goes on within a stage, or to the next one, and gives the number of units.
func (w *groupsWalk) step(most int, r GroupsReader) (units int) {
	if w.stage == stageGroups {
		w.stage = stageGroup
		if r != nil {
			r.Groups(len(w.groups))
		}
		return 1
	}
	g := w.groups[w.at]
	switch w.stage {
	case stagePending:
		return w.pending(g, most, r)
	case stageOwned:
		return w.owned(g, most, r)
	case stageGroup:
		w.stage = stagePending
		if r != nil {
			r.Group(StreamGroup{w.of, g})
		}
	case stageConsumers:
		w.stage, w.one = stageConsumer, 0
		if r != nil {
			r.Consumers(len(g.consumers))
		}
	case stageConsumer:
		if w.one == len(g.consumers) {
			w.at, w.stage = w.at+1, stageGroup
			return 0
		}
		w.stage = stageOwned
		if r != nil {
			r.Consumer(StreamConsumer{g, g.consumers[w.one]})
		}
	}
	return 1
}

func (w *groupsWalk) pending(g *streamGroup, most int, r GroupsReader) (units int) {
	to := min(w.rank+most, g.pending.len())
	if units = to - w.rank; r != nil && units > 0 {
		left := units
		g.pending.ascend(w.rank, func(row pendingRow) bool {
			r.Pending(g.entry(&row))
			left--
			return left > 0
		})
	}
	if w.rank = to; to == g.pending.len() {
		w.stage, w.rank = stageConsumers, 0
	}
	return units
}

func (w *groupsWalk) owned(g *streamGroup, most int, r GroupsReader) (units int) {
	own := &g.consumers[w.one].own
	to := min(w.rank+most, own.len())
	if units = to - w.rank; r != nil && units > 0 {
		left := units
		own.ascend(w.rank, func(id StreamID) bool {
			r.Owned(id)
			left--
			return left > 0
		})
	}
	if w.rank = to; to == own.len() {
		w.stage, w.rank, w.one = stageConsumer, 0, w.one+1
	}
	return units
}

// frozenGroup is a group as it was, for a view, and what of the group itself is frozen for that.
type frozenGroup struct {
	was       *streamGroup
	of        *streamGroup
	consumers []*streamConsumer
}

// freezeRows freezes what is pending, and copies all else.
func (g *streamGroup) freezeRows() frozenGroup {
	was := &streamGroup{name: g.name, delivered: g.delivered, read: g.read, pending: g.pending.freeze(),
		numbered: make([]*streamConsumer, len(g.numbered))}
	room := make([]streamConsumer, len(g.consumers))
	for i, c := range g.consumers {
		room[i] = streamConsumer{name: c.name, number: c.number, seenMs: c.seenMs, activeMs: c.activeMs, own: c.own.freeze()}
		was.consumers = append(was.consumers, &room[i])
		was.numbered[c.number] = &room[i]
	}
	return frozenGroup{was, g, slices.Clone(g.consumers)}
}

func (f *frozenGroup) thaw(s *store) {
	cells := f.of.pending.thaw()
	for _, c := range f.consumers {
		if left := c.own.thaw(); len(cells) == 0 {
			cells = left
		} else {
			cells = append(cells, left...)
		}
	}
	s.retireLeft(cells)
}
