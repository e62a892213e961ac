package server

import (
	"bytes"
	"io"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence/rdb"
)

// snapshot is the whole keyspace as of one log position, written as an RDB file piece by piece while commands go on.
// The owner fills buf, in slices or by copy on write; Stream empties it outside ownership, so that a slow reader slows the walk
// and nothing else.
type snapshot struct {
	v        *Server
	frozen   *keyspace.Frozen
	buf      bytes.Buffer
	w        *rdb.Writer
	err      error  // of the encoder: never, while buf takes everything
	ID       string // of the history at Offset
	Offset   int64
	StreamDB int
}

// freezeAll begins a snapshot of now.
func (v *Server) freezeAll() *snapshot {
	x := v.x
	snap := &snapshot{v: v}
	x.acquire(nil)
	defer x.release(nil)
	x.appendPending()
	x.encoder.Selected = -1 // who reads the log from here knows no database yet
	snap.ID, snap.Offset, snap.StreamDB = x.role.history.Last().ID, x.stateEnd(), x.streamDB
	version := rdb.VersionDefault
	if x.ks.HashesWithDeadlines() > 0 {
		version = rdb.VersionFieldDeadlines
	}
	snap.w = rdb.NewWriter(&snap.buf, rdb.WriteOptions{Version: version, Checksum: true, Access: x.savedAccess()})
	db := -1
	if !x.role.writable {
		db = x.streamDB
	}
	snap.w.Header(
		rdb.Aux{Name: "redis-ver", Value: RedisVersion}, rdb.Aux{Name: "redis-bits", Value: "64"},
		rdb.Aux{Name: "ctime", Value: strconv.FormatInt(x.now.Unix(), 10)}, rdb.Aux{Name: "used-mem", Value: strconv.FormatInt(x.memoryInUse(), 10)},
		rdb.Aux{Name: "repl-stream-db", Value: strconv.Itoa(max(db, 0))},
		rdb.Aux{Name: "repl-id", Value: x.role.history.Last().ID}, rdb.Aux{Name: "repl-offset", Value: strconv.FormatInt(x.stateEnd(), 10)},
		rdb.Aux{Name: "aof-base", Value: "0"},
	)
	snap.frozen = x.ks.FreezeAll(func(it *keyspace.Item) {
		if err := snap.w.Item(it); err != nil && snap.err == nil {
			snap.err = err
		}
	})
	return snap
}

// Stream walks the view and writes the file. The view is closed when it returns.
func (n *snapshot) Stream(out io.Writer) error {
	x := n.v.x
	var piece bytes.Buffer
	for done := false; !done; {
		x.acquireSlice()
		for began := time.Now(); !done && time.Since(began) < slice; {
			done = n.frozen.Step(16)
		}
		piece.Reset()
		if done {
			n.err = firstError(n.err, n.w.Footer())
		}
		piece.Write(n.buf.Bytes())
		n.buf.Reset()
		x.release(nil)
		if n.err != nil {
			n.Close()
			return n.err
		}
		if _, err := out.Write(piece.Bytes()); err != nil {
			n.Close()
			return err
		}
	}
	return nil
}

// Close gives the view up; harmless after Stream.
func (n *snapshot) Close() {
	n.v.x.acquire(nil)
	n.frozen.Close()
	n.v.x.release(nil)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
