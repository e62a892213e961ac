package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/replication"
)

// Rows of the store that are ours.
const (
	metaHistory  = "history"
	metaInOrder  = "closed-in-order" // there after an orderly end, removed at the next start
	metaStreamDB = "stream-db"       // in a checkpoint's Extra: the database that the log has selected at its offset
)

// slice is the longest that background work holds the keyspace at a time.
const slice = time.Millisecond

// openStore opens what is on disk, or a log in memory.
func (v *Server) openStore() error {
	o := v.opts
	if !o.AppendOnly && len(o.Save) == 0 {
		v.x.stream = persistence.NewMemoryLog(0, o.ReplBacklogBytes)
		v.x.stream.OnProgress(v.logMoved)
		return nil
	}
	stored := persistence.Options{
		Dir: filepath.Join(o.Dir, "tandem-data"), Fsync: v.fsync(), RetainBytes: o.LogRetainBytes, RetainAge: o.LogRetain,
		TailBytes: o.ReplBacklogBytes,
		Logf:      func(format string, args ...any) { v.log.Info(fmt.Sprintf(format, args...)) },
		OnError:   v.diskFailed,
	}
	if v.changeStore != nil {
		v.changeStore(&stored)
	}
	store, err := v.openPatiently(stored)
	if err != nil {
		return err
	}
	v.store = store
	v.x.stream = store.Log()
	v.x.stream.OnProgress(v.logMoved)
	v.x.promises.fsync = v.fsync() == persistence.FsyncAlways
	mark, err := store.Meta(metaInOrder)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	if v.closedInOrder = len(mark) > 0; v.closedInOrder {
		return store.PutMeta(metaInOrder, nil, true)
	}
	return nil
}

// lockPatience is how long a start waits for a folder that is in use: a killed process needs a moment to be gone.
const lockPatience = 3 * time.Second

// openPatiently opens the store, and gives a dying predecessor time to let go of it.
func (v *Server) openPatiently(o persistence.Options) (*persistence.Store, error) {
	for began := time.Now(); ; {
		store, err := persistence.Open(o)
		var locked *persistence.LockedError
		if !errors.As(err, &locked) || time.Since(began) > lockPatience {
			return store, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// fsync is when the log is synced. appendonly no with save points keeps a log too, but promises nothing for it.
func (v *Server) fsync() persistence.Fsync {
	switch {
	case !v.opts.AppendOnly || v.opts.AppendFsync == FsyncNo:
		return persistence.FsyncNo
	case v.opts.AppendFsync == FsyncAlways:
		return persistence.FsyncAlways
	}
	return persistence.FsyncEverySec
}

func (v *Server) applyFsync() {
	if v.store == nil {
		return
	}
	v.x.promises.fsync = v.fsync() == persistence.FsyncAlways
	v.store.SetFsync(v.fsync())
	v.x.commitMoved()
}

// logMoved runs on the log's sync goroutine: more of the log is safe.
func (v *Server) logMoved() {
	v.x.acquire(nil)
	if v.x.promises.fsync {
		v.x.commitMoved()
	}
	v.x.release(nil)
	v.ackChanged()
}

// diskFailed is told once that nothing can be written any longer. It must not block: Pebble may hold its locks.
func (v *Server) diskFailed(err error) {
	go func() {
		v.log.Error("the disk failed: writes are refused from now on", "dir", v.opts.Dir, "error", err)
		v.x.acquire(nil)
		v.x.diskError = err
		v.x.release(nil)
	}()
}

// syncSoon has the log synced up to an offset, whatever appendfsync says; one request at a time.
func (v *Server) syncSoon(offset int64) {
	if v.store == nil || !v.syncing.CompareAndSwap(false, true) {
		return
	}
	v.tasks.Go(func() {
		defer v.syncing.Store(false)
		if err := v.x.stream.SyncNow(context.Background(), offset); err != nil {
			v.log.Error("the log could not be synced", "dir", v.opts.Dir, "error", err)
		}
	})
}

func (v *Server) closeStore() error {
	if v.store == nil {
		return v.x.stream.Close()
	}
	if !v.crashing && !v.x.loading.on && v.store.Err() == nil {
		// The log is synced first: what the mark promises is there.
		err := v.x.stream.Flush(context.Background())
		if err == nil {
			err = v.store.PutMeta(metaInOrder, []byte{1}, true)
		}
		if err != nil && !errors.Is(err, persistence.ErrClosed) {
			return errors.Join(err, v.store.Close())
		}
	}
	if err := v.store.Close(); !errors.Is(err, persistence.ErrClosed) {
		return err
	}
	return nil
}

// newReign appends a reign to the history, durably, before the node acts as its master.
func (v *Server) newReign(epoch uint64) error {
	x := v.x
	entry := replication.Entry{ID: randomID(), Epoch: max(epoch, x.role.history.Last().Epoch), Start: x.logEnd}
	history, err := x.role.history.Append(entry)
	if err != nil {
		return err
	}
	if err := v.saveHistory(history); err != nil {
		return err
	}
	x.role.history = &history
	x.encoder.Selected = -1
	return nil
}

// randomID makes a history id, as Redis makes its replid and run id.
func randomID() string {
	var random [20]byte
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	return replication.NewID(random)
}

func (v *Server) saveHistory(history replication.History) error {
	if v.store == nil {
		return nil
	}
	return v.store.PutMeta(metaHistory, history.Marshal(), true)
}

// exportRDB writes the whole keyspace to the RDB file, as of one moment, while commands go on.
func (v *Server) exportRDB() (err error) {
	path := filepath.Join(v.opts.Dir, v.opts.DBFilename)
	file, err := os.CreateTemp(v.opts.Dir, "temp-*.rdb")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	snap := v.freezeAll()
	err = snap.Stream(file)
	v.x.acquire(nil)
	v.x.save.lastCow = snap.peak
	v.x.release(nil)
	if err != nil {
		return err
	}
	if err = file.Sync(); err != nil {
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
