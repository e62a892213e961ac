package rdb

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

const sampleNowMs = 1_700_000_000_000

// redisLimits are the thresholds of a redis-server without configuration.
func redisLimits() keyspace.Limits {
	return keyspace.Limits{
		HashMaxListpackEntries: 128, HashMaxListpackValue: 64, ListMaxListpackSize: -2,
		SetMaxIntsetEntries: 512, SetMaxListpackEntries: 128, SetMaxListpackValue: 64,
		ZSetMaxListpackEntries: 128, ZSetMaxListpackValue: 64,
	}
}

func newKeyspace() *keyspace.Keyspace {
	return keyspace.New(keyspace.Options{Databases: 16, Limits: redisLimits(), HashSeed: 7})
}

// edit runs one command's worth of changes.
func edit(ks *keyspace.Keyspace, fn func()) {
	ks.Begin(sampleNowMs, keyspace.ExpiryIgnore)
	fn()
	ks.End()
}

// items hands each key of ks to fn.
func items(ks *keyspace.Keyspace, fn func(*keyspace.Item)) {
	f := ks.FreezeAll(fn)
	for !f.Step(16) {
	}
}

// values hands over each key of ks with its encoded value.
func values(ks *keyspace.Keyspace, fn func(it *keyspace.Item, payload []byte)) {
	var payload []byte
	items(ks, func(it *keyspace.Item) {
		if payload = EncodeValue(payload, it); it.Last {
			fn(it, payload)
			payload = nil
		}
	})
}

// describe is the whole content as text, a line per key, independent of encodings: the dumb form to compare by.
func describe(ks *keyspace.Keyspace) map[string]string {
	out := map[string]string{}
	var words []string
	var ranked []scored
	items(ks, func(it *keyspace.Item) {
		switch it.Kind {
		case keyspace.KindString:
			words = append(words, strconv.Quote(string(it.String())))
		case keyspace.KindList:
			it.List().Each(0, false, func(_ int, v []byte) bool { words = append(words, strconv.Quote(string(v))); return true })
		case keyspace.KindSet:
			it.Set().Each(func(m []byte) bool { words = append(words, strconv.Quote(string(m))); return true })
		case keyspace.KindZSet:
			it.ZSet().Each(0, false, func(m []byte, s float64) bool { ranked = append(ranked, scored{string(m), s}); return true })
		case keyspace.KindHash:
			it.Hash().EachTimed(func(f, v []byte, ms int64) bool {
				word := fmt.Sprintf("%q=%q", f, v)
				if ms != 0 {
					word += fmt.Sprintf("@%d", ms)
				}
				words = append(words, word)
				return true
			})
		case keyspace.KindStream:
			var b strings.Builder
			describeStream(&b, it)
			if text := strings.TrimSuffix(b.String(), " "); text != "" { // some parts tell only who has what
				words = append(words, text)
			}
		}
		if !it.Last {
			return
		}
		slices.SortFunc(ranked, func(a, b scored) int { return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member)) })
		for _, r := range ranked {
			words = append(words, fmt.Sprintf("%q=%v ", r.member, r.score))
		}
		text := strings.Join(words, " ")
		switch it.Kind {
		case keyspace.KindSet, keyspace.KindHash:
			text = sorted(words)
		case keyspace.KindList:
			text += " "
		case keyspace.KindZSet:
			text = strings.Join(words, "")
		}
		out[fmt.Sprintf("%d/%s", it.DB, it.Key)] = fmt.Sprintf("%s until %d: %s", it.Kind, it.DeadlineMs, text)
		words, ranked = nil, nil
	})
	return out
}

type scored struct {
	member string
	score  float64
}

func sorted(words []string) string {
	sort.Strings(words)
	return strings.Join(words, " ")
}

// sampleStrings are values on the borders of the string encodings.
func sampleStrings() [][]byte {
	out := [][]byte{
		{}, []byte("0"), []byte("-0"), []byte("007"), []byte("+1"), []byte("-1"), []byte("127"), []byte("128"), []byte("-128"), []byte("-129"),
		[]byte("32767"), []byte("32768"), []byte("-32769"), []byte("2147483647"), []byte("2147483648"), []byte("-2147483648"),
		[]byte("-2147483649"), []byte("9223372036854775807"), []byte("99999999999"), []byte("1.5"), []byte(" 1"), []byte("\x00\xff\r\n"),
		[]byte("8388607"), []byte("-8388609"), []byte("4096"), []byte("-4097"),
	}
	for _, n := range []int{1, 20, 21, 63, 64, 65, 4095, 4096, 16383, 16384, 70_000} {
		out = append(out, bytes.Repeat([]byte("ab"), (n+1)/2)[:n])
	}
	return append(out, noise(300), noise(100_000))
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// fillSamples writes keys of each kind, small and large, with and without deadline, in two databases.
func fillSamples(ks *keyspace.Keyspace) {
	for d, index := range []int{0, 9} {
		db := ks.DB(index)
		deadline := int64(d) * (sampleNowMs * 2)
		edit(ks, func() {
			for i, v := range sampleStrings() {
				db.PutString(fmt.Appendf(nil, "string%d", i), v, deadline, "")
			}
			db.PutString([]byte{}, []byte("empty name"), 0, "")
			db.PutString(bytes.Repeat([]byte("k"), 300), []byte("long name"), 0, "")
		})
		for _, n := range []int{1, 3, 128, 129, 513, 3000} {
			edit(ks, func() { fillCollections(db, n) })
			edit(ks, func() {
				for _, kind := range []string{"list", "set", "ints", "zset", "hash"} {
					db.SetDeadline(fmt.Appendf(nil, "%s%d", kind, n), deadline, "")
				}
			})
		}
		edit(ks, func() { fillOdd(db); fillStreams(db) })
	}
}

func fillCollections(db *keyspace.DB, n int) {
	list := db.ReplaceList(fmt.Appendf(nil, "list%d", n), "")
	set := db.ReplaceSet(fmt.Appendf(nil, "set%d", n), "")
	ints := db.ReplaceSet(fmt.Appendf(nil, "ints%d", n), "")
	zset := db.ReplaceZSet(fmt.Appendf(nil, "zset%d", n), "")
	hash := db.ReplaceHash(fmt.Appendf(nil, "hash%d", n), "")
	for i := range n {
		word := fmt.Appendf(nil, "word:%d", i)
		list.PushTail(word)
		set.Add(word)
		ints.Add(strconv.AppendInt(nil, int64(i*i*i*i*i-70_000), 10))
		zset.Put(word, float64(i)/3)
		hash.Set(word, strconv.AppendInt(nil, int64(i)*7919, 10))
	}
}

// fillOdd holds what the regular samples do not: extreme scores, and the strings as elements.
func fillOdd(db *keyspace.DB) {
	list := db.ReplaceList([]byte("oddlist"), "")
	set := db.ReplaceSet([]byte("oddset"), "")
	hash := db.ReplaceHash([]byte("oddhash"), "")
	zset := db.ReplaceZSet([]byte("oddzset"), "")
	scores := []float64{0, math.Inf(1), math.Inf(-1), 1e308, -1e-308, 5e-324, 0.1, 1 << 53, 3}
	for i, v := range sampleStrings() {
		list.PushTail(v)
		set.Add(v)
		hash.Set(v, v)
		zset.Put(v, scores[i%len(scores)])
	}
}

// write is the file of ks.
func write(t testing.TB, ks *keyspace.Keyspace, o WriteOptions, fields ...Aux) []byte {
	var b bytes.Buffer
	w := NewWriter(&b, o)
	require.NoError(t, w.Header(fields...))
	for i := range ks.Databases() {
		if db := ks.DB(i); db.Len() > 0 {
			require.NoError(t, w.DB(i, int64(db.Len()), int64(db.Deadlines())))
		}
	}
	items(ks, func(it *keyspace.Item) { require.NoError(t, w.Item(it)) })
	require.NoError(t, w.Footer())
	require.Equal(t, int64(b.Len()), w.Bytes())
	return b.Bytes()
}

func load(p []byte) (*keyspace.Keyspace, Info, error) {
	ks := newKeyspace()
	info, err := Load(bytes.NewReader(p), LoadOptions{Keyspace: ks, NowMs: sampleNowMs})
	return ks, info, err
}

// requireSame compares two descriptions and shows the keys that differ, shortened.
func requireSame(t testing.TB, want, got map[string]string) {
	t.Helper()
	brief := func(s string) string { return s[:min(len(s), 300)] }
	for key, line := range want {
		if got[key] != line {
			require.Fail(t, "a key differs", "%q\nwant %s\ngot  %s", brief(key), brief(line), brief(got[key]))
		}
	}
	require.Equal(t, len(want), len(got), "number of keys")
}
