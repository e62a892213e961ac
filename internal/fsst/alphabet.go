package fsst

import "encoding/binary"

// alphabet is the form of a table that packs bytes of an alphabet in width bits each, the first one lowest.
//
// Bits are packed as far as they make whole bytes, that is, in groups of 2, 8 and 4 plain bytes for 4, 5 and 6 bits; and
// only up to a byte that is not in the alphabet. What follows stays plain. Nothing needs to tell where that begins: each
// group saves the same, so what is saved in all says how many groups there are.
type alphabet struct {
	letters [64]byte
	ranks   *[256]uint8 // where a byte is in letters, or foreign; nil: sealed
	width   int
}

const (
	widthMin, widthMax = 4, 6
	// foreign is the rank of a byte that is not in the alphabet. A rank is less.
	foreign = 0x80
)

// newAlphabet makes the table of up to 1<<width bytes, which are all different.
func newAlphabet(letters []byte, width int) *alphabet {
	a := &alphabet{ranks: &[256]uint8{}, width: width}
	for i := range a.ranks {
		a.ranks[i] = foreign
	}
	for rank, letter := range letters {
		a.letters[rank], a.ranks[letter] = letter, uint8(rank)
	}
	return a
}

// group is how many plain bytes make whole bytes of code.
func (a *alphabet) group() int { return [...]int{4: 2, 5: 8, 6: 4}[a.width] }

// encode writes the code of src to out, which is as long as src. no: it would not be shorter.
func (a *alphabet) encode(out, src []byte) (n int, ok bool) {
	at, width := 0, a.width
	for ; at <= len(src)-8; at += 8 {
		bits, fits := a.pack((*[8]byte)(src[at:]))
		if !fits {
			break
		}
		if n <= len(out)-8 {
			binary.LittleEndian.PutUint64(out[n:], bits) // what is above the width is overwritten by the next
		} else {
			putBytes(out[n:n+width], bits)
		}
		n += width
	}
	for group := a.group(); at <= len(src)-group; at += group {
		eight := [8]byte{}
		for i := range eight { // the first ones again in place of those that are not packed
			eight[i] = src[at+i%group]
		}
		bits, fits := a.pack(&eight)
		if !fits {
			break
		}
		size := group * width / 8
		putBytes(out[n:n+size], bits)
		n += size
	}
	if at == 0 {
		return 0, false
	}
	return n + copy(out[n:], src[at:]), true
}

// pack gives eight bytes in width bits each. It is written out for each width, as unpack is: shifts by constants are faster.
func (a *alphabet) pack(eight *[8]byte) (bits uint64, fits bool) {
	ranks := a.ranks
	r0, r1, r2, r3 := uint64(ranks[eight[0]]), uint64(ranks[eight[1]]), uint64(ranks[eight[2]]), uint64(ranks[eight[3]])
	r4, r5, r6, r7 := uint64(ranks[eight[4]]), uint64(ranks[eight[5]]), uint64(ranks[eight[6]]), uint64(ranks[eight[7]])
	fits = r0|r1|r2|r3|r4|r5|r6|r7 < foreign
	switch a.width {
	case 4:
		return r0 | r1<<4 | r2<<8 | r3<<12 | r4<<16 | r5<<20 | r6<<24 | r7<<28, fits
	case 5:
		return r0 | r1<<5 | r2<<10 | r3<<15 | r4<<20 | r5<<25 | r6<<30 | r7<<35, fits
	default:
		return r0 | r1<<6 | r2<<12 | r3<<18 | r4<<24 | r5<<30 | r6<<36 | r7<<42, fits
	}
}

func putBytes(out []byte, bits uint64) {
	for i := range out {
		out[i] = uint8(bits >> (8 * i))
	}
}

// decode fills out with what code stands for. no: that is not as long as out.
func (a *alphabet) decode(out, code []byte) (ok bool) {
	saved := len(out) - len(code)
	packed := saved * 8 / (8 - a.width) // plain bytes
	if saved < 0 || packed%a.group() != 0 || packed > len(out) || packed*(8-a.width) != saved*8 {
		return false
	}
	at, n := 0, 0
	for ; n <= packed-8; n += 8 {
		bits := uint64(0)
		if at <= len(code)-8 {
			bits = binary.LittleEndian.Uint64(code[at:])
		} else {
			bits = getBytes(code[at : at+a.width])
		}
		a.unpack((*[8]byte)(out[n:]), bits)
		at += a.width
	}
	if n < packed {
		size := (packed - n) * a.width / 8
		eight := [8]byte{}
		a.unpack(&eight, getBytes(code[at:at+size]))
		copy(out[n:packed], eight[:])
		at += size
	}
	copy(out[packed:], code[at:])
	return true
}

func (a *alphabet) unpack(eight *[8]byte, x uint64) {
	l := &a.letters
	switch a.width {
	case 4:
		eight[0], eight[1] = l[x&15], l[x>>4&15]
		eight[2], eight[3] = l[x>>8&15], l[x>>12&15]
		eight[4], eight[5] = l[x>>16&15], l[x>>20&15]
		eight[6], eight[7] = l[x>>24&15], l[x>>28&15]
	case 5:
		eight[0], eight[1] = l[x&31], l[x>>5&31]
		eight[2], eight[3] = l[x>>10&31], l[x>>15&31]
		eight[4], eight[5] = l[x>>20&31], l[x>>25&31]
		eight[6], eight[7] = l[x>>30&31], l[x>>35&31]
	default:
		eight[0], eight[1] = l[x&63], l[x>>6&63]
		eight[2], eight[3] = l[x>>12&63], l[x>>18&63]
		eight[4], eight[5] = l[x>>24&63], l[x>>30&63]
		eight[6], eight[7] = l[x>>36&63], l[x>>42&63]
	}
}

func getBytes(code []byte) (bits uint64) {
	for i, b := range code {
		bits |= uint64(b) << (8 * i)
	}
	return bits
}
