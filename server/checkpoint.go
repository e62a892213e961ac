package server

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
)

// saveState is INFO's view of checkpoints and exports, and what BGSAVE waits for.
type saveState struct {
	running     bool
	asked       bool // for a checkpoint that has not ended yet
	exporting   bool
	lastAt      time.Time
	lastOK      bool
	lastSeconds float64
	dirtyAt     int64 // keyspace.Dirty at the last save
	done, total int
	exports     int64
	lastCow     int64 // the most that the last export had waiting, in bytes
	wanted      chan struct{}
}

// keepCheckpoints writes what has changed, again and again. It is one of the server's long-lived goroutines.
func (v *Server) keepCheckpoints() {
	if v.store == nil {
		return
	}
	for {
		v.x.acquire(nil)
		interval := v.opts.CheckpointInterval
		v.x.save.asked = len(v.x.save.wanted) > 0
		v.x.release(nil)
		select {
		case <-v.stopping:
			return
		case <-time.After(interval):
		case <-v.x.save.wanted:
		}
		if err := v.checkpoint(context.Background()); err != nil {
			v.log.Error("checkpoint failed", "dir", v.opts.Dir, "error", err)
		}
	}
}

// checkpoint writes the keys that changed since the last one, as of one log position, while commands go on.
func (v *Server) checkpoint(ctx context.Context) error {
	x := v.x
	v.link.copying.Lock()
	defer v.link.copying.Unlock()
	w, err := v.store.NewCheckpoint(false)
	full := errors.Is(err, persistence.ErrFullNeeded)
	if full { // the last one failed: what had changed before it is not on disk
		w, err = v.store.NewCheckpoint(true)
	}
	if err != nil {
		return err
	}
	sink := &rowSink{}
	x.acquire(nil)
	if !full && x.stateEnd() == v.store.State().Meta.Offset && v.store.State().HasCheckpoint {
		x.release(nil)
		return w.Abort()
	}
	x.appendPending()
	meta := x.checkpointMeta()
	freeze := x.ks.FreezeDirty
	if full {
		x.ks.MarkClean()
		freeze = x.ks.FreezeAll
	}
	frozen := freeze(sink.add)
	x.save.running = true
	dirty := x.ks.Dirty()
	x.release(nil)
	began := time.Now()
	err = v.walk(frozen, sink, w)
	if err == nil {
		err = w.Finish(ctx, meta, persistence.FinishOptions{})
	} else {
		err = errors.Join(err, w.Abort())
	}
	x.acquire(nil)
	x.save.running, x.save.lastOK, x.save.lastAt, x.save.lastSeconds = false, err == nil, x.now, time.Since(began).Seconds()
	if err == nil {
		x.save.dirtyAt = dirty
	}
	x.release(nil)
	return err
}

// checkpointMeta describes the state as of now. Pending log bytes have been appended.
func (x *executor) checkpointMeta() persistence.Meta {
	keys := 0
	for i := range x.ks.Databases() {
		keys += x.ks.DB(i).Len()
	}
	// A master's own stream selects afresh behind the checkpoint; a standby's goes on with what its master has selected.
	x.encoder.Selected = -1
	return persistence.Meta{Offset: x.stateEnd(), History: x.role.history.Marshal(), Extra: streamDBExtra(x.streamDB), Keys: keys}
}

// stateEnd is the log offset that the data are as of: the log's end, or the beginning of a transaction whose EXEC has
// not come yet.
func (x *executor) stateEnd() int64 {
	if x.streamInMulti {
		return x.wholeEnd
	}
	return x.logEnd
}

func streamDBExtra(db int) map[string][]byte {
	return map[string][]byte{metaStreamDB: binary.BigEndian.AppendUint16(nil, uint16(db))}
}

func streamDBOf(meta persistence.Meta) int {
	if raw := meta.Extra[metaStreamDB]; len(raw) == 2 {
		return int(binary.BigEndian.Uint16(raw))
	}
	return 0
}

// walk drives a frozen view in slices and hands its rows to the checkpoint outside ownership.
func (v *Server) walk(frozen *keyspace.Frozen, sink *rowSink, w *persistence.CheckpointWriter) error {
	x := v.x
	for done := false; !done; {
		x.acquireSlice()
		for began := time.Now(); !done && time.Since(began) < slice; {
			done = frozen.Step(16)
		}
		rows := sink.take()
		x.save.done, x.save.total = frozen.Progress()
		x.release(nil)
		writeRows(w, rows)
		for !done && !w.Ready() {
			select {
			case <-v.stopping:
				x.acquire(nil)
				frozen.Close()
				x.release(nil)
				return errStopping
			case <-time.After(slice):
			}
		}
	}
	return nil
}

var errStopping = errors.New("the server stops")

// finalCheckpoint makes the next start quick: little log is left to replay.
func (v *Server) finalCheckpoint() error {
	if v.store == nil || v.x.loading.on || v.store.Err() != nil || v.x.noFinalSave {
		return nil
	}
	v.stopping = make(chan struct{}) // the others have ended; the walk may take its time
	return v.checkpoint(context.Background())
}

func (v *Server) keys() int {
	v.x.acquire(nil)
	defer v.x.release(nil)
	n := 0
	for i := range v.x.ks.Databases() {
		n += v.x.ks.DB(i).Len()
	}
	return n
}
