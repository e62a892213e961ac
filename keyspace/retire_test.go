package keyspace

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a large deletion leaves is given back in pieces, without any further command.
func TestFreeSome_emptiesWhatWasDeleted(t *testing.T) {
	ks := New(Options{Databases: 1})
	ks.Begin(1, ExpiryDelete)
	h := ks.DB(0).ReplaceHash([]byte("large"), "hset")
	for i := range 20_000 {
		h.Set([]byte("field:"+strconv.Itoa(i)), []byte("value"))
	}
	ks.End()
	ks.Begin(2, ExpiryDelete)
	require.True(t, ks.DB(0).Remove([]byte("large"), "del"))
	ks.End()
	pieces := 1
	for ks.FreeSome() {
		pieces++
	}
	require.Greater(t, pieces, 10)
	require.False(t, ks.FreeSome())
}

// Memory follows the data up and down.
func TestMemory_followsTheData(t *testing.T) {
	ks := New(Options{Databases: 2})
	empty, _ := ks.Memory()
	ks.Begin(1, ExpiryDelete)
	for i := range 10_000 {
		ks.DB(1).PutString([]byte("key:"+strconv.Itoa(i)), make([]byte, 100), 0, "set")
	}
	ks.End()
	full, mapped := ks.Memory()
	require.Greater(t, full-empty, int64(10_000*100))
	require.GreaterOrEqual(t, mapped, full)
	ks.Begin(2, ExpiryDelete)
	ks.FlushAll()
	ks.End()
	for ks.FreeSome() {
	}
	after, _ := ks.Memory()
	require.Less(t, after-empty, int64(10_000))
}

// What leaves a list in one command is given back in pieces too.
func TestFreeSome_trimmedList(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	run(ks, func() {
		l := must(db.EditList([]byte("l"), ""))
		for range 2000 {
			l.PushTail(make([]byte, 5000))
		}
	})
	full, _ := ks.Memory()
	run(ks, func() { must(db.EditList([]byte("l"), "")).DeleteRange(10, 1980) })
	run(ks, func() { require.Equal(t, 20, must(db.List([]byte("l"))).Len()) })
	half, _ := ks.Memory()
	require.Greater(t, half, full/2, "one Begin frees a piece")
	for ks.FreeSome() {
	}
	run(ks, func() { checkMemory(t, ks) })
	left, _ := ks.Memory()
	require.Less(t, left, full/50)
}

// One Begin frees so many cells at most, however large the structure is that goes; and a loop that makes and deletes
// large structures does not grow.
func TestSweep_boundedAndKeepsUp(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	makers := map[string]func(n int){
		"hash": func(n int) { must(db.EditHash([]byte("k"), "")).Set([]byte(strconv.Itoa(n)), make([]byte, 50)) },
		"set":  func(n int) { must(db.EditSet([]byte("k"), "")).Add([]byte("m" + strconv.Itoa(n))) },
		"zset": func(n int) { must(db.EditZSet([]byte("k"), "")).Put([]byte(strconv.Itoa(n)), float64(n)) },
		"list": func(n int) { must(db.EditList([]byte("k"), "")).PushTail(make([]byte, 3000)) },
	}
	goners := map[string]func(){
		"DEL":    func() { db.Remove([]byte("k"), "del") },
		"SET":    func() { db.PutString([]byte("k"), []byte("v"), 0, "set") },
		"RENAME": func() { db.PutString([]byte("other"), []byte("v"), 0, ""); db.Rename([]byte("other"), []byte("k")) },
		"STORE":  func() { db.ReplaceSet([]byte("k"), "sunionstore").Add([]byte("m")) },
	}
	for kind, more := range makers {
		for way, gone := range goners {
			for n := range 8_000 {
				run(ks, func() { more(n) })
			}
			run(ks, gone)
			for began := false; !began || len(ks.retired.larges) > 0; began = true {
				before := ks.DB(0).heap.Cells()
				run(ks, func() {})
				require.LessOrEqual(t, before-ks.DB(0).heap.Cells(), sweepCells+3*segmentSlotsMax, "%s by %s", kind, way)
			}
			run(ks, func() { db.Remove([]byte("k"), "") })
		}
	}
	pending, freed := ks.Lazy()
	require.Zero(t, pending)
	require.Equal(t, int64(16), freed)
	most := int64(0)
	for range 100 {
		run(ks, func() {
			for n := range 10_000 {
				makers["hash"](n)
			}
		})
		run(ks, goners["DEL"])
		used, _ := ks.Memory()
		most = max(most, used)
	}
	require.Less(t, most, int64(3*10_000*100))
}

// A store that was flushed under an open view goes when that view ends.
func TestRetire_storeThatAViewNeeds(t *testing.T) {
	for _, early := range []bool{false, true} {
		ks := New(Options{Databases: 2})
		for i := range 1000 {
			run(ks, func() { ks.DB(1).PutString([]byte(strconv.Itoa(i)), make([]byte, 100), 0, "") })
		}
		given := 0
		one, two := ks.FreezeAll(func(*Item) { given++ }), ks.FreezeAll(func(*Item) { given++ })
		run(ks, ks.FlushAll)
		for ks.FreeSome() {
		}
		used, _ := ks.Memory()
		require.Greater(t, used, int64(100_000), "both views need it")
		pending, _ := ks.Lazy()
		require.Equal(t, int64(1000), pending)
		for !one.Step(100) {
		}
		if early {
			two.Close()
		} else {
			for !two.Step(100) {
			}
			require.Equal(t, 2000, given)
		}
		for ks.FreeSome() {
		}
		used, mapped := ks.Memory()
		require.Zero(t, used)
		require.Zero(t, mapped)
		pending, freed := ks.Lazy()
		require.Zero(t, pending)
		require.Equal(t, int64(1000), freed)
	}
}

// A very large value goes back to the system in pieces.
func TestFreeSome_veryLargeValue(t *testing.T) {
	ks := New(Options{Databases: 1})
	run(ks, func() { ks.DB(0).PutString([]byte("k"), make([]byte, 20<<20), 0, "") })
	run(ks, func() { ks.DB(0).Remove([]byte("k"), "") })
	pieces := 1
	for ks.FreeSome() {
		pieces++
	}
	require.Greater(t, pieces, 30)
	_, mapped := ks.Memory()
	require.Less(t, mapped, int64(1<<20))
}

// What a keyspace had goes in pieces when another one takes its place, but for what an open view has still to read.
func TestTakeOver(t *testing.T) {
	old, fresh := New(Options{Databases: 2}), New(Options{Databases: 2})
	for i := range 2000 {
		run(old, func() { old.DB(i%2).PutString([]byte(strconv.Itoa(i)), make([]byte, 1000), 0, "") })
		run(fresh, func() { fresh.DB(0).PutString([]byte("kept"), []byte("value"), 0, "") })
	}
	given := 0
	view := old.FreezeAll(func(*Item) { given++ })
	for given < 1500 {
		view.Step(1)
	}
	fresh.TakeOver(old)
	before, _ := fresh.Memory()
	require.Greater(t, before, int64(1_000_000), "one database")
	for fresh.FreeSome() {
	}
	after, _ := fresh.Memory()
	require.Less(t, after, int64(1000))
	_, freed := fresh.Lazy()
	require.Equal(t, int64(1000), freed)
	for !view.Step(100) {
	}
	require.Equal(t, 2000, given)
	run(fresh, func() { require.Equal(t, KindString, fresh.DB(0).Kind([]byte("kept"))) })
	require.Zero(t, old.DB(0).Len()+old.DB(1).Len())
}

// The marks that a checkpoint has taken do not wait for the collector.
func TestRetire_marks(t *testing.T) {
	for _, early := range []bool{false, true} {
		ks := New(Options{Databases: 1})
		ks.MarkClean()
		for i := range 5000 {
			run(ks, func() { ks.DB(0).PutString([]byte(strconv.Itoa(i)), nil, 0, "") })
		}
		marks := ks.DB(0).marks.gone.heap
		view := ks.FreezeDirty(func(*Item) {})
		view.Step(10)
		if early {
			view.Close()
		}
		for !view.Step(10) {
		}
		for ks.FreeSome() {
		}
		_, mapped := marks.Bytes()
		require.Zero(t, mapped)
		require.Equal(t, early, ks.DB(0).marks.changed.count == 5000)
	}
}
