package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/keyspace"
)

// rowsThat gives what a checkpoint of changes writes.
func rowsThat(ks *keyspace.Keyspace, change func(db *keyspace.DB)) []checkpointRow {
	ks.Begin(1, keyspace.ExpiryDelete)
	change(ks.DB(0))
	ks.End()
	sink := &rowSink{}
	frozen := ks.FreezeDirty(sink.add)
	for !frozen.Step(16) {
	}
	return listRows(sink)
}

// listRows takes the rows of a sink as a list.
func listRows(k *rowSink) (list []checkpointRow) {
	rows := k.take()
	for i := range rows.Len() {
		list = append(list, *rows.At(uint32(i)))
	}
	return list
}

// TestCheckpoint_rowsFollowTheChange: one change of a large value is the row of its head and that of a block.
func TestCheckpoint_rowsFollowTheChange(t *testing.T) {
	const elements = 100_000
	hash, set, zset, list := []byte("hash"), []byte("set"), []byte("zset"), []byte("list")
	ks := keyspace.New(keyspace.Options{Databases: 1})
	all := rowsThat(ks, func(db *keyspace.DB) {
		h, s, z, l := db.ReplaceHash(hash, ""), db.ReplaceSet(set, ""), db.ReplaceZSet(zset, ""), db.ReplaceList(list, "")
		for i := range elements {
			e := fmt.Append(nil, "element:", i)
			h.Set(e, e)
			s.Add(e)
			z.Put(e, float64(i))
			l.PushTail(e)
		}
	})
	require.Greater(t, len(all), 3*elements/64)
	e := []byte("element:77")
	for name, change := range map[string]func(db *keyspace.DB){
		"HSET":  func(db *keyspace.DB) { h, _ := db.EditHash(hash, ""); h.Set(e, []byte("v")) },
		"HDEL":  func(db *keyspace.DB) { h, _ := db.EditHash(hash, ""); h.Delete([]byte("element:1")) },
		"SREM":  func(db *keyspace.DB) { s, _ := db.EditSet(set, ""); s.Remove(e) },
		"ZADD":  func(db *keyspace.DB) { z, _ := db.EditZSet(zset, ""); z.Put(e, 1e6) },
		"LPUSH": func(db *keyspace.DB) { l, _ := db.EditList(list, ""); l.PushHead(e) },
		"RPOP":  func(db *keyspace.DB) { l, _ := db.EditList(list, ""); l.PopTail() },
	} {
		rows := rowsThat(ks, change)
		require.Len(t, rows, 2, name)
		require.Equal(t, []rowKind{rowUpdate, rowBlock}, []rowKind{rows[0].kind, rows[1].kind}, name)
		require.Less(t, len(rows[0].value)+len(rows[1].value), 16<<10, name)
	}
	rows := rowsThat(ks, func(db *keyspace.DB) { db.SetDeadline(hash, rowDeadlineMs, "") })
	require.Len(t, rows, 1)
	require.Equal(t, rowUpdate, rows[0].kind)
	require.Empty(t, rowsThat(ks, func(*keyspace.DB) {}))
}

// blocksWorld is a server with large values, whose checkpoints are the test's own.
type blocksWorld struct {
	*testing.T
	v      *Server
	c      *caller
	r      *rand.Rand
	failed int
	stored int
}

func (w *blocksWorld) elements(n int, form string) string {
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, form, w.r.IntN(20_000))
	}
	return b.String()
}

// command is a random one. Two keys of each kind, in two databases.
func (w *blocksWorld) command() string {
	a, b := w.r.IntN(2), w.r.IntN(2)
	n := 1 + w.r.IntN(5)
	if w.r.IntN(6) == 0 {
		n = 2000 // grows beyond what one row may have, and further
	}
	switch w.r.IntN(36) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("HSET h%d %s", a, w.elements(n, "field:%d value "))
	case 4, 5, 6:
		return fmt.Sprintf("HDEL h%d %s", a, w.elements(n, "field:%d "))
	case 7:
		return fmt.Sprintf("HPEXPIREAT h%d 9000000000000 FIELDS 1 field:%d", a, w.r.IntN(20_000))
	case 8, 9, 10:
		return fmt.Sprintf("SADD s%d %s", a, w.elements(n, "member:%d "))
	case 11, 12:
		return fmt.Sprintf("SREM s%d %s", a, w.elements(n, "member:%d "))
	case 13, 14, 15:
		return fmt.Sprintf("ZADD z%d %s", a, w.elements(n, fmt.Sprint(w.r.IntN(9), " member:%d ")))
	case 16, 17:
		return fmt.Sprintf("ZREMRANGEBYRANK z%d %d %d", a, w.r.IntN(100), w.r.IntN(200))
	case 18, 19, 20:
		return fmt.Sprintf("RPUSH l%d %s", a, w.elements(n, "element:%d "))
	case 21, 22:
		return fmt.Sprintf("LPUSH l%d %s", a, w.elements(n, "element:%d "))
	case 23:
		return fmt.Sprintf("LINSERT l%d BEFORE element:%d new", a, w.r.IntN(20_000))
	case 24:
		return fmt.Sprintf("LPOP l%d %d", a, n)
	case 25:
		return fmt.Sprintf("LTRIM l%d %d -%d", a, w.r.IntN(500), 1+w.r.IntN(500))
	case 26:
		return fmt.Sprintf("SELECT %d", w.r.IntN(2))
	}
	from := string("hszl"[w.r.IntN(4)])
	switch w.r.IntN(9) {
	case 0:
		return fmt.Sprintf("RENAME %s%d %s%d", from, a, from, b)
	case 1:
		return fmt.Sprintf("COPY %s%d %s%d REPLACE", from, a, from, b)
	case 2:
		return fmt.Sprintf("MOVE %s%d %d", from, a, w.r.IntN(2))
	case 3:
		if w.r.IntN(4) == 0 {
			return "SWAPDB 0 1"
		}
		return fmt.Sprintf("SUNIONSTORE s%d s%d s%d", a, a, b)
	case 4:
		if w.r.IntN(6) == 0 {
			return "FLUSHDB"
		}
		return fmt.Sprintf("ZUNIONSTORE z%d 2 z%d z%d", a, a, b)
	case 5:
		return fmt.Sprintf("DEL %s%d", from, a)
	case 6:
		return fmt.Sprintf("SET %s%d small", from, a)
	case 7:
		return fmt.Sprintf("PEXPIREAT %s%d 9000000000000", from, a)
	}
	return fmt.Sprintf("PERSIST %s%d", from, a)
}

// fill makes all keys of a database large.
func (w *blocksWorld) fill() {
	for i := range 2 {
		for _, line := range []string{"DEL h%[1]d s%[1]d z%[1]d l%[1]d", "HSET h%d " + w.elements(6000, "field:%d value "),
			"SADD s%d " + w.elements(6000, "member:%d "), "ZADD z%d " + w.elements(6000, "1 member:%d "), "RPUSH l%d " + w.elements(6000, "element:%d ")} {
			w.c.do(fmt.Sprintf(line, i))
		}
	}
}

// copyIn brings the data in anew, as a full copy from a master does.
func (w *blocksWorld) copyIn() {
	x := w.v.x
	x.acquire(nil)
	rows := rowLoader{ks: w.v.newKeyspace()}
	for _, row := range rowsOf(x.ks) {
		require.NoError(w, rows.load(row))
	}
	require.NoError(w, rows.end())
	x.encoder.Selected = -1 // what comes behind the copy begins anew
	copied := &fullCopy{ks: rows.ks, offset: x.logEnd, history: *x.role.history}
	x.release(nil)
	copied.sink = w.v.newSink()
	require.NoError(w, copied.Commit())
}

// checkpoint writes one while commands come in, or one that fails, or closes a view before it is done.
func (w *blocksWorld) checkpoint() {
	switch w.r.IntN(12) {
	case 2:
		w.copyIn()
		return
	case 0:
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if w.v.checkpoint(cancelled) != nil {
			w.failed++
		}
		return
	case 1:
		x := w.v.x
		x.acquire(nil)
		f := x.ks.FreezeDirty(func(*keyspace.Item) {})
		for range w.r.IntN(16) { // there are so many databases
			require.False(w, f.Step(1))
		}
		x.release(nil)
		w.c.do(w.command())
		x.acquire(nil)
		f.Close()
		x.release(nil)
		return
	}
	lines := make([]string, w.r.IntN(8))
	for i := range lines {
		lines[i] = w.command()
	}
	w.c.begin(lines...)
	require.NoError(w, w.v.checkpoint(context.Background()))
	w.c.replies(len(lines))
	w.stored++
}

// verify reads checkpoint and log back.
func (w *blocksWorld) verify() {
	x := w.v.x
	x.acquire(nil)
	defer x.release(nil)
	fresh, err := x.readBack()
	require.NoError(w, err)
	require.Equal(w, x.ks.Digest(), fresh.Digest())
	if w.r.IntN(8) == 0 {
		x.useKeyspace(fresh) // as after a restart
	}
}

// TestCheckpoint_blocksOnDisk: whatever happens to large values and to checkpoints, what can be read back is what there was.
func TestCheckpoint_blocksOnDisk(t *testing.T) {
	for seed := range uint64(2) {
		v := start(t, "appendonly yes", "appendfsync no", "checkpoint-interval-seconds 1000000")
		w := &blocksWorld{T: t, v: v, c: dial(t, v), r: rand.New(rand.NewPCG(seed, 6))}
		for round := range 60 {
			if round%20 == 0 {
				w.fill()
			}
			for range w.r.IntN(12) {
				w.c.do(w.command())
			}
			w.checkpoint()
			if w.r.IntN(2) == 0 {
				w.verify()
			}
		}
		require.Positive(t, w.failed)
		require.Greater(t, w.stored, 20)
	}
}
