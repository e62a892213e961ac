package persistence

import "sync"

// segment is a piece of the log in memory. Bytes below n never change while the segment is in a tail, so they
// may be read without the tail's lock by whoever holds a reference (readers > 0, or the sync goroutine, whose
// segments are not trimmed).
type segment struct {
	buf     []byte
	n       int
	wallMs  int64 // of the newest append
	readers int   // guarded by tail.mu; a segment with readers is not used again
}

// tail is the newest part of the log, in memory.
//
//  1. segs hold [base, end) without gaps; all but the last are full.
//  2. Everything not yet written to disk is in the tail (unless the disk has failed).
//  3. The lock is held for a copy of one append or for index arithmetic, never across I/O.
type tail struct {
	mu       sync.Mutex
	segs     []*segment
	base     int64
	end      int64
	segBytes int
	free     []*segment // at most freeSegmentsMax, all without readers
}

const freeSegmentsMax = 16

// append copies p behind the end and says whether a segment was filled. Called with mu held.
func (t *tail) append(p []byte, wallMs int64) (filled bool) {
	for len(p) > 0 {
		seg := t.last()
		if seg == nil || seg.n == len(seg.buf) {
			seg = t.grow()
		}
		n := copy(seg.buf[seg.n:], p)
		seg.n += n
		seg.wallMs = wallMs
		t.end += int64(n)
		p = p[n:]
		filled = filled || seg.n == len(seg.buf)
	}
	return filled
}

func (t *tail) last() *segment {
	if len(t.segs) == 0 {
		return nil
	}
	return t.segs[len(t.segs)-1]
}

func (t *tail) grow() *segment {
	var seg *segment
	if n := len(t.free); n > 0 {
		seg, t.free = t.free[n-1], t.free[:n-1]
		*seg = segment{buf: seg.buf}
	} else {
		seg = &segment{buf: make([]byte, t.segBytes)}
	}
	t.segs = append(t.segs, seg)
	return seg
}

// trim drops whole segments that end at or before offset, but never the last. They are used again unless
// recycle is false. Called with mu held.
func (t *tail) trim(offset int64, recycle bool) {
	for len(t.segs) > 1 && t.base+int64(t.segs[0].n) <= offset {
		seg := t.segs[0]
		t.base += int64(seg.n)
		t.segs[0] = nil
		t.segs = t.segs[1:]
		if recycle && seg.readers == 0 && len(t.free) < freeSegmentsMax {
			t.free = append(t.free, seg)
		}
	}
}

// cut drops everything from offset on; base ≤ offset ≤ end. Readers may be copying from the last segment
// kept, so its bytes move into a new one before others are appended over them. Called with mu held.
func (t *tail) cut(offset int64) {
	at := t.base
	for i, seg := range t.segs {
		if at+int64(seg.n) > offset {
			kept := int(offset - at)
			t.segs = t.segs[:i]
			if kept > 0 {
				short := t.grow()
				copy(short.buf, seg.buf[:kept])
				short.n, short.wallMs = kept, seg.wallMs
			}
			break
		}
		at += int64(seg.n)
	}
	t.end = offset
}

// restart empties the tail and continues at offset. Called with mu held.
func (t *tail) restart(offset int64) {
	t.segs, t.base, t.end = nil, offset, offset
}

// find gives the segment that holds offset, and the position in it; base ≤ offset < end. Called with mu held.
func (t *tail) find(offset int64) (index, at int) {
	rest := int(offset - t.base)
	return rest / t.segBytes, rest % t.segBytes
}

// read copies bytes from offset on into p; inTail is false when offset is older than the tail. It copies
// outside the lock.
func (t *tail) read(offset int64, p []byte) (n int, inTail bool) {
	for n < len(p) {
		t.mu.Lock()
		if offset < t.base {
			t.mu.Unlock()
			return n, n > 0
		}
		if offset >= t.end {
			t.mu.Unlock()
			return n, true
		}
		index, at := t.find(offset)
		seg := t.segs[index]
		filled := seg.n
		seg.readers++
		t.mu.Unlock()

		c := copy(p[n:], seg.buf[at:filled])
		n += c
		offset += int64(c)

		t.mu.Lock()
		seg.readers--
		t.mu.Unlock()
	}
	return n, true
}

// piece is a run of log bytes that will become one row.
type piece struct {
	offset int64
	wallMs int64
	bytes  []byte // aliases a segment
}

// pieces lists [from, to) in rows: no piece crosses a segment, so a full segment is one row. At most bytesMax
// in all, but at least one piece.
func (t *tail) pieces(dst []piece, from, to int64, bytesMax int) []piece {
	t.mu.Lock()
	defer t.mu.Unlock()
	for bytes := 0; from < to && bytes < bytesMax; {
		index, at := t.find(from)
		seg := t.segs[index]
		n := min(int64(seg.n-at), to-from)
		dst = append(dst, piece{offset: from, wallMs: seg.wallMs, bytes: seg.buf[at : at+int(n)]})
		from += n
		bytes += int(n)
	}
	return dst
}
