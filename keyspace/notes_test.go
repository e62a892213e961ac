package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// story gives the notes of a command as words.
func story(ks *Keyspace) (out []string) {
	for _, x := range ks.Expired() {
		out = append(out, fmt.Sprintf("expired %d:%s", x.DB, x.Key))
	}
	for _, x := range ks.ExpiredFields() {
		out = append(out, fmt.Sprintf("expired %d:%s %s", x.DB, x.Key, x.Fields))
	}
	for _, c := range ks.Changes() {
		word := "change"
		if c.Created {
			word = "created"
		}
		out = append(out, fmt.Sprintf("%s %d:%s %v", word, c.DB, c.Key, c.Kind))
	}
	for _, e := range ks.Events() {
		out = append(out, fmt.Sprintf("%c %s %d:%s", e.Class, e.Name, e.DB, e.Key))
	}
	return out
}

func TestNotes(t *testing.T) {
	ks := New(Options{Databases: 2})
	db := ks.DB(0)
	a, b := []byte("a"), []byte("b")
	for i, step := range []struct {
		act  func()
		want []string
	}{
		{func() { db.PutString(a, []byte("1"), 0, "set") }, []string{"created 0:a string", "n new 0:a", "$ set 0:a"}},
		{func() {
			db.PutString(a, []byte("2"), 5000, "set")
			db.SetDeadline(a, 6000, "expire")
		}, []string{"change 0:a string", "$ set 0:a", "g expire 0:a"}},
		{func() { must(db.EditString(a, "append")) }, nil},
		{func() { db.Rename(a, b) }, []string{"change 0:a none", "created 0:b string", "n new 0:b", "g rename_from 0:a", "g rename_to 0:b"}},
		{func() { db.MoveTo(ks.DB(1), b) }, []string{"change 0:b none", "created 1:b string", "n new 1:b", "g move_from 0:b", "g move_to 1:b"}},
		{func() { ks.DB(1).CopyTo(db, b, a) }, []string{"created 0:a string", "n new 0:a", "g copy_to 0:a"}},
		{func() {
			l := db.ReplaceList(a, "lpush")
			l.PushHead(b)
			l.PushHead(b)
		}, []string{"change 0:a list", "l lpush 0:a"}},
		{func() {
			must(db.EditList(b, "rpush")).PushTail(a)
			l := must(db.EditList(a, "lpop"))
			l.PopHead()
			l.PopHead()
		}, []string{"created 0:b list", "change 0:a none", "n new 0:b", "l rpush 0:b", "l lpop 0:a", "g del 0:a"}},
		{func() { db.ReplaceSet(b, "sinterstore") }, []string{"change 0:b none", "g del 0:b"}},
		{func() { db.ReplaceSet(b, "sinterstore") }, nil},
		{func() {
			db.PutString(a, nil, 0, "set")
			db.Remove(a, "del")
		}, []string{"n new 0:a", "$ set 0:a", "g del 0:a"}},
		{func() {
			must(db.EditHash(a, "hset")).Set(a, a)
			must(db.EditHash(a, "hincrby")).Set(a, b)
			must(db.EditHash(a, "")).Delete(b)
		}, []string{"created 0:a hash", "n new 0:a", "h hset 0:a", "h hincrby 0:a"}},
		{func() {
			h := must(db.EditHash(a, "hset"))
			db.Remove(a, "del")
			require.Zero(t, h.Len(), "the handle sees that the key is gone")
			h.Set(a, a) // and makes it anew
			require.Equal(t, 1, h.Len())
		}, []string{"change 0:a hash", "g del 0:a", "n new 0:a", "h hset 0:a"}},
		{func() {
			db.PutString(b, []byte("v"), 0, "set")
			db.Flush()
		}, []string{"change 0: none", "n new 0:b", "$ set 0:b"}},
		{func() { db.PutString(a, []byte("v"), 0, "") }, []string{"created 0:a string", "n new 0:a"}},
		{func() {
			must(db.EditString(a, "set")).Set([]byte("w"))
			db.Flush()
		}, []string{"change 0:a none", "change 0: none", "$ set 0:a"}},
		{func() { ks.SwapDB(0, 1) }, []string{"created 0: none", "created 1: none"}},
		{func() { ks.FlushAll() }, []string{"change 0: none", "change 1: none"}},
	} {
		run(ks, step.act)
		require.Equal(t, step.want, story(ks), "step %d", i)
	}
}

func TestExpiry_modes(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	k := []byte("k")
	put := func() {
		ks.Begin(1000, ExpiryDelete)
		db.PutString(k, []byte("v"), 2000, "set")
		ks.End()
	}
	put()
	at := func(nowMs int64, mode ExpiryMode, act func()) []string {
		ks.Begin(nowMs, mode)
		act()
		ks.End()
		return story(ks)
	}
	visible := func(want bool) func() {
		return func() {
			_, ok, err := db.String(k)
			require.NoError(t, err)
			require.Equal(t, want, ok)
			require.Equal(t, want, db.Kind(k) != KindNone)
			require.Equal(t, want, db.Encoding(k) != "")
			seen := false
			db.Scan(0, func([]byte, Kind) { seen = true })
			require.Equal(t, want, seen)
			_, ok = db.RandomKey(rand.New(rand.NewPCG(1, 1)))
			require.Equal(t, want, ok)
		}
	}
	require.Nil(t, at(2000, ExpiryDelete, visible(true)), "the millisecond of the deadline is the last one")
	require.Nil(t, at(2001, ExpiryHide, visible(false)))
	require.Equal(t, 1, db.Len(), "a standby's read leaves it")
	require.Nil(t, at(2001, ExpiryIgnore, visible(true)))
	require.Equal(t, []string{"expired 0:k", "x expired 0:k"}, at(2001, ExpiryDelete, visible(false)))
	require.Zero(t, db.Len())
	require.Equal(t, int64(1), ks.ExpiredTotal())

	put()
	require.Equal(t, []string{"expired 0:k", "created 0:k list", "x expired 0:k", "n new 0:k", "l lpush 0:k"},
		at(2001, ExpiryDelete, func() {
			require.Equal(t, KindNone, db.Kind(k)) // met, and dropped once
			must(db.EditList(k, "lpush")).PushHead(k)
		}))
	require.Nil(t, at(9000, ExpiryDelete, visibleKind(t, db, KindList)))

	for _, missing := range []func(){
		func() { require.False(t, db.Remove(k, "del")) },
		func() { require.False(t, db.SetDeadline(k, 0, "persist")) },
		func() { require.False(t, must(db.EditString(k, "append")).Exists()) },
		func() { require.Zero(t, must(db.EditZSet(k, "zadd")).Len()) },
	} {
		put()
		require.Equal(t, []string{"expired 0:k", "x expired 0:k"}, at(2001, ExpiryDelete, missing))
	}
	put()
	require.Nil(t, at(2001, ExpiryHide, func() { require.False(t, db.Remove(k, "del")) }))
	require.Equal(t, 1, db.Len())
	require.Equal(t, []string{"created 0:k hash", "n new 0:k", "h hset 0:k"},
		at(2001, ExpiryHide, func() { must(db.EditHash(k, "hset")).Set(k, k) }), "hidden, but in the way")
	require.Equal(t, 1, db.Len())
	require.Zero(t, db.Deadlines())

	put()
	require.Equal(t, []string{"change 0:k string", "$ append 0:k"},
		at(2001, ExpiryIgnore, func() { must(db.EditString(k, "append")).Append(k) }), "the log says when a key goes")
	require.Equal(t, int64(2000), db.find(k, &entry{}).deadline)
}

func visibleKind(t *testing.T, db *DB, want Kind) func() {
	return func() { require.Equal(t, want, db.Kind([]byte("k"))) }
}

func TestCollectExpired_inSlices(t *testing.T) {
	ks := New(Options{Databases: 3})
	for i := range 3 {
		for n := range 100 {
			ks.Begin(1, ExpiryDelete)
			ks.DB(i).PutString(fmt.Append(nil, n), nil, int64(100+n), "set")
			ks.End()
		}
	}
	require.Equal(t, 100, ks.DB(1).Deadlines())
	ks.Begin(50, ExpiryDelete)
	n, more := ks.CollectExpired(1000)
	require.Zero(t, n)
	require.False(t, more)
	require.InDelta(t, 99.5, ks.DB(0).AverageTTL(), 2, "mean of 50..149, from 16 ranks")
	ks.End()
	gone := map[string]bool{}
	for slices := 0; ; slices++ {
		ks.Begin(150, ExpiryDelete)
		n, more := ks.CollectExpired(20)
		again, _ := ks.CollectExpired(5)
		ks.End()
		require.Len(t, ks.Expired(), n+again)
		for _, x := range ks.Expired() {
			gone[fmt.Sprintf("%d:%s", x.DB, x.Key)] = true
		}
		if !more {
			break
		}
		require.Equal(t, 20, n)
		require.Less(t, slices, 10)
	}
	require.Len(t, gone, 150, "deadlines 100..149 of each database")
	require.Equal(t, 50, ks.DB(2).Len())
	require.Equal(t, int64(150), ks.ExpiredTotal())
}

func TestMarks_abortedViews(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	k := []byte("k")
	put := func() { run(ks, func() { db.PutString(k, []byte("v"), 0, "set") }) }
	remove := func() { run(ks, func() { db.Remove(k, "del") }) }
	dirty := func(finish bool) (items []string) {
		f := ks.FreezeDirty(func(it *Item) { items = append(items, fmt.Sprintf("%s %v", it.Key, it.Kind)) })
		if !finish {
			return nil
		}
		for !f.Step(10) {
		}
		return items
	}
	put()
	require.Equal(t, []string{"k string"}, dirty(true))
	remove()
	f := ks.FreezeDirty(func(*Item) {})
	put()
	f.Close()
	remove()
	require.Equal(t, []string{"k none"}, dirty(true), "the checkpoint still knows the key")
	for range 1000 {
		put()
		remove()
	}
	require.Zero(t, db.marks.gone.count, "short-lived keys leave no marks")
	require.Zero(t, db.marks.changed.count)
	require.Nil(t, dirty(true))
	put()
	ks.MarkClean()
	require.Nil(t, dirty(true))
	dirty(false)
	require.Panics(t, func() { ks.FreezeDirty(func(*Item) {}) })
}

func TestFrozen_flushHandsTheOldDataOver(t *testing.T) {
	ks := New(Options{Databases: 2})
	for n := range 5000 {
		run(ks, func() { ks.DB(n%2).PutString(fmt.Append(nil, n), fmt.Append(nil, "v", n), 0, "") })
	}
	seen := map[string]bool{}
	f := ks.FreezeAll(func(it *Item) { seen[string(it.Key)+string(it.String())] = true })
	f.Step(100)
	given, total := f.Progress()
	require.Equal(t, len(seen), given)
	require.Equal(t, 5000, total)
	require.Less(t, given, 200)
	run(ks, ks.FlushAll)
	require.Less(t, len(seen), 200, "nothing is copied at the flush")
	run(ks, func() { ks.DB(0).PutString([]byte("later"), nil, 0, "") })
	for !f.Step(100) {
	}
	require.Len(t, seen, 5000)
	require.False(t, seen["later"])
	require.Equal(t, 1, ks.DB(0).Len())
}
