package keyspace

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs one command.
func run(ks *Keyspace, fn func()) {
	ks.Begin(1000, ExpiryDelete)
	fn()
	ks.End()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEncoding_strings(t *testing.T) {
	ks := New(Options{})
	db := ks.DB(0)
	k := []byte("k")
	for v, want := range map[string]string{
		"": "embstr", "12": "int", "-9223372036854775808": "int", "012": "embstr", "9223372036854775808": "embstr",
		strings.Repeat("a", 44): "embstr", strings.Repeat("a", 45): "raw",
	} {
		run(ks, func() { db.PutString(k, []byte(v), 0, "set") })
		require.Equal(t, want, db.Encoding(k), v)
	}
	run(ks, func() { db.PutString(k, make([]byte, 1<<20), 0, "set") })
	run(ks, func() { db.PutString(k, []byte("small again"), 0, "set") })
	require.Less(t, cap(db.heap.Cell(db.find(k, &entry{}).ref)), 200, "the large cell is given back")
	run(ks, func() { db.Remove(k, "") })
	run(ks, func() { must(db.EditString(k, "")).Append([]byte("1")) })
	require.Equal(t, "int", db.Encoding(k), "APPEND that creates stores as SET does")
	run(ks, func() { must(db.EditString(k, "")).Append([]byte("2")) })
	require.Equal(t, "raw", db.Encoding(k))
	run(ks, func() {
		n, ok := must(db.EditString(k, "")).Int()
		require.True(t, ok)
		require.Equal(t, int64(12), n)
		must(db.EditString(k, "")).SetInt(n + 1)
	})
	require.Equal(t, "int", db.Encoding(k))
	run(ks, func() { require.Equal(t, 3, must(db.EditString(k, "")).SetRange(1, []byte("zz"))) })
	require.Equal(t, "raw", db.Encoding(k))
	require.Equal(t, "1zz", string(must2(db.String(k))))
	run(ks, func() {
		require.Equal(t, 3, must(db.EditString(k, "setrange")).SetRange(9, nil))
		require.Zero(t, must(db.EditString([]byte("none"), "setrange")).SetRange(9, nil))
	})
	require.Empty(t, ks.Changes(), "writing nothing is no change")
}

func must2(v []byte, _ bool, err error) []byte { return must(v, err) }

func TestEncoding_hash(t *testing.T) {
	ks := New(Options{})
	db := ks.DB(0)
	k := []byte("h")
	for i := range 128 {
		run(ks, func() { must(db.EditHash(k, "")).Set(fmt.Appendf(nil, "f%d", i), []byte("v")) })
	}
	require.Equal(t, "listpack", db.Encoding(k))
	run(ks, func() { must(db.EditHash(k, "")).Set([]byte("f0"), []byte("again")) })
	require.Equal(t, "listpack", db.Encoding(k))
	run(ks, func() { must(db.EditHash(k, "")).Set([]byte("one more"), []byte("v")) })
	require.Equal(t, "hashtable", db.Encoding(k))
	for _, pair := range [][2]int{{65, 1}, {1, 65}} {
		run(ks, func() { db.ReplaceHash(k, "").Set(make([]byte, 64), make([]byte, 64)) })
		require.Equal(t, "listpack", db.Encoding(k))
		run(ks, func() { must(db.EditHash(k, "")).Set(make([]byte, pair[0]), make([]byte, pair[1])) })
		require.Equal(t, "hashtable", db.Encoding(k))
	}
}

func TestEncoding_set(t *testing.T) {
	add := func(limits Limits, members ...string) string {
		ks := New(Options{Limits: limits})
		run(ks, func() {
			s := ks.DB(0).ReplaceSet([]byte("s"), "")
			for _, m := range members {
				s.Add([]byte(m))
			}
		})
		return ks.DB(0).Encoding([]byte("s"))
	}
	numbers := func(n int, more ...string) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint(i))
		}
		return append(all, more...)
	}
	d := DefaultLimits()
	require.Equal(t, "intset", add(d, numbers(512)...))
	require.Equal(t, "hashtable", add(d, numbers(513)...))
	require.Equal(t, "listpack", add(d, "a"))
	require.Equal(t, "listpack", add(d, numbers(127, "a")...))
	require.Equal(t, "hashtable", add(d, numbers(128, "a")...))
	require.Equal(t, "hashtable", add(d, numbers(3, strings.Repeat("a", 65))...))
	require.Equal(t, "hashtable", add(d, strings.Repeat("a", 65)))
	require.Equal(t, "listpack", add(d, append([]string{"a"}, numbers(127)...)...))
	require.Equal(t, "hashtable", add(d, append([]string{"a"}, numbers(128)...)...))
	d.SetMaxListpackValue = 3
	require.Equal(t, "hashtable", add(d, "12345", "a"), "the longest integer does not fit a listpack")
	d.SetMaxIntsetEntries = 0
	require.Equal(t, "listpack", add(d, "1", "2"))
	d.SetMaxListpackEntries = 0
	require.Equal(t, "hashtable", add(d, "1"))
}

func TestEncoding_zset(t *testing.T) {
	ks := New(Options{})
	db := ks.DB(0)
	k := []byte("z")
	for i := range 128 {
		run(ks, func() { must(db.EditZSet(k, "")).Put(fmt.Appendf(nil, "m%d", i), 1) })
	}
	run(ks, func() { must(db.EditZSet(k, "")).Put([]byte("m5"), 7) })
	require.Equal(t, "listpack", db.Encoding(k))
	run(ks, func() { must(db.EditZSet(k, "")).Put([]byte("one more"), 1) })
	require.Equal(t, "skiplist", db.Encoding(k))
	run(ks, func() { must(db.EditZSet(k, "")).RemoveRanks(0, 100) })
	require.Equal(t, "skiplist", db.Encoding(k), "removing converts nothing")
	run(ks, func() { db.ReplaceZSet(k, "").Put(make([]byte, 65), 1) })
	require.Equal(t, "skiplist", db.Encoding(k))
}

func TestEncoding_list(t *testing.T) {
	k := []byte("l")
	limits := DefaultLimits()
	limits.ListMaxListpackSize = 10
	ks := New(Options{Limits: limits})
	db := ks.DB(0)
	push := func(n int, v string) {
		run(ks, func() {
			for range n {
				must(db.EditList(k, "")).PushTail([]byte(v))
			}
		})
	}
	push(10, "a")
	require.Equal(t, "listpack", db.Encoding(k))
	push(1, "a")
	require.Equal(t, "quicklist", db.Encoding(k))
	run(ks, func() { must(db.EditList(k, "")).PopTail() })
	require.Equal(t, "quicklist", db.Encoding(k), "back only at half of the limit")
	run(ks, func() { must(db.EditList(k, "")).DeleteRange(0, 5) })
	require.Equal(t, "listpack", db.Encoding(k))
	require.Equal(t, []string{"a", "a", "a", "a", "a"}, readKey(t, db, "l").list)

	limits.ListMaxListpackSize = -1
	ks.SetLimits(limits)
	run(ks, func() { db.Remove(k, "") })
	// As in Redis: what is there counts with its listpack headers, what is added with its bare length.
	push(1, strings.Repeat("x", 4000))
	push(1, strings.Repeat("x", 4096-(listpackBytesEmpty+2+4000+2)))
	require.Equal(t, "listpack", db.Encoding(k))
	push(1, "y")
	require.Equal(t, "quicklist", db.Encoding(k))
	run(ks, func() { must(db.EditList(k, "")).SetAt(0, []byte("small")) })
	require.Equal(t, "quicklist", db.Encoding(k), "two blocks stay blocks")
	run(ks, func() { must(db.EditList(k, "")).PopTail() })
	require.Equal(t, "listpack", db.Encoding(k))
}
