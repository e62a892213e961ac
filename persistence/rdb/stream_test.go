package rdb

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

// describeStream is a stream as text.
func describeStream(b *strings.Builder, it *keyspace.Item) {
	s := it.Stream()
	s.Each(keyspace.StreamID{}, keyspace.MaxStreamID(), func(e *keyspace.StreamEntry) bool {
		fmt.Fprintf(b, "%s ", e.ID)
		e.Each(func(name, value []byte) { fmt.Fprintf(b, "%q %q ", name, value) })
		return true
	})
	s.ReadGroups(groupsText{b, s.State()})
}

// groupsText prints what it is told.
type groupsText struct {
	b     *strings.Builder
	state keyspace.StreamState
}

func (t groupsText) Groups(int) {
	fmt.Fprintf(t.b, "until %s deleted %s added %d ", t.state.Newest, t.state.MaxDeleted, t.state.Added)
}

func (t groupsText) Group(g keyspace.StreamGroup) {
	fmt.Fprintf(t.b, "group %q %s read %d ", g.Name(), g.Delivered(), g.EntriesRead())
}

func (t groupsText) Pending(p keyspace.PendingEntry) {
	fmt.Fprintf(t.b, "%s %s %d %d ", p.ID, p.Consumer, p.DeliveredMs, p.Times)
}

func (t groupsText) Consumers(int)           {}
func (t groupsText) Owned(keyspace.StreamID) {}

func (t groupsText) Consumer(c keyspace.StreamConsumer) {
	fmt.Fprintf(t.b, "consumer %q %d ", c.Name(), c.Pending())
}

// describeRedisStream is the same for a running server.
func describeRedisStream(t *testing.T, conn *redis.Conn, b *strings.Builder, key string) {
	ctx := context.Background()
	reply, err := conn.Do(ctx, "XINFO", "STREAM", key, "FULL", "COUNT", 0).Slice()
	require.NoError(t, err)
	info := pairsOf(reply)
	for _, e := range info["entries"].([]any) {
		entry := e.([]any)
		fmt.Fprintf(b, "%s ", entry[0])
		for _, word := range entry[1].([]any) {
			fmt.Fprintf(b, "%q ", word)
		}
	}
	fmt.Fprintf(b, "until %s deleted %s added %d", info["last-generated-id"], info["max-deleted-entry-id"], info["entries-added"])
	for _, g := range info["groups"].([]any) {
		group := pairsOf(g.([]any))
		read := group["entries-read"]
		if read == nil {
			read = int64(-1)
		}
		fmt.Fprintf(b, " group %q %s read %d", group["name"], group["last-delivered-id"], read)
		for _, p := range group["pending"].([]any) {
			row := p.([]any)
			fmt.Fprintf(b, " %s %s %d %d", row[0], row[1], row[2], row[3])
		}
		for _, c := range group["consumers"].([]any) {
			consumer := pairsOf(c.([]any))
			fmt.Fprintf(b, " consumer %q %d", consumer["name"], consumer["pel-count"])
		}
	}
}

// withoutCounters cuts off what version 9 of the format does not tell of a stream.
func withoutCounters(described map[string]string) map[string]string {
	out := map[string]string{}
	for key, text := range described {
		if strings.HasPrefix(text, "stream ") {
			text, _, _ = strings.Cut(text, " deleted ")
		}
		out[key] = text
	}
	return out
}

func pairsOf(words []any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(words); i += 2 {
		out[words[i].(string)] = words[i+1]
	}
	return out
}

// fillStreams writes streams of few and many blocks, with holes, all sorts of values, groups, and one without entries.
func fillStreams(db *keyspace.DB) {
	db.ReplaceStream([]byte("nostream"), "").CreateGroup([]byte("idle"), keyspace.StreamID{Ms: 7}, 0)
	for _, n := range []int{1, 3, 100, 101, 2500} {
		s := db.ReplaceStream(fmt.Appendf(nil, "stream%d", n), "")
		for i := range n {
			fillEntry(s, keyspace.StreamID{Ms: uint64(i*i + 5), Seq: uint64(i % 3)}, i)
		}
		for i := 0; i < n; i += 7 {
			if n > 3 && i < 200 {
				s.Delete(keyspace.StreamID{Ms: uint64(i*i + 5), Seq: uint64(i % 3)})
			}
		}
		fillGroups(s, n)
	}
	odd := db.ReplaceStream([]byte("oddstream"), "")
	for i, v := range sampleStrings() {
		odd.Append(keyspace.StreamID{Ms: 1 << 50, Seq: uint64(i)}, [][]byte{v, v, []byte("f"), v})
	}
	odd.Append(keyspace.MaxStreamID(), [][]byte{[]byte("last"), nil})
}

func fillEntry(s *keyspace.StreamEdit, id keyspace.StreamID, i int) {
	pairs := [][]byte{[]byte("number"), strconv.AppendInt(nil, int64(i*i*i*i-5000), 10), []byte("name"), fmt.Appendf(nil, "word:%d", i)}
	if i%5 == 4 {
		pairs[2] = []byte("other")
	}
	if i%11 == 10 {
		pairs = pairs[:2]
	}
	s.Append(id, pairs)
}

func fillGroups(s *keyspace.StreamEdit, n int) {
	for _, name := range []string{"group", "another"} {
		s.CreateGroup([]byte(name), keyspace.StreamID{Ms: uint64(n)}, int64(len(name))-6)
		g, _ := s.EditGroup([]byte(name))
		for i := range 3 {
			c := g.CreateConsumer(fmt.Appendf(nil, "consumer%d", i), sampleNowMs)
			for j := range i * n {
				g.Deliver(c, keyspace.StreamID{Ms: uint64(j * j), Seq: uint64(i)}, sampleNowMs+int64(j), uint64(1+j%9))
			}
		}
	}
}

// fillRedisStreams does the like through a client.
func fillRedisStreams(ctx context.Context, p redis.Pipeliner) {
	p.Do(ctx, "XGROUP", "CREATE", "nostream", "idle", 7, "MKSTREAM")
	for _, n := range []int{1, 101, 1500} {
		key := "stream" + strconv.Itoa(n)
		for i := range n {
			words := []any{"XADD", key, fmt.Sprintf("%d-%d", i*i+5, i%3), "number", i*i*i*i - 5000, "name", "word:" + strconv.Itoa(i)}
			if i%5 == 4 {
				words[5] = "other"
			}
			p.Do(ctx, words...)
		}
		for i := 7; i < min(n, 300); i += 7 {
			p.Do(ctx, "XDEL", key, fmt.Sprintf("%d-%d", i*i+5, i%3))
		}
		p.Do(ctx, "XGROUP", "CREATE", key, "group", "0")
		p.Do(ctx, "XGROUP", "CREATE", key, "another", "50-1")
		p.Do(ctx, "XREADGROUP", "GROUP", "group", "one", "COUNT", n/2, "STREAMS", key, ">")
		if n > 1 {
			p.Do(ctx, "XREADGROUP", "GROUP", "group", "two", "COUNT", n/3, "STREAMS", key, ">")
		}
		p.Do(ctx, "XGROUP", "CREATECONSUMER", key, "another", "idle")
		p.Do(ctx, "XCLAIM", key, "group", "three", 0, "5-0", "14-0", "RETRYCOUNT", 70000)
	}
	for i, v := range sampleStrings() {
		p.Do(ctx, "XADD", "oddstream", "1125899906842624-"+strconv.Itoa(i), v, v, "f", v)
	}
}

// TestStream_nodes: blocks stay blocks, and what a node may hold besides is read.
func TestStream_nodes(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { fillStreams(ks.DB(0)) })
	for _, version := range []int{9, 10, 11} {
		back, _, err := load(write(t, ks, WriteOptions{Version: version}))
		require.NoError(t, err)
		if version > 9 { // which does not know how many were added
			require.Equal(t, ks.Digest(), back.Digest())
		}
		items(back, func(it *keyspace.Item) {
			s, err := ks.DB(0).Stream(it.Key)
			require.NoError(t, err)
			require.Equal(t, s.State().Blocks, it.Stream().State().Blocks, "%s", it.Key)
		})
	}
}

// TestStream_damage: a stream that contradicts itself is refused, wherever a byte of it was changed or lost.
func TestStream_damage(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() {
		s := ks.DB(0).ReplaceStream([]byte("s"), "")
		for i := range 5 {
			fillEntry(s, keyspace.StreamID{Ms: uint64(i + 1)}, i)
		}
		fillGroups(s, 3)
	})
	var p []byte
	items(ks, func(it *keyspace.Item) { p = EncodeValue(nil, it) })
	for at := range p {
		for _, change := range []byte{0, 1, 0x80, 0xFF} {
			damaged := bytes.Clone(p)
			damaged[at] ^= change
			to := newKeyspace()
			edit(to, func() {
				err := DecodeValue(to.DB(0), []byte("s"), 0, damaged)
				require.False(t, change == 0 && err != nil, "%v", err)
				require.Error(t, DecodeValue(to.DB(0), []byte("s"), 0, damaged[:at]))
			})
		}
	}
}

// TestStream_groupsInParts: what the parts of a stream add up to is what it encoded to as a whole when the view was opened,
// to the byte, whatever happens to its groups, its entries or its key between two parts.
func TestStream_groupsInParts(t *testing.T) {
	for name, change := range streamChanges() {
		t.Run(name, func(t *testing.T) {
			ks := newKeyspace()
			key := []byte("stream")
			edit(ks, func() {
				for i := range 350 {
					fillEntry(must(ks.DB(0).EditStream(key, "")), keyspace.StreamID{Ms: uint64(i + 1)}, i)
				}
				fillGroups(must(ks.DB(0).EditStream(key, "")), 700)
			})
			whole, _ := ks.DB(0).Item(key)
			want, digest := EncodeValue(nil, &whole), ks.Digest()
			var payload []byte
			parts := 0
			file := bytes.Buffer{}
			w := NewWriter(&file, WriteOptions{Version: VersionDefault})
			require.NoError(t, w.Header())
			view := ks.FreezeAll(func(it *keyspace.Item) {
				require.NoError(t, w.Item(it))
				payload = EncodeValue(payload, it)
				parts++
			})
			for i := 0; !view.Step(1); i++ {
				edit(ks, func() { change(ks.DB(0), key, i) })
			}
			require.NoError(t, w.Footer())
			require.Equal(t, want, payload)
			require.Greater(t, parts, 70)
			back, _, err := load(file.Bytes())
			require.NoError(t, err)
			require.Equal(t, digest, back.Digest())
		})
	}
}

func must(s *keyspace.StreamEdit, err error) *keyspace.StreamEdit {
	if err != nil {
		panic(err)
	}
	return s
}

// streamChanges are what happens between two parts.
func streamChanges() map[string]func(db *keyspace.DB, key []byte, i int) {
	in := func(fn func(s *keyspace.StreamEdit, g keyspace.GroupEdit, i int)) func(*keyspace.DB, []byte, int) {
		return func(db *keyspace.DB, key []byte, i int) {
			s := must(db.EditStream(key, ""))
			if g, found := s.EditGroup([]byte("group")); found {
				fn(s, g, i)
			}
		}
	}
	return map[string]func(*keyspace.DB, []byte, int){
		"acknowledged": in(func(_ *keyspace.StreamEdit, g keyspace.GroupEdit, i int) {
			for range 30 {
				if g.Pending() > 0 {
					g.Acknowledge(g.LastPending().ID)
				}
			}
		}),
		"claimed": in(func(_ *keyspace.StreamEdit, g keyspace.GroupEdit, i int) {
			to, _ := g.Consumer([]byte("consumer0"))
			for j := range 30 {
				at := i*30 + j
				g.Deliver(to, keyspace.StreamID{Ms: uint64(at * at), Seq: uint64(1 + at%2)}, 1, 1)
			}
		}),
		"a consumer goes": in(func(_ *keyspace.StreamEdit, g keyspace.GroupEdit, i int) {
			g.RemoveConsumer(fmt.Appendf(nil, "consumer%d", i/10))
			g.CreateConsumer(fmt.Appendf(nil, "another%d", i), 3)
		}),
		"a group goes": in(func(s *keyspace.StreamEdit, g keyspace.GroupEdit, i int) {
			g.Set(keyspace.StreamID{Ms: 5}, 5)
			if i == 5 {
				s.DestroyGroup([]byte("another"))
			}
			if i == 20 {
				s.DestroyGroup([]byte("group"))
				fillGroups(s, 100)
			}
		}),
		"entries go": in(func(s *keyspace.StreamEdit, _ keyspace.GroupEdit, i int) {
			s.Delete(keyspace.StreamID{Ms: uint64(350 - i)})
			s.Append(keyspace.StreamID{Ms: uint64(1000 + i)}, [][]byte{[]byte("f"), []byte("v")})
		}),
		"the key goes": func(db *keyspace.DB, key []byte, i int) { db.Remove(key, "") },
		"the key is another one": func(db *keyspace.DB, key []byte, i int) {
			fillGroups(db.ReplaceStream(key, ""), i)
		},
		"the key is renamed": func(db *keyspace.DB, key []byte, i int) {
			if i == 0 {
				db.Rename(key, []byte("other"))
			}
			s := must(db.EditStream([]byte("other"), ""))
			s.DestroyGroup([]byte("group"))
			s.DestroyGroup([]byte("another"))
			fillGroups(s, i+1)
		},
		"the database is flushed": func(db *keyspace.DB, _ []byte, _ int) { db.Flush() },
	}
}
