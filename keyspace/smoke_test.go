package keyspace

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	ks := New(Options{})
	db := ks.DB(0)
	for i := range 20000 {
		ks.Begin(1, ExpiryDelete)
		db.PutString([]byte(fmt.Sprint("k", i)), []byte(fmt.Sprint("v", i)), 0, "set")
		ks.End()
	}
	require.Equal(t, 20000, db.Len())
	seen := map[string]bool{}
	for c := uint64(0); ; {
		c = db.Scan(c, func(k []byte, _ Kind) { seen[string(k)] = true })
		if c == 0 {
			break
		}
	}
	require.Len(t, seen, 20000)
	for i := range 20000 {
		ks.Begin(1, ExpiryDelete)
		v, ok, err := db.String([]byte(fmt.Sprint("k", i)))
		require.True(t, ok)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("v", i), string(v))
		require.True(t, db.Remove([]byte(fmt.Sprint("k", i)), "del"))
		ks.End()
		require.Len(t, ks.Changes(), 1)
	}
	require.Equal(t, 0, db.Len())
	ks.Begin(1, ExpiryDelete)
	z, _ := db.EditZSet([]byte("z"), "zadd")
	l, _ := db.EditList([]byte("l"), "rpush")
	s, _ := db.EditSet([]byte("s"), "sadd")
	h, _ := db.EditHash([]byte("h"), "hset")
	for i := range 3000 {
		z.Put([]byte(fmt.Sprint(i)), float64(i%97))
		l.PushTail([]byte(fmt.Sprint(i)))
		s.Add([]byte(fmt.Sprint(i)))
		h.Set([]byte(fmt.Sprint(i)), []byte("x"))
	}
	ks.End()
	require.Len(t, ks.Changes(), 4)
	ks.Begin(1, ExpiryDelete)
	l, _ = db.EditList([]byte("l"), "lpop")
	for i := range 3000 {
		v, ok := l.PopHead()
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), string(v))
	}
	ks.End()
	require.Equal(t, []Change{{DB: 0, Key: []byte("l"), Kind: KindNone}}, ks.Changes())
}
