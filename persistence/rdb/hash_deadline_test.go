package rdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

// fillTimed writes hashes whose fields have deadlines, small and large, passed and to come, all of the fields or some.
func fillTimed(ks *keyspace.Keyspace) {
	for _, n := range []int{1, 3, 128, 129, 3000} {
		edit(ks, func() {
			h := ks.DB(n%3).ReplaceHash(fmt.Appendf(nil, "timed%d", n), "")
			for i := range n {
				deadlineMs := int64(0)
				if n == 1 || i%3 == 0 {
					deadlineMs = sampleNowMs + int64(i*i) - 1000
				}
				h.Put(fmt.Appendf(nil, "field:%d", i), fmt.Appendf(nil, "%d", i), deadlineMs)
			}
		})
	}
	edit(ks, func() {
		h := ks.DB(0).ReplaceHash([]byte("extremes"), "")
		h.Put([]byte("first"), nil, 1)
		h.Put([]byte("last"), []byte("v"), keyspace.FieldDeadlineMax)
	})
}

func TestHashTTL_roundTrip(t *testing.T) {
	ks, back := newKeyspace(), newKeyspace()
	fillTimed(ks)
	values(ks, func(it *keyspace.Item, payload []byte) {
		require.Equal(t, byte(typeHashTTL), payload[0])
		edit(back, func() { require.NoError(t, DecodeValue(back.DB(it.DB), it.Key, it.DeadlineMs, payload)) })
		require.Equal(t, it.Encoding(), back.DB(it.DB).Encoding(it.Key), "key %q", it.Key)
	})
	require.Equal(t, ks.Digest(), back.Digest())
	fillSamples(ks)
	loaded, info, err := load(write(t, ks, WriteOptions{Version: VersionFieldDeadlines, Checksum: true, Compress: true}))
	require.NoError(t, err)
	require.Equal(t, 12, info.Version)
	require.Equal(t, ks.Digest(), loaded.Digest())
	requireSame(t, describe(ks), describe(loaded))
}

// TestHashTTL_form: the bytes are those of Redis 7.4.
func TestHashTTL_form(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { ks.DB(0).ReplaceHash([]byte("h"), "").Put([]byte("f"), []byte("v"), 0x0102030405) })
	first := []byte{5, 4, 3, 2, 1, 0, 0, 0}
	items(ks, func(it *keyspace.Item) {
		require.Equal(t, raw(24, first, 1, 1, text([]byte("f")), text([]byte("v"))), EncodeValue(nil, it))
	})
}

// TestHashTTL_ofRedis reads what Redis 7.4 writes for large hashes, and for small ones.
func TestHashTTL_ofRedis(t *testing.T) {
	first := binary.LittleEndian.AppendUint64(nil, 1000)
	timed := [][]byte{raw(0x81, "a"), raw(0x81, "1"), raw(0xF1, 0xE8, 3), raw(0x81, "b"), raw(5), raw(0xF1, 0xD0, 7), raw(0x81, "c"), raw(0x81, "3"), raw(0)}
	for name, payload := range map[string][]byte{
		"large": raw(24, first, 3, 1, text([]byte("a")), text([]byte("1")), 0x43, 0xE9, text([]byte("b")), text([]byte("5")), 0, text([]byte("c")), text([]byte("3"))),
		"small": raw(25, first, text(makeListpack(timed...))),
	} {
		t.Run(name, func(t *testing.T) {
			ks := newKeyspace()
			edit(ks, func() { require.NoError(t, DecodeValue(ks.DB(0), []byte("h"), 0, payload)) })
			require.Equal(t, map[string]string{"0/h": `hash until 0: "a"="1"@1000 "b"="5"@2000 "c"="3"`}, describe(ks))
		})
	}
}

func TestHashTTL_refusals(t *testing.T) {
	first := make([]byte, 8)
	f, v := text([]byte("f")), text([]byte("v"))
	late := raw(0x81, []byte{0, 0, 0x40, 0, 0, 0, 0, 0}) // 1<<46: one beyond the limit, as the distance is one more
	for name, c := range map[string]struct {
		payload []byte
		want    string
	}{
		"twice":          {raw(24, first, 2, 1, f, v, 0, f, v), `field "f" twice`},
		"deadline":       {raw(24, []byte{1, 0, 0, 0, 0, 0, 0, 0}, 1, late, f, v), "has the deadline 70368744177664"},
		"overflow":       {raw(24, []byte{255, 255, 255, 255, 255, 255, 255, 255}, 1, 2, f, v), "has the deadline"},
		"packed pair":    {raw(25, first, text(makeListpack(raw(0x81, "a"), raw(1)))), "odd number of elements"},
		"packed single":  {raw(25, first, text(makeListpack(raw(0x81, "a")))), "does not fit together"},
		"packed word":    {raw(25, first, text(makeListpack(raw(0x81, "a"), raw(1), raw(0x81, "x")))), "does not fit together"},
		"packed twice":   {raw(25, first, text(makeListpack(raw(1), raw(1), raw(0), raw(1), raw(1), raw(0)))), `field "1" twice`},
		"without fields": {raw(24, first, 0), "without elements"},
	} {
		ks := newKeyspace()
		edit(ks, func() { require.ErrorContains(t, DecodeValue(ks.DB(0), []byte("h"), 0, c.payload), c.want, name) })
	}
}

// TestHashTTL_olderReaders: a file with such a hash says so in its header, and an older server refuses it there.
func TestHashTTL_olderReaders(t *testing.T) {
	ks := newKeyspace()
	fillTimed(ks)
	items(ks, func(it *keyspace.Item) {
		w := NewWriter(io.Discard, WriteOptions{Version: 11})
		require.ErrorContains(t, w.Item(it), "fields with deadlines, which version 11 of the format does not know")
	})
	name := filepath.Join(t.TempDir(), "dump.rdb")
	require.NoError(t, os.WriteFile(name, write(t, ks, WriteOptions{Version: VersionFieldDeadlines}), 0o600))
	output, err := exec.Command("redis-check-rdb", name).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(output), "Can't handle RDB format version 12")
}
