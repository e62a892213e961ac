package fsst

import "encoding/binary"

const (
	symbolBytesMax = 8
	symbolsMax     = 255
	// escape is the code of no symbol: the byte behind it stands for itself.
	escape = 255
)

// symbol is a piece of 1 to 8 bytes. The first byte is the lowest of text; what is above size is 0.
type symbol struct {
	text uint64
	size uint8
}

// then is a symbol and what follows it as one, cut to what a symbol can hold.
func (s symbol) then(next symbol) symbol {
	return symbol{s.text | next.text<<(8*s.size), min(s.size+next.size, symbolBytesMax)}
}

// first is the first byte of a symbol, as one.
func (s symbol) first() symbol { return symbol{s.text & 0xff, 1} }

// symbols is the form of a table that has symbols. The code of one is its place.
type symbols struct {
	text [256]uint64
	size [256]uint8 // 0: the code has no symbol
	find *finder    // nil: sealed
}

const (
	longBits = 10
	pairBits = 9
)

// finder finds the longest symbol that some bytes begin with. Symbols of three bytes and more are in chains by a hash of
// their first three, and those of two bytes in chains by a hash of them. A chain has the longest first, and the escape as
// its end. There are no texts here: a place in 4 KB says which symbol to compare with.
type finder struct {
	long   [1 << longBits]uint8
	pair   [1 << pairBits]uint8
	single [256]uint8
	next   [256]uint8
	// masks has, for each size, the bits of a word that a symbol of that size has a say in.
	masks [16]uint64
}

func hashOfThree(word uint64) int { return int(uint32(word<<8) * 0x9E3779B1 >> (32 - longBits)) }
func hashOfTwo(word uint64) int   { return int(uint32(word<<16) * 0x9E3779B1 >> (32 - pairBits)) }

// newSymbols makes the table of up to symbolsMax symbols, which are all different.
func newSymbols(list []symbol) *symbols {
	s := &symbols{find: &finder{}}
	f := s.find
	for size := range symbolBytesMax {
		f.masks[size+1] = 1<<(8*(size+1)) - 1
	}
	for i := range f.long {
		f.long[i] = escape
	}
	for i := range f.pair {
		f.pair[i] = escape
	}
	for i := range f.single {
		f.single[i], f.next[i] = escape, escape
	}
	// No word is 1 under the mask of size 0: so a chain without symbols needs no question of its own.
	s.text[escape] = 1
	for size := uint8(1); size <= symbolBytesMax; size++ { // each goes in front of the shorter ones
		for code, one := range list {
			if one.size != size {
				continue
			}
			s.text[code], s.size[code] = one.text, one.size
			head := &f.single[one.text&0xff]
			switch {
			case size > 2:
				head = &f.long[hashOfThree(one.text)]
			case size == 2:
				head = &f.pair[hashOfTwo(one.text)]
			}
			f.next[code], *head = *head, uint8(code)
		}
	}
	return s
}

// longest gives the longest symbol that the lowest rest bytes of a word begin with; what is above them is 0. If there is
// none, it gives the escape and 1.
func (s *symbols) longest(word uint64, rest int) (code uint8, size int) {
	f := s.find
	for _, head := range [2]uint8{f.long[hashOfThree(word)], f.pair[hashOfTwo(word)]} {
		for c := head; c != escape; c = f.next[c] {
			if n := s.size[c]; int(n) <= rest && word&f.masks[n&15] == s.text[c] {
				return c, int(n)
			}
		}
	}
	return f.single[uint8(word)], 1
}

// encode writes the code of src to out, which is as long as src. no: it would not be shorter.
func (s *symbols) encode(out, src []byte) (n int, ok bool) {
	f := s.find
	at, n := 0, 0
	for at <= len(src)-8 {
		if n >= len(out)-1 {
			return 0, false
		}
		word := binary.LittleEndian.Uint64(src[at:])
		c := f.long[hashOfThree(word)]
		size := s.size[c]
		for word&f.masks[size&15] != s.text[c] {
			if c = f.next[c]; c != escape {
				size = s.size[c]
				continue
			}
			c, size = f.pair[hashOfTwo(word)], 2
			for c != escape && uint16(word) != uint16(s.text[c]) {
				c = f.next[c]
			}
			if c == escape {
				c, size = f.single[uint8(word)], 1
			}
			break
		}
		out[n] = c
		n++
		if c == escape {
			out[n] = uint8(word)
			n++
		}
		at += int(size)
	}
	return s.encodeEnd(out, src, at, n)
}

// encodeEnd does the last bytes, of which there are less than a word.
func (s *symbols) encodeEnd(out, src []byte, at, n int) (int, bool) {
	word := uint64(0)
	for i, b := range src[at:] {
		word |= uint64(b) << (8 * i)
	}
	for at < len(src) {
		if n >= len(out)-1 {
			return 0, false
		}
		c, size := s.longest(word, len(src)-at)
		out[n] = c
		n++
		if c == escape {
			out[n] = uint8(word)
			n++
		}
		word >>= 8 * size
		at += size
	}
	if n >= len(src) {
		return 0, false
	}
	return n, true
}

// decode fills out with what code stands for. no: that is not as long as out.
func (s *symbols) decode(out, code []byte) (ok bool) {
	at, n := 0, 0
	for at < len(code) && n <= len(out)-8 {
		c := code[at]
		at++
		if c != escape {
			binary.LittleEndian.PutUint64(out[n:], s.text[c]) // what is above the size is overwritten by the next
			n += int(s.size[c])
			continue
		}
		if at == len(code) {
			return false
		}
		out[n] = code[at]
		at++
		n++
	}
	return s.decodeEnd(out[n:], code[at:])
}

// decodeEnd does the last bytes, where a whole word may not fit.
func (s *symbols) decodeEnd(out, code []byte) (ok bool) {
	for len(code) > 0 {
		c := code[0]
		text, size := s.text[c], int(s.size[c])
		code = code[1:]
		if c == escape {
			if len(code) == 0 {
				return false
			}
			text, size = uint64(code[0]), 1
			code = code[1:]
		}
		if size > len(out) {
			return false
		}
		for i := range size {
			out[i] = uint8(text >> (8 * i))
		}
		out = out[size:]
	}
	return len(out) == 0
}
