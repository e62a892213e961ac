package keyspace

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// freezing is a world with views open while commands run. Each full view must give what was there at its opening; the
// dirty views, applied one after another to an image as a checkpoint does, must lead to what was there at each.
type freezing struct {
	*world
	full  []*taking
	dirty *taking
	disk  *disk
	early int // one step of so many closes the dirty view
}

type taking struct {
	f     *Frozen
	parts givenParts
	want  map[string]string
	nowMs int64
	got   []plainDB
	gone  map[string]bool
	items int
	disk  *disk // of a dirty view: what it makes of the disk
}

// givenParts puts the parts of values together, and holds what is promised about them.
type givenParts struct {
	open   *plain // of a value whose last part has not come
	name   string
	next   int
	blocks map[uint64]bool
	told   groupsTold // of a stream in parts
}

// add gives the value when it is whole.
func (g *givenParts) add(t require.TestingT, it *Item) *plain {
	name := fmt.Sprint(it.DB, " ", string(it.Key))
	if g.open == nil {
		require.Zero(t, it.Part, name)
		*g = givenParts{open: newPlain(it.Kind), name: name, blocks: map[uint64]bool{}}
	}
	require.Equal(t, g.name, name, "another item between parts")
	require.Equal(t, g.next, it.Part)
	require.False(t, g.blocks[it.Block], "a block twice")
	g.next++
	g.blocks[it.Block] = true
	g.open.merge(t, readItem(it))
	if it.Kind == KindStream && !(it.Part == 0 && it.Last) {
		g.readGroups(t, it)
	}
	if !it.Last {
		return nil
	}
	whole := g.open
	g.open = nil
	require.Equal(t, whole.len(), it.Len())
	return whole
}

// readGroups reads what a part has of groups.
func (g *givenParts) readGroups(t require.TestingT, it *Item) {
	if it.Part == 0 {
		g.told = groupsTold{t: t, state: it.Stream().State(), groups: g.open.stream.groups}
	}
	require.Equal(t, g.told.state.Groups, it.Stream().State().Groups)
	before := g.told.calls
	it.Stream().ReadGroups(&g.told)
	if g.told.calls > 0 {
		require.Greater(t, g.told.calls, before, "groups come behind the entries")
	}
	if g.open.stream.groups = g.told.groups; it.Last {
		g.told.ended()
		require.Zero(t, g.told.toCome)
	}
}

// merge adds the elements of another part, none of which may be there.
func (p *plain) merge(t require.TestingT, part *plain) {
	sum := p.len() + part.len()
	require.NotZero(t, part.len())
	p.deadline, p.str = part.deadline, part.str
	if p.kind == KindStream {
		part.stream.entries = append(p.stream.entries, part.stream.entries...)
		p.stream = part.stream
	}
	p.list = append(p.list, part.list...)
	maps.Copy(p.set, part.set)
	maps.Copy(p.hash, part.hash)
	maps.Copy(p.timed, part.timed)
	maps.Copy(p.zset, part.zset)
	if p.kind != KindString && p.kind != KindStream {
		require.Equal(t, sum, p.len(), "an element twice")
	}
}

func (p *plain) len() int {
	if p.kind == KindString || p.kind == KindStream {
		return 1
	}
	return len(p.list) + len(p.set) + len(p.hash) + len(p.zset)
}

func newFreezing(t require.TestingT, c chooser) *freezing {
	w := &freezing{world: newWorld(t, c), early: 12}
	w.ks.grain = grain{whole: 8, part: 2, stored: 10}
	w.disk = newDisk(t, len(w.dbs))
	return w
}

func (w *freezing) take() *taking {
	return &taking{want: texts(w.dbs, w.nowMs), nowMs: w.nowMs, got: make([]plainDB, len(w.dbs)), gone: map[string]bool{}}
}

func (w *freezing) openFull() {
	v := w.take()
	for i := range v.got {
		v.got[i] = plainDB{}
	}
	v.f = w.ks.FreezeAll(func(it *Item) {
		require.False(w.t, it.Flush)
		require.NotEqual(w.t, KindNone, it.Kind)
		require.Nil(w.t, v.got[it.DB][string(it.Key)], "given twice")
		if whole := v.parts.add(w.t, it); whole != nil {
			v.items++
			v.got[it.DB][string(it.Key)] = whole
		}
	})
	w.full = append(w.full, v)
}

func (w *freezing) openDirty() {
	v := w.take()
	v.disk = w.disk.clone()
	flushed := map[int]bool{}
	any := map[int]bool{}
	seen := map[string]bool{}
	v.f = w.ks.FreezeDirty(func(it *Item) {
		v.disk.take(it)
		v.items = v.disk.ended
		if it.Flush {
			require.False(w.t, any[it.DB], "a flush comes first")
			require.False(w.t, flushed[it.DB])
			flushed[it.DB] = true
			return
		}
		any[it.DB] = true
		name := fmt.Sprint(it.DB, " ", string(it.Key))
		require.False(w.t, seen[name], "given twice: %s", name)
		seen[name] = it.Last
	})
	w.dirty = v
}

func (w *freezing) ended(v *taking) {
	require.Equal(w.t, v.want, texts(v.got, v.nowMs))
	given, total := v.f.Progress()
	require.Equal(w.t, v.items, given)
	require.Equal(w.t, given, total)
	require.True(w.t, v.f.Step(1))
	v.f.Close()
}

// step is a command, or something about the views.
func (w *freezing) step() {
	switch choice := w.c.pick(14); {
	case choice == 13 && w.c.pick(10) == 0:
		w.scatter()
	case choice >= 12:
		w.ks.Compact(1 + w.c.pick(500))
	case choice == 0 && len(w.full) < 3:
		w.openFull()
	case choice == 1 && w.dirty == nil:
		w.openDirty()
	case choice <= 3 && len(w.full) > 0:
		k := w.c.pick(len(w.full))
		v := w.full[k]
		if w.c.pick(20) == 0 {
			v.f.Close()
		} else if !v.f.Step(1 + w.c.pick(3)) {
			break
		} else {
			w.ended(v)
		}
		w.full = append(w.full[:k:k], w.full[k+1:]...)
	case choice <= 5 && w.dirty != nil:
		if w.c.pick(w.early) == 0 {
			w.dirty.f.Close()
			w.dirty = nil
		} else if w.dirty.f.Step(1 + w.c.pick(3)) {
			w.endedDirty()
		}
	default:
		w.command()
	}
}

func (w *freezing) endedDirty() {
	w.dirty.got = w.dirty.disk.plain()
	w.ended(w.dirty)
	w.disk = w.dirty.disk
	w.dirty = nil
}

func (w *freezing) finish() {
	for _, v := range w.full {
		for !v.f.Step(5) {
		}
		w.ended(v)
	}
	w.full = nil
	for range 2 { // the second one: what has changed since the first one opened
		if w.dirty == nil {
			w.openDirty()
		}
		for !w.dirty.f.Step(5) {
		}
		w.endedDirty()
	}
	require.Empty(w.t, w.ks.views)
	w.openDirty()
	for !w.dirty.f.Step(1) {
	}
	require.Zero(w.t, w.dirty.items, "nothing has changed since")
	w.dirty = nil
}

func TestFrozen_viewsWhileCommandsRun(t *testing.T) {
	updates := 0
	for seed := range uint64(24) {
		w := newFreezing(t, newSeeded(1000+seed, 700))
		if seed%10 == 9 {
			w.keys = 300 // several pieces and segments
		}
		if seed%2 == 1 {
			w.ks.grain, w.early = grain{whole: 2, part: 1, stored: 3}, 100 // more updates
		}
		for !w.c.done() {
			w.step()
		}
		w.finish()
		w.check()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		updates += w.disk.updates
	}
	require.Positive(t, updates, "of values that the disk has in blocks")
}
