package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
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

// loadState is INFO's view of a start-up.
type loadState struct {
	on          bool
	began       time.Time
	done, total int
	replayed    int64
	copying     bool // a full copy is on its way in
}

func (l *loadState) begin() { l.on, l.began = true, time.Now() }

// openStore opens what is on disk, or a log in memory.
func (v *Server) openStore() error {
	o := v.opts
	if !o.AppendOnly {
		v.x.stream = persistence.NewMemoryLog(0, o.ReplBacklogBytes)
		v.x.stream.OnProgress(v.logMoved)
		return nil
	}
	store, err := persistence.Open(persistence.Options{
		Dir: filepath.Join(o.Dir, "tandem-data"), Fsync: fsyncOf(o.AppendFsync), RetainBytes: o.LogRetainBytes, RetainAge: o.LogRetain,
		TailBytes: o.ReplBacklogBytes,
		Logf:      func(format string, args ...any) { v.log.Info(fmt.Sprintf(format, args...)) },
		OnError:   v.diskFailed,
	})
	if err != nil {
		return err
	}
	v.store = store
	v.x.stream = store.Log()
	v.x.stream.OnProgress(v.logMoved)
	v.x.promises.fsync = o.AppendFsync == FsyncAlways
	mark, err := store.Meta(metaInOrder)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	if v.closedInOrder = len(mark) > 0; v.closedInOrder {
		return store.PutMeta(metaInOrder, nil, true)
	}
	return nil
}

func fsyncOf(word string) persistence.Fsync {
	switch word {
	case FsyncAlways:
		return persistence.FsyncAlways
	case FsyncNo:
		return persistence.FsyncNo
	}
	return persistence.FsyncEverySec
}

func (v *Server) applyFsync() {
	v.x.promises.fsync = v.store != nil && v.opts.AppendFsync == FsyncAlways
	if v.store != nil {
		v.store.SetFsync(fsyncOf(v.opts.AppendFsync))
	}
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

// load brings the newest checkpoint and the log behind it into the keyspace. Clients are answered meanwhile, between slices.
func (v *Server) load() error {
	x := v.x
	if v.store == nil {
		x.finishLoading(replication.History{}, 0)
		return nil
	}
	state := v.store.State()
	history, err := v.storedHistory(state)
	if err != nil {
		return err
	}
	streamDB := 0
	if state.HasCheckpoint {
		if err := v.loadCheckpoint(); err != nil {
			return err
		}
		streamDB = streamDBOf(state.Meta)
	}
	end, streamDB, err := v.replay(state.Meta.Offset, state.LogEnd, streamDB)
	if err != nil {
		return err
	}
	if end < state.LogEnd {
		v.log.Warn("the log ends inside a command: the rest is dropped", "dir", v.opts.Dir, "from", end, "to", state.LogEnd)
		if err := v.x.stream.TruncateTo(end); err != nil {
			return err
		}
	}
	x.acquire(nil)
	x.streamDB = streamDB
	x.release(nil)
	x.finishLoading(history.CutAt(end), end)
	v.log.Info("data loaded", "keys", v.keys(), "position", end, "seconds", time.Since(x.loading.began).Seconds())
	return nil
}

func (v *Server) storedHistory(state persistence.State) (replication.History, error) {
	raw, err := v.store.Meta(metaHistory)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		raw = state.Meta.History
	}
	if raw == nil {
		return nil, nil
	}
	history, err := replication.UnmarshalHistory(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: the list of histories: %w; restore the folder, or empty it to copy all from the master", v.opts.Dir, err)
	}
	return history, nil
}

func (v *Server) loadCheckpoint() error {
	x := v.x
	x.acquire(nil)
	defer func() { x.ks.MarkClean(); x.release(nil) }()
	began := time.Now()
	n := 0
	return v.store.LoadCheckpoint(func(db int, key, value []byte) error {
		if n++; n&63 == 0 && time.Since(began) > slice {
			x.release(nil)
			x.acquire(nil)
			began = time.Now()
		}
		return loadRow(x.ks, db, key, value)
	}, func(done, total int) {
		x.loading.done, x.loading.total = done, total
	})
}

// loadRow puts one row of a checkpoint into a keyspace: the deadline, then the value as rdb encodes it.
func loadRow(ks *keyspace.Keyspace, db int, key, value []byte) error {
	if db >= ks.Databases() || len(value) < 8 {
		return fmt.Errorf("checkpoint row of key %q in database %d: this node has %d databases, the row %d bytes", key, db, ks.Databases(), len(value))
	}
	ks.Begin(0, keyspace.ExpiryIgnore)
	defer ks.End()
	return rdb.DecodeValue(ks.DB(db), key, int64(binary.BigEndian.Uint64(value)), value[8:])
}

// replay applies the log from the checkpoint to its end. It gives the end of the last whole transaction.
func (v *Server) replay(from, to int64, db int) (end int64, streamDB int, err error) {
	x := v.x
	reader, err := x.stream.NewReader(from)
	if err != nil {
		return 0, 0, err
	}
	defer reader.Close()
	x.acquire(nil)
	defer x.release(nil)
	applier := &command.Applier{Engine: x.engine, Table: x.table, DB: db}
	began := time.Now()
	feed := logFeed{reader: reader, end: from}
	streamDB, end = db, from
	for {
		args, err := feed.next()
		if err != nil {
			return 0, 0, err
		}
		if args == nil {
			return end, streamDB, nil
		}
		if err := applier.Apply(args, x.nowMs); err != nil {
			return 0, 0, fmt.Errorf("%s: log offset %d: %w", v.opts.Dir, feed.end, err)
		}
		x.loading.replayed = feed.end - from
		if !applier.InMulti() {
			end, streamDB = feed.end, applier.DB
		}
		if time.Since(began) > slice {
			x.release(nil)
			x.acquire(nil)
			began = time.Now()
		}
	}
}

// logFeed cuts log bytes into commands.
type logFeed struct {
	reader interface{ Read([]byte) (int, error) }
	parser resp.Reader
	buf    []byte
	start  int
	end    int64 // offset behind the last command
}

// next gives the next whole command; nil at the end of the log. The words are valid until the next call.
func (f *logFeed) next() ([][]byte, error) {
	for {
		args, used, err := f.parser.Next(f.buf[f.start:])
		if err != nil {
			return nil, fmt.Errorf("log offset %d: %w", f.end, err)
		}
		if used > 0 {
			f.start += used
			f.end += int64(used)
			if len(args) == 0 {
				continue
			}
			return args, nil
		}
		f.buf = f.buf[:copy(f.buf, f.buf[f.start:])]
		f.start = 0
		have := len(f.buf)
		f.buf = append(f.buf, make([]byte, max(64<<10, f.parser.NeedBytes()-have))...)
		n, err := f.reader.Read(f.buf[have:])
		f.buf = f.buf[:have+n]
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, nil
		}
	}
}

func (x *executor) finishLoading(history replication.History, end int64) {
	x.acquire(nil)
	x.role.history = &history
	x.logEnd = end
	x.loading.on = false
	x.release(nil)
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

// saveState is INFO's view of checkpoints and exports, and what BGSAVE waits for.
type saveState struct {
	running     bool
	exporting   bool
	lastAt      time.Time
	lastOK      bool
	lastSeconds float64
	dirtyAt     int64 // keyspace.Dirty at the last save
	done, total int
	exports     int64
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
	if err != nil {
		return err
	}
	sink := &rowSink{}
	x.acquire(nil)
	if x.logEnd == v.store.State().Meta.Offset && v.store.State().HasCheckpoint {
		x.release(nil)
		return w.Abort()
	}
	x.appendPending()
	meta := x.checkpointMeta()
	frozen := x.ks.FreezeDirty(sink.add)
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

// rowSink gathers frozen items as checkpoint rows. The owner fills it, in slices or by copy on write; walk empties it.
type rowSink struct {
	rows []checkpointRow
	data []byte
}

type checkpointRow struct {
	db         int
	key, value []byte
	kind       rowKind
}

type rowKind uint8

const (
	rowPut rowKind = iota
	rowDelete
	rowFlush
)

func (k *rowSink) add(it *keyspace.Item) {
	row := checkpointRow{db: it.DB, key: bytes.Clone(it.Key)}
	switch {
	case it.Flush:
		row.kind = rowFlush
	case it.Kind == keyspace.KindNone:
		row.kind = rowDelete
	default:
		row.value = rdb.EncodeValue(binary.BigEndian.AppendUint64(nil, uint64(it.DeadlineMs)), it)
	}
	k.rows = append(k.rows, row)
}

// walk drives a frozen view in slices and hands its rows to the checkpoint outside ownership.
func (v *Server) walk(frozen *keyspace.Frozen, sink *rowSink, w *persistence.CheckpointWriter) error {
	x := v.x
	for done := false; !done; {
		x.acquire(nil)
		for began := time.Now(); !done && time.Since(began) < slice; {
			done = frozen.Step(16)
		}
		rows := sink.rows
		sink.rows = nil
		x.save.done, x.save.total = frozen.Progress()
		x.release(nil)
		for i := range rows {
			r := &rows[i]
			switch r.kind {
			case rowFlush:
				w.DeleteAll(r.db)
			case rowDelete:
				w.Delete(r.db, r.key)
			default:
				w.Put(r.db, r.key, r.value)
			}
		}
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
	if err = snap.Stream(file); err != nil {
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
