package persistence

import (
	"fmt"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pebbleFormat is pinned, so that a newer Pebble does not lift the format of a store by itself. It has
// everything that is used here: ingest with excise through the memtable queue, and WAL chunks that tell a
// torn tail from damage in the middle.
const pebbleFormat = pebble.FormatWALSyncChunks

// pebbleOptions is the tuning; doc.go has the reasons and the measurement.
func pebbleOptions(opts Options, health *health, lock *pebble.Lock) *pebble.Options {
	logger := &pebbleLogger{logf: opts.Logf, health: health}
	o := &pebble.Options{
		FS:                          opts.FS,
		Lock:                        lock,
		FormatMajorVersion:          pebbleFormat,
		Logger:                      logger,
		EventListener:               logger.listener(),
		CacheSize:                   8 << 20,
		MemTableSize:                16 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               256 << 20,
		FlushSplitBytes:             64 << 20,
		MaxOpenFiles:                512,
		WALBytesPerSync:             1 << 20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	o.Experimental.FileCacheShards = 2
	o.TargetFileSizes[0] = 32 << 20
	for i := 1; i < len(o.TargetFileSizes); i++ {
		o.TargetFileSizes[i] = 64 << 20
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.FastestCompression }
	}
	o.EnsureDefaults()
	return o
}

// pebbleLogger stands where Pebble would end the process. Pebble calls Fatalf on failures of the WAL and the
// manifest, sometimes with its locks held, and by default that is os.Exit. Pebble is not made for Fatalf to
// return: it would, for instance, remove table files that a manifest record already names. So Fatalf ends the
// calling goroutine: one of Pebble's own, or the one that Store.use started for this call.
type pebbleLogger struct {
	logf   func(format string, args ...any)
	health *health
}

// Infof drops Pebble's diary. What a crash left half-written is said by Store.open.
func (l *pebbleLogger) Infof(string, ...any) {}

func (l *pebbleLogger) Errorf(format string, args ...any) { l.logf("store: "+format, args...) }

func (l *pebbleLogger) Fatalf(format string, args ...any) {
	l.health.abandoned.Store(true)
	l.health.fail(fmt.Errorf("persistence: the disk failed: "+format, args...))
	runtime.Goexit()
}

func (l *pebbleLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if l.health.verdict() != nil {
				// Pebble tries a failed flush again at once and for ever. It is of no use any more, so
				// the attempts are slowed down to what does not cost a processor.
				time.Sleep(50 * time.Millisecond)
			}
			l.health.fail(fmt.Errorf("persistence: the disk failed in a flush or compaction: %w", err))
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			// The read that met it returns the error; rows that are not read from there are still good.
			l.logf("store: damaged file %s: %v", info.Path, info.Details)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.logf("store: the disk does not keep up, log writes wait: %s", info.Reason)
		},
		WriteStallEnd: func() { l.logf("store: log writes go on") },
	}
}
