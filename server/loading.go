package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
	"github.com/tandemkv/tandem/replication"
)

// loadState is INFO's view of a start-up.
type loadState struct {
	on          bool
	began       time.Time
	done, total int
	replayed    int64
	copying     bool // a full copy is on its way in
}

func (l *loadState) begin() { l.on, l.began = true, time.Now() }

// load brings the newest checkpoint and the log behind it into the keyspace. Clients are answered meanwhile, between slices.
func (v *Server) load() error {
	x := v.x
	if v.store == nil {
		if err := v.importRDB(); err != nil {
			return err
		}
		x.finishLoading(replication.History{}, 0)
		return nil
	}
	state := v.store.State()
	if !state.HasCheckpoint && state.LogEnd == 0 {
		return v.loadFirst()
	}
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
	shown := newProgress(v.log, "loading the checkpoint", "keys")
	n := 0
	rows := rowLoader{ks: x.ks}
	err := v.store.LoadCheckpoint(func(row persistence.Row) error {
		if n++; n&63 == 0 && time.Since(began) > slice {
			x.release(nil)
			x.acquire(nil)
			began = time.Now()
		}
		return rows.load(row)
	}, func(done, total int) {
		x.loading.done, x.loading.total = done, total
		shown.at(int64(done), int64(total))
	})
	return firstError(err, rows.end())
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
	shown := newProgress(v.log, "replaying the log", "bytes")
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
		x.ks.Learn()
		x.loading.replayed = feed.end - from
		shown.at(feed.end-from, to-from)
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

// loadFirst starts an empty store. An RDB file in the folder is taken over: that is how data move in from Redis.
func (v *Server) loadFirst() error {
	if err := v.importRDB(); err != nil {
		return err
	}
	v.x.finishLoading(replication.History{}, 0)
	if v.keys() == 0 {
		return nil
	}
	return v.checkpoint(context.Background()) // a later start must not depend on the file
}

// importRDB reads the RDB file of dir, if there is one, into an empty keyspace.
func (v *Server) importRDB() error {
	path := filepath.Join(v.opts.Dir, v.opts.DBFilename)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	size := int64(0)
	if stat, err := file.Stat(); err == nil {
		size = stat.Size()
	}
	began := time.Now()
	shown := newProgress(v.log, "reading the RDB file", "bytes")
	v.log.Info("reading an RDB file into the empty store", "file", path)
	info, err := rdb.Load(file, rdb.LoadOptions{Keyspace: x.ks, NowMs: x.nowMs, DropExpired: true, Progress: func(bytes int64) {
		shown.at(bytes, size)
		if time.Since(began) > slice { // let clients hear that the node is loading
			x.release(nil)
			x.acquire(nil)
			began = time.Now()
		}
	}})
	if err != nil {
		return fmt.Errorf("%s: %w; repair it (redis-check-rdb) or move it away", path, err)
	}
	x.loading.total = int(info.Keys)
	v.log.Info("RDB file read", "file", path, "keys", info.Keys, "expired", info.Expired)
	return nil
}
