package server

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/replication"
	"github.com/tandemkv/tandem/replication/link"
)

// linkState is the link to this node's master. mu guards what is between it and the blank line.
type linkState struct {
	mu       sync.Mutex
	follower *link.Follower
	sink     *sink
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{} // closed when the follower has ended

	acks    chan struct{}
	copying sync.Mutex // held while a checkpoint or a copy is being written: the store takes one at a time
}

func (l *linkState) status() link.FollowerStatus {
	l.mu.Lock()
	f := l.follower
	l.mu.Unlock()
	if f == nil {
		return link.FollowerStatus{}
	}
	return f.Status()
}

func (l *linkState) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		return context.Background()
	}
	return l.ctx
}

// firstRole takes up the role that the options say. In a pair the node comes up fenced: the agent tells it more.
func (v *Server) firstRole() error {
	x := v.x
	if x.startFenced {
		x.acquire(nil)
		x.become(RoleFenced, "started; the pair decides")
		x.beginReign()
		x.release(nil)
		return nil
	}
	if of := v.opts.replicaOf; len(of) == 2 {
		port, err := strconv.Atoi(of[1])
		if err != nil {
			return fmt.Errorf("replicaof: port %q", of[1])
		}
		x.acquire(nil)
		x.beginReign()
		v.follow(x, of[0], port, "replicaof")
		x.release(nil)
		return nil
	}
	return v.Reign(0, time.Time{}, "stands alone")
}

// Reign makes the node the master, or renews its reign under a later epoch. A zero leaseUntil is a reign without lease.
// The follower has ended before the first write is taken.
func (v *Server) Reign(epoch uint64, leaseUntil time.Time, reason string) error {
	v.stopLink()
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	if x.streamInMulti {
		// The old master died in the middle of a transaction: its end is not known, so nothing of it is.
		if err := v.dropOpenTransaction(); err != nil {
			return err
		}
	}
	if err := v.newReign(epoch); err != nil {
		return err
	}
	x.role.lease.set(leaseUntil)
	x.role.masterHost, x.role.masterPort, x.role.linkUp = "", 0, false
	x.become(RoleMaster, reason)
	x.beginReign()
	x.standbys.closeAll("a new reign begins") // they come again and learn of the new history
	x.commitMoved()
	return nil
}

// SealLog ends the stream of the old master, and brings to disk what came of it: before the node may reign.
func (v *Server) SealLog() error {
	v.stopLink()
	if v.store == nil {
		return nil
	}
	return v.x.stream.Flush(context.Background())
}

// dropOpenTransaction cuts a MULTI without its EXEC off the log: it was never applied.
func (v *Server) dropOpenTransaction() error {
	x := v.x
	x.appendPending()
	v.log.Warn("the log ends inside a transaction: the rest is dropped", "from", x.wholeEnd, "to", x.logEnd)
	if v.store != nil {
		if err := x.stream.TruncateTo(x.wholeEnd); err != nil {
			return err
		}
	} else if err := x.stream.Reset(x.wholeEnd); err != nil {
		return err
	}
	x.logEnd, x.streamInMulti = x.wholeEnd, false
	return nil
}

// follow makes the node the standby of a master. The caller owns the keyspace.
func (v *Server) follow(x *executor, host string, port int, reason string) {
	was := x.role.role
	x.role.masterHost, x.role.masterPort = host, port
	x.role.linkUp, x.role.linkDown = false, x.now
	x.become(RoleStandby, reason)
	if was != RoleStandby {
		x.letClientsGo()
	}
	v.startLink(net.JoinHostPort(host, strconv.Itoa(port)))
}

// startLink ends the follower there is and starts one for another master.
func (v *Server) startLink(address string) {
	l := &v.link
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.done
	if l.cancel != nil {
		l.cancel()
		l.sink.dead = true
	}
	x := v.x
	if x.streamInMulti {
		if err := v.dropOpenTransaction(); err != nil {
			v.fatal(err)
		}
	}
	o := link.DefaultFollowerOptions(address)
	o.NodeID = x.nodeID
	o.Standby.Pair = x.pairName
	o.Standby.User, o.Standby.Password = x.opts.MasterUser, x.opts.MasterAuth
	o.Standby.ListeningPort, o.Standby.AnnounceIP = v.announcedPort(), x.opts.AnnounceHost
	o.Standby.TimeoutTicks = int64(x.opts.ReplTimeout / o.Tick)
	o.Standby.Eager = true
	o.OnChange = v.linkChanged
	o.Dial = v.dial
	sink := v.newSink()
	l.sink = sink
	l.follower = link.NewFollower(sink, o)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.done = make(chan struct{})
	ctx, done, follower := l.ctx, l.done, l.follower
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		if err := follower.Run(ctx); err != nil && ctx.Err() == nil {
			v.fatal(fmt.Errorf("following %s: %w", address, err))
		}
	}()
}

// stopLink ends the follower and waits for it. The caller does not own the keyspace.
func (v *Server) stopLink() {
	l := &v.link
	v.x.acquire(nil)
	l.mu.Lock()
	done := l.done
	if l.cancel != nil {
		l.cancel()
		l.sink.dead = true
	}
	l.follower, l.sink, l.cancel, l.ctx = nil, nil, nil, nil
	l.mu.Unlock()
	v.x.release(nil)
	if done != nil {
		<-done
	}
}

// linkChanged hears of the follower's states.
func (v *Server) linkChanged(status link.FollowerStatus) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	if x.role.linkUp && !status.Up {
		x.role.linkDown = x.now
	}
	x.role.linkUp = status.Up
	if status.State == replication.LinkSync || status.State == replication.LinkConnected {
		v.log.Info("link to the master", "address", status.Address, "state", status.State.String(), "decision", status.Decision)
		return
	}
	v.log.Debug("link to the master", "address", status.Address, "state", status.State.String(), "last_error", status.LastError)
}

func (v *Server) announcedPort() int {
	if v.opts.AnnouncePort != 0 {
		return v.opts.AnnouncePort
	}
	return v.Port(PortNode)
}

// Fence refuses writes from now on.
func (v *Server) Fence(reason string) {
	x := v.x
	x.role.lease.end() // in force at once, whatever the owner is busy with
	x.acquire(nil)
	defer x.release(nil)
	if x.role.is(RoleMaster) {
		x.become(RoleFenced, reason)
	}
}

// Unfence accepts writes again in the same reign.
func (v *Server) Unfence(leaseUntil time.Time, reason string) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.role.lease.set(leaseUntil)
	x.become(RoleMaster, reason)
}

// ExtendLease moves the end of the lease. It never waits.
func (v *Server) ExtendLease(leaseUntil time.Time) { v.x.role.lease.set(leaseUntil) }

// Follow makes the node a standby. An empty address: it stands by until there is one.
func (v *Server) Follow(address, reason string) error {
	x := v.x
	if address == "" {
		v.stopLink()
		x.acquire(nil)
		defer x.release(nil)
		was := x.role.role
		x.role.masterHost, x.role.masterPort, x.role.linkUp = "", 0, false
		x.become(RoleStandby, reason)
		if was != RoleStandby {
			x.letClientsGo()
		}
		return nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	x.acquire(nil)
	defer x.release(nil)
	v.follow(x, host, port, reason)
	return nil
}

// OnDurability and OnHealth set who is told that CONFIG SET changed durability, and how the disk is. Once, before Start.
func (v *Server) OnDurability(tell func(on bool)) { v.x.tellDurability = tell }

// OnHealth: see OnDurability.
func (v *Server) OnHealth(tell func(healthy bool, reason string)) { v.x.tellHealth = tell }

// Intact says that the data hold everything this node ever acknowledged: it was shut down in order, or acknowledges only
// what is on its disk.
func (v *Server) Intact() bool {
	return v.store != nil && (v.closedInOrder || v.fsync() == persistence.FsyncAlways)
}

// StandbyLag is the time since a standby's last acknowledgement, in seconds.
func (v *Server) StandbyLag(node string) (seconds float64, ok bool) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	for _, f := range x.standbys.feeds {
		if info := f.feeder.Info(); f.facts.NodeID == node && !info.LastAck.IsZero() {
			return x.now.Sub(info.LastAck).Seconds(), true
		}
	}
	return 0, false
}

// Crash cuts off clients and standbys at once, and lets Close leave the disk as it is: nothing is acknowledged from now on.
func (v *Server) Crash() {
	v.closePorts()
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.noFinalSave, v.crashing = true, true
	x.standbys.closeAll("the node leaves its master")
	for _, s := range x.sessions {
		x.kill(s, "the node was killed")
	}
}

// OnInSyncWanted sets who is told of the in-sync set that this node wants recorded. Once, before Start.
func (v *Server) OnInSyncWanted(want func(number uint64, set []string)) { v.x.standbys.want = want }

// CommitSet says that the wish with this number is recorded.
func (v *Server) CommitSet(number uint64) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.standbys.recorded(x, number)
}

// Role is this node's role and whether it has its master's stream.
func (v *Server) Role() (role Role, linkUp bool) {
	v.x.acquire(nil)
	defer v.x.release(nil)
	return v.x.role.role, v.x.role.linkUp
}
