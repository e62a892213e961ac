package persistence

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkAppend is the owner's share: effects of 60 bytes, 16 to a batch, with a reader waiting for each.
func BenchmarkAppend(b *testing.B) {
	effect := stream(0, 60)
	for name, fsync := range map[string]Fsync{"everysec": FsyncEverySec, "always": FsyncAlways} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(Options{Dir: b.TempDir(), Fsync: fsync})
			require.NoError(b, err)
			for i := 0; b.Loop(); i++ {
				s.log.Append(effect, int64(i))
				if i%16 == 15 {
					s.log.Announce()
				}
				if i%(1<<17) == 0 {
					b.StopTimer() // the owner's gate: no more than the disk can take
					require.NoError(b, s.log.Flush(context.Background()))
					b.StartTimer()
				}
			}
			b.StopTimer()
			require.NoError(b, s.Close())
		})
	}
	b.Run("memory", func(b *testing.B) {
		l := NewMemoryLog(0, 1<<20)
		for i := 0; b.Loop(); i++ {
			l.Append(effect, int64(i))
			if i%16 == 15 {
				l.Announce()
			}
		}
	})
}

// BenchmarkLogToDisk writes the log as fast as the disk takes it, with retention on, and reports what Pebble
// wrote for each byte of it.
func BenchmarkLogToDisk(b *testing.B) {
	s, err := Open(Options{Dir: b.TempDir(), RetainBytes: 64 << 20})
	require.NoError(b, err)
	block := stream(0, 64<<10)
	b.SetBytes(int64(len(block)))
	for i := 0; b.Loop(); i++ {
		s.log.Append(block, int64(i))
		if i%64 == 63 {
			require.NoError(b, s.log.Flush(context.Background()))
		}
		if i%1024 == 1023 {
			w, err := s.NewCheckpoint(false)
			require.NoError(b, err)
			w.Put(0, []byte("k"), []byte("v"))
			require.NoError(b, w.Finish(context.Background(), Meta{Offset: s.log.End()}, FinishOptions{}))
		}
	}
	b.StopTimer()
	require.NoError(b, s.log.Flush(context.Background()))
	m := s.db.Metrics()
	total := m.Total()
	written := total.TableBytesFlushed + total.TableBytesCompacted // the total counts the WAL as flushed
	b.ReportMetric(float64(written)/float64(s.log.End()), "disk-bytes/log-byte")
	b.ReportMetric(float64(m.DiskSpaceUsage())/(1<<20), "MB-left")
	require.NoError(b, s.Close())
}

// BenchmarkSyncAlways is one small batch after the other, each waiting for its sync.
func BenchmarkSyncAlways(b *testing.B) {
	s, err := Open(Options{Dir: b.TempDir(), Fsync: FsyncAlways})
	require.NoError(b, err)
	effect := stream(0, 60)
	for b.Loop() {
		end := s.log.Append(effect, 1)
		s.log.Announce()
		require.NoError(b, s.log.SyncNow(context.Background(), end))
	}
	b.StopTimer()
	require.NoError(b, s.Close())
}

// BenchmarkTailRead is a feeder that follows in memory.
func BenchmarkTailRead(b *testing.B) {
	l := NewMemoryLog(0, 1<<20)
	l.Append(stream(0, 1<<20), 1)
	r, err := l.NewReader(l.Start())
	require.NoError(b, err)
	buf := make([]byte, 16<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		n, err := r.Read(buf)
		require.NoError(b, err)
		if n == 0 {
			r.position.Store(l.Start())
		}
	}
}

// BenchmarkCheckpoint writes and loads a million keys in hash order; the owner's share is reported apart.
func BenchmarkCheckpoint(b *testing.B) {
	const keys = 1_000_000
	s, err := Open(Options{Dir: b.TempDir()})
	require.NoError(b, err)
	value := stream(0, 64)
	var puts, finish, load time.Duration
	for b.Loop() {
		w, err := s.NewCheckpoint(true)
		require.NoError(b, err)
		began := time.Now()
		var key []byte
		for i := range keys {
			key = fmt.Appendf(key[:0], "key:%012d", i*7919%keys)
			w.Put(0, key, value)
		}
		puts += time.Since(began)
		began = time.Now()
		require.NoError(b, w.Finish(context.Background(), Meta{Keys: keys}, FinishOptions{}))
		finish += time.Since(began)
		began = time.Now()
		n := 0
		require.NoError(b, s.LoadCheckpoint(func(Row) error { n++; return nil }, nil))
		require.Equal(b, keys, n)
		load += time.Since(began)
	}
	b.StopTimer()
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) / keys }
	b.ReportMetric(each(puts), "put-ns/key")
	b.ReportMetric(each(finish), "finish-ns/key")
	b.ReportMetric(each(load), "load-ns/key")
	require.NoError(b, s.Close())
}
