package rdb

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

// FuzzLoad: no input makes Load panic, and what it accepts can be written and read again.
func FuzzLoad(f *testing.F) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(0), 3); fillCollections(ks.DB(1), 130) })
	for _, o := range []WriteOptions{{}, {Compress: true}} {
		f.Add(write(f, ks, o, Aux{"redis-ver", "7.2.4"}))
	}
	f.Add(raw("REDIS0003", 0xFE, 0, 0xFD, 0, 0, 0, 0, 9, text([]byte("k")), text(makeZipmap("a", "b")), 0xFF))
	f.Add(raw("REDIS0009", 14, text([]byte("k")), 1, text(makeZiplist("a", "1", "70000")), 13, text([]byte("h")), text(makeZiplist("a", "1")), 0xFF, make([]byte, 8)))
	f.Add(raw("REDIS0010", 18, text([]byte("k")), 2, 2, text(makeListpack(raw(0x81, "a"), raw(1))), 1, text([]byte("p")), 11, text([]byte("i")), text(makeIntset(2, 1, 2)), 0xFF, make([]byte, 8)))
	f.Add(raw("VALKEY080", 0xF7, 1, 2, 1, 5, text([]byte("x")), 0, 0xF4, 1, 1, 1, 3, text([]byte("z")), 1, text([]byte("m")), 1, "1", 0xFF, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, p []byte) {
		ks, info, err := load(p)
		if err != nil {
			return
		}
		require.LessOrEqual(t, info.Bytes, int64(len(p)))
		back, again, err := load(write(t, ks, WriteOptions{Checksum: true}))
		require.NoError(t, err)
		require.Equal(t, info.Keys, again.Keys)
		require.Equal(t, ks.Digest(), back.Digest())
	})
}

// FuzzDecodeValue: the same for the rows of a checkpoint.
func FuzzDecodeValue(f *testing.F) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(0), 3); fillCollections(ks.DB(0), 130) })
	values(ks, func(_ *keyspace.Item, payload []byte) { f.Add(payload) })
	f.Add(raw(typeHashTTL, make([]byte, 8), 2, 1, text([]byte("a")), text([]byte("1")), 0, text([]byte("b")), text([]byte("2"))))
	f.Add(raw(typeHashTTLListpack, make([]byte, 8), text(makeListpack(raw(0x81, "a"), raw(1), raw(9)))))
	f.Add(raw(typeHashZipmap, text(makeZipmap("a", "b", "c", ""))))
	f.Add(raw(typeZSetZiplist, text(makeZiplist("a", "1", "b", "-1.5"))))
	f.Add(raw(typeHashListpack, text(makeListpack(raw(0x81, "a"), raw(0xF4, 1, 2, 3, 4, 5, 6, 7, 8)))))
	f.Add(raw(typeListQuicklist2, 1, 2, text(makeListpack(raw(0xE0, 1, "a")))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		ks, key := newKeyspace(), []byte("k")
		var err error
		edit(ks, func() {
			if err = DecodeValue(ks.DB(0), key, 0, payload); err != nil {
				ks.DB(0).Remove(key, "")
			}
		})
		require.Equal(t, err == nil, ks.DB(0).Kind(key) != keyspace.KindNone)
		values(ks, func(it *keyspace.Item, payload []byte) {
			back := newKeyspace()
			edit(back, func() { require.NoError(t, DecodeValue(back.DB(0), it.Key, 0, payload)) })
			require.Equal(t, ks.Digest(), back.Digest())
		})
	})
}
