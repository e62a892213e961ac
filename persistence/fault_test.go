package persistence

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// faultyDisk fails chosen operations once it is switched on.
type faultyDisk struct {
	on     atomic.Bool
	fails  func(op errorfs.Op) bool
	errors atomic.Int32
	err    error
	mem    *vfs.MemFS
}

func (d *faultyDisk) String() string { return "faulty disk" }

func (d *faultyDisk) MaybeError(op errorfs.Op) error {
	if d.on.Load() && d.fails(op) {
		d.errors.Add(1)
		return d.err
	}
	return nil
}

func faultyStore(t *testing.T, fails func(op errorfs.Op) bool) (*testStore, *faultyDisk, *atomic.Int32) {
	disk := &faultyDisk{fails: fails, err: syscall.ENOSPC, mem: vfs.NewCrashableMem()}
	var reported atomic.Int32
	opts := testOptions(errorfs.Wrap(disk.mem, disk))
	opts.Fsync = FsyncAlways
	opts.OnError = func(err error) {
		if err != nil {
			reported.Add(1)
		}
	}
	return openTest(t, opts), disk, &reported
}

func isWAL(op errorfs.Op) bool { return strings.HasSuffix(op.Path, ".log") }

func TestFault_aFailedWriteOrSyncIsFinal(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{"write": errorfs.OpFileWrite, "sync": errorfs.OpFileSyncData} {
		t.Run(name, func(t *testing.T) {
			s, disk, reported := faultyStore(t, func(op errorfs.Op) bool { return isWAL(op) && op.Kind == kind })
			s.appendStream(1000)
			s.flush()
			disk.on.Store(true)
			end := s.appendStream(100)
			s.Log().Announce()
			err := s.Log().SyncNow(context.Background(), end)
			require.ErrorContains(t, err, "disk")
			require.ErrorContains(t, err, "no space")
			require.EqualValues(t, 1, reported.Load())
			disk.on.Store(false)

			require.Equal(t, s.Err(), s.Log().Err())
			require.ErrorContains(t, s.Log().Flush(context.Background()), "no space", "a later success would prove nothing")
			require.ErrorContains(t, s.PutMeta("vote", nil, true), "no space")
			_, err = s.NewCheckpoint(true)
			require.ErrorContains(t, err, "no space")
			require.EqualValues(t, 1000, s.Log().Synced())
			for range 100 {
				s.appendStream(1000) // goes on in memory, within bounds
			}
			require.Equal(t, s.Log().End(), int64(101_100))
			require.Less(t, s.Log().End()-s.Log().tail.base, int64(3000))
			requireStream(t, s.Log(), s.Log().Start())
			require.EqualValues(t, 1, reported.Load())
			require.ErrorContains(t, s.Close(), "no space")
		})
	}
}

func TestFault_aFailedMetaRowIsReportedToItsWriter(t *testing.T) {
	s, disk, reported := faultyStore(t, isWAL)
	disk.on.Store(true)
	require.ErrorContains(t, s.PutMeta("vote", []byte("1"), true), "no space")
	require.EqualValues(t, 1, reported.Load())
	require.Error(t, s.Close())
}

// TestFault_aCheckpointFailsWithoutHarm fails each file operation of a checkpoint in turn. The log must go on
// unless the store says that the disk has failed, and a reopened store must have the old state or the new one.
func TestFault_aCheckpointFailsWithoutHarm(t *testing.T) {
	succeeded, harmless := 0, 0
	for nth := int32(1); succeeded < 3; nth++ {
		var counter atomic.Int32
		s, disk, _ := faultyStore(t, func(op errorfs.Op) bool {
			return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && counter.Add(1) == nth
		})
		s.appendStream(1000)
		old := image{"0/a": "1", "0/b": "2"}
		s.checkpointOf(old, 500)
		disk.on.Store(true)
		w, err := s.NewCheckpoint(false)
		if err == nil {
			for range 50 {
				w.Put(0, []byte("a"), []byte(strings.Repeat("n", 100)))
			}
			w.Delete(0, []byte("b"))
			err = w.Finish(context.Background(), Meta{Offset: 900}, FinishOptions{})
		}
		disk.on.Store(false)
		fresh := image{"0/a": strings.Repeat("n", 100)}
		if err == nil && disk.errors.Load() == 0 {
			succeeded++
		} else if err != nil && s.Err() == nil {
			harmless++
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.EqualValues(t, 500, s.State().Meta.Offset)
			require.Equal(t, old, loadImage(t, s.Store))
			s.appendStream(100)
			s.flush()
			s.checkpointOf(fresh, 1000)
		}
		if closeErr := s.Close(); s.Err() == nil {
			require.NoError(t, closeErr, "operation %d", nth)
		}
		// The process ends; the system lives on, so nothing that was written is lost.
		s = openTest(t, Options{Dir: s.opts.Dir, FS: crash(disk.mem, rand.New(rand.NewPCG(1, 1)), 100)})
		switch s.State().Meta.Offset {
		case 500:
			require.Error(t, err)
			require.Equal(t, old, loadImage(t, s.Store))
		default:
			require.Equal(t, fresh, loadImage(t, s.Store))
		}
		requireStream(t, s.Log(), 0)
		require.NoError(t, s.Close())
	}
	require.Positive(t, harmless)
}

func TestFault_openReportsWhatItCouldNotDo(t *testing.T) {
	disk := &faultyDisk{fails: func(op errorfs.Op) bool { return op.Kind == errorfs.OpMkdirAll }, err: syscall.EACCES}
	disk.on.Store(true)
	_, err := tryOpen(t, testOptions(errorfs.Wrap(vfs.NewMem(), disk)))
	require.ErrorIs(t, err, syscall.EACCES)
	require.ErrorContains(t, err, "data/store")
	disk.fails = func(op errorfs.Op) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && !strings.HasSuffix(op.Path, "LOCK")
	}
	fs := vfs.NewMem()
	require.NoError(t, fs.MkdirAll("data/store", 0o755))
	_, err = tryOpen(t, testOptions(errorfs.Wrap(fs, disk)))
	require.ErrorIs(t, err, syscall.EACCES)
	s, err := tryOpen(t, testOptions(fs)) // the lock was given back
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestUse_letsBugsThrough(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	var nothing map[string]int
	require.Panics(t, func() { _ = s.use(func(*pebble.DB) error { nothing["x"] = 1; return nil }) })
	require.NoError(t, s.Err())
	require.ErrorContains(t, s.use(func(*pebble.DB) error { panic(errors.New("WAL file will not close")) }), "will not close")
	require.ErrorContains(t, s.Err(), "will not close")
	require.Error(t, s.Close())
}
