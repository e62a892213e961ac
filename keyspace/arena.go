package keyspace

import "strconv"

const (
	arenaChunkBytes   = 4 << 10
	arenaKeptBytesMax = 256 << 10
)

// arena holds bytes that live as long as one command: keys of notes, popped values, formatted integers.
// When a chunk is full a new one is begun and the old one stays alive through the slices that point into it.
type arena struct {
	buf        []byte
	vocabulary *vocabulary // of the keyspace whose strings are read into it
}

func (a *arena) reset() {
	if cap(a.buf) > arenaKeptBytesMax {
		a.buf = nil
	}
	a.buf = a.buf[:0]
}

// room gives n bytes of capacity at the end of the current chunk.
func (a *arena) room(n int) {
	if cap(a.buf)-len(a.buf) < n {
		a.buf = make([]byte, 0, max(arenaChunkBytes, n, min(2*cap(a.buf), arenaKeptBytesMax)))
	}
}

// keep copies b.
func (a *arena) keep(b []byte) []byte {
	a.room(len(b))
	from := len(a.buf)
	a.buf = append(a.buf, b...)
	return a.buf[from:len(a.buf):len(a.buf)]
}

// keepWith copies b into a slice with room for more bytes.
func (a *arena) keepWith(b []byte, more int) []byte {
	a.room(len(b) + more)
	from := len(a.buf)
	kept := append(a.buf[from:from:from+len(b)+more], b...)
	a.buf = a.buf[:from+len(b)+more]
	return kept
}

// integer formats n.
func (a *arena) integer(n int64) []byte {
	a.room(20)
	from := len(a.buf)
	a.buf = strconv.AppendInt(a.buf, n, 10)
	return a.buf[from:len(a.buf):len(a.buf)]
}
