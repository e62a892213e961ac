package keyspace

import (
	"encoding/binary"
	"math/bits"
)

// A number in a cell takes 1 to 9 bytes and says itself how many: the low 3 bits of its first byte are its tag.
//
//	0 to 5  an integer in tag+1 bytes, little-endian with its sign, above the tag: 5, 13, 21, 29, 37 or 45 bits
//	6       reserved for scores; see packed pairs
//	7       8 bytes follow
const (
	tagBits    = 3
	tagMask    = 1<<tagBits - 1
	tagShort   = 5 // the last one of a short integer
	tagWide    = 7
	wideNumber = 1 + 8
)

// numberSize is what an integer takes.
func numberSize(n int64) int {
	size := (bits.Len64(uint64(n^n>>63)) + 1 + tagBits + 7) / 8
	if size > tagShort+1 {
		return wideNumber
	}
	return size
}

// putNumber writes an integer into its size of bytes.
func putNumber(p []byte, n int64) (size int) {
	size = numberSize(n)
	if size == wideNumber {
		p[0] = tagWide
		binary.LittleEndian.PutUint64(p[1:], uint64(n))
		return size
	}
	tagged := uint64(n)<<tagBits | uint64(size-1)
	for i := range p[:size] {
		p[i] = byte(tagged >> (8 * i))
	}
	return size
}

// numberAt reads an integer from the beginning of p.
func numberAt(p []byte) (n int64, size int) {
	tag := int(p[0] & tagMask)
	if tag == tagWide {
		return int64(binary.LittleEndian.Uint64(p[1:])), wideNumber
	}
	var tagged uint64
	size = tag + 1
	for i, b := range p[:size] {
		tagged |= uint64(b) << (8 * i)
	}
	free := 64 - 8*size
	return int64(tagged) << free >> (free + tagBits), size
}
