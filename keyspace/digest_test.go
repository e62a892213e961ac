package keyspace

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// load puts a model's data into a keyspace.
func load(ks *Keyspace, dbs []plainDB) {
	ks.Begin(0, ExpiryIgnore)
	defer ks.End()
	for i, plain := range dbs {
		db := ks.DB(i)
		for key, p := range plain { // in random order, on purpose
			k := []byte(key)
			switch p.kind {
			case KindString:
				db.PutString(k, []byte(p.str), 0, "")
			case KindList:
				l := db.ReplaceList(k, "")
				for _, v := range p.list {
					l.PushTail([]byte(v))
				}
			case KindSet:
				s := db.ReplaceSet(k, "")
				for m := range p.set {
					s.Add([]byte(m))
				}
			case KindHash:
				h := db.ReplaceHash(k, "")
				for f, v := range p.hash {
					h.Put([]byte(f), []byte(v), p.timed[f])
				}
			case KindStream:
				p.stream.fill(db.ReplaceStream(k, ""))
			case KindZSet:
				z := db.ReplaceZSet(k, "")
				for m, score := range p.zset {
					z.Put([]byte(m), score)
				}
			}
			db.SetDeadline(k, p.deadline, "")
		}
	}
}

func TestDigest_followsTheDataOnly(t *testing.T) {
	none := New(Options{Databases: 3}).Digest()
	for seed := range uint64(10) {
		w := newWorld(t, newSeeded(seed, 400))
		for !w.c.done() {
			w.command()
		}
		w.ks.Begin(w.nowMs, ExpiryDelete)
		w.ks.CollectExpired(1000)
		w.ks.End()
		for _, db := range w.dbs {
			for k, p := range db {
				if p.deadline != 0 && w.nowMs > p.deadline {
					delete(db, k)
				}
			}
		}
		other := New(Options{Databases: 3, HashSeed: 7}) // default limits, other seed, other history
		load(other, w.dbs)
		require.Equal(t, w.ks.Digest(), other.Digest(), "seed %d", seed)
		require.NotEqual(t, none, other.Digest())
		for i, db := range w.dbs {
			for k := range db {
				require.Equal(t, w.ks.DB(i).Digest([]byte(k)), other.DB(i).Digest([]byte(k)))
			}
		}
		checkSensitive(t, other)
		other.Begin(0, ExpiryDelete)
		other.FlushAll()
		other.End()
		require.Equal(t, none, other.Digest())
	}
}

// checkSensitive: any change changes the digest.
func checkSensitive(t *testing.T, ks *Keyspace) {
	db := ks.DB(0)
	k := []byte("one")
	for _, change := range []func(){
		func() { db.PutString(k, []byte("12"), 0, "") },
		func() { db.PutString(k, []byte("13"), 0, "") },
		func() { db.SetDeadline(k, 99999999, "") },
		func() { db.SetDeadline(k, 99999998, "") },
		func() { db.Rename(k, []byte("two")) },
		func() { db.Rename([]byte("two"), k) },
		func() { db.MoveTo(ks.DB(1), k) },
		func() { db.ReplaceList(k, "").PushTail([]byte("a")) },
		func() { must(db.EditList(k, "")).PushTail([]byte("b")) },
		func() { l := must(db.EditList(k, "")); v, _ := l.PopHead(); l.PushTail(bytes.Clone(v)) },
		func() { db.ReplaceSet(k, "").Add([]byte("a")) },
		func() { must(db.EditSet(k, "")).Add([]byte("b")) },
		func() { db.ReplaceHash(k, "").Set([]byte("a"), []byte("b")) },
		func() { must(db.EditHash(k, "")).Set([]byte("a"), []byte("c")) },
		func() { must(db.EditHash(k, "")).SetDeadline([]byte("a"), 99) },
		func() { must(db.EditHash(k, "")).SetDeadline([]byte("a"), 98) },
		func() { h := must(db.EditHash(k, "")); h.Delete([]byte("a")); h.Set([]byte("ac"), nil) },
		func() { db.ReplaceZSet(k, "").Put([]byte("a"), 1) },
		func() { must(db.EditZSet(k, "")).Put([]byte("a"), 1.5) },
		func() { db.Remove(k, "") },
	} {
		before := ks.Digest()
		ks.Begin(1, ExpiryDelete)
		change()
		ks.End()
		require.NotEqual(t, before, ks.Digest())
	}
}
