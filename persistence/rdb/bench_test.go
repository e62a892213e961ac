package rdb

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/tandemkv/tandem/keyspace"
)

// BenchmarkEncodeValue and BenchmarkDecodeValue: the cost of a checkpoint and of start-up, per key.
func BenchmarkEncodeValue(b *testing.B) {
	for name, ks := range benchKeyspaces() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for range b.N {
				dst = dst[:0]
				items(ks, func(it *keyspace.Item) { dst = EncodeValue(dst, it) })
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

func BenchmarkDecodeValue(b *testing.B) {
	for name, ks := range benchKeyspaces() {
		var payload []byte
		values(ks, func(_ *keyspace.Item, p []byte) { payload = p })
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			to, key := newKeyspace(), []byte("k")
			for range b.N {
				edit(to, func() {
					if err := DecodeValue(to.DB(0), key, 0, payload); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}

func benchKeyspaces() map[string]*keyspace.Keyspace {
	out := map[string]*keyspace.Keyspace{}
	for name, fill := range map[string]func(db *keyspace.DB){
		"string": func(db *keyspace.DB) { db.PutString([]byte("k"), bytes.Repeat([]byte("v"), 100), 0, "") },
		"hash5": func(db *keyspace.DB) {
			h := db.ReplaceHash([]byte("k"), "")
			for _, f := range []string{"name", "mail", "age", "city", "seen"} {
				h.Set([]byte(f), []byte("some value of "+f))
			}
		},
		"zset1000": func(db *keyspace.DB) {
			fillCollections(db, 1000)
			for _, k := range []string{"list1000", "set1000", "ints1000", "hash1000"} {
				db.Remove([]byte(k), "")
			}
		},
	} {
		ks := newKeyspace()
		edit(ks, func() { fill(ks.DB(0)) })
		out[name] = ks
	}
	return out
}

// BenchmarkWrite and BenchmarkLoad: a file of 100,000 strings of 100 bytes and 20,000 small hashes.
func BenchmarkWrite(b *testing.B) {
	ks := benchData()
	b.ReportAllocs()
	for range b.N {
		w := NewWriter(io.Discard, WriteOptions{Checksum: true})
		_ = w.Header() // io.Discard takes everything
		items(ks, func(it *keyspace.Item) { _ = w.Item(it) })
		_ = w.Footer()
		b.SetBytes(w.Bytes())
	}
}

func BenchmarkLoad(b *testing.B) {
	p := write(b, benchData(), WriteOptions{Checksum: true})
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for range b.N {
		if _, err := Load(bytes.NewReader(p), LoadOptions{Keyspace: newKeyspace(), NowMs: sampleNowMs}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchData() *keyspace.Keyspace {
	ks := newKeyspace()
	for i := range 100_000 {
		edit(ks, func() { ks.DB(0).PutString(fmt.Appendf(nil, "key:%d", i), bytes.Repeat([]byte("v"), 100), 0, "") })
	}
	for i := range 20_000 {
		edit(ks, func() {
			h := ks.DB(0).ReplaceHash(fmt.Appendf(nil, "hash:%d", i), "")
			for _, f := range []string{"name", "mail", "age", "city", "seen"} {
				h.Set([]byte(f), []byte("some value of "+f))
			}
		})
	}
	return ks
}
