package rdb

import "errors"

// LZF, the compression of strings in RDB files. A control byte below 32 announces that many bytes plus one, as they
// are; another holds the length (upper 3 bits; 7: one more byte) and the distance (lower 5 bits and one more byte)
// of a repetition.
const (
	lzfHashBits     = 14
	lzfLiteralMax   = 32
	lzfDistanceMax  = 1 << 13
	lzfRepeatMax    = 264 // 2 + 7 + 255
	lzfExpansionMax = 88  // a repetition of lzfRepeatMax bytes takes 3
)

var errLZF = errors.New("compressed string is damaged")

// lzf compresses; its table is reused from string to string.
type lzf struct {
	seen [1 << lzfHashBits]int32 // position + 1 of the last three bytes with this hash
}

// compress appends the compressed form of src to dst; ok is false, and nothing is appended, when it would not be
// smaller than src.
func (z *lzf) compress(dst, src []byte) (out []byte, ok bool) {
	clear(z.seen[:])
	most := len(dst) + len(src) - 1
	out = dst
	literal := 0 // src[literal:i] is not written yet
	i := 0
	for i+2 < len(src) {
		hash := (uint32(src[i])<<16 | uint32(src[i+1])<<8 | uint32(src[i+2])) * 2654435761 >> (32 - lzfHashBits)
		at := int(z.seen[hash]) - 1
		z.seen[hash] = int32(i + 1)
		if at < 0 || i-at > lzfDistanceMax || src[at] != src[i] || src[at+1] != src[i+1] || src[at+2] != src[i+2] {
			i++
			continue
		}
		n := 3
		for n < lzfRepeatMax && i+n < len(src) && src[at+n] == src[i+n] {
			n++
		}
		out = appendLiterals(out, src[literal:i])
		out = appendRepeat(out, i-at-1, n-2)
		i += n
		literal = i
		if len(out) >= most {
			return dst, false
		}
	}
	out = appendLiterals(out, src[literal:])
	if len(out) > most {
		return dst, false
	}
	return out, true
}

func appendLiterals(out, p []byte) []byte {
	for len(p) > 0 {
		n := min(len(p), lzfLiteralMax)
		out = append(out, byte(n-1))
		out = append(out, p[:n]...)
		p = p[n:]
	}
	return out
}

func appendRepeat(out []byte, distance, length int) []byte {
	if length < 7 {
		return append(out, byte(length<<5|distance>>8), byte(distance))
	}
	return append(out, byte(7<<5|distance>>8), byte(length-7), byte(distance))
}

// lzfExpand appends the plain form of src, which must have exactly size bytes.
func lzfExpand(dst, src []byte, size int) ([]byte, error) {
	start, end := len(dst), len(dst)+size
	for i := 0; i < len(src); {
		control := int(src[i])
		i++
		if control < lzfLiteralMax {
			n := control + 1
			if i+n > len(src) || len(dst)+n > end {
				return dst, errLZF
			}
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		n := control >> 5
		if n == 7 {
			if i >= len(src) {
				return dst, errLZF
			}
			n += int(src[i])
			i++
		}
		n += 2
		if i >= len(src) {
			return dst, errLZF
		}
		from := len(dst) - (control&31<<8 | int(src[i])) - 1
		i++
		if from < start || len(dst)+n > end {
			return dst, errLZF
		}
		for ; n > 0; n-- { // the repetition may overlap what it writes
			dst = append(dst, dst[from])
			from++
		}
	}
	if len(dst) != end {
		return dst, errLZF
	}
	return dst, nil
}
