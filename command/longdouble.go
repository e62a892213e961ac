package command

import (
	"bytes"
	"math/big"
	"strings"
)

// Redis adds floats for INCRBYFLOAT and HINCRBYFLOAT as C's long double, which on its usual platform is the x87 format of
// 64 mantissa bits, and prints the sum with 17 digits behind the point, without trailing zeros. The same is done here with
// big floats of that precision, so that 10.5 + 0.1 reads 10.6.

const (
	longDoubleBits        = 64
	longDoubleExponentMax = 16384 // a finite value is below 2^16384
	longDoubleExponentMin = -16445
	longDoubleBytesMax    = 5 * 1024
)

// addLongDouble gives the text of old + by.
func addLongDouble(old, by []byte) ([]byte, error) {
	a, ok1 := parseLongDouble(old)
	b, ok2 := parseLongDouble(by)
	if !ok1 || !ok2 {
		return nil, ErrNotFloat
	}
	if a.IsInf() || b.IsInf() {
		return nil, ErrIncrNaN
	}
	sum := new(big.Float).SetPrec(longDoubleBits).Add(a, b)
	if sum.Sign() != 0 && sum.MantExp(nil) > longDoubleExponentMax {
		return nil, ErrIncrNaN
	}
	return appendLongDouble(nil, sum), nil
}

// parseLongDouble reads what C's strtold reads, the whole text and no space before it; not NaN.
func parseLongDouble(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) >= longDoubleBytesMax || bytes.IndexByte(b, '_') >= 0 {
		return nil, false
	}
	v := new(big.Float).SetPrec(longDoubleBits)
	digits := strings.ToLower(string(b))
	sign := ""
	if digits[0] == '+' || digits[0] == '-' {
		sign, digits = digits[:1], digits[1:]
	}
	if digits == "inf" || digits == "infinity" {
		return v.SetInf(sign == "-"), true
	}
	base := 10
	if strings.HasPrefix(digits, "0x") {
		base, digits = 16, digits[2:]
	}
	// Only digits and a point may begin the number: big.Float knows more words than C does.
	if digits == "" {
		return nil, false
	}
	if c := digits[0]; c != '.' && (c < '0' || c > '9') && (base == 10 || c < 'a' || c > 'f') {
		return nil, false
	}
	if tooLargeExponent(digits, base) || base == 10 && strings.Contains(digits, "p") {
		return nil, false
	}
	if _, _, err := v.Parse(sign+digits, base); err != nil {
		return nil, false
	}
	if v.Sign() != 0 && (v.MantExp(nil) > longDoubleExponentMax || v.MantExp(nil) < longDoubleExponentMin) {
		return nil, false
	}
	return v, true
}

// tooLargeExponent keeps a short text with a huge exponent from costing much: such a value is out of range anyway.
func tooLargeExponent(digits string, base int) bool {
	mark := "e"
	if base == 16 {
		mark = "p"
	}
	_, exponent, ok := strings.Cut(digits, mark)
	exponent = strings.TrimLeft(exponent, "+-")
	return ok && len(strings.TrimLeft(exponent, "0")) > 5
}

// appendLongDouble is C's %.17Lf without trailing zeros.
func appendLongDouble(b []byte, v *big.Float) []byte {
	start := len(b)
	b = v.Append(b, 'f', 17)
	if bytes.IndexByte(b[start:], '.') >= 0 {
		b = bytes.TrimRight(b, "0")
		b = bytes.TrimSuffix(b, []byte("."))
	}
	if string(b[start:]) == "-0" {
		return append(b[:start], '0')
	}
	return b
}
