package resp

import (
	"math"
	"strconv"

	"github.com/tidwall/redcon"
)

// Writer appends replies to Buf. Proto is 2 or 3; the zero value writes version 2.
type Writer struct {
	Buf   []byte
	Proto int
}

// Status appends a simple string; s must not contain CR or LF.
func (w *Writer) Status(s string) {
	w.Buf = append(w.Buf, '+')
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// OK appends +OK.
func (w *Writer) OK() { w.Buf = append(w.Buf, "+OK\r\n"...) }

// Error appends an error; s begins with its code ("ERR ..."). CR and LF become spaces, as in Redis.
func (w *Writer) Error(s string) {
	w.Buf = append(w.Buf, '-')
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		w.Buf = append(w.Buf, c)
	}
	w.Buf = append(w.Buf, '\r', '\n')
}

// Int appends an integer.
func (w *Writer) Int(n int64) {
	if n >= 0 && n <= 9 {
		w.Buf = append(w.Buf, ':', byte('0'+n), '\r', '\n')
		return
	}
	w.Buf = redcon.AppendInt(w.Buf, n)
}

// Bulk appends a bulk string.
func (w *Writer) Bulk(b []byte) {
	w.head('$', len(b))
	w.Buf = append(w.Buf, b...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// BulkString appends a bulk string.
func (w *Writer) BulkString(s string) {
	w.head('$', len(s))
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// BulkInt appends an integer as a bulk string.
func (w *Writer) BulkInt(n int64) {
	var scratch [20]byte
	w.Bulk(strconv.AppendInt(scratch[:0], n, 10))
}

// Null appends the null of the protocol version: $-1 or _.
func (w *Writer) Null() {
	if w.Proto == 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "$-1\r\n"...)
}

// NullArray appends the null where an array was expected: *-1 or _.
func (w *Writer) NullArray() {
	if w.Proto == 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "*-1\r\n"...)
}

// Array opens an array of n elements.
func (w *Writer) Array(n int) { w.head('*', n) }

// ArrayFrom makes an array of n elements of what was appended since Buf had mark bytes: for those that learn the number by
// writing them.
func (w *Writer) ArrayFrom(mark, n int) {
	end := len(w.Buf)
	w.Array(n)
	var room [24]byte
	head := append(room[:0], w.Buf[end:]...)
	copy(w.Buf[mark+len(head):], w.Buf[mark:end])
	copy(w.Buf[mark:], head)
}

// Map opens a map of n pairs; in version 2 an array of 2n.
func (w *Writer) Map(n int) {
	if w.Proto == 3 {
		w.head('%', n)
		return
	}
	w.head('*', 2*n)
}

// Set opens a set of n elements; in version 2 an array.
func (w *Writer) Set(n int) {
	if w.Proto == 3 {
		w.head('~', n)
		return
	}
	w.head('*', n)
}

// Push opens an out-of-band message of n elements; in version 2 an array.
func (w *Writer) Push(n int) {
	if w.Proto == 3 {
		w.head('>', n)
		return
	}
	w.head('*', n)
}

// Attribute opens an attribute of n pairs; only in version 3.
func (w *Writer) Attribute(n int) { w.head('|', n) }

// Bool appends a boolean; in version 2 the integer 1 or 0.
func (w *Writer) Bool(v bool) {
	switch {
	case w.Proto == 3 && v:
		w.Buf = append(w.Buf, "#t\r\n"...)
	case w.Proto == 3:
		w.Buf = append(w.Buf, "#f\r\n"...)
	case v:
		w.Int(1)
	default:
		w.Int(0)
	}
}

// Double appends a float; in version 2 a bulk string of the same digits.
func (w *Writer) Double(f float64) {
	var scratch [32]byte
	text := AppendDouble(scratch[:0], f)
	if w.Proto != 3 {
		w.Bulk(text)
		return
	}
	w.Buf = append(w.Buf, ',')
	w.Buf = append(w.Buf, text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// BigNumber appends a decimal integer of any size; in version 2 a bulk string.
func (w *Writer) BigNumber(digits string) {
	if w.Proto != 3 {
		w.BulkString(digits)
		return
	}
	w.Buf = append(w.Buf, '(')
	w.Buf = append(w.Buf, digits...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Verbatim appends text of a three-letter format ("txt", "mkd"); in version 2 a bulk string.
func (w *Writer) Verbatim(format, text string) {
	if w.Proto != 3 {
		w.BulkString(text)
		return
	}
	w.head('=', len(text)+4)
	w.Buf = append(w.Buf, format...)
	w.Buf = append(w.Buf, ':')
	w.Buf = append(w.Buf, text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Raw appends bytes that are replies already.
func (w *Writer) Raw(b []byte) { w.Buf = append(w.Buf, b...) }

func (w *Writer) head(kind byte, n int) { w.Buf = appendHead(w.Buf, kind, n) }

func appendHead(b []byte, kind byte, n int) []byte {
	b = append(b, kind)
	if n >= 0 && n <= 9 {
		return append(b, byte('0'+n), '\r', '\n')
	}
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\r', '\n')
}

// AppendCommand appends a command as an array of bulk strings, the form that the log and replicas read.
func AppendCommand(b []byte, args ...[]byte) []byte {
	b = appendHead(b, '*', len(args))
	for _, a := range args {
		b = appendHead(b, '$', len(a))
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// AppendCommandStrings is AppendCommand for strings.
func AppendCommandStrings(b []byte, args ...string) []byte {
	b = appendHead(b, '*', len(args))
	for _, a := range args {
		b = redcon.AppendBulkString(b, a)
	}
	return b
}

// AppendDouble appends a score as Redis 7.2 prints it: integers plainly, others with the fewest digits that read
// back to the same value, in exponent form where that is much shorter (fpconv's rule).
func AppendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case f == 0:
		if math.Signbit(f) {
			return append(b, "-0"...)
		}
		return append(b, '0')
	case f == math.Trunc(f) && math.Abs(f) < 1<<52:
		return strconv.AppendInt(b, int64(f), 10)
	}
	return appendShortest(b, f)
}

// appendShortest lays the shortest digits out as fpconv does: digits d1d2.. of length n and a power K, so that the
// value is d1d2.. * 10^K.
func appendShortest(b []byte, f float64) []byte {
	var scratch [32]byte
	text := strconv.AppendFloat(scratch[:0], f, 'e', -1, 64) // d.ddde±xx
	if text[0] == '-' {
		b = append(b, '-')
		text = text[1:]
	}
	mark := 0
	for text[mark] != 'e' {
		mark++
	}
	exponent, _ := strconv.Atoi(string(text[mark+1:])) // of the first digit; always well formed
	digits := append(make([]byte, 0, 20), text[0])
	if mark > 2 {
		digits = append(digits, text[2:mark]...)
	}
	n := len(digits)
	k := exponent - (n - 1)
	switch {
	case k >= 0 && exponent < n+7:
		b = append(b, digits...)
		for range k {
			b = append(b, '0')
		}
		return b
	case k < 0 && (k > -7 || abs(exponent) < 4):
		if exponent >= 0 {
			b = append(b, digits[:exponent+1]...)
			b = append(b, '.')
			return append(b, digits[exponent+1:]...)
		}
		b = append(b, "0."...)
		for range -exponent - 1 {
			b = append(b, '0')
		}
		return append(b, digits...)
	}
	b = append(b, digits[0])
	if n > 1 {
		b = append(b, '.')
		b = append(b, digits[1:]...)
	}
	b = append(b, 'e')
	if exponent < 0 {
		b = append(b, '-')
	} else {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(abs(exponent)), 10)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
