package keyspace

import (
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"math"

	"github.com/tandemkv/tandem/internal/slab"
)

// Digests are SHA-1 sums of the data in a canonical form: equal for equal data, however it is encoded and came to be.
// Where the data has no order the sums of the parts are combined by exclusive or.

type digester struct {
	h     hash.Hash
	room  [8]byte
	timed [8]byte // room for the deadline of a field
	out   [20]byte
}

// sum is the sum of the given parts, each with its length in front, so that parts cannot run into each other.
func (d *digester) sum(parts ...[]byte) [20]byte {
	d.h.Reset()
	for _, p := range parts {
		d.part(p)
	}
	return d.end()
}

func (d *digester) part(p []byte) {
	d.number(uint64(len(p)))
	d.h.Write(p)
}

func (d *digester) number(n uint64) {
	binary.LittleEndian.PutUint64(d.room[:], n)
	d.h.Write(d.room[:])
}

func (d *digester) end() [20]byte {
	d.h.Sum(d.out[:0])
	return d.out
}

func xor(into *[20]byte, with [20]byte) {
	for i := range into {
		into[i] ^= with[i]
	}
}

// value is the digest of a value alone.
func (d *digester) value(v *value, a *arena) [20]byte {
	var content [20]byte
	at := view{v, a}
	switch v.kind {
	case KindString:
		content = d.sum(v.stringBytes(a))
	case KindList:
		d.h.Reset()
		List{at}.Each(0, false, func(_ int, b []byte) bool {
			d.part(b)
			return true
		})
		content = d.end()
	case KindSet:
		Set{at}.Each(func(m []byte) bool {
			xor(&content, d.sum(m))
			a.reset() // integers were formatted into it
			return true
		})
	case KindHash:
		Hash{view: at}.EachTimed(func(f, b []byte, deadlineMs int64) bool {
			if deadlineMs == 0 {
				xor(&content, d.sum(f, b))
			} else {
				xor(&content, d.sum(f, b, binary.LittleEndian.AppendUint64(d.timed[:0], uint64(deadlineMs))))
			}
			return true
		})
	case KindZSet:
		ZSet{at}.Each(0, false, func(m []byte, score float64) bool {
			var bits [8]byte
			binary.LittleEndian.PutUint64(bits[:], math.Float64bits(score+0)) // -0 is 0
			xor(&content, d.sum(m, bits[:]))
			return true
		})
	case KindStream:
		content = d.stream(Stream{at})
	}
	return d.sum([]byte(v.kind.String()), content[:])
}

// stream is the digest of a stream with its groups. When consumers were seen or active is no part of the data.
func (d *digester) stream(s Stream) [20]byte {
	d.h.Reset()
	s.Each(StreamID{}, MaxStreamID(), func(e *StreamEntry) bool {
		d.id(e.ID)
		d.number(uint64(e.Len()))
		e.Each(func(name, value []byte) {
			d.part(name)
			d.part(value)
		})
		return true
	})
	state := s.State()
	d.id(state.Newest)
	d.id(state.MaxDeleted)
	d.number(state.Added)
	s.EachGroup(func(g StreamGroup) {
		d.part(g.Name())
		d.id(g.Delivered())
		d.number(uint64(g.EntriesRead()))
		g.EachConsumer(func(c StreamConsumer) { d.part(c.Name()) })
		g.EachPending(StreamID{}, func(p PendingEntry) bool {
			d.id(p.ID)
			d.part(p.Consumer)
			d.number(uint64(p.DeliveredMs))
			d.number(p.Times)
			return true
		})
	})
	return d.end()
}

func (d *digester) id(id StreamID) {
	d.number(id.Ms)
	d.number(id.Seq)
}

// Digest is the digest of all databases: order-independent; equal data, equal digest (deadlines included). Keys
// past their deadline count while they are there.
func (ks *Keyspace) Digest() [20]byte {
	var all [20]byte
	d := &digester{h: sha1.New()}
	a := arena{vocabulary: &ks.vocabulary}
	for _, db := range ks.dbs {
		var room entry
		db.keys.each(func(r slab.Ref) bool {
			e := db.read(r, &room)
			content := d.value(&e.value, &a)
			d.h.Reset()
			d.number(uint64(db.number))
			d.number(uint64(e.deadline))
			d.part(e.key)
			d.part(content[:])
			xor(&all, d.end())
			a.reset()
			return true
		})
	}
	return all
}

// Digest is the digest of one key's value, as DEBUG DIGEST-VALUE: of the deadline only whether there is one. A missing
// key gives zeros.
func (db *DB) Digest(key []byte) [20]byte {
	e := db.look(key, &db.ks.reading)
	if e == nil {
		return [20]byte{}
	}
	a := arena{vocabulary: &db.ks.vocabulary}
	d := &digester{h: sha1.New()}
	content := d.value(&e.value, &a)
	if e.deadline != 0 {
		return d.sum(content[:], []byte("expires"))
	}
	return content
}
