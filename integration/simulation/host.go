package simulation

import (
	"fmt"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/replication"
)

// entryBytes is the size of one write in the abstract log.
const entryBytes = 7

// disk is what survives a kill.
type disk struct {
	ballot  failover.Ballot
	history replication.History
	entries int  // how many entries of the host's log are synced
	intact  bool // the last stop was in order
}

// host is a machine: a disk, a clock, and perhaps a process.
type host struct {
	cluster *Cluster
	index   int
	id      string
	witness bool
	voters  []failover.Voter
	rate    float64 // of its clock; 1 is exact
	synced  bool    // acknowledges only what is on its disk
	disk    disk

	// The log in memory; its first disk.entries entries are on disk as well.
	entries []uint64 // ids of the writes
	hashes  []uint64 // hash chain over them

	// The process. life counts its starts; what was scheduled for an earlier life is void.
	alive        bool
	life         int
	bootTime     int64
	pausedUntil  int64
	inbox        []func() // what arrived while it was paused
	stalledUntil int64    // the standby's stream is not read until then
	node         *failover.Node
	history      replication.History

	writable   bool
	lease      int64 // tick
	reign      uint64
	holdingFor string
	recorded   []string // the in-sync set that the voters know, as CommitSet said
	held       []func()
	pending    []pendingReply
	master     *replication.Master
	feeders    []*feeder
	link       *link
}

// pendingReply waits for the commit point.
type pendingReply struct {
	write  uint64
	index  int
	client *client
	try    int
}

func newHost(c *Cluster, index int, voters []failover.Voter, synced bool) *host {
	drift := 0.04 * (c.random.Float64() - 0.5)
	if c.mutated(WildClocks) {
		drift = 0.5 * (c.random.Float64() - 0.5)
	}
	return &host{cluster: c, index: index, id: voters[index].ID, witness: voters[index].Witness, voters: voters,
		rate: 1 + drift, synced: synced && !voters[index].Witness, disk: disk{intact: true}}
}

func (h *host) end() int64 { return int64(len(h.entries)) * entryBytes }

func (h *host) tick() int64 {
	return int64(float64(h.cluster.now-h.bootTime)*h.rate) / tickTime
}

func (h *host) moment() failover.Moment {
	if h.witness {
		return failover.Moment{Tick: h.tick()}
	}
	return failover.Moment{Tick: h.tick(), Position: h.history.PositionAt(h.end())}
}

// start begins a process from what is on the disk.
func (h *host) start() {
	if h.alive {
		return
	}
	c := h.cluster
	policy := failover.Majority
	if c.options.Variant == BareAvailable {
		policy = failover.Available
	}
	ballot := h.disk.ballot
	if c.mutated(ForgetPromise) {
		ballot.VotedFor = ""
	}
	if c.mutated(ForgetRecord) {
		ballot.Record = failover.Record{}
	}
	node, err := failover.New(failover.Config{ID: h.id, Pair: "sim", Voters: h.voters, Policy: policy, SyncDurability: c.sync(),
		Intact: h.disk.intact || h.synced || c.mutated(NoDoubt), Timing: failover.DefaultTiming(), Seed: c.random.Uint64()}, ballot)
	if err != nil {
		panic(err)
	}
	h.life++
	h.alive, h.bootTime, h.pausedUntil, h.stalledUntil, h.node = true, c.now, 0, 0, node
	h.history = h.disk.history.CutAt(h.end())
	h.disk.intact = false
	h.inbox = nil
	h.writable, h.reign, h.holdingFor, h.held, h.pending, h.master, h.feeders, h.link = false, 0, "", nil, nil, nil, nil, nil
	c.trace("%s starts, life %d, at %s", h.id, h.life, h.history.PositionAt(h.end()))
	h.onTick()
}

// kill ends the process; what was not synced is lost.
func (h *host) kill(why string) {
	if !h.alive {
		return
	}
	c := h.cluster
	c.stats.Kills++
	c.trace("%s is killed (%s), keeps %d of %d entries", h.id, why, h.disk.entries, len(h.entries))
	h.alive = false
	c.checker.lost(h, h.entries[h.disk.entries:])
	h.entries, h.hashes = h.entries[:h.disk.entries], h.hashes[:h.disk.entries]
	h.dropConns()
	for _, other := range c.hosts {
		if other != h {
			c.after(c.between(5*millisecond, 60*millisecond), func() { other.probe(h) })
		}
	}
}

// wipe replaces the disk of a dead host by an empty one.
func (h *host) wipe() {
	h.cluster.trace("%s gets an empty disk", h.id)
	h.cluster.wiped = true
	h.cluster.checker.lost(h, h.entries)
	h.entries, h.hashes, h.disk = nil, nil, disk{intact: true}
}

// probe finds out whether another host's process is gone, as the agent does: it
// notes the incarnation known, then tries to connect; the finding may come late.
func (h *host) probe(other *host) {
	c := h.cluster
	if !h.running() || (other.alive && !c.mutated(FalseGone)) || c.network.cut[h.index][other.index] || c.network.cut[other.index][h.index] || (c.options.Crash == NoCrash && c.chance(0.2)) {
		return
	}
	incarnation := uint64(0)
	for _, p := range h.node.Status().Peers {
		if p.ID == other.id {
			incarnation = p.Incarnation
		}
	}
	life := h.life
	c.after(c.between(0, 20*millisecond), func() {
		if h.alive && h.life == life {
			h.whenAwake(func() { h.step(failover.PeerGone{ID: other.id, Incarnation: incarnation}) })
		}
	})
}

// running reports whether the process lives and is not paused.
func (h *host) running() bool { return h.alive && h.cluster.now >= h.pausedUntil }

// whenAwake runs f now, or when a paused process wakes, in the order of arrival;
// never in another life.
func (h *host) whenAwake(f func()) {
	switch {
	case !h.alive:
	case h.running() && len(h.inbox) == 0:
		f()
	default:
		h.inbox = append(h.inbox, f)
		h.wakeAt(h.pausedUntil)
	}
}

// wakeAt makes a process that was paused take up what has arrived meanwhile.
func (h *host) wakeAt(at int64) {
	life := h.life
	h.cluster.after(max(0, at-h.cluster.now), func() {
		for h.life == life && h.running() && len(h.inbox) > 0 {
			f := h.inbox[0]
			h.inbox = h.inbox[1:]
			f()
		}
	})
}

func (h *host) onTick() {
	life := h.life
	h.step(failover.Tick{})
	if h.alive && !h.witness {
		h.tickData()
	}
	if !h.alive || h.life != life {
		return
	}
	next := h.bootTime + int64(float64((h.tick()+1)*tickTime)/h.rate) + 1
	h.cluster.after(next-h.cluster.now, func() {
		if h.life == life {
			h.whenAwake(h.onTick)
		}
	})
}

// tickData is the part of a tick that a witness does not have.
func (h *host) tickData() {
	c := h.cluster
	if !h.synced && c.chance(0.03) {
		h.syncDisk()
	}
	if h.link != nil {
		h.linkStep(replication.EventTick{})
	}
	if h.master == nil || !h.alive {
		return
	}
	if !c.mutated(SkipSync) {
		h.master.SetSynced(int64(h.disk.entries) * entryBytes)
	}
	wish, open := h.master.Evaluate(h.tick(), h.end())
	if c.mutated(TrustWish) {
		h.master.Recorded(wish.Number)
	}
	if h.master.WantsSync() {
		h.syncDisk()
	}
	if open {
		h.step(failover.InSyncWanted{Number: wish.Number, Set: wish.Set})
	}
	h.afterProgress()
}

func (h *host) syncDisk() { h.disk.entries = len(h.entries) }

func (h *host) receive(data []byte) {
	m, err := failover.DecodeMessage(data)
	if err != nil {
		h.cluster.checker.fail("%s cannot read a message: %v", h.id, err)
		return
	}
	h.cluster.trace("%s <- %s: %s", h.id, m.From, m)
	h.step(failover.Receive{Message: m})
}

// step hands one event to the core and does what it says. Now and then the
// process dies between two actions.
func (h *host) step(e failover.Event) {
	c := h.cluster
	c.stats.Steps++
	actions := h.node.Step(h.moment(), e)
	dies := -1
	if c.faulty && c.options.Crash == NoCrash && len(actions) > 0 && c.chance(0.0004) {
		dies = c.random.IntN(len(actions) + 1)
	}
	for i, a := range actions {
		if i == dies {
			break
		}
		if c.options.Trace {
			if _, isSend := a.(failover.Send); !isSend {
				c.trace("%s: %s", h.id, a)
			}
		}
		h.do(a)
	}
	if dies >= 0 {
		h.kill("between two actions")
		c.restartLater(h)
	}
}

func (h *host) do(a failover.Action) {
	c := h.cluster
	switch a := a.(type) {
	case failover.Persist:
		h.persist(a.Ballot)
	case failover.Send:
		c.sendMessage(h, c.host(a.To), a.Message)
	case failover.SealLog:
		if h.link != nil && h.link.conn != nil {
			h.link.conn.close()
		}
		h.link = nil
		if !c.mutated(SkipSync) {
			h.syncDisk()
		}
	case failover.BecomeMaster:
		h.becomeMaster(a)
	case failover.Follow:
		h.becomeStandby(a)
	case failover.Fence:
		if !c.mutated(IgnoreFence) {
			h.writable = false
		}
	case failover.Unfence:
		h.writable, h.lease = true, a.LeaseUntilTick
	case failover.ExtendLease:
		h.lease = a.UntilTick
	case failover.HoldWrites:
		h.holdingFor = a.To
	case failover.ReleaseWrites:
		h.holdingFor = ""
		waiting := h.held
		h.held = nil
		for _, f := range waiting {
			f()
		}
	case failover.CommitSet:
		if h.master != nil {
			h.master.Recorded(a.Number)
		}
		h.recorded = a.Record.Set
	case failover.SwitchoverEnded:
		if a.OK {
			c.stats.Switchovers++
		}
	case failover.Report:
	default:
		panic(fmt.Sprintf("unknown action %T", a))
	}
}

func (h *host) persist(b failover.Ballot) {
	h.cluster.checker.persisted(h, b)
	if h.cluster.mutated(SkipPersist) && h.disk.ballot.Epoch != 0 && b.Epoch != h.disk.ballot.Epoch {
		return
	}
	h.disk.ballot = b
}

// becomeMaster is the driver's promotion: a new history entry, durable, then writes.
func (h *host) becomeMaster(a failover.BecomeMaster) {
	c := h.cluster
	h.dropConns()
	h.link = nil
	h.reign, h.writable, h.lease = a.Epoch, true, a.LeaseUntilTick
	entry := replication.Entry{ID: c.newID(), Epoch: a.Epoch, Start: h.end()}
	if c.mutated(ReuseHistory) && len(h.history) > 0 {
		entry.ID = h.history.Last().ID
	} else {
		longer, err := h.history.Append(entry)
		if err != nil {
			c.checker.fail("%s cannot begin its reign: %v", h.id, err)
			return
		}
		h.history = longer
	}
	h.disk.history = h.history
	h.pending, h.recorded = nil, nil
	h.master = replication.NewMaster(replication.MasterConfig{Name: h.id, SyncDurability: c.sync(),
		SyncTimeoutTicks: 30, JoinLagBytesMax: 50 * entryBytes}, h.end())
	c.checker.reignBegins(h, a)
}

func (h *host) becomeStandby(a failover.Follow) {
	h.dropConns()
	h.writable, h.reign, h.master, h.pending = false, 0, nil, nil
	h.link = newLink(h, h.cluster.host(a.Master))
}

// write executes a client's write, if this host may; false is an error reply.
func (h *host) write(id uint64, cl *client, try int) {
	if h.holdingFor != "" {
		h.held = append(h.held, func() { h.write(id, cl, try) })
		return
	}
	if !h.writable || h.master == nil || (h.tick() >= h.lease && !h.cluster.mutated(IgnoreFence)) {
		cl.reply(try, false)
		return
	}
	h.cluster.checker.writes(h)
	h.append(id)
	h.cluster.checker.written(h, len(h.entries)-1)
	h.cluster.stats.Written++
	h.pending = append(h.pending, pendingReply{write: id, index: len(h.entries) - 1, client: cl, try: try})
	h.ship()
	h.afterProgress()
}

func (h *host) append(id uint64) {
	hash := chain(h.lastHash(), id)
	h.entries, h.hashes = append(h.entries, id), append(h.hashes, hash)
	if h.synced {
		h.syncDisk()
	}
}

func (h *host) lastHash() uint64 {
	if len(h.hashes) == 0 {
		return 0
	}
	return h.hashes[len(h.hashes)-1]
}

func chain(previous, id uint64) uint64 {
	x := (previous ^ id) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// afterProgress releases what the commit point allows, and answers HoldWrites.
func (h *host) afterProgress() {
	if h.master == nil || !h.running() {
		return
	}
	commit := h.master.CommitPoint(h.end())
	if h.cluster.mutated(IgnoreCommit) {
		commit = h.end()
	}
	released := 0
	for _, p := range h.pending {
		if int64(p.index+1)*entryBytes > commit {
			break
		}
		released++
		h.cluster.checker.acknowledged(h, p)
		p.client.reply(p.try, true)
	}
	h.pending = h.pending[released:]
	if h.holdingFor != "" && h.master.Level(h.holdingFor, h.end()) && h.node.Status().Switchover == "draining" {
		h.step(failover.Drained{Offset: h.end()})
	}
}

// leave stops the process in order.
func (h *host) leave() {
	h.step(failover.Leave{})
	if !h.alive {
		return
	}
	h.syncDisk()
	h.disk.intact = true
	h.alive = false
	h.dropConns()
	h.cluster.trace("%s has left", h.id)
}
