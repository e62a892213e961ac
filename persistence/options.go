package persistence

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Fsync says when log bytes are forced to the disk.
type Fsync int32

const (
	// FsyncEverySec syncs in the background: a few milliseconds after a batch while the disk is quick, so that
	// even a killed process loses next to nothing, and at least once a second when it is slow.
	FsyncEverySec Fsync = iota
	// FsyncAlways syncs after each batch: one sync call covers everything appended so far (group commit).
	FsyncAlways
	// FsyncNo never asks for a sync; only SyncNow, a checkpoint and Close do.
	FsyncNo
)

// String is the word that the appendfsync directive uses.
func (f Fsync) String() string {
	switch f {
	case FsyncAlways:
		return "always"
	case FsyncEverySec:
		return "everysec"
	case FsyncNo:
		return "no"
	}
	return fmt.Sprintf("fsync(%d)", int32(f))
}

// Options of a store. The zero value of each field means its default.
type Options struct {
	// Dir is the folder that holds the store and nothing else. It is made if missing.
	Dir string
	// FS is the file system; nil means the real one. Tests use one that can crash.
	FS vfs.FS
	// Fsync is the first sync policy; SetFsync changes it at run time.
	Fsync Fsync
	// ChunkBytes is the most bytes one log row holds. Default 64 KB.
	ChunkBytes int
	// RetainBytes bounds the log kept below the checkpoint, however slow a reader is. Default 1 GB.
	RetainBytes int64
	// RetainAge lets log below the checkpoint go sooner, when it is older than this and no reader needs it.
	// Zero means that age drops nothing.
	RetainAge time.Duration
	// PendingBytesMax is the amount of appended and unwritten log at which Congested says so. Default 256 MB.
	PendingBytesMax int64
	// TailBytes is the newest part of the log that stays in memory for readers. Default 1 MB.
	TailBytes int64
	// RunBytes is the size of one sorted run of a checkpoint being written; a checkpoint holds at most four
	// of them in memory, plus what copy-on-write forces on it. Default 16 MB.
	RunBytes int
	// TableBytes is the size at which a checkpoint starts another table file. Default 64 MB.
	TableBytes int64
	// Logf receives progress and warnings; nil drops them. It is called from any goroutine.
	Logf func(format string, args ...any)
	// OnError is called once, when the disk has failed and the store stops writing for good. It must neither
	// block nor call the store: it may run while Pebble holds its locks.
	OnError func(error)
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time

	// ticks replaces the one-second ticker in tests, and after the timer that paces background syncs.
	ticks <-chan time.Time
	after func(time.Duration) <-chan time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, fmt.Errorf("persistence: Options.Dir is empty")
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.ChunkBytes < 0 || o.RetainBytes < 0 || o.TailBytes < 0 || o.RunBytes < 0 || o.RetainAge < 0 {
		return o, fmt.Errorf("persistence: negative size or age in the options of %s", o.Dir)
	}
	setDefault(&o.ChunkBytes, 64<<10)
	setDefault(&o.RetainBytes, 1<<30)
	setDefault(&o.PendingBytesMax, 256<<20)
	setDefault(&o.TailBytes, 1<<20)
	setDefault(&o.RunBytes, 16<<20)
	setDefault(&o.TableBytes, 64<<20)
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.after == nil {
		o.after = time.After
	}
	return o, nil
}

func setDefault[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// health is the sticky verdict on the disk. Once failed, nothing is written any more: after a failed sync the
// kernel may have dropped the dirty pages, so a later sync that succeeds would prove nothing.
type health struct {
	err     atomic.Pointer[error]
	onError func(error)
	// abandoned: Pebble stopped in the middle of something that it thought fatal, perhaps with locks held.
	// It must not be called for writing again, nor closed.
	abandoned atomic.Bool
}

func (h *health) fail(err error) {
	if h.err.CompareAndSwap(nil, &err) {
		h.onError(err)
	}
}

// verdict is nil while the disk is well.
func (h *health) verdict() error {
	if p := h.err.Load(); p != nil {
		return *p
	}
	return nil
}
