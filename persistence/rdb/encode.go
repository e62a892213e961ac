package rdb

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

// Length encodings: the two upper bits of the first byte.
const (
	length14Bit  = 0x40
	length32Bit  = 0x80
	length64Bit  = 0x81
	encodedInt8  = 0xC0
	encodedInt16 = 0xC1
	encodedInt32 = 0xC2
	encodedLZF   = 0xC3
	lzfBytesMin  = 21 // shorter strings are never compressed, as in Redis
	intTextMax   = 11 // "-2147483648"
	spillAtBytes = 64 << 10
	lzfBytesMax  = math.MaxInt32 // positions in the table are 32 bits
)

// encoder appends to buf. With spill set it gives buf away whenever it has grown to spillAtBytes, so a large value is
// never in memory as a whole a second time.
type encoder struct {
	buf   []byte
	spill func()
	pack  *lzf        // nil: strings are not compressed
	alone bool        // a part of a value is a value of its own
	nodes *nodeWriter // nil: none yet
}

// EncodeValue appends the value of it to dst: a type byte and the payload. When the value comes in parts, what the calls
// for all of them have appended is the value. It is as in VersionDefault where that knows it.
func EncodeValue(dst []byte, it *keyspace.Item) []byte {
	e := encoder{buf: dst}
	row := mustRowOf(it, VersionDefault)
	if it.Part == 0 {
		e.buf = append(e.buf, row.typ)
	}
	row.encode(&e, it)
	return e.buf
}

// EncodePart appends one part of a value as a value of its own, for AppendValue to put the parts together again.
func EncodePart(dst []byte, it *keyspace.Item) []byte {
	e := encoder{buf: dst, alone: true}
	row := mustRowOf(it, VersionDefault)
	e.buf = append(e.buf, row.typ)
	row.encode(&e, it)
	return e.buf
}

// count begins a collection, of which n elements follow: with the number of those in all parts, before the first one.
func (e *encoder) count(it *keyspace.Item, n int) {
	switch {
	case e.alone:
		e.length(uint64(n))
	case it.Part == 0:
		e.length(uint64(it.Len()))
	}
}

func mustRowOf(it *keyspace.Item, version int) *kindRow {
	row := rowOfItem(it, version)
	if row == nil {
		panic(fmt.Sprintf("rdb: key %q of database %d has kind %d, which has no row", it.Key, it.DB, it.Kind))
	}
	return row
}

func (e *encoder) maybeSpill() {
	if e.spill != nil && len(e.buf) >= spillAtBytes {
		e.spill()
	}
}

func (e *encoder) length(n uint64) {
	switch {
	case n < 1<<6:
		e.buf = append(e.buf, byte(n))
	case n < 1<<14:
		e.buf = append(e.buf, length14Bit|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		e.buf = append(e.buf, length32Bit)
		e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(n))
	default:
		e.buf = append(e.buf, length64Bit)
		e.buf = binary.BigEndian.AppendUint64(e.buf, n)
	}
}

// str appends a string: as a number where it is one, compressed where that is wanted and shorter.
func (e *encoder) str(v []byte) {
	if len(v) <= intTextMax {
		if n, ok := canonicalInt32(v); ok {
			e.int32(n)
			return
		}
	}
	if e.pack != nil && len(v) >= lzfBytesMin && len(v) < lzfBytesMax {
		if packed, ok := e.pack.compress(nil, v); ok {
			e.buf = append(e.buf, encodedLZF)
			e.length(uint64(len(packed)))
			e.length(uint64(len(v)))
			e.buf = append(e.buf, packed...)
			return
		}
	}
	e.length(uint64(len(v)))
	for len(v) > spillAtBytes && e.spill != nil {
		e.buf = append(e.buf, v[:spillAtBytes]...)
		v = v[spillAtBytes:]
		e.spill()
	}
	e.buf = append(e.buf, v...)
}

func (e *encoder) int32(n int64) {
	switch {
	case n >= math.MinInt8 && n <= math.MaxInt8:
		e.buf = append(e.buf, encodedInt8, byte(n))
	case n >= math.MinInt16 && n <= math.MaxInt16:
		e.buf = append(e.buf, encodedInt16)
		e.buf = binary.LittleEndian.AppendUint16(e.buf, uint16(n))
	default:
		e.buf = append(e.buf, encodedInt32)
		e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(n))
	}
}

func (e *encoder) float(f float64) {
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(f))
}

// canonicalInt32 reads text that the number itself would print as.
func canonicalInt32(v []byte) (int64, bool) {
	digits := v
	if len(v) > 0 && v[0] == '-' {
		digits = v[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(v) > 1 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0') // at most 11 digits
	}
	if len(digits) != len(v) {
		n = -n
	}
	return n, n >= math.MinInt32 && n <= math.MaxInt32
}

func encodeString(e *encoder, it *keyspace.Item) {
	if n, ok := it.Int(); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		e.int32(n)
		return
	}
	e.str(it.String())
}

func encodeList(e *encoder, it *keyspace.Item) {
	list := it.List()
	e.count(it, list.Len())
	list.Each(0, false, func(_ int, v []byte) bool {
		e.str(v)
		e.maybeSpill()
		return true
	})
}

func encodeSet(e *encoder, it *keyspace.Item) {
	set := it.Set()
	e.count(it, set.Len())
	set.Each(func(m []byte) bool {
		e.str(m)
		e.maybeSpill()
		return true
	})
}

func encodeZSet(e *encoder, it *keyspace.Item) {
	zset := it.ZSet()
	e.count(it, zset.Len())
	zset.Each(0, false, func(m []byte, score float64) bool {
		e.str(m)
		e.float(score)
		e.maybeSpill()
		return true
	})
}

func encodeHash(e *encoder, it *keyspace.Item) {
	hash := it.Hash()
	e.count(it, hash.Len())
	hash.Each(func(field, value []byte) bool {
		e.str(field)
		e.str(value)
		e.maybeSpill()
		return true
	})
}
