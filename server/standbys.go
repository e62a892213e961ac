package server

import (
	"context"
	"io"
	"net"
	"sort"
	"time"

	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/replication"
	"github.com/tandemkv/tandem/replication/link"
)

// standbys is what the owner knows of those that follow this node.
type standbys struct {
	began  time.Time
	master *replication.Master // the bookkeeping; a new one for each reign
	feeds  map[uint64]*standbyFeed
	lastID uint64
	// want hands a wished in-sync set to the voters; nil: there are none, and it counts as recorded.
	want func(number uint64, set []string)
	asks bool // somebody WAITs: standbys are asked for an acknowledgement at once
}

type standbyFeed struct {
	feeder *link.Feeder
	facts  link.Facts
	remote string
}

// replicaFacts is what a session told by REPLCONF, before it became a standby's link.
type replicaFacts struct {
	link.Facts
	feeding bool
}

// tickLength is that of the replication core's ticks here.
const tickLength = 10 * time.Millisecond

const (
	syncTimeout     = 500 * time.Millisecond // a standby that owes an acknowledgement for longer is left out
	joinLagBytesMax = 1 << 20
)

func (b *standbys) tick(now time.Time) int64 { return int64(now.Sub(b.began) / tickLength) }

func (b *standbys) any() bool { return len(b.feeds) > 0 }

// beginReign starts the bookkeeping of a reign. Links that stand already go over to it.
func (x *executor) beginReign() {
	b := &x.standbys
	b.master = replication.NewMaster(replication.MasterConfig{
		Name: x.nodeID, SyncDurability: x.opts.Durability == DurabilityStandby,
		SyncTimeoutTicks: int64(syncTimeout / tickLength), JoinLagBytesMax: joinLagBytesMax,
	}, x.logEnd)
	for id, f := range b.feeds {
		info := f.feeder.Info()
		b.master.Attach(b.tick(x.now), id, f.facts.NodeID, info.State, max(info.Acked, 0))
	}
}

func (x *executor) applyDurability() {
	x.promises.standbys = x.opts.Durability == DurabilityStandby
	x.standbys.master.SetDurability(x.promises.standbys)
	if on := x.promises.standbys; x.tellDurability != nil {
		go x.tellDurability(on)
	}
	x.commitMoved()
}

// commitOffset is the part of the commit point that standbys decide.
func (b *standbys) commitOffset(x *executor) int64 { return b.master.CommitPoint(x.logEnd) }

// evaluate lets the core look at all standbys, and hands its wish on.
func (b *standbys) evaluate(x *executor) {
	if !x.role.is(RoleMaster) {
		return
	}
	if x.server.store != nil {
		b.master.SetSynced(x.stream.Synced())
	}
	wish, open := b.master.Evaluate(b.tick(x.now), x.logEnd)
	if b.master.WantsSync() {
		x.server.syncSoon(x.logEnd)
	}
	switch {
	case !open:
		return
	case b.want != nil:
		x.later(func() { b.want(wish.Number, wish.Set) })
	default:
		b.recorded(x, wish.Number)
	}
}

func (b *standbys) recorded(x *executor, number uint64) {
	b.master.Recorded(number)
	x.commitMoved()
}

// acknowledged notes what a standby has. It runs on the feeder's goroutine.
func (v *Server) acknowledged(id uint64, offset, synced int64) error {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	if x.opts.StandbyAck == AckDisk && synced >= 0 {
		offset = min(offset, synced)
	}
	if err := x.standbys.master.Ack(x.standbys.tick(x.now), id, offset, x.logEnd); err != nil {
		return err
	}
	x.commitMoved()
	x.checkDrained()
	return nil
}

// acked counts the standbys that have an offset, for WAIT.
func (x *executor) acked(offset int64) int { return x.standbys.master.AckedBy(offset) }

// good counts the standbys that min-replicas-to-write accepts.
func (b *standbys) good(x *executor) (n int) {
	for _, f := range b.feeds {
		info := f.feeder.Info()
		if info.State == replication.FeedOnline && x.now.Sub(info.LastAck) <= x.opts.MinReplicasMaxLag {
			n++
		}
	}
	return n
}

// sorted gives the links in the order of their arrival.
func (b *standbys) sorted() []uint64 {
	ids := make([]uint64, 0, len(b.feeds))
	for id := range b.feeds {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// closeAll ends all links; the standbys come again and learn why.
func (b *standbys) closeAll(reason string) {
	for _, f := range b.feeds {
		f.feeder.Close(reason)
	}
}

// feed serves a connection that asked for the stream, until it ends.
func (v *Server) feed(conn net.Conn, unread []byte, facts link.Facts, request link.Request) {
	x := v.x
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	remote := conn.RemoteAddr().String()
	x.acquire(nil)
	select {
	case <-v.stopping: // nobody would end this link any more
		x.release(nil)
		conn.Close()
		return
	default:
	}
	b := &x.standbys
	b.lastID++
	id := b.lastID
	o := link.DefaultFeederOptions()
	o.Link, o.Timeout, o.SpoolDir = id, x.opts.ReplTimeout, x.opts.Dir
	o.OnState = v.feedState
	o.OnAck = v.acknowledged
	f := &standbyFeed{facts: facts, remote: remote}
	f.feeder = link.NewFeeder(ctx, conn, unread, facts, request, source{v}, o)
	b.feeds[id] = f
	for _, old := range b.master.Attach(b.tick(x.now), id, facts.NodeID, replication.FeedWaitCopy, 0) {
		if replaced := b.feeds[old]; replaced != nil {
			replaced.feeder.Close("the same standby has come again")
		}
	}
	x.encoder.Selected = -1
	x.release(nil)
	v.log.Info("standby asks to be fed", "addr", remote, "node", facts.NodeID, "port", facts.ListeningPort)
	err := f.feeder.Run()
	x.acquire(nil)
	delete(b.feeds, id)
	b.master.Detach(id)
	x.commitMoved()
	x.release(nil)
	v.log.Info("standby left", "addr", remote, "node", facts.NodeID, "reason", err)
}

// feedState notes how far a link has come.
func (v *Server) feedState(id uint64, state replication.FeedState) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.standbys.master.SetState(x.standbys.tick(x.now), id, state)
	f := x.standbys.feeds[id]
	if f == nil {
		return
	}
	v.log.Info("standby", "addr", f.remote, "node", f.facts.NodeID, "state", state.String(), "decision", f.feeder.Info().Decision)
	switch state {
	case replication.FeedWaitCopy:
		x.stats.syncFull++
		if f.facts.Psync2 {
			x.stats.syncPartialErr++
		}
	case replication.FeedOnline:
		if f.feeder.Info().CopyBytes == 0 {
			x.stats.syncPartialOK++
		}
	}
}

// source is what a feeder needs of this node. link.Source.
type source struct{ v *Server }

func (o source) Extent() (replication.History, replication.Range) {
	x := o.v.x
	x.acquire(nil)
	defer x.release(nil)
	x.appendPending()
	return *x.role.history, replication.Range{Start: x.stream.Start(), End: x.logEnd}
}

func (o source) NewReader(from int64) (link.LogReader, error) {
	o.v.x.acquire(nil)
	stream := o.v.x.stream
	o.v.x.release(nil)
	reader, err := stream.NewReader(from)
	if err != nil {
		return nil, err
	}
	return logReader{reader, stream}, nil
}

// Snapshot begins a full copy.
func (o source) Snapshot(ctx context.Context) (link.Snapshot, error) {
	snap := o.v.freezeAll()
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.CloseWithError(snap.Stream(in))
	}()
	return link.Snapshot{ID: snap.ID, Offset: snap.Offset, Body: snapshotBody{out, done}}, nil
}

// snapshotBody ends the walk when its reader gives up.
type snapshotBody struct {
	*io.PipeReader
	done chan struct{}
}

func (b snapshotBody) Close() error {
	err := b.PipeReader.Close()
	<-b.done
	return err
}

// logReader is link.LogReader on the node's log.
type logReader struct {
	*persistence.LogReader
	stream *persistence.Log
}

func (r logReader) Wait(ctx context.Context) error { return r.stream.Wait(ctx, r.Offset()) }
