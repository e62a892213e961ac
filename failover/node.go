package failover

import (
	"fmt"
	"slices"

	"github.com/tandemkv/tandem/replication"
)

// Node is one voter. It is a plain value: Step changes it, Clone forks it. It
// belongs to the one goroutine of its driver.
type Node struct {
	config Config
	ballot Ballot
	saved  Ballot // the ballot as of the last Persist

	role       Role
	roleReason string
	roleTick   int64

	at        Moment // of the step under way
	booted    bool
	startTick int64
	seq       uint64 // of the last message sent
	random    uint64
	sync      bool
	doubt     doubt
	healthy   bool
	sickness  string
	sickTick  int64

	peers     []peer // the other voters, in the order of the configuration
	promise   promise
	follow    following
	reign     reign
	campaign  campaign
	search    search
	handover  handover
	strangers []stranger // peers already reported as rejected

	actions []Action
}

// New makes a node from what its disk remembers. Nothing happens before the
// first Step. The zero Ballot stands for an empty disk.
func New(config Config, ballot Ballot) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	n := &Node{config: config, ballot: ballot, saved: ballot, sync: config.SyncDurability,
		healthy: true, random: config.Seed}
	for _, v := range config.Voters {
		if v.ID != config.ID {
			n.peers = append(n.peers, peer{Voter: v, ackedSentTick: never})
		} else if v.Witness {
			n.role = Witness
		}
	}
	n.roleReason = "just started"
	return n, nil
}

// Clone returns an independent copy, for tests that try several futures.
func (n *Node) Clone() *Node {
	fork := *n
	fork.peers = slices.Clone(n.peers)
	fork.strangers = slices.Clone(n.strangers)
	fork.actions = nil
	return &fork
}

// Step takes one event and returns what to do, in order. The actions belong to
// the caller.
func (n *Node) Step(at Moment, event Event) []Action {
	if n.booted && at.Tick < n.at.Tick {
		panic(fmt.Sprintf("failover: time went back from tick %d to %d", n.at.Tick, at.Tick))
	}
	n.at, n.actions = at, nil
	if !n.booted {
		n.boot()
	}
	if n.role == Stopped {
		return nil
	}
	n.checkLease()
	n.resolveDoubt()
	n.dispatch(event)
	n.persist()
	return n.actions
}

func (n *Node) dispatch(event Event) {
	switch e := event.(type) {
	case Tick:
		n.tick()
	case Receive:
		n.receive(e.Message)
	case PeerGone:
		n.peerGone(e)
	case InSyncWanted:
		n.wantRecord(e)
	case SyncDurabilityChanged:
		n.changeDurability(e.On)
	case SwitchoverWanted:
		n.beginSwitchover(e.To, "ordered")
	case Drained:
		n.drained()
	case HealthChanged:
		n.changeHealth(e)
	case TakeoverWanted:
		n.takeover()
	case Leave:
		n.leave()
	default:
		panic(fmt.Sprintf("failover: unknown event %T", event))
	}
}

// boot is the first thing a process does: it takes a new incarnation, and
// behaves as if it had promised just before the crash.
func (n *Node) boot() {
	n.booted = true
	n.startTick, n.roleTick = n.at.Tick, n.at.Tick
	n.ballot.Incarnation++
	lostMemory := n.ballot.Fresh() || n.at.Position.Epoch > n.ballot.Epoch
	if lostMemory {
		n.ballot.Lost = true
	}
	if n.hasData() && (!n.config.Intact || n.at.Position.Epoch > n.ballot.Epoch) {
		n.ballot.Doubtful = true
	}
	if n.ballot.VotedFor != "" && n.ballot.VotedFor != n.config.ID {
		n.promise = promise{to: n.ballot.VotedFor, unknown: true, untilTick: n.promiseEnd()}
	}
	n.persist()
	if n.ballot.Lost && !n.ballot.Fresh() {
		n.report("the ballot is older than the data, or was lost: this node votes after it has heard from every other voter")
	}
	n.search.nextAskTick = n.at.Tick
}

func (n *Node) tick() {
	n.restoreMemory()
	n.tickReign()
	n.tickSwitchover()
	n.tickCampaign()
	n.tickSearch()
}

// persist puts the ballot on disk if it has changed since it was last there.
func (n *Node) persist() {
	if n.ballot.Epoch < n.saved.Epoch || n.ballot.Incarnation < n.saved.Incarnation {
		panic(fmt.Sprintf("failover: ballot would go back from %+v to %+v", n.saved, n.ballot))
	}
	b, s := n.ballot, n.saved
	if b.Record.equal(s.Record) && b.Incarnation == s.Incarnation && b.Epoch == s.Epoch && b.VotedFor == s.VotedFor &&
		b.VotedSync == s.VotedSync && b.Reign == s.Reign && b.Lost == s.Lost && b.Doubtful == s.Doubtful {
		return
	}
	n.saved = n.ballot
	n.do(Persist{Ballot: n.ballot})
}

func (n *Node) do(a Action) { n.actions = append(n.actions, a) }

func (n *Node) report(format string, args ...any) {
	n.do(Report{Text: fmt.Sprintf(format, args...)})
}

// hasData reports whether this voter is a data node.
func (n *Node) hasData() bool { return n.role != Witness }

// position is how far this node's data reach. Between the decision to reign and
// the driver's new history entry, the data already belong to the new reign.
func (n *Node) position() replication.Position {
	p := n.at.Position
	if n.reign.epoch > p.Epoch {
		p.Epoch = n.reign.epoch
	}
	return p
}

// send completes a message with the sender's view and hands it out. Whatever the
// ballot says is on disk before anyone is told.
func (n *Node) send(to *peer, m Message) {
	n.persist()
	n.seq++
	m.Protocol, m.Pair, m.From = ProtocolVersion, n.config.Pair, n.config.ID
	m.Incarnation, m.Seq, m.ToIncarnation = n.ballot.Incarnation, n.seq, to.incarnation
	m.Role, m.Epoch, m.Reign, m.Record = n.role, n.ballot.Epoch, n.ballot.Reign, n.ballot.Record
	m.Position, m.Healthy, m.Doubtful = n.position(), n.healthy, n.ballot.Doubtful
	m.Fresh, m.Master = n.ballot.pristine(n.config.ID), n.masterID()
	n.do(Send{To: to.ID, Message: m})
}

func (n *Node) sendAll(m Message) {
	for i := range n.peers {
		n.send(&n.peers[i], m)
	}
}

// masterID is the master as this node knows it, itself included.
func (n *Node) masterID() string {
	if n.reign.epoch != 0 {
		return n.config.ID
	}
	return n.follow.master
}

// draw returns a number in [low, high] from the seeded source (splitmix64).
func (n *Node) draw(low, high int64) int64 {
	n.random += 0x9e3779b97f4a7c15
	z := n.random
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	z ^= z >> 31
	return low + int64(z%uint64(high-low+1))
}

// changeHealth notes the driver's word about the disk.
func (n *Node) changeHealth(e HealthChanged) {
	if n.healthy && !e.Healthy {
		n.sickTick = n.at.Tick
		n.report("this node is sick: %s", e.Reason)
	} else if !n.healthy && e.Healthy {
		n.report("this node is well again")
	}
	n.healthy, n.sickness = e.Healthy, e.Reason
}

// leave fences, says goodbye and ends all part in the pair.
func (n *Node) leave() {
	n.endSwitchover(false, "the node leaves")
	if n.role == Master {
		n.fence("the node leaves")
	}
	n.campaign, n.reign = campaign{}, reign{}
	n.becomeRole(Stopped, "the node leaves")
	n.sendAll(Message{Kind: Goodbye, Term: n.ballot.Epoch, Reason: "the node leaves"})
}
