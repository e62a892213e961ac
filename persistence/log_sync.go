package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// rowBatchBytes bounds one Pebble batch, well below half a memtable, where Pebble would set it aside as a
// flushable of its own.
const rowBatchBytes = 1 << 20

// Bounds of the pause before a background sync, and how many times longer than the last sync it is: the disk
// is kept busy for a tenth of the time at most.
const (
	syncPauseMin   = 5 * time.Millisecond
	syncPauseMax   = time.Second
	syncPauseTimes = 10
)

// run is the sync goroutine: the only one that writes rows. It ends when the log is closed.
func (l *Log) run() {
	defer close(l.done)
	ticks := l.store.opts.ticks
	if ticks == nil {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		ticks = ticker.C
	}
	var pause <-chan time.Time // not nil while a background sync waits for its turn
	for {
		due, tick := false, false
		select {
		case <-l.wake:
			if pause == nil && Fsync(l.policy.Load()) == FsyncEverySec && l.wanted.Load() {
				pause = l.store.opts.after(l.syncPause())
			}
		case <-pause:
			due, pause = true, nil
		case <-ticks:
			due, tick = true, true
		case <-l.stop:
			return
		}
		l.writeDue(due)
		if l.Err() == nil && (l.retention.due.Swap(false) || tick) {
			l.retain()
		}
	}
}

// syncPause is how long a background sync waits for more to come.
func (l *Log) syncPause() time.Duration {
	return min(max(syncPauseTimes*l.syncTook, syncPauseMin), syncPauseMax)
}

// duty is one write that the policy asks for: rows up to a target, with or without a sync after them.
type duty struct {
	to   int64
	sync bool
}

// duty decides what is to be written now. due is true once a second.
func (l *Log) duty(due bool) duty {
	policy, end := Fsync(l.policy.Load()), l.end.Load()
	switch {
	case policy == FsyncAlways, l.syncTarget.Load() > l.synced.Load(), due && policy == FsyncEverySec:
		return duty{to: end, sync: true}
	case due:
		return duty{to: end}
	}
	return duty{to: l.sealedEnd()}
}

// sealedEnd is the end of the last full segment: what may be written although nothing asks for a sync.
func (l *Log) sealedEnd() int64 {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	if seg := l.tail.last(); seg != nil && seg.n < len(seg.buf) {
		return l.tail.end - int64(seg.n)
	}
	return l.tail.end
}

// writeDue writes until nothing is left that should be on disk by now.
func (l *Log) writeDue(due bool) {
	for l.Err() == nil {
		if due || Fsync(l.policy.Load()) == FsyncAlways {
			l.wanted.Store(false) // before looking at End: what comes after is announced anew
		}
		d := l.duty(due)
		if d.to <= l.written.Load() && (!d.sync || l.synced.Load() >= d.to) {
			return
		}
		l.writeRows(d)
		l.progress()
		due = false
	}
	l.progress() // the verdict came; SyncNow's callers wait for it
}

// writeRows writes [written, d.to) as rows. One sync, with the last batch, covers all of them. A row never
// crosses a segment and is never rewritten: what is appended to a segment later becomes a further row.
func (l *Log) writeRows(d duty) {
	l.writer.Lock()
	defer l.writer.Unlock()
	began := l.store.opts.Now()
	l.writeSince.Store(&began)
	defer l.writeSince.Store(nil)
	to := min(d.to, l.end.Load()) // a cut may have come between
	for {
		from := l.written.Load()
		l.writer.pieces = l.tail.pieces(l.writer.pieces[:0], from, to, rowBatchBytes)
		for _, p := range l.writer.pieces {
			from += int64(len(p.bytes))
		}
		last := from >= to
		if err := l.commitPieces(l.writer.pieces, d.sync && last); err != nil {
			l.store.health.fail(fmt.Errorf("persistence: writing the log up to offset %d: %w", from, err))
			return
		}
		l.written.Store(from)
		if last {
			if d.sync {
				l.synced.Store(from)
				l.syncTook = l.store.opts.Now().Sub(began)
			}
			break
		}
	}
	l.tail.mu.Lock()
	l.trimTail(l.tail.end) // what piled up while the disk was slow
	l.tail.mu.Unlock()
}

func (l *Log) commitPieces(pieces []piece, sync bool) error {
	return l.store.use(func(db *pebble.DB) (err error) {
		batch := db.NewBatch()
		defer func() { err = errors.Join(err, batch.Close()) }()
		table := castagnoli()
		for _, p := range pieces {
			row := batch.SetDeferred(logKeyBytes, logRowHeaderBytes+len(p.bytes))
			putLogKey(row.Key, p.offset)
			putLogRow(table, row.Key, row.Value, p.wallMs, p.bytes)
			if err := row.Finish(); err != nil {
				return err
			}
		}
		if len(pieces) == 0 {
			// Rows written before without a sync: an empty record carries the sync for them.
			if err := batch.LogData(nil, nil); err != nil {
				return err
			}
		}
		return batch.Commit(writeOptions(sync))
	})
}

// progress tells SyncNow's callers and the notifier.
func (l *Log) progress() {
	l.progressed.fire()
	select {
	case l.moved <- struct{}{}:
	default: // a notice is already waiting
	}
}

// notify is the goroutine that calls what OnProgress set. It is not the sync goroutine, so that the next sync
// runs while replies go out, and so that the callee may wait for an owner who in turn waits for a sync.
func (l *Log) notify() {
	for {
		select {
		case <-l.moved:
			if fn := l.onProgress.Load(); fn != nil {
				(*fn)()
			}
		case <-l.stop:
			return
		}
	}
}

// cutRows drops rows from offset on, durably, in one batch: a row that offset divides is replaced by its first
// part in the same batch, so that a crash leaves either the old rows or the cut ones. Called with writer held.
func (l *Log) cutRows(offset int64) error {
	row, err := l.store.rowAt(offset)
	if err != nil {
		return err
	}
	return l.store.use(func(db *pebble.DB) (err error) {
		batch := db.NewBatch()
		defer func() { err = errors.Join(err, batch.Close()) }()
		if err := batch.DeleteRange(logKey(row.offset), logKeyEnd(), nil); err != nil {
			return err
		}
		if kept := row.bytes[:offset-row.offset]; len(kept) > 0 {
			key, value := logKey(row.offset), make([]byte, logRowHeaderBytes+len(kept))
			putLogRow(castagnoli(), key, value, row.wallMs, kept)
			if err := batch.Set(key, value, nil); err != nil {
				return err
			}
		}
		if err := batch.Commit(pebble.Sync); err != nil {
			return fmt.Errorf("persistence: cutting the log at offset %d: %w", offset, err)
		}
		return nil
	})
}

// rowAt reads the row that holds offset.
func (s *Store) rowAt(offset int64) (row logRow, err error) {
	err = s.eachRow(offset, func(r logRow) (bool, error) {
		row = r
		row.bytes = append([]byte(nil), r.bytes...)
		return false, nil
	})
	if err == nil && row.bytes == nil {
		err = s.missingRow(offset, nil)
	}
	return row, err
}

func (s *Store) missingRow(offset int64, err error) error {
	if err == nil {
		err = errors.New("no row holds it")
	}
	return s.corruption("log row", offset, err)
}

// eachRow walks the rows from the one that holds offset on, verified and without gaps, until fn says false. A
// row that fails is an error; that there are no more rows is not.
func (s *Store) eachRow(offset int64, fn func(logRow) (more bool, err error)) (err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.life.closed {
		return ErrClosed
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{logPrefix}, UpperBound: logKeyEnd()})
	if err != nil {
		return s.missingRow(offset, err)
	}
	defer func() { err = closeIter(iter, err) }()
	table, expected := castagnoli(), int64(-1)
	for ok := iter.SeekLT(logKey(offset + 1)); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return s.missingRow(rowOffset(iter.Key()), err)
		}
		row, err := decodeLogRow(table, iter.Key(), value)
		if err != nil {
			return s.missingRow(rowOffset(iter.Key()), err)
		}
		if expected < 0 && row.end() <= offset || expected >= 0 && row.offset != expected {
			expected = max(expected, row.end())
			return s.missingRow(max(expected, offset), fmt.Errorf("missing; the next row there is has offset %d", row.offset))
		}
		expected = row.end()
		if more, err := fn(row); !more || err != nil {
			return err
		}
	}
	if err := iter.Error(); err != nil {
		return s.missingRow(offset, err)
	}
	return nil
}

// rowOffset reads the offset from a row key for an error text.
func rowOffset(key []byte) int64 {
	if len(key) != logKeyBytes {
		return -1
	}
	return int64(binary.BigEndian.Uint64(key[1:]))
}
