package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// at runs a command at a time and in a mode, and gives its notes.
func at(ks *Keyspace, nowMs int64, mode ExpiryMode, fn func()) []string {
	ks.Begin(nowMs, mode)
	fn()
	ks.End()
	return story(ks)
}

// timedHash is a hash with n fields f0, f1, ..., the first timed of them with the deadline 100.
func timedHash(limits Limits, n, timed int) (*Keyspace, *DB, []byte) {
	ks := New(Options{Databases: 2, Limits: limits})
	db, key := ks.DB(0), []byte("h")
	at(ks, 1, ExpiryDelete, func() {
		h := must(db.EditHash(key, "hset"))
		for i := range n {
			h.Set(fmt.Appendf(nil, "f%d", i), []byte("v"))
			if i < timed {
				h.SetDeadline(fmt.Appendf(nil, "f%d", i), 100)
			}
		}
	})
	return ks, db, key
}

func eachLimits(t *testing.T, fn func(t *testing.T, limits Limits)) {
	t.Run("small", func(t *testing.T) { fn(t, DefaultLimits()) })
	t.Run("large", func(t *testing.T) {
		limits := DefaultLimits()
		limits.HashMaxListpackEntries = 1
		fn(t, limits)
	})
}

// TestFieldDeadline_hidden: from the millisecond after its deadline a field is not to be seen, but counts.
func TestFieldDeadline_hidden(t *testing.T) {
	eachLimits(t, func(t *testing.T, limits Limits) {
		ks, db, key := timedHash(limits, 3, 2)
		for _, step := range []struct {
			nowMs   int64
			mode    ExpiryMode
			visible int
		}{{100, ExpiryHide, 3}, {101, ExpiryHide, 1}, {101, ExpiryIgnore, 3}} {
			at(ks, step.nowMs, step.mode, func() {
				h, err := db.Hash(key)
				require.NoError(t, err)
				require.Equal(t, 3, h.Len())
				require.Equal(t, step.visible, h.Visible())
				require.Equal(t, int64(100), h.NextDeadline())
				seen, scanned := 0, 0
				h.Each(func(_, _ []byte) bool { seen++; return true })
				require.Zero(t, h.Scan(0, func(_, _ []byte) { scanned++ }))
				require.Equal(t, step.visible, seen)
				require.Equal(t, step.visible, scanned)
				_, ok := h.Get([]byte("f0"))
				require.Equal(t, step.visible == 3, ok)
				if step.visible == 1 {
					field, value := h.Random(rand.New(rand.NewPCG(1, 2)))
					require.Equal(t, "f2=v", string(field)+"="+string(value))
				}
			})
			require.Empty(t, ks.ExpiredFields(), "only a master removes")
		}
	})
}

// TestFieldDeadline_met: on a master a read removes what it comes across, a bounded number of fields, and the hash with its last one.
func TestFieldDeadline_met(t *testing.T) {
	eachLimits(t, func(t *testing.T, limits Limits) {
		ks, db, key := timedHash(limits, 2, 1)
		read := func() { must(db.Hash(key)) }
		require.Equal(t, 1, db.HashesWithDeadlines())
		require.Empty(t, at(ks, 100, ExpiryDelete, read))
		require.Equal(t, []string{"expired 0:h [f0]", "h hexpired 0:h"}, at(ks, 101, ExpiryDelete, read))
		require.Zero(t, db.HashesWithDeadlines())
		require.Equal(t, int64(1), ks.ExpiredFieldsTotal())
		at(ks, 101, ExpiryDelete, func() { must(db.EditHash(key, "")).SetDeadline([]byte("f1"), 102) })
		require.Equal(t, []string{"expired 0:h [f1]", "h hexpired 0:h", "g del 0:h"}, at(ks, 103, ExpiryDelete, read))
		require.Zero(t, db.Len())
	})
	ks, db, key := timedHash(DefaultLimits(), 100, 100)
	at(ks, 101, ExpiryDelete, func() { must(db.Hash(key)) })
	require.Len(t, ks.ExpiredFields()[0].Fields, metFieldsMax)
}

// TestFieldDeadline_changedByTheSameCommand: the log has removals before the command's own changes, so what a command changed
// it does not rid of expired fields.
func TestFieldDeadline_changedByTheSameCommand(t *testing.T) {
	eachLimits(t, func(t *testing.T, limits Limits) {
		ks, db, key := timedHash(limits, 3, 1)
		require.Equal(t, []string{"change 0:h hash", "h hset 0:h"}, at(ks, 101, ExpiryDelete, func() {
			must(db.Hash(key))
			require.True(t, must(db.EditHash(key, "hset")).Set([]byte("new"), nil))
		}))
		require.Equal(t, []string{"change 0:h hash", "h hset 0:h"}, at(ks, 101, ExpiryDelete, func() {
			require.True(t, must(db.EditHash(key, "hset")).Set([]byte("f0"), nil), "a hidden field is not there")
		}))
		require.Empty(t, at(ks, 101, ExpiryDelete, func() { require.Equal(t, 4, must(db.Hash(key)).Visible()) }))
	})
}

// TestFieldDeadline_collected: in pieces, in the order of the hashes' deadlines, in all databases.
func TestFieldDeadline_collected(t *testing.T) {
	ks := New(Options{Databases: 2})
	for i := range 10 {
		at(ks, 1, ExpiryDelete, func() {
			h := must(ks.DB(i%2).EditHash(fmt.Appendf(nil, "h%d", i), ""))
			for j := range 50 {
				h.Put(fmt.Appendf(nil, "f%d", j), nil, int64(100+i))
			}
		})
	}
	require.Equal(t, 5, ks.DB(1).HashesWithDeadlines())
	collect := func(nowMs int64, most int) (fields int, more bool) {
		ks.Begin(nowMs, ExpiryDelete)
		n, more := ks.CollectExpiredFields(most)
		ks.End()
		for _, gone := range ks.ExpiredFields() {
			fields += len(gone.Fields)
		}
		require.Equal(t, n, fields)
		return fields, more
	}
	n, more := collect(100, 70)
	require.Zero(t, n)
	require.False(t, more)
	for left := 500; left > 0; {
		n, more := collect(200, 70)
		require.Equal(t, min(70, left), n)
		left -= n
		require.Equal(t, left > 0, more)
	}
	for i := range 2 {
		require.Zero(t, ks.DB(i).Len())
		require.Zero(t, ks.DB(i).HashesWithDeadlines())
	}
	at(ks, 200, ExpiryHide, func() { checkMemory(t, ks) })
}

// TestFieldDeadline_moves: a hash keeps its fields' deadlines wherever it goes.
func TestFieldDeadline_moves(t *testing.T) {
	eachLimits(t, func(t *testing.T, limits Limits) {
		ks, db, key := timedHash(limits, 3, 1)
		other, copied := ks.DB(1), []byte("copied")
		require.Equal(t, 1, db.HashesWithDeadlines())
		at(ks, 1, ExpiryDelete, func() { db.CopyTo(db, key, copied) })
		require.Equal(t, 2, db.HashesWithDeadlines())
		at(ks, 1, ExpiryDelete, func() { db.MoveTo(other, key) })
		at(ks, 1, ExpiryDelete, func() { db.Rename(copied, key) })
		require.Equal(t, 1, db.HashesWithDeadlines())
		require.Equal(t, 1, other.HashesWithDeadlines())
		at(ks, 1, ExpiryDelete, func() { ks.SwapDB(0, 1) })
		for _, in := range []*DB{db, other} {
			at(ks, 1, ExpiryDelete, func() {
				ms, ok := must(in.Hash(key)).Deadline([]byte("f0"))
				require.True(t, ok)
				require.Equal(t, int64(100), ms)
			})
		}
		at(ks, 1, ExpiryDelete, func() { db.PutString(key, nil, 0, "") })
		at(ks, 1, ExpiryDelete, func() { other.Remove(key, "") })
		require.Zero(t, db.HashesWithDeadlines()+other.HashesWithDeadlines())
	})
}

// TestFieldDeadline_costsOnlyWhereItIs: the cells of fields without a deadline are what they are in a hash that never had any.
func TestFieldDeadline_costsOnlyWhereItIs(t *testing.T) {
	used := func(timed int) int64 {
		ks, db, _ := timedHash(DefaultLimits(), 1000, timed)
		at(ks, 1, ExpiryDelete, func() {})
		n, _ := db.heap.Bytes()
		at(ks, 101, ExpiryDelete, func() { ks.CollectExpiredFields(1000) })
		return n
	}
	require.Less(t, used(1)-used(0), int64(100))
	require.Less(t, used(1000)-used(0), int64(1000*40), "8 bytes in the cell, 16 in the order, and what rounding adds")
}
