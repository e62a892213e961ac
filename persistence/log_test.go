package persistence

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestLog_keepsBytesAcrossRestarts(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	for _, n := range []int64{1, 255, 256, 257, 10_000, 1} {
		s := openTest(t, opts)
		requireStream(t, s.Log(), 0)
		s.appendStream(n)
		requireStream(t, s.Log(), 0)
		require.NoError(t, s.Close())
		require.Equal(t, s.Log().End(), s.Log().Synced())
	}
}

func TestLog_everysecSyncsOnTheTick(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	s.appendStream(100)
	s.Log().Announce()
	require.Zero(t, s.Log().Written(), "nothing asks for a row yet")
	require.EqualValues(t, 100, s.Log().Pending())
	s.appendStream(200)
	until(t, "the full chunk is written", func() bool { return s.Log().Written() == 256 })
	require.Zero(t, s.Log().Synced())
	s.tick()
	require.EqualValues(t, 300, s.Log().Written())
	require.EqualValues(t, 300, s.Log().Synced())
	require.NoError(t, s.Close())
}

func TestLog_everysecSyncsSoonAfterABatchOnAQuickDisk(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.Now = func() time.Time { return time.Unix(1, 0) } // on this clock a sync takes no time
	pauses, turn := make(chan time.Duration, 10), make(chan time.Time)
	opts.after = func(d time.Duration) <-chan time.Time { pauses <- d; return turn }
	s := openTest(t, opts)
	for end := int64(10); end <= 30; end += 10 {
		for range 10 {
			s.appendStream(1)
			s.Log().Announce()
		}
		require.Equal(t, syncPauseMin, <-pauses)
		require.Equal(t, end-10, s.Log().Synced())
		turn <- time.Time{}
		until(t, "the sync", func() bool { return s.Log().Synced() == end })
	}
	require.Empty(t, pauses, "ten batches share one sync")
	require.NoError(t, s.Close())

	l := &Log{}
	for took, want := range map[time.Duration]time.Duration{0: syncPauseMin, 20 * time.Millisecond: 200 * time.Millisecond, time.Minute: syncPauseMax} {
		l.syncTook = took
		require.Equal(t, want, l.syncPause())
	}
}

func TestLog_noNeverSyncsUnlessAsked(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.Fsync = FsyncNo
	s := openTest(t, opts)
	s.appendStream(300)
	s.tick()
	require.EqualValues(t, 300, s.Log().Written())
	require.Zero(t, s.Log().Synced())
	s.flush() // a sync without rows to write
	require.EqualValues(t, 300, s.Log().Synced())
	require.NoError(t, s.Close())
}

func TestLog_alwaysSyncsOnAnnounce(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	s.SetFsync(FsyncAlways)
	progress := make(chan int64, 1000)
	s.Log().OnProgress(func() { progress <- s.Log().Synced() })
	s.appendStream(10)
	s.Log().Announce()
	require.EqualValues(t, 10, <-progress)
	require.NoError(t, s.Close())
}

func TestLog_theOwnerMayWaitForASyncWhileProgressWaitsForTheOwner(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.Fsync = FsyncAlways
	s := openTest(t, opts)
	var owner sync.Mutex
	var called atomic.Int32
	s.Log().OnProgress(func() {
		owner.Lock()
		defer owner.Unlock()
		called.Add(1)
	})
	owner.Lock()
	for range 5 {
		s.appendStream(100)
		s.Log().Announce()
		s.flush()
		require.NoError(t, s.Log().TruncateTo(s.Log().End()-50))
	}
	require.Zero(t, called.Load())
	owner.Unlock()
	until(t, "the notice", func() bool { return called.Load() > 0 })
	require.NoError(t, s.Close())
}

func TestLog_groupCommitMakesOneRowOfABatch(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.Fsync = FsyncAlways
	s := openTest(t, opts)
	for range 20 {
		s.appendStream(10)
	}
	s.Log().Announce()
	until(t, "the sync", func() bool { return s.Log().Synced() == 200 })
	rows := 0
	require.NoError(t, s.eachRow(0, func(logRow) (bool, error) { rows++; return true, nil }))
	require.Equal(t, 1, rows)
	require.NoError(t, s.Close())
}

func TestLog_waitEndsWithMoreOrContextOrClose(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	l := s.Log()
	wait := func(ctx context.Context, offset int64) <-chan error {
		done := make(chan error, 1)
		go func() { done <- l.Wait(ctx, offset) }()
		return done
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := wait(ctx, 0)
	until(t, "the waiter arms", l.appended.armed.Load)
	s.appendStream(1)
	l.Announce()
	require.NoError(t, <-done)
	require.NoError(t, l.Wait(ctx, 0))
	done = wait(ctx, 1)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	done = wait(context.Background(), 1)
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-done, ErrClosed)
	require.NoError(t, l.Wait(context.Background(), 0))
}

func TestLog_truncateCutsMemoryAndDisk(t *testing.T) {
	for _, cut := range []int64{0, 1, 256, 300, 5000, 9990, 10_000} {
		opts := testOptions(vfs.NewMem())
		s := openTest(t, opts)
		s.appendStream(9_900)
		s.flush()
		s.appendStream(100)
		r, err := s.Log().NewReader(3)
		require.NoError(t, err)
		require.NoError(t, s.Log().TruncateTo(cut))
		_, err = r.Read(make([]byte, 10))
		require.ErrorIs(t, err, ErrLogReplaced)
		r.Close()
		require.Equal(t, cut, s.Log().End())
		requireStream(t, s.Log(), 0)
		other := bytes.Repeat([]byte("x"), 700)
		require.Equal(t, cut+700, s.Log().Append(other, 1))
		want := append(stream(0, cut), other...)
		require.Equal(t, want, readAll(t, s.Log(), 0))
		require.NoError(t, s.Close())
		s = openTest(t, opts)
		require.Equal(t, want, readAll(t, s.Log(), 0))
		var out *OutOfRangeError
		require.ErrorAs(t, s.Log().TruncateTo(cut+701), &out)
		require.NoError(t, s.Close())
	}
}

func TestLog_truncateRefusesToGoBelowTheCheckpoint(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	s.appendStream(1000)
	s.checkpointOf(nil, 600)
	var out *OutOfRangeError
	require.ErrorAs(t, s.Log().TruncateTo(599), &out)
	require.NoError(t, s.Log().TruncateTo(600))
	require.NoError(t, s.Close())
}

func TestMemoryLog_keepsItsTail(t *testing.T) {
	l := NewMemoryLog(1000, 64<<10)
	require.EqualValues(t, 1000, l.Start())
	var end int64
	for range 100 {
		end = l.Append(stream(l.End(), l.End()+10_000), 0)
		require.Equal(t, end, l.Synced())
		require.Equal(t, end, l.Written())
		require.GreaterOrEqual(t, end-l.Start(), min(end-1000, 64<<10))
		require.Less(t, end-l.Start(), int64(80<<10))
	}
	requireStream(t, l, l.Start())
	_, err := l.NewReader(l.Start() - 1)
	var out *OutOfRangeError
	require.ErrorAs(t, err, &out)
	require.Equal(t, OutOfRangeError{Asked: l.Start() - 1, Start: l.Start(), End: end}, *out)
	slow, err := l.NewReader(l.Start())
	require.NoError(t, err)
	l.Append(make([]byte, 200<<10), 0)
	_, err = slow.Read(make([]byte, 10))
	require.ErrorAs(t, err, &out)
	require.NoError(t, l.SyncNow(context.Background(), l.End()))
	require.NoError(t, l.TruncateTo(l.End()-10))
	require.NoError(t, l.Reset(5))
	require.EqualValues(t, 5, l.End())
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Wait(context.Background(), 5), ErrClosed)
}

func TestLogReader_readsAcrossDiskAndMemory(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	s.appendStream(20_000)
	s.flush()
	s.appendStream(300)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		from := rng.Int64N(s.Log().End() + 1)
		r, err := s.Log().NewReader(from)
		require.NoError(t, err)
		var got []byte
		for {
			p := make([]byte, 1+rng.IntN(2000))
			n, err := r.Read(p)
			require.NoError(t, err)
			if n == 0 {
				break
			}
			got = append(got, p[:n]...)
			require.Equal(t, from+int64(len(got)), r.Offset())
		}
		require.True(t, bytes.Equal(stream(from, s.Log().End()), got))
		r.Close()
	}
	_, err := s.Log().NewReader(s.Log().End() + 1)
	require.ErrorContains(t, err, "beyond the log's end")
	require.NoError(t, s.Close())
}

func TestLog_readersFollowAnAppendingOwner(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.Fsync = FsyncAlways
	s := openTest(t, opts)
	const total = 400_000
	var readers sync.WaitGroup
	for range 3 {
		r, err := s.Log().NewReader(0)
		require.NoError(t, err)
		readers.Go(func() {
			defer r.Close()
			buf := make([]byte, 700)
			for r.Offset() < total {
				at := r.Offset()
				n, err := r.Read(buf)
				if err == nil && n == 0 {
					err = s.Log().Wait(context.Background(), at)
				}
				if err != nil || !bytes.Equal(stream(at, at+int64(n)), buf[:n]) {
					t.Errorf("at %d: %v", at, err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for s.Log().End() < total {
		for range rng.IntN(5) {
			s.appendStream(min(rng.Int64N(900), total-s.Log().End()))
		}
		s.Log().Announce()
	}
	readers.Wait()
	require.NoError(t, s.Close())
	require.EqualValues(t, total, s.Log().Synced())
}

func TestLog_stallAndCongestionAreSeen(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.PendingBytesMax = 1000
	now := time.Unix(1000, 0)
	opts.Now = func() time.Time { return now }
	s := openTest(t, opts)
	require.Zero(t, s.Log().Stall())
	began := now.Add(-3 * time.Second)
	s.Log().writeSince.Store(&began)
	require.Equal(t, 3*time.Second, s.Log().Stall())
	s.Log().writeSince.Store(nil)
	s.Log().writer.Lock()
	s.appendStream(1001)
	require.True(t, s.Log().Congested())
	s.Log().writer.Unlock()
	s.tick()
	require.False(t, s.Log().Congested())
	require.NoError(t, s.Close())
}

func TestOffsetAt_findsTheLastRowBefore(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	for ms := int64(1); ms <= 5; ms++ {
		s.Log().Append(make([]byte, 100), ms*1000)
		s.flush()
	}
	for ms, want := range map[int64]int64{0: 0, 999: 0, 1000: 100, 3500: 300, 9000: 500} {
		got, err := s.Log().OffsetAt(ms)
		require.NoError(t, err)
		require.Equal(t, want, got, "at %d", ms)
	}
	require.NoError(t, s.Close())
}

func TestReadRange_reportsTheWriter(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	s.appendStream(100)
	full := errors.New("no room")
	require.ErrorIs(t, s.Log().ReadRange(failingWriter{full}, 10, 90), full)
	var out *OutOfRangeError
	require.ErrorAs(t, s.Log().ReadRange(failingWriter{nil}, 10, 101), &out)
	require.NoError(t, s.Log().ReadRange(failingWriter{full}, 10, 10))
	require.NoError(t, s.Close())
}

type failingWriter struct{ err error }

func (w failingWriter) Write(p []byte) (int, error) { return 0, w.err }
