package failover

import (
	"fmt"
	"slices"

	"github.com/tandemkv/tandem/replication"
)

// peer is what this node knows about another voter, all of it from the peer's
// own messages except gone.
type peer struct {
	Voter
	heard       bool
	heardTick   int64
	echoed      bool // has spoken to this incarnation of ours
	incarnation uint64
	seq         uint64
	role        Role
	epoch       uint64 // highest ballot epoch heard
	reign       uint64
	position    replication.Position
	healthy     bool
	doubtful    bool
	fresh       bool
	master      string
	record      Record
	gone        bool

	// Its answer to our Ask.
	answered   bool
	answerTick int64
	wouldVote  bool
	refusal    string

	// Its vote in our running campaign.
	voted, granted bool
	requestTick    int64

	// sentTick of the newest heartbeat (or vote request) of our reign that it has answered, never if none.
	ackedSentTick int64
}

// stranger is a sender whose messages are rejected.
type stranger struct{ id, reason string }

func (n *Node) peer(id string) *peer {
	for i := range n.peers {
		if n.peers[i].ID == id {
			return &n.peers[i]
		}
	}
	return nil
}

// recently reports whether the peer was heard within the given ticks.
func (n *Node) recently(p *peer, ticks int64) bool {
	return p.heard && !p.gone && n.at.Tick-p.heardTick <= ticks
}

// receive checks who speaks, learns from the sender's view, then acts on the kind.
func (n *Node) receive(m Message) {
	p := n.admit(m)
	if p == nil || !n.hear(p, m) {
		return
	}
	switch m.Kind {
	case Heartbeat:
		n.onHeartbeat(p, m)
	case HeartbeatAck:
		n.onHeartbeatAck(p, m)
	case Ask:
		n.onAsk(p, m)
	case Answer:
		n.onAnswer(p, m)
	case VoteRequest:
		n.onVoteRequest(p, m)
	case Vote:
		n.onVote(p, m)
	case Handover:
		n.onHandover(p, m)
	case HandoverRefuse:
		n.onHandoverRefuse(p, m)
	case Goodbye:
		n.noteGone(p, "has said goodbye")
	}
}

// admit rejects whoever does not belong to the pair; each reason is reported once.
func (n *Node) admit(m Message) *peer {
	reason := ""
	p := n.peer(m.From)
	switch {
	case m.Protocol != ProtocolVersion:
		reason = fmt.Sprintf("it speaks protocol %d, this node %d", m.Protocol, ProtocolVersion)
	case m.Pair != n.config.Pair:
		reason = fmt.Sprintf("it belongs to the pair %q, this node to %q", m.Pair, n.config.Pair)
	case m.From == n.config.ID:
		reason = "it has this node's id"
	case p == nil:
		reason = "it is not one of the voters"
	case m.Role == Witness && !p.Witness, p.Witness && m.Role != Witness && m.Role != Stopped:
		reason = "witness here, data node there: the configurations differ"
	default:
		return p
	}
	const strangersMax = 64
	unknown := stranger{id: m.From, reason: reason}
	if !slices.Contains(n.strangers, unknown) && len(n.strangers) < strangersMax {
		n.strangers = append(n.strangers, unknown)
		n.report("peer %q is rejected: %s", m.From, reason)
	}
	return nil
}

// hear takes in the sender's view; false means that the message is stale.
func (n *Node) hear(p *peer, m Message) bool {
	if m.ToIncarnation > n.ballot.Incarnation {
		n.loseMemory(m)
	}
	if m.Incarnation < p.incarnation {
		if m.Kind != Answer {
			// Either late, or a node that has lost its disk: the latter learns from this answer.
			n.send(p, Message{Kind: Answer, Term: m.Term, Reason: "a later incarnation of yours is known"})
		}
		return false
	}
	if m.Incarnation == p.incarnation && m.Seq <= p.seq {
		return false
	}
	if m.Incarnation > p.incarnation {
		*p = peer{Voter: p.Voter, epoch: p.epoch, ackedSentTick: never}
	}
	p.heard, p.heardTick, p.gone = true, n.at.Tick, false
	p.incarnation, p.seq = m.Incarnation, m.Seq
	p.role, p.reign, p.position, p.record, p.master = m.Role, m.Reign, m.Position, m.Record, m.Master
	p.epoch = max(p.epoch, m.Epoch)
	p.healthy, p.doubtful, p.fresh = m.Healthy, m.Doubtful, m.Fresh
	p.echoed = p.echoed || m.ToIncarnation == n.ballot.Incarnation
	n.releaseByWord(p, m)
	if n.reign.epoch == 0 && m.Record.Newer(n.ballot.Record) {
		n.ballot.Record = m.Record // on disk before this node's next message, as all of the ballot
	}
	n.restoreMemory()
	return true
}

// loseMemory is what a node does that others know under a later incarnation
// than its disk remembers: its ballot was lost or put back.
func (n *Node) loseMemory(m Message) {
	n.report("%s knows incarnation %d of this node, its disk says %d: the ballot was lost or put back", m.From, m.ToIncarnation, n.ballot.Incarnation)
	n.ballot.Incarnation = m.ToIncarnation + 1
	n.ballot.Lost = true
	n.doubt, n.ballot.Doubtful = doubt{}, n.hasData()
	n.startTick = n.at.Tick
	for i := range n.peers {
		n.peers[i].echoed = false
	}
	n.persist()
}

// restoreMemory ends the caution of a voter that has lost its memory: whoever it
// may have voted for wrote the epoch to disk before asking, so the highest epoch
// of all others is at least the highest it can have voted in.
func (n *Node) restoreMemory() {
	if !n.ballot.Lost {
		return
	}
	highest, allFresh := n.ballot.Epoch, n.ballot.Fresh()
	for i := range n.peers {
		p := &n.peers[i]
		if !p.echoed {
			return
		}
		highest, allFresh = max(highest, p.epoch), allFresh && p.fresh && p.epoch == 0
	}
	if !allFresh && n.at.Tick < n.startTick+n.promiseTicks() {
		return
	}
	n.ballot.Lost = false
	if highest > n.ballot.Epoch {
		n.ballot.Epoch, n.ballot.VotedFor, n.ballot.VotedSync = highest, "", false
	}
	n.persist()
}

// peerGone notes that the process of a peer is dead, unless a later process has been heard.
func (n *Node) peerGone(e PeerGone) {
	p := n.peer(e.ID)
	if p == nil || p.incarnation != e.Incarnation || p.gone {
		return
	}
	n.noteGone(p, "is gone: its connections are reset and new ones refused")
}

func (n *Node) noteGone(p *peer, why string) {
	p.gone = true
	n.report("%s %s", p.ID, why)
	if n.search.backoffUntilTick > n.at.Tick {
		n.search.backoffUntilTick = n.at.Tick
	}
	n.search.nextAskTick = n.at.Tick
	n.tickSearch()
}
