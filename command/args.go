package command

import "math"

// Cursor reads the arguments of a call from left to right and keeps the first error.
type Cursor struct {
	args [][]byte
	i    int
	err  Error
	word [nameBytesMax]byte
}

// Cursor starts at argument i (0 is the command's name).
func (c *Call) Cursor(i int) Cursor { return Cursor{args: c.Args, i: i} }

// More tells whether there are arguments left and no error yet.
func (k *Cursor) More() bool { return k.err == "" && k.i < len(k.args) }

// Left is the number of arguments not read yet.
func (k *Cursor) Left() int { return len(k.args) - k.i }

// At is the index of the next argument.
func (k *Cursor) At() int { return k.i }

// Err is the first error, nil when there is none.
func (k *Cursor) Err() error {
	if k.err == "" {
		return nil
	}
	return k.err
}

// Fail keeps an error if there was none.
func (k *Cursor) Fail(e Error) {
	if k.err == "" {
		k.err = e
	}
}

// Bytes reads an argument; a missing one is a syntax error.
func (k *Cursor) Bytes() []byte {
	if k.i >= len(k.args) {
		k.Fail(ErrSyntax)
		return nil
	}
	k.i++
	return k.args[k.i-1]
}

// Upper reads an option's word in upper case. It is borrowed: switch on string(k.Upper()), which allocates nothing. A word too
// long to be an option reads as "?".
func (k *Cursor) Upper() []byte {
	b := k.Bytes()
	if len(b) > len(k.word) {
		k.word[0] = '?'
		return k.word[:1]
	}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		k.word[i] = c
	}
	return k.word[:len(b)]
}

// Int reads a 64-bit integer; notInt is the error (ErrNotInteger when empty).
func (k *Cursor) Int(notInt Error) int64 {
	b := k.Bytes()
	if k.err != "" {
		return 0
	}
	v, ok := ParseInt(b)
	if !ok {
		if notInt == "" {
			notInt = ErrNotInteger
		}
		k.Fail(notInt)
	}
	return v
}

// Float reads a float; notFloat is the error (ErrNotFloat when empty).
func (k *Cursor) Float(notFloat Error) float64 {
	b := k.Bytes()
	if k.err != "" {
		return 0
	}
	v, ok := ParseFloat(b)
	if !ok {
		if notFloat == "" {
			notFloat = ErrNotFloat
		}
		k.Fail(notFloat)
	}
	return v
}

// ParseInt reads a canonical decimal integer as Redis' string2ll: no plus sign, no leading zeros, no spaces.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits := b
	negative := b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var v uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	if negative {
		if v > 1<<63 {
			return 0, false
		}
		return -int64(v), true
	}
	if v > math.MaxInt64 {
		return 0, false
	}
	return int64(v), true
}

// ParseFloat reads a float as Redis' strtod-based getDoubleFromObject: no space before it, no NaN, neither too large nor
// too small; inf is allowed.
func ParseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || b[0] == ' ' || b[0] >= '\t' && b[0] <= '\r' {
		return 0, false
	}
	v, inRange, ok := parseCFloat(b)
	return v, ok && inRange && !math.IsNaN(v)
}
