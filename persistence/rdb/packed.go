package rdb

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// elements are the members of a value, in order. What next gives out stays valid while one more is fetched: a field
// and its value, or a member and its score, are alive together. more is false behind the last one.
type elements interface {
	next() (v []byte, more bool, err error)
}

var errPacked = errors.New("a packed value does not fit together")

// decimals prints numbers so that the last two stay valid.
type decimals struct {
	text [2][24]byte
	turn int
}

func (d *decimals) print(n int64) []byte {
	d.turn ^= 1
	return strconv.AppendInt(d.text[d.turn][:0], n, 10)
}

// cut splits n bytes off the front of p; ok is false when they are not there.
func cut(p []byte, n int) (head, rest []byte, ok bool) {
	if n < 0 || n > len(p) {
		return nil, nil, false
	}
	return p[:n], p[n:], true
}

// int24 reads three little-endian bytes with a sign.
func int24(p []byte) int64 {
	return int64(int32(uint32(p[0])<<8|uint32(p[1])<<16|uint32(p[2])<<24) >> 8)
}

// listpack is 4 bytes of size, 2 of count, entries, 0xFF. An entry is a header, data, and its own length for walking
// backwards.
type listpack struct {
	rest []byte // behind the entry that was given out last; ends with 0xFF
	left int    // entries to come, -1 when the header does not say
	num  decimals
}

const packedCountUnknown = 1<<16 - 1

func newListpack(p []byte) (*listpack, error) {
	if len(p) < 7 || binary.LittleEndian.Uint32(p) != uint32(len(p)) || p[len(p)-1] != 0xFF {
		return nil, errPacked
	}
	l := &listpack{rest: p[6:], left: int(binary.LittleEndian.Uint16(p[4:]))}
	if l.left == packedCountUnknown {
		l.left = -1
	}
	return l, nil
}

func (l *listpack) next() (v []byte, more bool, err error) {
	if l.rest[0] == 0xFF {
		if len(l.rest) != 1 || l.left > 0 {
			return nil, false, errPacked
		}
		return nil, false, nil
	}
	if l.left == 0 {
		return nil, false, errPacked
	}
	v, size, ok := l.entry(l.rest)
	if !ok {
		return nil, false, errPacked
	}
	_, rest, ok := cut(l.rest, size+backLengthBytes(size))
	if !ok || len(rest) == 0 {
		return nil, false, errPacked
	}
	l.rest = rest
	if l.left > 0 {
		l.left--
	}
	return v, true, nil
}

// backLengthBytes is the size of the field that holds an entry's length, as Redis' lpEncodeBacklen.
func backLengthBytes(size int) int {
	switch {
	case size <= 127:
		return 1
	case size < 16383:
		return 2
	case size < 2097151:
		return 3
	case size < 268435455:
		return 4
	}
	return 5
}

// entry decodes the entry at the start of p; size is that of header and data.
func (l *listpack) entry(p []byte) (v []byte, size int, ok bool) {
	first := p[0]
	switch {
	case first < 0x80:
		return l.num.print(int64(first)), 1, true
	case first < 0xC0:
		return packedText(p, 1, int(first&0x3f))
	case first < 0xE0:
		if len(p) < 2 {
			return nil, 0, false
		}
		n := int64(first&0x1f)<<8 | int64(p[1])
		return l.num.print(n << 51 >> 51), 2, true // 13 bits with sign
	case first < 0xF0:
		if len(p) < 2 {
			return nil, 0, false
		}
		return packedText(p, 2, int(first&0x0f)<<8|int(p[1]))
	case first == 0xF0:
		if len(p) < 5 {
			return nil, 0, false
		}
		return packedText(p, 5, int(binary.LittleEndian.Uint32(p[1:])))
	}
	n, width, ok := packedInt(p[1:], first, 0xF1, 0xF2, 0xF3, 0xF4)
	return l.num.print(n), 1 + width, ok
}

func packedText(p []byte, header, n int) (v []byte, size int, ok bool) {
	if n > len(p)-header {
		return nil, 0, false
	}
	return p[header : header+n], header + n, true
}

// packedInt reads a number of the width that code stands for.
func packedInt(p []byte, code, code16, code24, code32, code64 byte) (n int64, width int, ok bool) {
	switch code {
	case code16:
		if len(p) >= 2 {
			return int64(int16(binary.LittleEndian.Uint16(p))), 2, true
		}
	case code24:
		if len(p) >= 3 {
			return int24(p), 3, true
		}
	case code32:
		if len(p) >= 4 {
			return int64(int32(binary.LittleEndian.Uint32(p))), 4, true
		}
	case code64:
		if len(p) >= 8 {
			return int64(binary.LittleEndian.Uint64(p)), 8, true
		}
	}
	return 0, 0, false
}

// ziplist is 4 bytes of size, 4 of the last entry's place, 2 of count, entries, 0xFF. An entry is the length of the one
// before it, a header and data.
type ziplist struct {
	rest []byte
	left int
	num  decimals
}

func newZiplist(p []byte) (*ziplist, error) {
	if len(p) < 11 || binary.LittleEndian.Uint32(p) != uint32(len(p)) || p[len(p)-1] != 0xFF {
		return nil, errPacked
	}
	z := &ziplist{rest: p[10:], left: int(binary.LittleEndian.Uint16(p[8:]))}
	if z.left == packedCountUnknown {
		z.left = -1
	}
	return z, nil
}

func (z *ziplist) next() (v []byte, more bool, err error) {
	if z.rest[0] == 0xFF {
		if len(z.rest) != 1 || z.left > 0 {
			return nil, false, errPacked
		}
		return nil, false, nil
	}
	if z.left == 0 {
		return nil, false, errPacked
	}
	before := 1
	if z.rest[0] == 0xFE {
		before = 5
	}
	_, p, ok := cut(z.rest, before)
	if !ok || len(p) == 0 {
		return nil, false, errPacked
	}
	v, size, ok := z.entry(p)
	if !ok {
		return nil, false, errPacked
	}
	_, rest, ok := cut(p, size)
	if !ok || len(rest) == 0 {
		return nil, false, errPacked
	}
	z.rest = rest
	if z.left > 0 {
		z.left--
	}
	return v, true, nil
}

func (z *ziplist) entry(p []byte) (v []byte, size int, ok bool) {
	first := p[0]
	switch {
	case first < 0x40:
		return packedText(p, 1, int(first))
	case first < 0x80:
		if len(p) < 2 {
			return nil, 0, false
		}
		return packedText(p, 2, int(first&0x3f)<<8|int(p[1]))
	case first == 0x80:
		if len(p) < 5 {
			return nil, 0, false
		}
		return packedText(p, 5, int(binary.BigEndian.Uint32(p[1:])))
	case first == 0xFE:
		if len(p) < 2 {
			return nil, 0, false
		}
		return z.num.print(int64(int8(p[1]))), 2, true
	case first > 0xF0 && first <= 0xFD:
		return z.num.print(int64(first&0x0f) - 1), 1, true
	}
	n, width, ok := packedInt(p[1:], first, 0xC0, 0xF0, 0xD0, 0xE0)
	return z.num.print(n), 1 + width, ok
}

// zipmap is a count, then length and bytes of a key, length, slack, bytes and slack of a value, 0xFF.
type zipmap struct {
	rest  []byte
	value bool // a value comes next
}

func newZipmap(p []byte) (*zipmap, error) {
	if len(p) < 2 || p[len(p)-1] != 0xFF {
		return nil, errPacked
	}
	return &zipmap{rest: p[1:]}, nil
}

func (z *zipmap) next() (v []byte, more bool, err error) {
	if z.rest[0] == 0xFF {
		if len(z.rest) != 1 || z.value {
			return nil, false, errPacked
		}
		return nil, false, nil
	}
	n, rest := int(z.rest[0]), z.rest[1:]
	if n == 0xFE {
		if len(rest) < 4 {
			return nil, false, errPacked
		}
		n, rest = int(binary.LittleEndian.Uint32(rest)), rest[4:]
	}
	slack := 0
	if z.value {
		if len(rest) == 0 {
			return nil, false, errPacked
		}
		slack, rest = int(rest[0]), rest[1:]
	}
	v, rest, ok := cut(rest, n)
	if !ok {
		return nil, false, errPacked
	}
	if _, rest, ok = cut(rest, slack); !ok || len(rest) == 0 {
		return nil, false, errPacked
	}
	z.rest, z.value = rest, !z.value
	return v, true, nil
}

// intset is 4 bytes of width (2, 4 or 8), 4 of count, and the numbers in order.
type intset struct {
	rest  []byte
	width int
	num   decimals
}

func newIntset(p []byte) (*intset, error) {
	if len(p) < 8 {
		return nil, errPacked
	}
	width, count := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
	if width != 2 && width != 4 && width != 8 || uint64(len(p)-8) != uint64(width)*uint64(count) {
		return nil, errPacked
	}
	return &intset{rest: p[8:], width: int(width)}, nil
}

func (s *intset) next() (v []byte, more bool, err error) {
	if len(s.rest) == 0 {
		return nil, false, nil
	}
	var n int64
	switch s.width {
	case 2:
		n = int64(int16(binary.LittleEndian.Uint16(s.rest)))
	case 4:
		n = int64(int32(binary.LittleEndian.Uint32(s.rest)))
	default:
		n = int64(binary.LittleEndian.Uint64(s.rest))
	}
	s.rest = s.rest[s.width:]
	return s.num.print(n), true, nil
}
