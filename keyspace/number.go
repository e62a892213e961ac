package keyspace

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A number in a cell takes 1 to 9 bytes and says itself how many: the low 3 bits of its first byte are its tag.
//
//	0 to 5  an integer in tag+1 bytes, little-endian with its sign, above the tag: 5, 13, 21, 29, 37 or 45 bits
//	6       a score in 4 bytes of floating point that follow, if it is the same in 8
//	7       8 bytes that follow: an integer, of a score floating point
const (
	tagBits    = 3
	tagMask    = 1<<tagBits - 1
	tagShort   = 5 // the last one of a short integer
	tagFloat   = 6
	tagWide    = 7
	wideNumber = 1 + 8
	// numberSizes are the sizes by tag.
	numberSizes = "\x01\x02\x03\x04\x05\x06\x05\x09"
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

// sizeOfNumber is the size of the number that begins with b.
func sizeOfNumber(b byte) int { return int(numberSizes[b&tagMask]) }

// scoreRoom is room for a score as a number.
type scoreRoom [wideNumber]byte

// put writes a score in the shortest form. An integer knows no -0; nor does a listpack in Redis.
func (room *scoreRoom) put(score float64) []byte {
	if n := int64(score); math.Abs(score) < 1<<53 && float64(n) == score && numberSize(n) < wideNumber {
		return room[:putNumber(room[:], n)]
	}
	if short := float32(score); float64(short) == score {
		room[0] = tagFloat
		binary.LittleEndian.PutUint32(room[1:], math.Float32bits(short))
		return room[:1+4]
	}
	room[0] = tagWide
	binary.LittleEndian.PutUint64(room[1:], math.Float64bits(score))
	return room[:]
}

// scoreAt reads a score from the beginning of p.
func scoreAt(p []byte) float64 {
	switch p[0] & tagMask {
	case tagFloat:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(p[1:])))
	case tagWide:
		return math.Float64frombits(binary.LittleEndian.Uint64(p[1:]))
	}
	n, _ := numberAt(p)
	return float64(n)
}
