package failover

import "math"

// promise is a voter's word not to vote for another than to until untilTick. It
// lives in memory; a voter that restarts assumes the worst (boot).
type promise struct {
	to          string
	incarnation uint64
	sentTick    int64 // sender's clock of the message promised for
	unknown     bool  // made before this voter's start: incarnation and sentTick are not known
	untilTick   int64
}

// releasedBy reports whether the holder itself has given the promise back.
func (p promise) releasedBy(r Release) bool {
	return !p.unknown && r.Master == p.to && r.Incarnation == p.incarnation && p.sentTick <= r.SentTick
}

// promiseTicks is one more than the lease: ticks are rounded down on both sides.
func (n *Node) promiseTicks() int64 { return n.config.Timing.LeaseTicks + 1 }

func (n *Node) promiseEnd() int64 { return n.at.Tick + n.promiseTicks() }

// following is the master that this node has accepted.
type following struct {
	master    string
	term      uint64
	heardTick int64
}

// releaseByWord frees the promise when its holder says that it does not reign
// (any more): messages are heard in order, so it said so after what was promised
// for. If the promise is from before this voter's start, only a message
// addressed to the present incarnation is known to be later.
func (n *Node) releaseByWord(p *peer, m Message) {
	if n.promise.to != p.ID {
		return
	}
	if n.promise.unknown && m.ToIncarnation != n.ballot.Incarnation {
		return
	}
	reborn := !n.promise.unknown && m.Incarnation > n.promise.incarnation
	silent := m.Role != Master && m.Role != Fenced && m.Role != Candidate
	if reborn || silent {
		n.promise = promise{}
	}
}

// newestRecord is the newest in-sync record that this node has seen anywhere.
func (n *Node) newestRecord() Record {
	newest := n.ballot.Record
	for i := range n.peers {
		if n.peers[i].record.Newer(newest) {
			newest = n.peers[i].record
		}
	}
	return newest
}

// facts gathers what the rules need about the given candidate.
func (n *Node) facts(candidate string) facts {
	f := facts{
		self: n.config.ID, policy: n.config.Policy, tick: n.at.Tick, ballot: n.ballot,
		newest: n.newestRecord(), reigning: n.role == Master, promise: n.promise,
		recallTick: n.startTick + n.promiseTicks(), hasData: n.hasData(), position: n.position(),
		candidateIsPeer: candidate != n.config.ID, candidateHasData: n.hasData(),
	}
	if p := n.peer(candidate); p != nil {
		f.candidateHasData = !p.Witness
	}
	if p := n.peer(n.promise.to); p != nil {
		f.promiseGone = p.gone
	}
	heard, fresh := 1, true
	for i := range n.peers {
		if n.peers[i].heard {
			heard, fresh = heard+1, fresh && n.peers[i].fresh
		}
	}
	f.othersFresh = fresh && heard >= n.config.quorum()
	f.disclaimed = n.disclaimed()
	return f
}

// disclaimed reports whether the node voted for in the ballot's epoch is known
// never to have reigned in it, and never to begin.
func (n *Node) disclaimed() bool {
	b := n.ballot
	if b.VotedFor == n.config.ID {
		return b.Reign < b.Epoch && !(n.campaign.active && n.campaign.term == b.Epoch)
	}
	p := n.peer(b.VotedFor)
	if p == nil || !p.heard || p.epoch < b.Epoch || p.reign >= b.Epoch {
		return false
	}
	asking := p.role == Candidate || p.role == Master || p.role == Fenced
	return p.epoch > b.Epoch || !asking
}

func requestOf(m Message) request {
	return request{candidate: m.From, term: m.Term, position: m.Position, fresh: m.Fresh, forced: m.Forced, release: m.Release}
}

// onHeartbeat accepts a master and promises it the lease, or says why not.
func (n *Node) onHeartbeat(p *peer, m Message) {
	ack := Message{Kind: HeartbeatAck, Term: m.Term, SentTick: m.SentTick}
	if reason := n.refuseMaster(m); reason != "" {
		ack.Reason = reason
		n.send(p, ack)
		return
	}
	n.acceptMaster(p, m)
	ack.Granted = true
	n.send(p, ack)
}

func (n *Node) refuseMaster(m Message) string {
	switch {
	case m.Term < n.ballot.Epoch:
		return "a later epoch has begun"
	case n.ballot.Lost && n.at.Tick < n.startTick+n.promiseTicks():
		return "this voter has lost its memory and may have promised to another"
	case m.Term == n.reign.epoch && (n.config.Policy == Majority || m.From < n.config.ID):
		// Without a quorum two nodes can take the same epoch; the higher id keeps it.
		return "this node reigns in that epoch"
	case m.Term == n.ballot.Epoch && n.campaign.active && n.config.Policy != Majority && m.From < n.config.ID:
		return "this node asks for that epoch"
	}
	return ""
}

// acceptMaster makes m's sender this voter's master: step down first, remember
// on disk, then follow and promise.
func (n *Node) acceptMaster(p *peer, m Message) {
	reason := "heard its heartbeat in epoch " + uintString(m.Term)
	fresh := n.follow.master != p.ID || n.follow.term != m.Term
	if n.reign.epoch != 0 {
		n.stepDown(p.ID + " reigns in epoch " + uintString(m.Term))
	}
	n.campaign = campaign{}
	if m.Term > n.ballot.Epoch || n.ballot.VotedFor != p.ID {
		n.ballot.Epoch, n.ballot.VotedFor, n.ballot.VotedSync = m.Term, p.ID, m.Sync
	}
	if m.Record.Newer(n.ballot.Record) {
		n.ballot.Record = m.Record
	}
	n.persist()
	n.follow = following{master: p.ID, term: m.Term, heardTick: n.at.Tick}
	n.promise = promise{to: p.ID, incarnation: m.Incarnation, sentTick: m.SentTick, untilTick: n.promiseEnd()}
	n.search.quiet()
	n.noteDoubtTarget(m)
	if n.role == Witness {
		if fresh {
			n.report("master is %s: %s", p.ID, reason)
		}
		return
	}
	changed := n.role != Standby || fresh
	n.becomeRole(Standby, p.ID+" reigns in epoch "+uintString(m.Term))
	if changed {
		n.do(Follow{Master: p.ID, Epoch: m.Term, Reason: reason})
	}
	n.finishSwitchover(p.ID)
}

// onAsk answers whether this voter would vote for the asker, and changes nothing.
func (n *Node) onAsk(p *peer, m Message) {
	v := judge(n.facts(m.From), requestOf(m))
	n.send(p, Message{Kind: Answer, Term: m.Term, Granted: v.granted, Reason: v.reason})
}

// onVoteRequest grants or refuses; a vote is on disk before it is sent, and is a
// promise like the answer to a heartbeat.
func (n *Node) onVoteRequest(p *peer, m Message) {
	v := judge(n.facts(m.From), requestOf(m))
	vote := Message{Kind: Vote, Term: m.Term, SentTick: m.SentTick, Granted: v.granted, Reason: v.reason}
	if !v.granted {
		n.send(p, vote)
		return
	}
	if n.reign.epoch != 0 {
		n.stepDown("voted for " + p.ID + " in epoch " + uintString(m.Term))
		n.becomeRole(Starting, "voted for "+p.ID+" in epoch "+uintString(m.Term))
	}
	if n.campaign.active {
		n.endCampaign("voted for " + p.ID + " in epoch " + uintString(m.Term))
	}
	n.ballot.Epoch, n.ballot.VotedFor, n.ballot.VotedSync = m.Term, p.ID, m.Sync
	if n.ballot.Lost && m.Fresh && !m.Forced {
		n.ballot.Lost = false // the first vote of all: from here on there is something to remember
	}
	n.persist()
	n.promise = promise{to: p.ID, incarnation: m.Incarnation, sentTick: m.SentTick, untilTick: n.promiseEnd()}
	n.search.backoffUntilTick = max(n.search.backoffUntilTick, n.at.Tick+n.config.Timing.CampaignTicks)
	n.send(p, vote)
}

// never is a tick before all others.
const never = int64(math.MinInt64 / 2)
