package keyspace

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkpoints are dirty views of one large structure, and what else a server does with views.
type checkpoints struct {
	*dividing
	disk    *disk
	pending *disk // of the view that is open
	view    *Frozen
	want    map[string]string
	full    []*Frozen
	ended   int
}

func newCheckpoints(t *testing.T, kind Kind, part int) *checkpoints {
	d := newDividing(t, kind)
	d.ks.grain = grain{whole: 256, part: part, stored: dividingElements / 5}
	return &checkpoints{dividing: d, disk: newDisk(t, 2)}
}

func (c *checkpoints) begin() {
	c.pending, c.want = c.disk.clone(), c.texts()
	c.view = c.ks.FreezeDirty(c.pending.take)
}

// step is a step of the view; now and then it is given up, or what it gave does not get onto the disk.
func (c *checkpoints) step(n int) {
	switch {
	case c.r.IntN(500) == 0:
		c.view.Close()
		c.view = nil
	case c.view.Step(n):
		c.view = nil
		require.Equal(c.t, c.want, texts(c.pending.plain(), 0))
		c.ended++
		if c.r.IntN(12) == 0 {
			c.copyAll()
		} else {
			c.disk = c.pending
		}
	}
}

// copyAll is what comes after a checkpoint that failed.
func (c *checkpoints) copyAll() {
	c.ks.MarkClean()
	fresh := newDisk(c.t, 2)
	fresh.updates, fresh.wholes, fresh.sum = c.disk.updates, c.disk.wholes, c.disk.sum
	want := c.texts()
	f := c.ks.FreezeAll(fresh.take)
	for !f.Step(100) {
		run(c.ks, c.put)
	}
	require.Equal(c.t, want, texts(fresh.plain(), 0))
	c.disk = fresh
}

func (c *checkpoints) views() {
	switch {
	case c.view == nil && c.r.IntN(30) == 0:
		c.begin()
	case c.view != nil:
		c.step(1 + c.r.IntN(300))
	}
	switch {
	case len(c.full) < 2 && c.r.IntN(200) == 0:
		c.full = append(c.full, c.ks.FreezeAll(func(it *Item) { require.False(c.t, it.Update) }))
	case len(c.full) > 0:
		if f := c.full[0]; f.Step(1 + c.r.IntN(100)) {
			c.full = c.full[1:]
		}
	}
}

// TestBase_diskKeepsUp: what checkpoints of changes have written is what there was, whatever happened to keys and views.
func TestBase_diskKeepsUp(t *testing.T) {
	for _, kind := range []Kind{KindHash, KindSet, KindZSet, KindList, KindStream} {
		for _, part := range []int{64, 2} { // of so few, some are empty
			t.Run(fmt.Sprint(kind, " ", part), func(t *testing.T) { newCheckpoints(t, kind, part).work() })
		}
	}
}

func (c *checkpoints) work() {
	for c.ended < 80 {
		run(c.ks, func() {
			switch n := c.r.IntN(400); {
			case n == 0:
				c.upset()
			case n < 20 && c.length() > dividingElements/8:
				c.dividing.take()
			case n < 30:
				c.ks.DB(0).SetDeadline([]byte(c.key), 1<<40+int64(n), "")
			case n < 100:
				c.put()
			}
		})
		c.views()
	}
	for _, f := range append(c.full, c.view) {
		if f != nil {
			f.Close()
		}
	}
	c.t.Log(c.disk.updates, "updates with", c.disk.sum, "blocks,", c.disk.wholes, "times all blocks")
	if c.kind != KindStream {
		require.Greater(c.t, c.disk.updates, 5)
		require.Greater(c.t, c.disk.wholes, 2)
		require.Positive(c.t, c.disk.sum)
	}
	c.givenBack()
}

// changes is what a dirty view gives of one key: whether that is an update, and the blocks.
func (c *checkpoints) changes() (update, all bool, blocks, gone int) {
	c.pending = c.disk.clone()
	f := c.ks.FreezeDirty(func(it *Item) {
		update, all = it.Update, !it.Update
		switch {
		case it.HeadOnly:
		case it.Gone:
			gone++
		default:
			blocks++
		}
		c.pending.take(it)
	})
	for !f.Step(100) {
	}
	c.disk = c.pending
	return update, all, blocks, gone
}

// newMany is a structure of many elements, which the disk has.
func newMany(t *testing.T, kind Kind, elements int) *checkpoints {
	c := &checkpoints{dividing: &dividing{t: t, ks: New(Options{Databases: 2, HashSeed: 4}), r: rand.New(rand.NewPCG(1, 2)), kind: kind, key: "many"}, disk: newDisk(t, 2)}
	c.ks.grain.stored = elements / 10
	run(c.ks, func() {
		for i := range elements {
			c.addOne(i)
		}
	})
	_, all, blocks, _ := c.changes()
	require.True(t, all)
	require.Greater(t, blocks, elements/1000)
	return c
}

func (c *checkpoints) addOne(i int) {
	db, k, e := c.ks.DB(0), []byte(c.key), []byte("element:"+strconv.Itoa(i))
	switch c.kind {
	case KindHash:
		must(db.EditHash(k, "")).Set(e, []byte("value"))
	case KindSet:
		must(db.EditSet(k, "")).Add(e)
	case KindZSet:
		must(db.EditZSet(k, "")).Put(e, float64(i))
	case KindList:
		must(db.EditList(k, "")).PushTail(e)
	}
}

// TestBase_oneChangeIsOneBlock: what a checkpoint gives of a large value does not follow its size.
func TestBase_oneChangeIsOneBlock(t *testing.T) {
	later := int64(1 << 40)
	e, k := []byte("element:500"), []byte("many")
	const elements = 100_000
	for kind, changes := range map[Kind][]struct {
		name   string
		blocks int
		change func(db *DB)
	}{
		KindHash: {
			{"a field is set", 1, func(db *DB) { must(db.EditHash(k, "")).Set(e, []byte("another value")) }},
			{"a field is set in its cell", 1, func(db *DB) { must(db.EditHash(k, "")).Set(e, []byte("ANOTHER VALUE")) }},
			{"a field is new", 1, func(db *DB) { must(db.EditHash(k, "")).Set([]byte("new"), e) }},
			{"a field gets a deadline", 1, func(db *DB) { must(db.EditHash(k, "")).SetDeadline(e, later) }},
			{"a field gets another one", 1, func(db *DB) { must(db.EditHash(k, "")).SetDeadline(e, later+1) }},
			{"a field loses it", 1, func(db *DB) { must(db.EditHash(k, "")).SetDeadline(e, 0) }},
			{"a field goes", 1, func(db *DB) { must(db.EditHash(k, "")).Delete(e) }},
			{"the hash gets a deadline", 0, func(db *DB) { db.SetDeadline(k, later, "") }},
		},
		KindSet: {
			{"a member is new", 1, func(db *DB) { must(db.EditSet(k, "")).Add([]byte("new")) }},
			{"a member goes", 1, func(db *DB) { must(db.EditSet(k, "")).Remove(e) }},
		},
		KindZSet: {
			{"a score changes", 1, func(db *DB) { must(db.EditZSet(k, "")).Put(e, -1) }},
			{"the first of them goes", 1, func(db *DB) { must(db.EditZSet(k, "")).RemoveRanks(0, 1) }},
			{"a member goes", 1, func(db *DB) { must(db.EditZSet(k, "")).Remove([]byte("element:7")) }},
			{"a member is new", 1, func(db *DB) { must(db.EditZSet(k, "")).Put([]byte("new"), 50) }},
		},
		KindList: {
			{"an element at the head", 1, func(db *DB) { must(db.EditList(k, "")).PushHead(e) }},
			{"an element at the tail", 1, func(db *DB) { must(db.EditList(k, "")).PushTail(e) }},
			{"an element in a full block", 2, func(db *DB) { must(db.EditList(k, "")).InsertBefore(elements/2, e) }},
			{"another element", 1, func(db *DB) { must(db.EditList(k, "")).SetAt(elements/3, []byte("ELEMENT:500")) }},
			{"an element goes", 1, func(db *DB) { must(db.EditList(k, "")).DeleteRange(elements/4, 1) }},
			{"the first one goes", 1, func(db *DB) { must(db.EditList(k, "")).PopHead() }},
		},
	} {
		c := newMany(t, kind, elements)
		for _, change := range changes {
			run(c.ks, func() { change.change(c.ks.DB(0)) })
			update, _, blocks, gone := c.changes()
			require.True(t, update, change.name)
			require.Equal(t, change.blocks, blocks+gone, change.name)
			update, all, _, _ := c.changes()
			require.False(t, update || all, "%s: and no more", change.name)
		}
		require.Equal(t, c.texts(), texts(c.disk.plain(), 0))
	}
}

// otherValues are ways in which another value comes to a key.
func otherValues(k []byte, elements int) map[string]func(c *checkpoints) {
	return map[string]func(c *checkpoints){
		"renamed and back": func(c *checkpoints) {
			run(c.ks, func() { c.ks.DB(0).Rename(k, []byte("other")) })
			run(c.ks, func() { c.ks.DB(0).Rename([]byte("other"), k) })
		},
		"moved and back": func(c *checkpoints) {
			run(c.ks, func() { c.ks.DB(0).MoveTo(c.ks.DB(1), k) })
			run(c.ks, func() { c.ks.DB(1).MoveTo(c.ks.DB(0), k) })
		},
		"copied": func(c *checkpoints) {
			run(c.ks, func() { c.ks.DB(0).CopyTo(c.ks.DB(0), k, []byte("other")) })
			run(c.ks, func() { c.ks.DB(0).Rename([]byte("other"), k) })
		},
		"exchanged": func(c *checkpoints) {
			run(c.ks, func() { c.ks.SwapDB(0, 1) })
			run(c.ks, func() { c.ks.SwapDB(0, 1) })
		},
		"made anew": func(c *checkpoints) {
			run(c.ks, func() {
				c.ks.DB(0).Remove(k, "")
				for i := range elements {
					c.addOne(i)
				}
			})
		},
	}
}

// doubts are ways in which it becomes doubtful what the checkpoint has, or how it should have it.
func doubts(t *testing.T, elements int) map[string]func(c *checkpoints) {
	smallOnce := func(n func(c *checkpoints) int) func(c *checkpoints) {
		return func(c *checkpoints) {
			run(c.ks, func() { c.shrinkTo(n(c)) })
			update, all, _, _ := c.changes()
			require.True(t, !update && all)
			run(c.ks, func() {
				for i := range elements {
					c.addOne(elements + i)
				}
			})
		}
	}
	return map[string]func(c *checkpoints){
		"small once":      smallOnce(func(c *checkpoints) int { return c.ks.grain.stored }),
		"very small once": smallOnce(func(c *checkpoints) int { return c.ks.grain.whole }),
		"a view closed early": func(c *checkpoints) {
			run(c.ks, func() { c.addOne(1); c.addOne(-1) })
			f := c.ks.FreezeDirty(func(*Item) {})
			f.Close()
		},
		"a checkpoint that failed": func(c *checkpoints) { c.copyAll() },
		"grown": func(c *checkpoints) {
			run(c.ks, func() {
				for i := range 7 * elements {
					c.addOne(elements + i)
				}
			})
		},
		"shrunk": func(c *checkpoints) {
			run(c.ks, func() { c.shrinkTo(elements / 8) })
		},
	}
}

// TestBase_givenUp: what brings another value to a key, or makes it doubtful what the checkpoint has, makes all blocks come.
func TestBase_givenUp(t *testing.T) {
	const elements = 10_000
	acts := otherValues([]byte("many"), elements)
	maps.Copy(acts, doubts(t, elements))
	for name, act := range acts {
		for _, kind := range []Kind{KindHash, KindList} {
			if kind == KindList && (name == "grown" || name == "shrunk") {
				continue // its blocks stay as large as they are
			}
			c := newMany(t, kind, elements)
			act(c)
			run(c.ks, func() { c.addOne(-2) })
			want := c.texts()
			update, all, blocks, _ := c.changes()
			require.Equal(t, want, texts(c.disk.plain(), 0), name)
			require.True(t, !update && all && blocks > 1, name)
			run(c.ks, func() { c.addOne(-3) })
			want = c.texts()
			update, _, blocks, _ = c.changes()
			require.Equal(t, want, texts(c.disk.plain(), 0), name)
			require.True(t, update && blocks <= 2, "%s: a new base", name)
		}
	}
}

func (c *checkpoints) shrinkTo(n int) {
	k := []byte(c.key)
	if c.kind == KindList {
		l := must(c.ks.DB(0).EditList(k, ""))
		l.DeleteRange(n/2, l.Len()-n)
		return
	}
	h := must(c.ks.DB(0).EditHash(k, ""))
	for i := 0; h.Len() > n; i++ {
		h.Delete([]byte("element:" + strconv.Itoa(i)))
	}
}

// TestBase_blocksOfAListThatAreGone: their numbers are named, unless others have got them.
func TestBase_blocksOfAListThatAreGone(t *testing.T) {
	const elements = 100_000
	c := newMany(t, KindList, elements)
	l := func() *ListEdit { return must(c.ks.DB(0).EditList([]byte(c.key), "")) }
	run(c.ks, func() { l().DeleteRange(0, elements/2) })
	want := c.texts()
	update, _, blocks, gone := c.changes()
	require.True(t, update && blocks <= 1 && gone > 50)
	require.Equal(t, want, texts(c.disk.plain(), 0))
	run(c.ks, func() {
		n := l().Len()
		l().DeleteRange(n-10_000, 10_000)
		for i := range 20_000 {
			c.addOne(i)
		}
	})
	want = c.texts()
	update, _, blocks, gone = c.changes()
	require.True(t, update && blocks > 20 && gone == 0)
	require.Equal(t, want, texts(c.disk.plain(), 0))
}

// TestBase_noNumberLeft: a list with too many splits at one place is numbered anew.
func TestBase_noNumberLeft(t *testing.T) {
	const elements = 10_000
	c := newMany(t, KindList, elements)
	updates := 0
	for range 60 {
		run(c.ks, func() {
			l := must(c.ks.DB(0).EditList([]byte(c.key), ""))
			for range 200 {
				l.InsertBefore(elements/2, []byte("another one of these"))
			}
		})
		want := c.texts()
		if update, _, _, _ := c.changes(); update {
			updates++
		}
		require.Equal(t, want, texts(c.disk.plain(), 0))
	}
	require.Less(t, updates, 60)
	require.Greater(t, updates, 40)
}

// TestBase_emptySpanFillsAgain: what is empty at the freeze is gone, also if something comes there before that was given.
func TestBase_emptySpanFillsAgain(t *testing.T) {
	c := newMany(t, KindHash, 1000)
	c.ks.grain = grain{whole: 8, part: 1, stored: 100}
	run(c.ks, func() { c.ks.DB(0).Rename([]byte(c.key), []byte("o")); c.ks.DB(0).Rename([]byte("o"), []byte(c.key)) })
	_, all, _, _ := c.changes()
	require.True(t, all)
	gone := 0
	for i := range 50 {
		field := []byte("element:" + strconv.Itoa(i))
		run(c.ks, func() { must(c.ks.DB(0).EditHash([]byte(c.key), "")).Delete(field) })
		c.begin()
		run(c.ks, func() { c.addOne(i) })
		f := c.view
		for !f.Step(1) {
		}
		require.Equal(t, c.want, texts(c.pending.plain(), 0))
		gone += len(c.disk.dbs[0][c.key].blocks) - len(c.pending.dbs[0][c.key].blocks)
		c.disk = c.pending
		want := c.texts()
		update, _, blocks, _ := c.changes()
		require.True(t, update && blocks == 1)
		require.Equal(t, want, texts(c.disk.plain(), 0))
	}
	require.Greater(t, gone, 10)
}
