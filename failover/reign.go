package failover

import (
	"fmt"
	"slices"
)

// reign is what a node holds while it is master or fenced; zero otherwise.
type reign struct {
	epoch          uint64
	leaseUntilTick int64
	// floorTick: answers to messages sent up to it do not count for the lease;
	// the promises behind them were released in a switchover.
	floorTick         int64
	nextHeartbeatTick int64
	// commit is the newest record that a quorum has on disk.
	commit Record
	// wish is the number of the latest InSyncWanted taken up, announced that of the latest CommitSet.
	wish, announced uint64
}

// leaseless reports whether this node reigns without asking anyone.
func (n *Node) leaseless() bool { return n.config.Policy != Majority || len(n.peers) == 0 }

// checkLease fences a master whose lease has ended; it runs before any event, so
// that a process that was asleep does nothing as master first.
func (n *Node) checkLease() {
	if n.role == Master && n.at.Tick >= n.reign.leaseUntilTick {
		n.fence(fmt.Sprintf("no quorum has answered for %d ticks", n.at.Tick-n.reign.leaseUntilTick+n.leaseSpan()))
	}
}

// leaseSpan is how long a master may reign on one answered heartbeat.
func (n *Node) leaseSpan() int64 {
	return n.config.Timing.LeaseTicks - n.config.Timing.DriftMarginTicks
}

// fence refuses writes first, whatever follows.
func (n *Node) fence(reason string) {
	n.do(Fence{Reason: reason})
	n.becomeRole(Fenced, reason)
	if n.handover.phase == draining {
		n.endSwitchover(false, reason)
	}
}

// stepDown ends the reign for good; the caller says what the node becomes.
func (n *Node) stepDown(reason string) {
	if n.role == Master {
		n.fence(reason)
	}
	n.reign = reign{}
}

// tickReign sends the heartbeats of a master, and of a fenced one that hopes to go on.
func (n *Node) tickReign() {
	if n.reign.epoch == 0 || n.handover.phase == handing {
		return
	}
	if n.at.Tick >= n.reign.nextHeartbeatTick {
		n.heartbeat()
	}
	n.updateLease()
}

func (n *Node) heartbeat() {
	n.reign.nextHeartbeatTick = n.at.Tick + n.config.Timing.HeartbeatTicks
	n.sendAll(Message{Kind: Heartbeat, Term: n.reign.epoch, SentTick: n.at.Tick, Sync: n.sync})
}

func (n *Node) onHeartbeatAck(p *peer, m Message) {
	if n.reign.epoch == 0 || m.Term != n.reign.epoch || m.ToIncarnation != n.ballot.Incarnation || !m.Granted {
		return
	}
	if m.SentTick <= n.at.Tick {
		p.ackedSentTick = max(p.ackedSentTick, m.SentTick)
	}
	n.checkRecorded()
	n.updateLease()
}

// leaseEnd is when the promises of a quorum, this node included, begin to end.
func (n *Node) leaseEnd() int64 {
	if n.leaseless() {
		return Forever
	}
	sent := []int64{n.at.Tick}
	for i := range n.peers {
		if tick := n.peers[i].ackedSentTick; tick > n.reign.floorTick {
			sent = append(sent, tick)
		}
	}
	quorum := n.config.quorum()
	if len(sent) < quorum {
		return never
	}
	slices.Sort(sent)
	return sent[len(sent)-quorum] + n.leaseSpan()
}

// updateLease moves the lease forward, and unfences when it is valid again.
func (n *Node) updateLease() {
	until := n.leaseEnd()
	if n.reign.epoch == 0 || until <= n.at.Tick || n.handover.phase == handing {
		return
	}
	switch {
	case n.role == Fenced:
		n.reign.leaseUntilTick = until
		n.becomeRole(Master, "a quorum answers again, nobody was elected meanwhile")
		n.do(Unfence{LeaseUntilTick: until, Reason: n.roleReason})
		if n.handover.phase == undoing {
			n.endSwitchover(false, n.handover.reason)
		}
	case n.role == Master && until > n.reign.leaseUntilTick:
		n.reign.leaseUntilTick = until
		n.do(ExtendLease{UntilTick: until})
	}
}

// recordQuorum is how many voters must have a record on disk before it counts.
func (n *Node) recordQuorum() int {
	if n.leaseless() {
		return 1
	}
	return n.config.quorum()
}

// wantRecord proposes a new in-sync set. Until it is recorded, the driver goes on
// waiting for the nodes of every set proposed since the last one that was.
func (n *Node) wantRecord(wanted InSyncWanted) {
	if n.reign.epoch == 0 || !n.sync {
		return
	}
	set := newSet(append([]string{n.config.ID}, wanted.Set...))
	for _, id := range set {
		if v, known := n.config.voter(id); !known || v.Witness {
			n.report("in-sync set %s is refused: %q is not a data node of this pair", setString(set), id)
			return
		}
	}
	n.reign.wish = wanted.Number
	n.propose(set)
}

func (n *Node) propose(set []string) {
	if sameSet(set, n.ballot.Record.Set) {
		n.checkRecorded()
		return
	}
	n.ballot.Record = Record{Epoch: n.reign.epoch, Version: n.ballot.Record.Version + 1, Set: set}
	n.persist()
	n.report("in-sync record %s proposed", n.ballot.Record)
	if n.handover.phase != handing {
		n.heartbeat()
	}
	n.checkRecorded()
}

// checkRecorded announces the record once a quorum has it on disk. A voter that is
// past this reign does not count: it may have voted before it had the record.
func (n *Node) checkRecorded() {
	record := n.ballot.Record
	if n.reign.commit.equal(record) && n.reign.announced == n.reign.wish {
		return
	}
	have := 1
	for i := range n.peers {
		p := &n.peers[i]
		if p.epoch <= record.Epoch && p.record.Epoch == record.Epoch && p.record.Version >= record.Version {
			have++
		}
	}
	if have >= n.recordQuorum() {
		n.reign.commit, n.reign.announced = record, n.reign.wish
		n.do(CommitSet{Record: record, Number: n.reign.wish})
	}
}

// firstSet is the in-sync set with which a reign begins: nobody but the master is
// known to have what it will acknowledge.
func (n *Node) firstSet() []string {
	if n.sync {
		return []string{n.config.ID}
	}
	return nil
}

func (n *Node) changeDurability(on bool) {
	n.sync = on
	if n.reign.epoch != 0 && on == (len(n.ballot.Record.Set) == 0) {
		n.propose(n.firstSet())
	}
}
