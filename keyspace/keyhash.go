package keyspace

import (
	"encoding/binary"
	"math/bits"
)

// Odd constants without structure; they only have to differ and to be dense in bits.
const (
	mixA uint64 = 0x9e3779b97f4a7c15
	mixB uint64 = 0xd6e8feb86659fd93
	mixC uint64 = 0xc2b2ae3d27d4eb4f
)

// hashKey is the seeded 64-bit hash of all indexes. It is our own, and not the library's, because its seed can be
// set: one seed gives one key order, so that a simulation repeats exactly. Its top bits, which stand
// in an index's slots, are never all 0, which marks an empty slot.
func hashKey(seed uint64, key []byte) uint64 {
	n := len(key)
	state := seed ^ mixA
	var lo, hi uint64
	switch {
	case n > 16:
		for p := key; len(p) > 16; p = p[16:] {
			state = fold(binary.LittleEndian.Uint64(p)^mixB, binary.LittleEndian.Uint64(p[8:])^state)
		}
		lo = binary.LittleEndian.Uint64(key[n-16:])
		hi = binary.LittleEndian.Uint64(key[n-8:])
	case n >= 8:
		lo = binary.LittleEndian.Uint64(key)
		hi = binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		lo = uint64(binary.LittleEndian.Uint32(key))
		hi = uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		lo = uint64(key[0])<<16 | uint64(key[n>>1])<<8 | uint64(key[n-1])
	}
	h := fold(uint64(n)^mixC, fold(lo^mixB, hi^state))
	if h&hashMask == 0 {
		h |= 1 << (64 - hashBits)
	}
	return h
}

// fold multiplies to 128 bits and folds the halves: every input bit reaches every output bit.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
