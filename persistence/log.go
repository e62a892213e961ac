package persistence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Log is the ordered bytes of all effects: a tail in memory, and rows on disk behind it. Byte i has offset i.
//
//	Start ≤ Synced ≤ Written ≤ End
//
// (Start may pass Synced where nothing asks for syncs.) Append, Announce, TruncateTo and Reset belong to the
// owner of the keyspace; everything else may be called from any goroutine.
type Log struct {
	store *Store // nil: memory only
	tail  tail

	start, end, written, synced atomic.Int64

	tailBytes  int64
	pendingMax int64
	policy     atomic.Int32
	generation atomic.Int64 // grows when bytes that a reader may have seen are taken back

	appended   signal // fired by Announce
	progressed signal // fired when written, synced or the verdict advanced
	onProgress atomic.Pointer[func()]
	moved      chan struct{} // capacity 1; wakes the notifier

	wake      chan struct{} // capacity 1
	wanted    atomic.Bool   // Announce asked for a sync that the sync goroutine has not begun
	stop      chan struct{}
	done      chan struct{} // closed when the sync goroutine has ended
	closeOnce sync.Once

	syncTarget atomic.Int64              // the offset that SyncNow wants synced
	writeSince atomic.Pointer[time.Time] // when the write under way began; nil: none
	syncTook   time.Duration             // the last sync with its rows; the sync goroutine's

	// writer is held while rows are written, cut or replaced.
	writer struct {
		sync.Mutex
		pieces []piece
	}

	readers   readerSet
	retention retention
}

func newLog(s *Store, start, end int64) *Log {
	l := newTailLog(end, s.opts.ChunkBytes, s.opts.TailBytes)
	l.store = s
	l.pendingMax = s.opts.PendingBytesMax
	l.policy.Store(int32(s.opts.Fsync))
	l.start.Store(start)
	l.written.Store(end)
	l.synced.Store(end)
	l.retention.bytes.Store(s.opts.RetainBytes)
	l.retention.ageMs.Store(s.opts.RetainAge.Milliseconds())
	return l
}

// NewMemoryLog makes a log that is nowhere durable and keeps about the last tailBytes. Its Written and Synced
// follow End: nothing more can be promised, and nothing more is to wait for.
func NewMemoryLog(start, tailBytes int64) *Log {
	l := newTailLog(start, int(min(max(tailBytes/16, 4<<10), 64<<10)), tailBytes)
	close(l.done)
	return l
}

func newTailLog(end int64, segBytes int, tailBytes int64) *Log {
	l := &Log{
		tailBytes: tailBytes,
		wake:      make(chan struct{}, 1),
		moved:     make(chan struct{}, 1),
		stop:      make(chan struct{}),
		done:      make(chan struct{}),
	}
	l.tail.segBytes = segBytes
	l.tail.restart(end)
	l.start.Store(end)
	l.end.Store(end)
	return l
}

// Append copies p behind the end of the log and returns the new end. It never waits for the disk. Call
// Announce after the last Append of a batch.
func (l *Log) Append(p []byte, nowMs int64) (end int64) {
	l.tail.mu.Lock()
	filled := l.tail.append(p, nowMs)
	end = l.tail.end
	l.end.Store(end)
	if filled {
		l.trimTail(end)
	}
	l.tail.mu.Unlock()
	if filled && l.store != nil {
		l.wakeSync()
	}
	return end
}

// trimTail drops what memory need not hold: all but tailBytes, as far as it is written. After a disk failure
// nothing will be written any more and only tailBytes count; segments are then not used again, because the
// sync goroutine may still be reading them. Called with tail.mu held.
func (l *Log) trimTail(end int64) {
	below, failed := end-l.tailBytes, l.Err() != nil
	if l.store != nil && !failed {
		below = min(below, l.written.Load())
	}
	l.tail.trim(below, !failed)
	if l.store == nil || failed && l.tail.base > l.written.Load() {
		l.start.Store(l.tail.base)
	}
}

// Announce tells waiting readers and the sync goroutine that there is more. The owner calls it once at the end
// of each batch, so that one sync and one send cover the whole batch. It costs a few atomic loads when there is
// nobody to tell. Without it, rows are written when a chunk is full and once a second.
func (l *Log) Announce() {
	l.appended.fire()
	if l.store == nil || l.wanted.Load() || Fsync(l.policy.Load()) == FsyncNo || l.end.Load() <= l.synced.Load() {
		return
	}
	if l.wanted.CompareAndSwap(false, true) {
		l.wakeSync()
	}
}

func (l *Log) wakeSync() {
	select {
	case l.wake <- struct{}{}:
	default: // a wake-up is already waiting
	}
}

// Start is the offset of the oldest byte that a reader can get.
func (l *Log) Start() int64 { return l.start.Load() }

// End is the offset after the last byte.
func (l *Log) End() int64 { return l.end.Load() }

// Written is the offset up to which rows were handed to Pebble. A crash of the process may lose up to 32 KB of
// them (Pebble's WAL block) until a sync covers them.
func (l *Log) Written() int64 {
	if l.store == nil {
		return l.End()
	}
	return l.written.Load()
}

// Synced is the offset up to which the log survives a power cut.
func (l *Log) Synced() int64 {
	if l.store == nil {
		return l.End()
	}
	return l.synced.Load()
}

// Pending is the number of bytes appended and not yet written.
func (l *Log) Pending() int64 { return l.End() - l.Written() }

// InMemory is the bytes of the log's tail that are kept in memory.
func (l *Log) InMemory() int64 {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	return l.tail.end - l.tail.base
}

// Congested says that the disk is so far behind that writes should be refused. The log itself never refuses.
func (l *Log) Congested() bool { return l.store != nil && l.Pending() > l.pendingMax }

// Stall is how long the write or sync under way has taken so far; 0 when none is. Heartbeats carry it.
func (l *Log) Stall() time.Duration {
	since := l.writeSince.Load()
	if since == nil {
		return 0
	}
	return l.store.opts.Now().Sub(*since)
}

// Err is nil while the disk is well. Once it is not, the log goes on in memory like a memory log.
func (l *Log) Err() error {
	if l.store == nil {
		return nil
	}
	return l.store.health.verdict()
}

// OnProgress sets the function that is called, from a goroutine of its own, after Written, Synced or Err
// changed. Several changes may share a call. It may wait for the owner.
func (l *Log) OnProgress(fn func()) { l.onProgress.Store(&fn) }

// Wait blocks until End() > offset. It ends early with the context's error, or ErrClosed.
func (l *Log) Wait(ctx context.Context, offset int64) error {
	return l.await(ctx, &l.appended, func() (bool, error) { return l.End() > offset, nil })
}

// SyncNow has the log synced up to offset at least, whatever the policy, and waits for it.
func (l *Log) SyncNow(ctx context.Context, offset int64) error {
	if l.store == nil || l.synced.Load() >= offset {
		return nil
	}
	if end := l.End(); offset > end {
		return &OutOfRangeError{Asked: offset, Start: l.Start(), End: end}
	}
	for {
		asked := l.syncTarget.Load()
		if asked >= offset || l.syncTarget.CompareAndSwap(asked, offset) {
			break
		}
	}
	l.wakeSync()
	return l.await(ctx, &l.progressed, func() (bool, error) { return l.synced.Load() >= offset, l.Err() })
}

// Flush has everything appended so far written and synced.
func (l *Log) Flush(ctx context.Context) error { return l.SyncNow(ctx, l.End()) }

func (l *Log) await(ctx context.Context, s *signal, reached func() (bool, error)) error {
	for {
		ch := s.arm()
		if ok, err := reached(); ok || err != nil {
			return err
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.stop:
			if ok, err := reached(); ok || err != nil {
				return err
			}
			return ErrClosed
		}
	}
}

// Close ends a memory log: its waiters get ErrClosed. A store's log is closed by Store.Close.
func (l *Log) Close() error {
	if l.store != nil {
		return fmt.Errorf("persistence: this log is closed with its store")
	}
	return l.close()
}

// close writes and syncs what is pending and ends the sync goroutine.
func (l *Log) close() error {
	var err error
	if l.store != nil {
		err = l.Flush(context.Background())
		if errors.Is(err, ErrClosed) {
			err = nil // closed before; Store.Close says so
		}
	}
	l.closeOnce.Do(func() { close(l.stop) })
	<-l.done
	return err
}

// TruncateTo drops everything after offset, to rewind to a fork. Offset must not be below the checkpoint (its
// state could not be rewound) nor beyond the end. On return the cut is durable. Readers get ErrLogReplaced.
func (l *Log) TruncateTo(offset int64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	low := l.Start()
	if l.store != nil {
		if meta := l.store.checkpoint.Load(); meta != nil {
			low = max(low, meta.Offset)
		}
	}
	if end := l.End(); offset < low || offset > end {
		return &OutOfRangeError{Asked: offset, Start: low, End: end}
	}
	if l.store != nil && offset < l.written.Load() {
		if err := l.cutRows(offset); err != nil {
			return err
		}
	}
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	l.generation.Add(1)
	if offset < l.tail.base {
		l.tail.restart(offset)
	} else {
		l.tail.cut(offset)
	}
	l.publishCut(offset)
	return nil
}

// publishCut brings the marks down to a new end. Called with writer and tail.mu held.
func (l *Log) publishCut(offset int64) {
	l.end.Store(offset)
	l.written.Store(min(l.written.Load(), offset))
	l.synced.Store(min(l.synced.Load(), offset))
	l.syncTarget.Store(min(l.syncTarget.Load(), offset))
}

// Reset empties a memory log and lets it continue at start. A store's log restarts only together with a full
// checkpoint (FinishOptions.RestartLog): without one, nothing could be replayed onto.
func (l *Log) Reset(start int64) error {
	if l.store != nil {
		return fmt.Errorf("persistence: a durable log restarts only with a full checkpoint")
	}
	l.writer.Lock()
	defer l.writer.Unlock()
	l.restart(start)
	return nil
}

// restart empties the memory side. Called with writer held.
func (l *Log) restart(start int64) {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	l.generation.Add(1)
	l.tail.restart(start)
	l.start.Store(start)
	l.end.Store(start)
	l.written.Store(start)
	l.synced.Store(start)
	l.syncTarget.Store(start)
}
