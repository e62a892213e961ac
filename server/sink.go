package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
	"github.com/tandemkv/tandem/replication"
	"github.com/tandemkv/tandem/replication/link"
)

// sink takes a master's stream for this node. link.Sink. Each follower has its own: when the node leaves its master the
// sink is dead, and whatever the follower still has in hand changes nothing any more.
type sink struct {
	v       *Server
	dead    bool // the owner's
	applier command.Applier
}

var errLeft = errors.New("this node follows somebody else by now")

func (v *Server) newSink() *sink {
	k := &sink{v: v}
	x := v.x
	k.applier = command.Applier{Table: x.table, Engine: x.engine, DB: x.streamDB, Applied: func() { x.noteChanges(nil) }, Other: k.other}
	return k
}

// other carries what the log holds besides data: messages for subscribers.
func (k *sink) other(spec *command.Spec, db int, args [][]byte) {
	switch spec.Name {
	case "publish":
		k.v.x.publish(args[1], args[2])
	case "spublish":
		k.v.x.publishShard(args[1], args[2])
	}
}

// Standing is what this node has.
func (k *sink) Standing() replication.Standing {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	return x.standing()
}

// Acked is what this node acknowledges: what it has applied, or synced when standby-ack says so.
func (k *sink) Acked() (offset, synced int64) {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	offset, synced = x.logEnd, -1
	if k.v.store != nil {
		synced = x.stream.Synced()
	}
	return offset, synced
}

func (k *sink) AckChanged() <-chan struct{} { return k.v.link.acks }

// ackChanged tells the follower that more of the log is on disk.
func (v *Server) ackChanged() { offerSignal(v.link.acks) }

// Apply appends a batch to the log and brings it to the data.
func (k *sink) Apply(b *link.Batch) error {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	if k.dead {
		return errLeft
	}
	k.applier.Engine = x.engine
	for i := range b.Len() {
		args, end := b.Command(i)
		if err := k.applier.Apply(args, x.nowMs); err != nil {
			// The data differ from the master's: nothing of them is worth keeping.
			x.log.Error("the master's stream does not apply; a full copy is needed", "offset", x.logEnd+int64(end), "error", err)
			x.role.history = new(replication.History)
			return err
		}
		if !k.applier.InMulti() {
			x.wholeEnd = x.logEnd + int64(end)
		}
	}
	x.streamDB, x.streamInMulti = k.applier.DB, k.applier.InMulti()
	x.pending = append(x.pending, b.Raw...)
	x.logEnd += int64(len(b.Raw))
	if x.ks.LessonDue() {
		x.wakeHouse()
	}
	return nil
}

// Continue takes over the master's history; the stream goes on from this node's end.
func (k *sink) Continue(history replication.History) error {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	if k.dead {
		return errLeft
	}
	if err := k.v.saveHistory(history); err != nil {
		return err
	}
	if x.role.history.Last().ID != history.Last().ID {
		x.standbys.closeAll("the history has a new id") // those that follow this node must learn of the new history
	}
	x.role.history = &history
	return nil
}

// Rewind cuts data and log back to where the master's history forks off. What this node had beyond is kept in a file
// first. The data are built anew aside, while those in place are served; the owner is only needed to put them in place.
func (k *sink) Rewind(ctx context.Context, offset int64, reason string) error {
	v, x := k.v, k.v.x
	v.link.copying.Lock()
	defer v.link.copying.Unlock()
	if err := k.own(func() error { return v.rescue(offset, reason) }); err != nil {
		return err
	}
	fresh, db, err := v.rebuild(offset)
	if err != nil {
		return err
	}
	return k.own(func() error {
		if err := x.stream.TruncateTo(offset); err != nil {
			v.fatal(fmt.Errorf("cut the log back to %d: %w", offset, err))
			return err
		}
		x.useKeyspace(fresh)
		cut := x.role.history.CutAt(offset)
		x.role.history = &cut
		x.logEnd, x.streamDB, x.streamInMulti = offset, db, false
		k.applier.Reset(db)
		x.touchAllWatchers(-1)
		return v.saveHistory(cut)
	})
}

// own runs f as the owner, unless the node has left this sink's master.
func (k *sink) own(f func() error) error {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	if k.dead {
		return errLeft
	}
	return f()
}

// rebuild makes a keyspace as of an offset, from the checkpoint and the log. Nothing is appended to the log meanwhile.
func (v *Server) rebuild(offset int64) (fresh *keyspace.Keyspace, db int, err error) {
	fresh = v.newKeyspace()
	state := v.store.State()
	rows := rowLoader{ks: fresh}
	if err := firstError(v.store.LoadCheckpoint(rows.load, nil), rows.end()); err != nil {
		return nil, 0, err
	}
	fresh.MarkClean()
	reader, err := v.x.stream.NewReader(state.Meta.Offset)
	if err != nil {
		return nil, 0, err
	}
	defer reader.Close()
	applier := &command.Applier{Engine: command.NewEngine(fresh, nil), Table: v.x.table, DB: streamDBOf(state.Meta)}
	feed := logFeed{reader: reader, end: state.Meta.Offset}
	for feed.end < offset {
		args, err := feed.next()
		switch {
		case err != nil:
			return nil, 0, err
		case args == nil:
			return nil, 0, fmt.Errorf("the log ends at %d, before %d", feed.end, offset)
		}
		if err := applier.Apply(args, time.Now().UnixMilli()); err != nil {
			return nil, 0, err
		}
		fresh.Learn()
	}
	return fresh, applier.DB, nil
}

// newKeyspace makes an empty keyspace to be filled aside and put in place later.
func (v *Server) newKeyspace() *keyspace.Keyspace {
	return keyspace.New(keyspace.Options{Databases: v.opts.Databases, Limits: v.opts.Limits, HashSeed: rand.Uint64()})
}

// rescue keeps the log from offset on, which no other node has, in a file of RESP commands.
func (v *Server) rescue(offset int64, reason string) error {
	x := v.x
	x.appendPending()
	if x.logEnd <= offset {
		return nil
	}
	path := filepath.Join(v.opts.Dir, fmt.Sprintf("rescue-%d-%d-%d.resp", x.role.history.Last().Epoch, offset, x.nowMs))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("rescue file: %w", err)
	}
	if err = x.stream.ReadRange(file, offset, x.logEnd); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("rescue file %s: %w", path, err)
	}
	x.log.Warn("writes that no other node has were kept in a rescue file", "file", path, "bytes", x.logEnd-offset, "reason", reason)
	return nil
}

// BeginFullCopy prepares to take a copy into a second keyspace; the data in place are served until it is whole.
func (k *sink) BeginFullCopy(offset int64, history replication.History, reason string) (link.FullCopy, error) {
	x := k.v.x
	x.acquire(nil)
	defer x.release(nil)
	if k.dead {
		return nil, errLeft
	}
	x.log.Info("full copy begins", "offset", offset, "reason", reason)
	x.loading.copying = true
	ks := k.v.newKeyspace()
	ks.Track(x.opts.tracking())
	return &fullCopy{sink: k, ks: ks, offset: offset, history: history, reason: reason, began: time.Now()}, nil
}

// fullCopy is a copy on its way in. link.FullCopy. Nothing of the node changes before Commit.
type fullCopy struct {
	sink    *sink
	ks      *keyspace.Keyspace // this goroutine's alone until it is put in place
	offset  int64
	history replication.History
	reason  string
	db      int
	began   time.Time
	keys    int64
}

func (c *fullCopy) Load(r io.Reader, size int64) error {
	shown := newProgress(c.sink.v.log, "full copy", "bytes")
	info, err := rdb.Load(r, rdb.LoadOptions{Keyspace: c.ks, NowMs: time.Now().UnixMilli(), Progress: func(bytes int64) { shown.at(bytes, size) }})
	if err != nil {
		return err
	}
	if text, ok := info.Field("repl-stream-db"); ok {
		if c.db, err = strconv.Atoi(text); err != nil || c.db < 0 || c.db >= c.ks.Databases() {
			return fmt.Errorf("the copy's stream has selected database %q, this node has %d", text, c.ks.Databases())
		}
	}
	c.keys = info.Keys
	return nil
}

func (c *fullCopy) Abort() {
	x := c.sink.v.x
	x.acquire(nil)
	x.loading.copying = false
	x.release(nil)
}

// Commit makes the copy this node's data: first on disk, in one step, then in memory.
func (c *fullCopy) Commit() error {
	v, x := c.sink.v, c.sink.v.x
	defer c.Abort()
	v.link.copying.Lock()
	defer v.link.copying.Unlock()
	x.acquire(nil)
	dead := c.sink.dead
	var err error
	if !dead {
		err = v.rescueFork(c)
	}
	x.release(nil)
	if dead {
		return errLeft
	}
	if err != nil {
		return err
	}
	if err := v.storeCopy(c); err != nil {
		return err
	}
	x.acquire(nil)
	defer x.release(nil)
	if v.store == nil {
		if err := x.stream.Reset(c.offset); err != nil {
			return err
		}
	}
	x.useKeyspace(c.ks)
	x.role.history, x.logEnd = &c.history, c.offset
	x.streamDB, x.streamInMulti = c.db, false
	c.sink.applier.Reset(c.db)
	x.standbys.closeAll("this node took a full copy")
	x.touchAllWatchers(-1)
	x.log.Info("full copy done", "keys", c.keys, "offset", c.offset, "seconds", time.Since(c.began).Seconds())
	return nil
}

// rescueFork keeps what this node wrote beyond the fork from the copy's history, if it is of the same pair.
func (v *Server) rescueFork(c *fullCopy) error {
	x := v.x
	fork, _, common := x.role.history.ForkPoint(x.logEnd, c.history, c.offset)
	if !common || fork >= x.logEnd || fork < x.stream.Start() {
		return nil
	}
	return v.rescue(fork, c.reason)
}

// storeCopy writes the copy as a full checkpoint, with an empty log behind it. The owner appends nothing meanwhile: a
// standby's log is fed by its follower only, and that is this goroutine.
func (v *Server) storeCopy(c *fullCopy) error {
	if v.store == nil {
		return nil
	}
	w, err := v.store.NewCheckpoint(true)
	if err != nil {
		return err
	}
	rows := &rowSink{}
	frozen := c.ks.FreezeDirty(rows.add)
	for done := false; !done; {
		done = frozen.Step(1024)
		writeRows(w, rows.take())
	}
	history := c.history.Marshal()
	meta := persistence.Meta{Offset: c.offset, History: history, Extra: streamDBExtra(c.db), Keys: int(c.keys)}
	return w.Finish(v.link.context(), meta, persistence.FinishOptions{RestartLog: true, Rows: map[string][]byte{metaHistory: history}})
}
