package failover

import "fmt"

// A switchover goes through three phases on the master: draining (writes are
// held, the lease goes on), handing (fenced, no heartbeats: the promises made to
// it are released for the standby), and, if the standby does not make it,
// undoing (heartbeats again, until a quorum answers). Whatever happens, exactly
// one ReleaseWrites and one SwitchoverEnded follow each HoldWrites.

type handoverPhase uint8

const (
	noHandover handoverPhase = iota
	draining
	handing
	undoing
)

func (p handoverPhase) String() string {
	return [...]string{"none", "draining", "handing over", "undoing"}[p]
}

type handover struct {
	phase        handoverPhase
	to           string
	deadlineTick int64
	reason       string // why it is being undone
}

// beginSwitchover checks what can be checked before anyone has to wait.
func (n *Node) beginSwitchover(to, why string) {
	if to == "" {
		to = n.bestStandby()
	}
	if reason := n.refuseSwitchover(to); reason != "" {
		n.do(SwitchoverEnded{To: to, Reason: reason})
		return
	}
	n.handover = handover{phase: draining, to: to, deadlineTick: n.at.Tick + n.config.Timing.DrainTicks}
	n.do(HoldWrites{To: to, Reason: "switchover to " + to + ": " + why})
}

func (n *Node) refuseSwitchover(to string) string {
	p := n.peer(to)
	switch {
	case n.role != Master:
		return "this node is " + n.role.String() + ", not master"
	case n.handover.phase != noHandover:
		return "a switchover to " + n.handover.to + " is under way"
	case to == "":
		return "there is no standby that could take over"
	case p == nil || p.Witness:
		return fmt.Sprintf("%q is not a standby of this pair", to)
	}
	return n.unfit(p)
}

// unfit says why a data node could not take the reign over now, or "".
func (n *Node) unfit(p *peer) string {
	switch {
	case !n.recently(p, n.config.Timing.LeaseTicks):
		return p.ID + " does not answer"
	case p.role != Standby || p.master != n.config.ID:
		return p.ID + " does not follow this node"
	case !p.healthy:
		return p.ID + " is sick"
	case !n.ballot.Record.Admits(p.ID):
		return p.ID + " is not in sync: the record is " + n.ballot.Record.String()
	}
	return ""
}

func (n *Node) bestStandby() string {
	best := merit{}
	for i := range n.peers {
		p := &n.peers[i]
		if p.Witness || n.unfit(p) != "" {
			continue
		}
		if m := (merit{position: p.position, id: p.ID}); best.id == "" || m.better(best) {
			best = m
		}
	}
	return best.id
}

// drained: the standby has everything. Fence for good, then let go of the promises.
func (n *Node) drained() {
	if n.handover.phase != draining || n.role != Master {
		return
	}
	p := n.peer(n.handover.to)
	if reason := n.unfit(p); reason != "" {
		n.endSwitchover(false, reason)
		return
	}
	n.handover.phase = handing // before fence, which would end a draining switchover
	n.handover.deadlineTick = n.at.Tick + n.config.Timing.HandoverTicks
	n.fence("handing the reign over to " + p.ID)
	n.reign.floorTick = n.at.Tick
	n.send(p, Message{Kind: Handover, Term: n.reign.epoch, Release: Release{
		Master: n.config.ID, Incarnation: n.ballot.Incarnation, SentTick: n.at.Tick}})
}

// onHandover: the standby campaigns at once, or says why not.
func (n *Node) onHandover(p *peer, m Message) {
	reason := ""
	own := n.at.Position
	switch {
	case n.role != Standby || n.follow.master != p.ID || n.follow.term != m.Term:
		reason = "it does not follow this master"
	case own.Epoch != m.Position.Epoch || own.Offset < m.Position.Offset:
		reason = fmt.Sprintf("it is at %s, the master at %s", own, m.Position)
	case !n.healthy:
		reason = "it is sick: " + n.sickness
	case !n.newestRecord().Admits(n.config.ID):
		reason = "it is not in sync: the record is " + n.newestRecord().String()
	}
	if reason != "" {
		n.refuseHandover(p.ID, reason)
		return
	}
	r := n.ownRequest()
	r.release = m.Release
	if v := judge(n.facts(n.config.ID), r); !v.granted {
		n.refuseHandover(p.ID, v.reason)
		return
	}
	n.startCampaign(campaign{why: p.ID + " hands its reign over", needed: n.votesNeeded(), release: m.Release})
}

func (n *Node) refuseHandover(master, reason string) {
	if p := n.peer(master); p != nil {
		n.send(p, Message{Kind: HandoverRefuse, Term: n.ballot.Epoch, Reason: reason})
	}
}

func (n *Node) onHandoverRefuse(p *peer, m Message) {
	if n.handover.phase == handing && p.ID == n.handover.to && m.ToIncarnation == n.ballot.Incarnation {
		n.undoSwitchover(p.ID + " refused: " + m.Reason)
	}
}

// undoSwitchover goes on reigning, if this node has not voted for the standby:
// heartbeats sent from now on carry promises that were not released.
func (n *Node) undoSwitchover(reason string) {
	if n.reign.epoch == 0 {
		n.endSwitchover(false, reason+"; its outcome is not known yet")
		return
	}
	n.handover.phase, n.handover.reason = undoing, reason
	n.handover.deadlineTick = n.at.Tick + n.config.Timing.LeaseTicks
	n.reign.nextHeartbeatTick = n.reign.floorTick + 1
	n.tickReign()
}

// finishSwitchover: somebody reigns; was it the one meant?
func (n *Node) finishSwitchover(master string) {
	if n.handover.phase == noHandover {
		return
	}
	n.endSwitchover(master == n.handover.to, master+" reigns")
}

func (n *Node) endSwitchover(ok bool, reason string) {
	if n.handover.phase == noHandover {
		return
	}
	to := n.handover.to
	n.handover = handover{}
	n.do(ReleaseWrites{Reason: reason})
	n.do(SwitchoverEnded{OK: ok, To: to, Reason: reason})
}

// tickSwitchover watches the deadlines, and begins a switchover if the master is
// sick for long and a standby is well.
func (n *Node) tickSwitchover() {
	late := n.handover.phase != noHandover && n.at.Tick >= n.handover.deadlineTick
	switch {
	case late && n.handover.phase == draining:
		n.endSwitchover(false, "the standby was not level in time")
	case late && n.handover.phase == handing:
		n.undoSwitchover("the standby was not elected in time")
	case late:
		n.endSwitchover(false, n.handover.reason+"; no quorum has answered since")
	case !n.healthy && n.role == Master && n.handover.phase == noHandover && n.at.Tick >= n.sickTick+n.config.Timing.UnhealthyTicks:
		n.sickTick = n.at.Tick // not again at once
		if to := n.bestStandby(); to != "" {
			n.beginSwitchover(to, "the master is sick: "+n.sickness)
		}
	}
}
