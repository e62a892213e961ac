package command

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// parseCFloat reads the whole text as C's strtod does: spaces before the number are skipped, an empty text is 0, hex needs
// no exponent, NaN is read. inRange is false when the value is too large, and is then an infinity, or too small.
func parseCFloat(b []byte) (v float64, inRange, ok bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] >= '\t' && b[0] <= '\r') {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, true, true
	}
	// An underscore is Go's own; a length beyond reason is refused by Redis too.
	if len(b) > 255 || bytes.IndexByte(b, '_') >= 0 {
		return 0, false, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil && isHexInteger(b) {
		v, err = strconv.ParseFloat(string(b)+"p0", 64)
	}
	switch {
	case errors.Is(err, strconv.ErrRange):
		return v, false, true
	case err != nil:
		return 0, false, false
	}
	return v, v != 0 || !hasNonZeroDigit(b), true
}

// isHexInteger tells whether b is a hex number without an exponent, which C reads and Go does not.
func isHexInteger(b []byte) bool {
	if b[0] == '+' || b[0] == '-' {
		b = b[1:]
	}
	return len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' && !bytes.ContainsAny(b, "pP")
}

// hasNonZeroDigit tells whether a number that reads as 0 is so only because it is too small.
func hasNonZeroDigit(b []byte) bool {
	for _, c := range b {
		switch {
		case c|0x20 == 'e' || c|0x20 == 'p':
			return false
		case c >= '1' && c <= '9':
			return true
		}
	}
	return false
}

// appendLongScore is C's %.17Lg of a double: how Redis shows the scores of a large sorted set in ZSCAN.
func appendLongScore(b []byte, score float64) []byte {
	switch {
	case math.IsInf(score, 1):
		return append(b, "inf"...)
	case math.IsInf(score, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, score, 'g', 17, 64)
}
