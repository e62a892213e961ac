package persistence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// retention says how much log is kept below the checkpoint. Everything from the checkpoint on is always kept:
// start-up replays it. Below, a row goes when it is further back than bytes, whoever reads it, or when it is
// older than age and no reader is at or before it. So a slow standby is waited for, but never without bound.
type retention struct {
	bytes atomic.Int64
	ageMs atomic.Int64 // 0: age drops nothing
	due   atomic.Bool  // a checkpoint came: look now, not at the next tick
	said  bool         // the sync goroutine's: damage in old log was reported
}

// retain drops the rows that retention no longer asks for. Only the sync goroutine calls it.
func (l *Log) retain() {
	meta := l.store.checkpoint.Load()
	if meta == nil {
		return
	}
	l.writer.Lock()
	defer l.writer.Unlock()
	start, bytes := l.Start(), l.retention.bytes.Load()
	target := min(meta.Offset, max(l.End()-bytes, l.ageLimit(start, meta.Offset)))
	if target-start < min(bytes/16, 16<<20) || target <= start {
		return // each step costs a manifest record, and perhaps a flush
	}
	newStart, err := l.store.rowStart(target)
	if err == nil && newStart > start {
		// Start goes first: a reader that misses a row looks at Start to learn why.
		l.start.Store(newStart)
		err = l.store.use(func(db *pebble.DB) error {
			return db.Excise(context.Background(), pebble.KeyRange{Start: logKey(0), End: logKey(newStart)})
		})
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		l.store.health.fail(fmt.Errorf("persistence: dropping log below offset %d: %w", newStart, err))
	}
}

// ageLimit is the offset below which everything is too old and unread.
func (l *Log) ageLimit(start, checkpoint int64) int64 {
	age := l.retention.ageMs.Load()
	if age == 0 {
		return start
	}
	cutoff, limit := l.store.opts.Now().UnixMilli()-age, start
	oldest := min(checkpoint, l.readers.oldest())
	err := l.store.eachRow(start, func(row logRow) (bool, error) {
		limit = row.offset
		if row.wallMs >= cutoff || row.end() > oldest {
			return false, nil
		}
		limit = row.end()
		return true, nil
	})
	if err != nil && !l.retention.said {
		l.retention.said = true
		l.store.opts.Logf("store: log below the checkpoint is kept although it is old: %v", err)
	}
	return limit
}

// rowStart is the offset of the row that holds offset, or of the last one before.
func (s *Store) rowStart(offset int64) (start int64, err error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{logPrefix}, UpperBound: logKeyEnd()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	if !iter.SeekLT(logKey(offset + 1)) {
		return 0, iter.Error()
	}
	return rowOffset(iter.Key()), nil
}

// readerSet is the readers of a log; each pins the log at its position within the bounds of retention.
type readerSet struct {
	mu  sync.Mutex
	all map[*LogReader]struct{}
}

func (s *readerSet) add(r *LogReader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*LogReader]struct{})
	}
	s.all[r] = struct{}{}
}

func (s *readerSet) remove(r *LogReader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, r)
}

// oldest is the lowest position of any reader; the largest number without readers.
func (s *readerSet) oldest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	low := int64(math.MaxInt64)
	for r := range s.all {
		low = min(low, r.position.Load())
	}
	return low
}
