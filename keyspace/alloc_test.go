package keyspace

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHotPaths_doNotAllocate: a command allocates nothing beyond what it stores.
func TestHotPaths_doNotAllocate(t *testing.T) {
	ks := New(Options{})
	db := ks.DB(0)
	key := func(s string) []byte { return []byte(s) }
	ks.Begin(1, ExpiryDelete)
	table := must(db.EditHash(key("big"), ""))
	for i := range 1000 {
		table.Set(fmt.Append(nil, i), key("value"))
	}
	blocks := must(db.EditList(key("blocks"), ""))
	for range 10000 {
		blocks.PushTail(key("other text"))
	}
	ks.End()
	require.Equal(t, "quicklist", db.Encoding(key("blocks")))
	for name, act := range hotPaths(ks) {
		once := func() {
			ks.Begin(1, ExpiryDelete)
			act()
			ks.End()
		}
		for range 200 {
			once() // buffers reach their size, lists their blocks
		}
		require.Less(t, testing.AllocsPerRun(500, once), 0.2, name)
	}
}

func hotPaths(ks *Keyspace) map[string]func() {
	db := ks.DB(0)
	key := func(s string) []byte { return []byte(s) }
	text, other, n, h, l, s, z, big := key("text"), key("other text"), key("n"), key("h"), key("l"), key("s"), key("z"), key("big")
	fields := [][]byte{key("f1"), key("f2"), key("f3")}
	return map[string]func(){
		"GET missing": func() { db.String(key("none")) },
		"SET":         func() { db.PutString(text, other, 0, "set") },
		"SET shorter": func() { db.PutString(text, other[:8], 0, "set") },
		"GET":         func() { db.String(text) },
		"GET integer": func() { db.String(n) },
		"EXISTS":      func() { db.Kind(text) },
		"INCR": func() {
			e := must(db.EditString(n, "incrby"))
			v, _ := e.Int()
			e.SetInt(v + 1)
		},
		"HSET": func() {
			e := must(db.EditHash(h, "hset"))
			for _, f := range fields {
				e.Set(f, other)
			}
		},
		"HGET":       func() { must(db.Hash(h)).Get(fields[1]) },
		"HSET large": func() { must(db.EditHash(big, "hset")).Set(key("77"), key("eulav")) },
		"HGET large": func() { must(db.Hash(big)).Get(key("78")) },
		"LPUSH LPOP": func() {
			e := must(db.EditList(l, "lpush"))
			e.PushHead(other)
			e.PushHead(text)
			e.PopHead()
		},
		"LPUSH RPOP large": func() {
			e := must(db.EditList(key("blocks"), "lpush"))
			e.PushTail(other)
			e.PopTail()
		},
		"SADD SREM": func() {
			e := must(db.EditSet(s, "sadd"))
			e.Add(fields[0])
			e.Remove(fields[0])
			e.Add(fields[1])
		},
		"SISMEMBER": func() { must(db.Set(s)).Has(fields[2]) },
		"ZADD": func() {
			e := must(db.EditZSet(z, "zadd"))
			e.Put(fields[0], 1)
			e.Put(fields[1], 2)
			e.Put(fields[0], 3)
		},
		"ZSCORE":    func() { must(db.ZSet(z)).Score(fields[0]) },
		"ZCOUNT":    func() { must(db.ZSet(z)).CountBelow(2, true) },
		"expired":   func() { db.SetDeadline(text, 1<<50, "expire") },
		"DEL none":  func() { db.Remove(key("none"), "del") },
		"two lists": func() { must(db.EditList(l, "lpop")); must(db.EditList(key("blocks"), "rpush")) },
	}
}

func benchmark(b *testing.B, keys int, act func(db *DB, key []byte, i int)) {
	ks := New(Options{})
	names := make([][]byte, keys)
	for i := range names {
		names[i] = fmt.Appendf(nil, "key:%012d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		ks.Begin(1, ExpiryDelete)
		act(ks.DB(0), names[(i*7919)%keys], i)
		ks.End()
	}
}

func BenchmarkSet(b *testing.B) {
	v := []byte("xxx")
	benchmark(b, 100000, func(db *DB, key []byte, _ int) { db.PutString(key, v, 0, "set") })
}

func BenchmarkSetWhileFrozen(b *testing.B) {
	v := []byte("xxx")
	var f *Frozen
	benchmark(b, 100000, func(db *DB, key []byte, i int) {
		if i%200000 == 100000 {
			if f != nil {
				f.Close()
			}
			f = db.ks.FreezeAll(func(*Item) {})
		}
		db.PutString(key, v, 0, "set")
	})
}

func BenchmarkGet(b *testing.B) {
	v := []byte("xxx")
	benchmark(b, 100000, func(db *DB, key []byte, i int) {
		if i < 100000 {
			db.PutString(key, v, 0, "set")
		}
		db.String(key)
	})
}

func BenchmarkIncr(b *testing.B) {
	benchmark(b, 100000, func(db *DB, key []byte, _ int) {
		s := must(db.EditString(key, "incrby"))
		n, _ := s.Int()
		s.SetInt(n + 1)
	})
}

func BenchmarkHashSet_small(b *testing.B) {
	fields := [][]byte{[]byte("name"), []byte("city"), []byte("street"), []byte("number"), []byte("zip")}
	v := []byte("some value")
	benchmark(b, 10000, func(db *DB, key []byte, i int) { must(db.EditHash(key, "hset")).Set(fields[i%5], v) })
}

func BenchmarkHashGet_small(b *testing.B) {
	fields := [][]byte{[]byte("name"), []byte("city"), []byte("street"), []byte("number"), []byte("zip")}
	values := [][]byte{[]byte("one value"), []byte("another value"), []byte("12345")}
	benchmark(b, 10000, func(db *DB, key []byte, i int) {
		if i < 10000 {
			h := must(db.EditHash(key, "hset"))
			for k, f := range fields {
				h.Set(f, values[k%3])
			}
		}
		must(db.Hash(key)).Get(fields[i%5])
	})
}

func BenchmarkHashEach_alike(b *testing.B) {
	benchmark(b, 1000, func(db *DB, key []byte, i int) {
		if i < 1000 {
			h := must(db.EditHash(key, "hset"))
			for k := range 20 {
				h.Set(fmt.Appendf(nil, "field:%d", k), fmt.Appendf(nil, "value-%d", k))
			}
		}
		must(db.Hash(key)).Each(func(f, v []byte) bool { return len(f) > 0 })
	})
}

func BenchmarkSetHas_packed(b *testing.B) {
	m := []byte("member:119")
	benchmark(b, 1000, func(db *DB, key []byte, i int) {
		if i < 1000 {
			s := must(db.EditSet(key, "sadd"))
			for k := range 120 {
				s.Add(fmt.Appendf(nil, "member:%d", k))
			}
		}
		must(db.Set(key)).Has(m)
	})
}

func BenchmarkZSetPut_small(b *testing.B) {
	members := make([][]byte, 100)
	for i := range members {
		members[i] = fmt.Appendf(nil, "member:%d", i)
	}
	benchmark(b, 1000, func(db *DB, key []byte, i int) {
		must(db.EditZSet(key, "zadd")).Put(members[i%len(members)], float64(uint32(i)*2654435761%1000))
	})
}

func BenchmarkHashSet_large(b *testing.B) {
	h, v := []byte("h"), []byte("some value")
	benchmark(b, 100000, func(db *DB, key []byte, _ int) { must(db.EditHash(h, "hset")).Set(key, v) })
}

func BenchmarkListPushPop(b *testing.B) {
	l, v := []byte("l"), []byte("xxx")
	benchmark(b, 1, func(db *DB, _ []byte, i int) {
		e := must(db.EditList(l, "lpush"))
		e.PushHead(v)
		if i > 100000 {
			e.PopTail()
		}
	})
}

func BenchmarkZSetPut(b *testing.B) {
	z := []byte("z")
	benchmark(b, 100000, func(db *DB, key []byte, i int) {
		must(db.EditZSet(z, "zadd")).Put(key, float64(uint32(i)*2654435761))
	})
}

func BenchmarkExpire(b *testing.B) {
	v := []byte("xxx")
	benchmark(b, 100000, func(db *DB, key []byte, i int) { db.PutString(key, v, int64(uint32(i)*2654435761)+10, "set") })
}
