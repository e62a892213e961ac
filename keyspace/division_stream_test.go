package keyspace

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// deliver gives some entries, from an id on, to a consumer of a group; both are made if they are not there.
func (d *dividing) deliver(s *StreamEdit, from StreamID, n int) {
	group, name := []byte("g"+strconv.Itoa(d.r.IntN(3))), []byte("c"+strconv.Itoa(d.r.IntN(4)))
	s.CreateGroup(group, from, int64(d.count))
	g, _ := s.EditGroup(group)
	c, there := g.Consumer(name)
	if !there {
		c = g.CreateConsumer(name, 1)
	}
	for i := range n {
		d.count++
		g.Deliver(c, StreamID{from.Ms, from.Seq + uint64(i)}, int64(d.count), uint64(d.count))
	}
}

// takeFromGroup does to groups what takes from them, a row or very many, and what moves rows from one consumer to another.
func (d *dividing) takeFromGroup(s *StreamEdit) {
	name := []byte("g" + strconv.Itoa(d.r.IntN(3)))
	g, there := s.EditGroup(name)
	if !there || g.Pending() == 0 {
		return
	}
	// The row is any one: their ids go up to about the count.
	row := g.LastPending()
	g.EachPending(StreamID{Ms: uint64(d.r.IntN(d.count))}, func(p PendingEntry) bool { row = p; return false })
	switch d.r.IntN(500) {
	case 0:
		s.DestroyGroup(name)
	case 1:
		s.DestroyGroup(name)
		s.CreateGroup(name, row.ID, 7)
		d.deliver(s, row.ID, 300)
	case 2:
		g.RemoveConsumer(row.Consumer)
	case 3:
		d.deliver(s, row.ID, 500) // claims, and what is new
	case 4:
		g.CreateConsumer([]byte("idle"+strconv.Itoa(d.count)), 1)
	case 5, 6, 7:
		g.Set(row.ID, int64(d.count))
	default:
		if d.r.IntN(3) == 0 {
			d.deliver(s, row.ID, 1)
		} else {
			g.Acknowledge(row.ID)
		}
	}
}

// pendingMany is a keyspace with one stream that has a few entries, and so many pending ones with some consumers.
func pendingMany(pending, consumers int) (ks *Keyspace, edit func(fn func(s *StreamEdit, g GroupEdit))) {
	ks = New(Options{Databases: 1})
	edit = func(fn func(s *StreamEdit, g GroupEdit)) {
		run(ks, func() {
			s := must(ks.DB(0).EditStream([]byte("k"), ""))
			g, _ := s.EditGroup([]byte("g"))
			fn(s, g)
		})
	}
	run(ks, func() {
		s := must(ks.DB(0).EditStream([]byte("k"), ""))
		s.Append(StreamID{1, 0}, [][]byte{[]byte("f"), []byte("v")})
		s.CreateGroup([]byte("g"), StreamID{1, 0}, 1)
	})
	edit(func(s *StreamEdit, g GroupEdit) {
		var all []StreamConsumer
		for i := range consumers {
			all = append(all, g.CreateConsumer([]byte("c"+strconv.Itoa(i)), 1))
		}
		for i := range pending {
			g.Deliver(all[i*7%consumers], StreamID{uint64(i + 1), 0}, 5, 1)
		}
	})
	return ks, edit
}

// TestDivision_pendingEntriesAreNotCopied: what a freeze does, and what a command does while views are open, does not grow
// with what is pending.
func TestDivision_pendingEntriesAreNotCopied(t *testing.T) {
	const pending = 100_000
	var allocs, copied [2]float64
	for i, n := range []int{pending / 10, pending} {
		ks, edit := pendingMany(n, 10)
		heap := ks.DB(0).heap
		made := heap.Made()
		acknowledge := uint64(n / 2)
		allocs[i] = testing.AllocsPerRun(5, func() {
			f := ks.FreezeAll(func(*Item) {})
			edit(func(_ *StreamEdit, g GroupEdit) { g.Acknowledge(StreamID{acknowledge, 0}) })
			acknowledge++
			require.Less(t, f.CopiedBytes(), int64(4096))
			f.Close()
		})
		copied[i] = float64(heap.Made()-made) / 6
		require.Less(t, allocs[i], 150.0)
		require.Less(t, copied[i], 20.0, "cells")
	}
	require.InDelta(t, allocs[0], allocs[1], 20)
	require.InDelta(t, copied[0], copied[1], 5)
}

// TestDivision_pendingEntriesComeInParts: also of a stream of one block, and each entry twice: with the group, and with its consumer.
func TestDivision_pendingEntriesComeInParts(t *testing.T) {
	const pending = 10_000
	ks, edit := pendingMany(pending, 10)
	var told, step unitsTold
	parts := 0
	f := ks.FreezeAll(func(it *Item) {
		parts++
		it.Stream().ReadGroups(&step)
	})
	next := uint64(pending)
	for done := false; !done; {
		edit(func(_ *StreamEdit, g GroupEdit) {
			c, _ := g.Consumer([]byte("c1"))
			g.Deliver(c, StreamID{next, 1}, 9, 9)
			g.Acknowledge(StreamID{next, 0})
			next--
		})
		done = f.Step(1)
		require.LessOrEqual(t, int(step), defaultGrain().part)
		told, step = told+step, 0
	}
	require.Equal(t, 2*pending+10+3, int(told))
	require.Equal(t, (2*pending+10+3+63)/64+1, parts, "and the block")
}

// TestDivision_groupsThatGo: what is dropped as a whole is not copied but left to the view, and given back after it.
func TestDivision_groupsThatGo(t *testing.T) {
	const pending = 20_000
	for name, drop := range map[string]func(db *DB, s *StreamEdit, g GroupEdit){
		"group":    func(_ *DB, s *StreamEdit, _ GroupEdit) { s.DestroyGroup([]byte("g")) },
		"key":      func(db *DB, _ *StreamEdit, _ GroupEdit) { db.Remove([]byte("k"), "") },
		"database": func(db *DB, _ *StreamEdit, _ GroupEdit) { db.Flush() },
		"value":    func(db *DB, _ *StreamEdit, _ GroupEdit) { db.PutString([]byte("k"), nil, 0, "") },
		"consumer": func(_ *DB, _ *StreamEdit, g GroupEdit) { g.RemoveConsumer([]byte("c0")) },
		"entries of a consumer": func(_ *DB, _ *StreamEdit, g GroupEdit) {
			c, _ := g.Consumer([]byte("c0"))
			var ids []StreamID
			c.EachPending(StreamID{}, func(p PendingEntry) bool { ids = append(ids, p.ID); return true })
			for _, id := range ids {
				g.Acknowledge(id)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, stop := range []bool{false, true} {
				ks, edit := pendingMany(pending, 2)
				db := ks.DB(0)
				want := readKey(t, db, "k").text()
				var parts givenParts
				got := ""
				f := ks.FreezeAll(func(it *Item) {
					if whole := parts.add(t, it); whole != nil {
						got = whole.text()
					}
				})
				edit(func(s *StreamEdit, g GroupEdit) { s.SetState(StreamID{1, 0}, StreamID{}, 1) })
				for range 10 {
					require.False(t, f.Step(1))
				}
				heap := db.heap
				made := heap.Made()
				edit(func(s *StreamEdit, g GroupEdit) { drop(db, s, g) })
				require.Less(t, heap.Made()-made, uint64(pending/10), "leaves")
				if stop {
					f.Close()
				}
				for !f.Step(100) {
				}
				require.True(t, stop || want == got)
				run(ks, func() { db.Remove([]byte("k"), "") })
				for ks.FreeSome() {
				}
				run(ks, func() { checkMemory(t, ks) })
				used, _ := ks.Memory()
				require.Less(t, used, int64(4096), "what the names of marks take")
			}
		})
	}
}

// TestDivision_stepCountsEntries: a step of n elements is over when so many entries or rows of groups have been given.
func TestDivision_stepCountsEntries(t *testing.T) {
	d := newDividing(t, KindStream)
	given, steps := 0, 0
	f := d.ks.FreezeAll(func(it *Item) { given += entriesOf(it) })
	for done := false; !done; steps++ {
		before := given
		done = f.Step(100)
		require.Less(t, given-before, 100+defaultGrain().part)
	}
	require.Greater(t, steps, given/(100+defaultGrain().part))
}
