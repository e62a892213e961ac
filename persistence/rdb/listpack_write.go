package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// listpackWriter makes a listpack; see listpack for its form.
type listpackWriter struct {
	buf   []byte // the elements, behind room for the head
	count int
}

const listpackHead = 6

func (w *listpackWriter) reset() { w.buf, w.count = w.buf[:0], 0 }

func (w *listpackWriter) open() int {
	if len(w.buf) == 0 {
		w.buf = append(w.buf, make([]byte, listpackHead)...)
	}
	w.count++
	return len(w.buf)
}

// close adds the length of the element that began at a place, for those who walk backwards: 7 bits a byte, the highest first,
// and all but the first byte flagged.
func (w *listpackWriter) close(from int) {
	size := len(w.buf) - from
	n := backLengthBytes(size)
	for i := n - 1; i >= 0; i-- {
		b := byte(size>>(7*i)) & 0x7f
		if i < n-1 {
			b |= 0x80
		}
		w.buf = append(w.buf, b)
	}
}

func (w *listpackWriter) int(n int64) {
	from := w.open()
	switch {
	case n >= 0 && n < 128:
		w.buf = append(w.buf, byte(n))
	case n >= -4096 && n < 4096:
		w.buf = append(w.buf, 0xC0|byte(n>>8)&0x1f, byte(n))
	case n >= math.MinInt16 && n <= math.MaxInt16:
		w.buf = binary.LittleEndian.AppendUint16(append(w.buf, 0xF1), uint16(n))
	case n >= -1<<23 && n < 1<<23:
		w.buf = append(w.buf, 0xF2, byte(n), byte(n>>8), byte(n>>16))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		w.buf = binary.LittleEndian.AppendUint32(append(w.buf, 0xF3), uint32(n))
	default:
		w.buf = binary.LittleEndian.AppendUint64(append(w.buf, 0xF4), uint64(n))
	}
	w.close(from)
}

func (w *listpackWriter) str(v []byte) {
	if len(v) > 0 && len(v) <= 20 {
		var room [20]byte
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err == nil && string(strconv.AppendInt(room[:0], n, 10)) == string(v) {
			w.int(n)
			return
		}
	}
	from := w.open()
	switch {
	case len(v) < 64:
		w.buf = append(w.buf, 0x80|byte(len(v)))
	case len(v) < 4096:
		w.buf = append(w.buf, 0xE0|byte(len(v)>>8), byte(len(v)))
	default:
		w.buf = binary.LittleEndian.AppendUint32(append(w.buf, 0xF0), uint32(len(v)))
	}
	w.buf = append(w.buf, v...)
	w.close(from)
}

// join adds the elements of another one.
func (w *listpackWriter) join(other *listpackWriter) {
	if other.count > 0 {
		w.open()
		w.buf = append(w.buf, other.buf[listpackHead:]...)
		w.count += other.count - 1
	}
}

// bytes is the listpack; it has elements.
func (w *listpackWriter) bytes() []byte {
	w.buf = append(w.buf, 0xFF)
	binary.LittleEndian.PutUint32(w.buf, uint32(len(w.buf)))
	binary.LittleEndian.PutUint16(w.buf[4:], uint16(min(w.count, packedCountUnknown)))
	return w.buf
}
