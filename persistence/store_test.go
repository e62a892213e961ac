package persistence

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// testStore is a store on a file system that can crash, with a hand-driven ticker.
type testStore struct {
	*Store
	t     testing.TB
	opts  Options
	ticks chan time.Time
	said  *sayings
}

// sayings collects what a store logged.
type sayings struct {
	mu    sync.Mutex
	lines []string
}

func (s *sayings) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *sayings) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.lines)
}

func testOptions(fs vfs.FS) Options {
	return Options{Dir: "data/store", FS: fs, ChunkBytes: 256, TailBytes: 1024, RunBytes: 2 << 10, TableBytes: 4 << 10}
}

func openTest(t testing.TB, opts Options) *testStore {
	t.Helper()
	s, err := tryOpen(t, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // most tests have closed it by then
	return s
}

func tryOpen(t testing.TB, opts Options) (*testStore, error) {
	ts := &testStore{t: t, opts: opts, ticks: make(chan time.Time), said: &sayings{}}
	opts.ticks = ts.ticks
	if opts.after == nil {
		opts.after = func(time.Duration) <-chan time.Time { return nil } // only ticks
	}
	opts.Logf = ts.said.logf
	var err error
	ts.Store, err = Open(opts)
	return ts, err
}

// crash gives what a power cut now would leave, with the given share of unsynced blocks.
func crash(fs *vfs.MemFS, rng *rand.Rand, unsyncedPercent int) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsyncedPercent, RNG: rng})
}

// tick has the sync goroutine take two ticks; when it takes the second, the work of the first is done.
func (s *testStore) tick() {
	s.ticks <- time.Time{}
	s.ticks <- time.Time{}
}

// stream is a log content that can be checked at any offset.
func stream(from, to int64) []byte {
	p := make([]byte, 0, to-from+8)
	for at := from &^ 7; at < to; at += 8 {
		p = binary.BigEndian.AppendUint64(p, uint64(at)*0x9E3779B97F4A7C15)
	}
	return p[from&7:][:to-from]
}

// appendStream appends n bytes of the stream.
func (s *testStore) appendStream(n int64) int64 {
	end := s.Log().End()
	return s.Log().Append(stream(end, end+n), end)
}

func (s *testStore) flush() {
	s.t.Helper()
	require.NoError(s.t, s.Log().Flush(context.Background()))
}

// readAll reads the log from an offset to its end.
func readAll(t testing.TB, l *Log, from int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, l.ReadRange(&buf, from, l.End()))
	return buf.Bytes()
}

func requireStream(t testing.TB, l *Log, from int64) {
	t.Helper()
	require.True(t, bytes.Equal(stream(from, l.End()), readAll(t, l, from)), "log differs from what was appended")
}

// until waits for a condition that other goroutines bring about.
func until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !reached() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		runtime.Gosched()
	}
}

func TestOpen_makesAndReopensAStore(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	require.Equal(t, State{}, s.State())
	require.NoError(t, s.PutMeta("vote", []byte("7"), true))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Close(), ErrClosed)

	s = openTest(t, opts)
	vote, err := s.Meta("vote")
	require.NoError(t, err)
	require.Equal(t, "7", string(vote))
	none, err := s.Meta("nothing")
	require.NoError(t, err)
	require.Nil(t, none)
	require.ErrorContains(t, s.PutMeta("format", nil, false), "belongs to the store")
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.PutMeta("vote", nil, true), ErrClosed)
	_, err = s.Meta("vote")
	require.ErrorIs(t, err, ErrClosed)
}

func TestOpen_onARealDisk(t *testing.T) {
	opts := Options{Dir: t.TempDir() + "/a/b"}
	s := openTest(t, opts)
	s.appendStream(100_000)
	require.NoError(t, s.Close())
	s = openTest(t, opts)
	require.EqualValues(t, 100_000, s.Log().End())
	requireStream(t, s.Log(), 0)
	require.NoError(t, s.Close())
}

func TestOpen_refusesASecondProcess(t *testing.T) {
	for name, opts := range map[string]Options{"memory": testOptions(vfs.NewMem()), "disk": {Dir: t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, opts)
			_, err := tryOpen(t, opts)
			var locked *LockedError
			require.ErrorAs(t, err, &locked)
			require.ErrorContains(t, err, opts.Dir)
			require.ErrorContains(t, err, "stop that process")
			require.NoError(t, s.Close())
			s = openTest(t, opts)
			require.NoError(t, s.Close())
		})
	}
}

func TestOpen_refusesAnotherFormat(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	require.NoError(t, s.commitMeta(formatName, []byte("2"), true))
	require.NoError(t, s.Close())
	_, err := tryOpen(t, opts)
	var format *FormatError
	require.ErrorAs(t, err, &format)
	require.ErrorContains(t, err, "has format 2")

	opts.Dir = "foreign"
	db, err := pebble.Open(opts.Dir, &pebble.Options{FS: opts.FS, Logger: &pebbleLogger{logf: t.Logf}})
	require.NoError(t, err)
	require.NoError(t, db.Set([]byte("x"), []byte("y"), pebble.Sync))
	require.NoError(t, db.Close())
	_, err = tryOpen(t, opts)
	require.ErrorContains(t, err, "unknown (no format row)")
}

func TestOpen_refusesBadOptions(t *testing.T) {
	_, err := Open(Options{})
	require.ErrorContains(t, err, "Dir is empty")
	_, err = Open(Options{Dir: "x", FS: vfs.NewMem(), TailBytes: -1})
	require.ErrorContains(t, err, "negative")
}

func TestFsync_words(t *testing.T) {
	require.Equal(t, "always everysec no fsync(9)", fmt.Sprint(FsyncAlways, FsyncEverySec, FsyncNo, Fsync(9)))
}
