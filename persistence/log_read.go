package persistence

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// LogReader reads the log in order, from memory where it can and from disk where it must. Each reader belongs
// to one goroutine; any number of them may read at once. An open reader pins the log at its position within
// the bounds of retention; close it.
type LogReader struct {
	log        *Log
	position   atomic.Int64 // of the next byte
	generation int64
	rest       []byte // read from disk and not yet handed out: the bytes from position on
}

// NewReader opens a reader at an offset; Start() ≤ from ≤ End(), else the error is an OutOfRangeError.
func (l *Log) NewReader(from int64) (*LogReader, error) {
	r := &LogReader{log: l, generation: l.generation.Load()}
	r.position.Store(from)
	l.readers.add(r) // the pin first, so that nothing goes between the check and the first Read
	if start, end := l.Start(), l.End(); from < start || from > end {
		l.readers.remove(r)
		return nil, &OutOfRangeError{Asked: from, Start: start, End: end}
	}
	return r, nil
}

// Offset is the offset of the next byte.
func (r *LogReader) Offset() int64 { return r.position.Load() }

// Close takes the pin away.
func (r *LogReader) Close() { r.log.readers.remove(r) }

// Read fills p with the next bytes; 0 without an error means the end of the log (Log.Wait waits for more).
// OutOfRangeError: retention overtook this reader. ErrLogReplaced: the log was cut or restarted; what this
// very call may have put into p is void.
func (r *LogReader) Read(p []byte) (n int, err error) {
	if r.generation != r.log.generation.Load() {
		return 0, ErrLogReplaced
	}
	position := r.position.Load()
	if len(r.rest) > 0 {
		n = copy(p, r.rest)
		r.rest = r.rest[n:]
	} else {
		var inTail bool
		if n, inTail = r.log.tail.read(position, p); !inTail {
			n, err = r.readRows(position, p)
		}
	}
	if r.generation != r.log.generation.Load() {
		return 0, ErrLogReplaced
	}
	if err != nil {
		return 0, err
	}
	r.position.Store(position + int64(n))
	return n, nil
}

// readRows reads from disk: as many rows as fit, and the rest of the last one into r.rest.
func (r *LogReader) readRows(position int64, p []byte) (n int, err error) {
	l := r.log
	if l.store == nil {
		return 0, &OutOfRangeError{Asked: position, Start: l.Start(), End: l.End()}
	}
	err = l.store.eachRow(position, func(row logRow) (bool, error) {
		bytes := row.bytes[max(0, position-row.offset):]
		c := copy(p[n:], bytes)
		n += c
		r.rest = append(r.rest[:0], bytes[c:]...)
		return n < len(p), nil
	})
	if start := l.Start(); position < start {
		return 0, &OutOfRangeError{Asked: position, Start: start, End: l.End()}
	}
	if err == nil && n == 0 && len(p) > 0 {
		err = l.store.missingRow(position, nil)
	}
	if err != nil {
		r.rest = nil
	}
	return n, err
}

// ReadRange copies log bytes [from, to) to w, for a rescue file.
func (l *Log) ReadRange(w io.Writer, from, to int64) (err error) {
	if end := l.End(); to > end || from > to {
		return &OutOfRangeError{Asked: max(from, to), Start: l.Start(), End: end}
	}
	r, err := l.NewReader(from)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, 64<<10)
	for at := from; at < to; {
		n, err := r.Read(buf[:min(int64(len(buf)), to-at)])
		if err != nil {
			return err
		}
		if n == 0 {
			return &OutOfRangeError{Asked: to, Start: l.Start(), End: l.End()}
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return fmt.Errorf("copying log [%d, %d): %w", from, to, err)
		}
		at += int64(n)
	}
	return nil
}

// OffsetAt is the end of the newest row on disk that was complete at the given wall-clock time: where a replay
// for a point-in-time restore stops. It is as fine as rows are: one per sync, at most ChunkBytes.
func (l *Log) OffsetAt(wallMs int64) (offset int64, err error) {
	if l.store == nil {
		return 0, errors.New("persistence: a memory log keeps no times")
	}
	offset = l.Start()
	err = l.store.eachRow(offset, func(row logRow) (bool, error) {
		if row.wallMs > wallMs {
			return false, nil
		}
		offset = row.end()
		return true, nil
	})
	return offset, err
}
