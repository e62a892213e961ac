package server

import (
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence/rdb"
)

// snapshot is the whole keyspace as of one log position, written as an RDB file piece by piece while commands go on.
// The owner fills buf, in slices or by copy on write; Stream empties it outside ownership, so that a slow reader slows the walk
// and nothing else. What waits for him is the owner's.
type snapshot struct {
	v        *Server
	frozen   *keyspace.Frozen
	buf      pieces
	peak     int64 // of what waited, in bytes
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
	snap.w = rdb.NewWriter(&snap.buf, rdb.WriteOptions{Version: version, Open: true, Access: x.savedAccess()})
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
	x.snapshots = append(x.snapshots, snap)
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
	defer n.leave()
	sum := rdb.NewSumming(out)
	var ready [][]byte
	for done := false; !done; {
		x.acquireSlice()
		for began := time.Now(); !done && time.Since(began) < slice; {
			done = n.frozen.Step(16)
		}
		if done {
			n.err = firstError(n.err, n.w.Footer())
		}
		n.peak = max(n.peak, n.waiting())
		ready = n.buf.exchange(ready)
		x.release(nil)
		if n.err != nil {
			return n.err
		}
		for _, piece := range ready {
			if _, err := sum.Write(piece); err != nil {
				return err
			}
		}
	}
	return sum.End()
}

// waiting is the memory that the snapshot takes: what was written and not sent, and parts of values as they were.
func (n *snapshot) waiting() int64 { return n.buf.bytes + n.frozen.CopiedBytes() }

// cowBytes is that of all snapshots; a checkpoint's view keeps parts of values too.
func (x *executor) cowBytes() int64 {
	bytes := x.ks.CopiedBytes()
	for _, n := range x.snapshots {
		bytes += n.buf.bytes
	}
	return bytes
}

// cowPeak is the most that one of the snapshots had waiting so far.
func (x *executor) cowPeak() (bytes int64) {
	for _, n := range x.snapshots {
		bytes = max(bytes, n.peak, n.waiting())
	}
	return bytes
}

// leave gives the view up, if it is not done.
func (n *snapshot) leave() {
	x := n.v.x
	x.acquire(nil)
	defer x.release(nil)
	n.frozen.Close()
	x.snapshots = slices.DeleteFunc(x.snapshots, func(other *snapshot) bool { return other == n })
}

// pieces takes what is written in pieces of equal size, so that no write copies what was written before, however much waits.
type pieces struct {
	full  [][]byte
	last  []byte
	bytes int64
	spare [][]byte // empty ones, to be used again
}

const (
	pieceBytesMax = 128 << 10
	piecesSpare   = 16
)

func (p *pieces) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		if len(p.last) == cap(p.last) {
			if p.last != nil {
				p.full = append(p.full, p.last)
			}
			p.last = p.empty()
		}
		n := min(len(rest), cap(p.last)-len(p.last))
		p.last = append(p.last, rest[:n]...)
		rest = rest[n:]
	}
	p.bytes += int64(len(b))
	return len(b), nil
}

func (p *pieces) empty() (piece []byte) {
	n := len(p.spare)
	if n == 0 {
		return make([]byte, 0, pieceBytesMax)
	}
	piece, p.spare = p.spare[n-1][:0], p.spare[:n-1]
	return piece
}

// exchange takes all out, and takes back what was taken out before.
func (p *pieces) exchange(used [][]byte) [][]byte {
	all := p.full
	if len(p.last) > 0 {
		all = append(all, p.last)
	}
	*p = pieces{spare: append(p.spare, used[:min(len(used), piecesSpare-len(p.spare))]...)}
	return all
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
