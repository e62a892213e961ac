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
