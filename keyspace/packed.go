package keyspace

import (
	"encoding/binary"
)

// Packed bytes of a list hold a sequence of elements that can be walked both ways: each element is its length, its bytes,
// and its length again in a form that is read backwards. Lengths are base-128 numbers, so elements below 128 bytes cost
// two. So are the blocks of large lists, and behind a prefix small ones (list_packed.go). Other kinds have rows (rows.go).

// packedSize is what an element of n bytes takes.
func packedSize(n int) int { return n + 2*lengthSize(n) }

func lengthSize(n int) int {
	size := 1
	for n >= 0x80 {
		n >>= 7
		size++
	}
	return size
}

// packedAppend adds an element at the end.
func packedAppend(p, v []byte) []byte {
	p = binary.AppendUvarint(p, uint64(len(v)))
	p = append(p, v...)
	return appendBackward(p, len(v))
}

// appendBackward writes n so that it can be read from its last byte: the lowest 7 bits stand last.
func appendBackward(p []byte, n int) []byte {
	if n < 0x80 {
		return append(p, byte(n))
	}
	for i := lengthSize(n) - 1; i > 0; i-- {
		b := byte(n>>(7*i)) & 0x7f
		if more := n>>(7*(i+1)) != 0; more {
			b |= 0x80
		}
		p = append(p, b)
	}
	return append(p, byte(n)&0x7f|0x80)
}

// packedNext reads the element at off and gives the place of the next one.
func packedNext(p []byte, off int) (v []byte, next int) {
	n := int(p[off])
	size := 1
	if n >= 0x80 {
		long, read := binary.Uvarint(p[off:])
		n, size = int(long), read
	}
	from := off + size
	return p[from : from+n : from+n], from + n + size
}

// packedPrev reads the element that ends at end and gives the place where it begins.
func packedPrev(p []byte, end int) (v []byte, start int) {
	n, size := 0, 0
	for {
		b := p[end-1-size]
		n |= int(b&0x7f) << (7 * size)
		size++
		if b < 0x80 {
			break
		}
	}
	to := end - size
	return p[to-n : to : to], to - n - size
}

// packedAt gives the place of element i, walking from the nearer end of count elements.
func packedAt(p []byte, i, count int) (off int) {
	if i <= count/2 {
		for ; i > 0; i-- {
			_, off = packedNext(p, off)
		}
		return off
	}
	off = len(p)
	for ; i < count; i++ {
		_, off = packedPrev(p, off)
	}
	return off
}

// packedSplice puts the given elements in the place of p[from:to]. They may not point into p.
func packedSplice(p []byte, from, to int, with ...[]byte) []byte {
	room := 0
	for _, v := range with {
		room += packedSize(len(v))
	}
	p = gap(p, from, to, room)
	w := p[:from]
	for _, v := range with {
		w = packedAppend(w, v)
	}
	return p
}

// gap gives p with n bytes, whatever they are, in the place of p[from:to].
func gap(p []byte, from, to, n int) []byte {
	size := from + n + len(p) - to
	if cap(p) < size {
		grown := make([]byte, size, growth(cap(p), size))
		copy(grown, p[:from])
		copy(grown[from+n:], p[to:])
		return grown
	}
	tail := p[to:]
	p = p[:size]
	copy(p[from+n:], tail)
	return p
}

// growth is the capacity for a buffer that has to hold need bytes: a quarter more than needed once it grows.
func growth(had, need int) int {
	if had == 0 {
		return need
	}
	return need + need/4 + 8
}

// listpackEntryBytes is what an element takes in one of Redis' listpacks. Thresholds given in bytes mean that size.
func listpackEntryBytes(v []byte) int {
	size := 0
	switch n, isInt := parseInteger(v); {
	case isInt:
		return listpackIntegerBytes(n)
	case len(v) < 64:
		size = 1 + len(v)
	case len(v) < 4096:
		size = 2 + len(v)
	default:
		size = 5 + len(v)
	}
	return size + lengthSize(size)
}

// listpackIntegerBytes is listpackEntryBytes of an integer.
func listpackIntegerBytes(n int64) int {
	switch {
	case n >= 0 && n < 128:
		return 2
	case n >= -4096 && n < 4096:
		return 3
	case n >= -1<<15 && n < 1<<15:
		return 4
	case n >= -1<<23 && n < 1<<23:
		return 5
	case n >= -1<<31 && n < 1<<31:
		return 6
	default:
		return 10
	}
}

// listpackBytesEmpty is an empty listpack: its header and end mark.
const listpackBytesEmpty = 7

// parseInteger reads a 64-bit integer in its only canonical form: what printing it again gives.
func parseInteger(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits := b
	negative := b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var n uint64 // 19 digits do not overflow it
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}

// integerBytes and integerAt are the elements of an integer set: 8 bytes each, sorted.
const integerBytes = 8

func integerAt(p []byte, i int) int64 {
	return int64(binary.LittleEndian.Uint64(p[i*integerBytes:]))
}

// integerRank gives where n stands or would stand.
func integerRank(p []byte, n int64) (i int, found bool) {
	lo, hi := 0, len(p)/integerBytes
	for lo < hi {
		if m := (lo + hi) / 2; integerAt(p, m) < n {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo, lo < len(p)/integerBytes && integerAt(p, lo) == n
}

func integerInsert(p []byte, i int, n int64) []byte {
	if len(p)+integerBytes > cap(p) {
		p = append(make([]byte, 0, growth(cap(p), len(p)+integerBytes)), p...)
	}
	p = p[:len(p)+integerBytes]
	copy(p[(i+1)*integerBytes:], p[i*integerBytes:])
	binary.LittleEndian.PutUint64(p[i*integerBytes:], uint64(n))
	return p
}

func integerDelete(p []byte, i int) []byte {
	copy(p[i*integerBytes:], p[(i+1)*integerBytes:])
	return p[:len(p)-integerBytes]
}
