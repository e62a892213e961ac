package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/fsst"
	"github.com/tandemkv/tandem/internal/slab"
)

// likeText is one of many strings of a kind that resemble each other.
func likeText(kind, i int) string {
	if kind == 0 {
		return fmt.Sprintf(`{"id":%d,"name":"user-%d","mail":"u%d@example.org","ok":%t}`, i, i*7919%1000, i, i%3 == 0)
	}
	return fmt.Sprintf("GET /shop/item/%d/reviews?page=%d&session=%08x HTTP/1.1", i%400, i%9, i*2654435761)
}

// teach gives a keyspace a table for strings of a kind.
func teach(ks *Keyspace, kind int) {
	var sample [][]byte
	for i := range 40 {
		sample = append(sample, []byte(likeText(kind, i*37)))
	}
	l := &Lesson{ks: ks, better: fsst.Train(sample)}
	l.Adopt()
}

// checkCoded counts the strings of a database that are code.
func checkCoded(t require.TestingT, db *DB) {
	var want coded
	db.keys.each(func(r slab.Ref) bool {
		var e entry
		db.decode(r, &e)
		if e.encoding.isCode() {
			want.count++
			want.saved += e.number - int64(len(e.data))
			require.NotNil(t, db.ks.vocabulary.tables[e.data[0]])
		}
		return true
	})
	require.Equal(t, want.count, db.coded.count)
	require.Equal(t, want.saved, db.coded.saved)
	of := 0
	for _, n := range db.coded.of {
		of += n
	}
	require.Equal(t, want.count, of)
}

func put(ks *Keyspace, key, value string) {
	ks.Begin(1000, ExpiryDelete)
	ks.DB(0).PutString([]byte(key), []byte(value), 0, "set")
	ks.End()
}

func get(t *testing.T, ks *Keyspace, key string) string {
	ks.Begin(1000, ExpiryDelete)
	defer ks.End()
	v, ok, err := ks.DB(0).String([]byte(key))
	require.NoError(t, err)
	require.True(t, ok)
	return string(v)
}

// fill sets n strings of a kind and learns from them, as a loader does.
func fill(ks *Keyspace, kind, n int) {
	for i := range n {
		put(ks, fmt.Sprint("key:", kind, ":", i), likeText(kind, i))
		ks.Learn()
	}
}

func TestVocabulary_learnsFromWhatIsSet(t *testing.T) {
	ks, plain := New(Options{Databases: 1}), New(Options{Databases: 1, Limits: tightLimits()})
	plain.limits.CompressStrings = false
	const n = 20_000
	fill(ks, 0, n)
	fill(plain, 0, n)
	count, saved, tables := ks.Coded()
	require.Greater(t, count, n*9/10)
	require.Positive(t, tables)
	require.Equal(t, plain.Digest(), ks.Digest())
	require.Less(t, ks.Held(), plain.Held()*3/4)
	require.Greater(t, saved, int64(n*30))
	for i := range n {
		require.Equal(t, likeText(0, i), get(t, ks, fmt.Sprint("key:0:", i)))
	}
	for i := range n {
		ks.Begin(1000, ExpiryDelete)
		require.True(t, ks.DB(0).Remove([]byte(fmt.Sprint("key:0:", i)), "del"))
		ks.End()
	}
	count, saved, _ = ks.Coded()
	require.Zero(t, count)
	require.Zero(t, saved)
	count, _, tables = plain.Coded()
	require.Zero(t, count+tables)
}

// TestVocabulary_followsTheData: strings of another kind get another table, and the first goes when nothing needs it.
func TestVocabulary_followsTheData(t *testing.T) {
	ks := New(Options{Databases: 2})
	fill(ks, 0, 5000)
	first := ks.vocabulary.current
	require.NotZero(t, first)
	for round := 0; ks.vocabulary.current == first; round++ {
		require.Less(t, round, 100, "another table in time")
		fill(ks, 1, 5000)
	}
	require.NotNil(t, ks.vocabulary.tables[first])
	view := ks.FreezeAll(func(*Item) {})
	ks.Begin(1000, ExpiryDelete)
	ks.FlushAll()
	ks.End()
	ks.dropTables()
	require.NotNil(t, ks.vocabulary.tables[first], "a view may need it")
	view.Close()
	ks.dropTables()
	require.Nil(t, ks.vocabulary.tables[first])
	require.NotNil(t, ks.vocabulary.tables[ks.vocabulary.current])
}

func TestVocabulary_whatDoesNotGetShorterStaysAsItIs(t *testing.T) {
	ks := New(Options{Databases: 1})
	random := rand.New(rand.NewPCG(5, 6))
	noise := func() string {
		b := make([]byte, 100)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	for i := range 5000 {
		put(ks, fmt.Sprint(i), noise())
		ks.Learn()
	}
	count, _, tables := ks.Coded()
	require.Zero(t, count+tables)
	// A table that has become useless encodes no more, and what it has encoded can be read.
	fill(ks, 0, 20_000)
	require.NotZero(t, ks.vocabulary.current)
	for i := 0; ks.vocabulary.current != 0; i++ {
		require.Less(t, i, 10_000_000)
		put(ks, fmt.Sprint(i%5000), noise())
		ks.Learn()
	}
	require.Equal(t, likeText(0, 19_999), get(t, ks, "key:0:19999"))
}

// TestVocabulary_bounds: neither short nor long strings are code, and what OBJECT ENCODING says does not change by it.
func TestVocabulary_bounds(t *testing.T) {
	ks := New(Options{Databases: 1})
	teach(ks, 0)
	for n, code := range map[int]bool{10: false, 23: false, 24: true, 44: true, 45: true, 2047: true, 2048: false} {
		v := strings.Repeat(`{"id":`, 400)[:n]
		put(ks, "k", v)
		require.Equal(t, v, get(t, ks, "k"))
		var e entry
		db := ks.DB(0)
		db.decode(db.keys.find(db.keys.hash([]byte("k")), []byte("k")), &e)
		require.Equal(t, code, e.encoding.isCode(), n)
		want := "raw"
		if n <= 44 {
			want = "embstr"
		}
		require.Equal(t, want, db.Encoding([]byte("k")))
	}
	ks.limits.CompressStrings = false
	put(ks, "k", strings.Repeat(`{"id":`, 10))
	count, _, _ := ks.Coded()
	require.Zero(t, count)
}

// TestVocabulary_allNumbersTaken: when no number is free, the table that there is goes on.
func TestVocabulary_allNumbersTaken(t *testing.T) {
	ks := New(Options{Databases: 1})
	for i := range tablesMax {
		teach(ks, 0)
		put(ks, fmt.Sprint(i), likeText(0, i))
	}
	current := ks.vocabulary.current
	teach(ks, 1)
	require.Equal(t, current, ks.vocabulary.current)
	put(ks, "0", likeText(0, 0)) // of the first table no string is left, but none was dropped yet
	put(ks, "255", likeText(0, 255))
	count, _, _ := ks.Coded()
	require.Equal(t, tablesMax+1, count)
	for i := range tablesMax {
		require.Equal(t, likeText(0, i), get(t, ks, fmt.Sprint(i)))
	}
	teach(ks, 1)
	require.EqualValues(t, 1, ks.vocabulary.current, "a number that is free by now")
	require.Equal(t, likeText(0, 0), get(t, ks, "0"))
}

// TestVocabulary_allocatesNothing: neither encoding nor decoding makes garbage.
func TestVocabulary_allocatesNothing(t *testing.T) {
	ks := New(Options{Databases: 1})
	teach(ks, 0)
	ks.vocabulary.due = 1 << 60
	key, value := []byte("key"), []byte(likeText(0, 7))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		ks.Begin(1000, ExpiryDelete)
		ks.DB(0).PutString(key, value, 0, "set")
		ks.End()
		ks.Begin(1000, ExpiryDelete)
		if v, _, _ := ks.DB(0).String(key); len(v) != len(value) {
			t.Fatal(string(v))
		}
		ks.End()
	}))
}

func BenchmarkSet_text(b *testing.B) {
	for _, taught := range []bool{false, true} {
		ks := New(Options{Databases: 1})
		ks.limits.CompressStrings = taught
		if taught {
			teach(ks, 0)
		}
		ks.vocabulary.due = 1 << 60
		values := make([][]byte, 1024)
		for i := range values {
			values[i] = []byte(likeText(0, i*977))
		}
		key := make([]byte, 0, 32)
		for _, name := range []string{"set", "get"} {
			b.Run(fmt.Sprint(name, "/code=", taught), func(b *testing.B) {
				for i := range b.N {
					key = fmt.Appendf(key[:0], "key:%06d", i%100_000)
					ks.Begin(1000, ExpiryDelete)
					if name == "set" {
						ks.DB(0).PutString(key, values[i&1023], 0, "set")
					} else {
						ks.DB(0).String(key)
					}
					ks.End()
				}
			})
		}
	}
}
