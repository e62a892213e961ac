package failover

import (
	"fmt"
	"strconv"

	"github.com/tandemkv/tandem/replication"
)

func uintString(n uint64) string { return strconv.FormatUint(n, 10) }

// search is the state of a node that looks for a master, or for leave to become one.
type search struct {
	nextAskTick      int64
	backoffUntilTick int64
	deferring        bool // a better node goes first, since deferTick
	deferTick        int64
	waiting          string // why there is no campaign yet, in words
}

// quiet ends a search: there is a master.
func (s *search) quiet() { *s = search{nextAskTick: s.nextAskTick} }

// campaign is a request for votes under way.
type campaign struct {
	active     bool
	term       uint64
	startTick  int64
	resendTick int64
	needed     int // votes, this node's included
	forced     bool
	release    Release
	why        string
}

// searching reports whether this node is without a master that it may count on.
func (n *Node) searching() bool {
	if n.campaign.active || !n.hasData() {
		return false
	}
	switch n.role {
	case Starting:
		return true
	case Standby:
		return n.config.Policy != Manual && n.masterLost()
	case Master, Fenced:
		// Some voter is past this reign and cannot support it: renew it under a later epoch.
		return n.handover.phase == noHandover && n.nextEpoch() > n.reign.epoch+1
	}
	return false
}

// masterLost reports whether the promise to the master has ended.
func (n *Node) masterLost() bool {
	if p := n.peer(n.promise.to); p == nil || p.gone {
		return true
	}
	until := n.promise.untilTick
	if n.config.Policy != Majority {
		until += n.config.Timing.DriftMarginTicks
	}
	return n.at.Tick >= until
}

// nextEpoch is the first epoch that nobody heard of has voted in.
func (n *Node) nextEpoch() uint64 {
	highest := max(n.ballot.Epoch, n.position().Epoch)
	for i := range n.peers {
		highest = max(highest, n.peers[i].epoch, n.peers[i].position.Epoch)
	}
	return highest + 1
}

// tickSearch asks all voters from time to time, and campaigns when it may.
func (n *Node) tickSearch() {
	if !n.searching() {
		return
	}
	if n.at.Tick >= n.search.nextAskTick {
		n.search.nextAskTick = n.at.Tick + n.config.Timing.AskTicks
		n.sendAll(Message{Kind: Ask, Term: n.nextEpoch(), Sync: n.sync})
	}
	n.maybeCampaign()
}

func (n *Node) onAnswer(p *peer, m Message) {
	if m.ToIncarnation != n.ballot.Incarnation {
		return
	}
	p.answered, p.answerTick, p.wouldVote, p.refusal = true, n.at.Tick, m.Granted, m.Reason
	if m.Granted {
		p.refusal = ""
	}
	n.maybeCampaign()
}

func (n *Node) maybeCampaign() {
	if !n.searching() || n.at.Tick < n.search.backoffUntilTick {
		return
	}
	if n.search.waiting = n.waits(); n.search.waiting == "" {
		n.startCampaign(campaign{why: n.campaignReason(), needed: n.votesNeeded()})
	}
}

func (n *Node) campaignReason() string {
	switch {
	case n.reign.epoch != 0:
		return "a voter is past epoch " + uintString(n.reign.epoch)
	case n.follow.master != "" && n.role == Standby:
		return "master " + n.follow.master + " is lost"
	}
	return "there is no master"
}

// votesNeeded is the quorum. A bare pair needs both voices while both are there.
func (n *Node) votesNeeded() int {
	if n.config.Policy == Majority || len(n.peers) == 0 {
		return n.config.quorum()
	}
	if n.silent(&n.peers[0]) {
		return 1
	}
	return 2
}

// silent reports whether a peer of a bare pair counts as dead.
func (n *Node) silent(p *peer) bool {
	since := n.startTick
	if p.heard {
		since = p.heardTick
	}
	return p.gone || n.at.Tick-since >= n.promiseTicks()+n.config.Timing.DriftMarginTicks
}

// waits says why this node does not campaign now, or "".
func (n *Node) waits() string {
	if v := judge(n.facts(n.config.ID), n.ownRequest()); !v.granted {
		return v.reason
	}
	if reason := n.waitsByPolicy(); reason != "" {
		return reason
	}
	if id := n.doubtWaits(n.newestRecord()); id != "" {
		return "this node may have lost acknowledged writes in a crash, it waits for " + id
	}
	if r := n.newestRecord(); !knowsReign(n.position(), n.ballot.Reign, r) {
		return fmt.Sprintf("this node has nothing of the reign %d, it waits for a master or an order", r.Epoch)
	}
	if reason := n.waitsForConsent(); reason != "" {
		return reason
	}
	if n.reign.epoch != 0 {
		return ""
	}
	if id := n.unheardDataNode(); id != "" && n.role == Starting && n.at.Tick < n.startTick+n.config.Timing.StartGraceTicks {
		return id + " has not been heard yet"
	}
	return n.waitsForBetter()
}

// knowsReign reports whether data at this position hold something of the newest
// reign known, or belong to the node that held it. A node with an empty disk, or
// one that was away all that time, would undo a whole reign if it were elected.
func knowsReign(p replication.Position, reign uint64, newest Record) bool {
	return p.Epoch >= newest.Epoch || reign == newest.Epoch
}

func (n *Node) ownRequest() request {
	return request{candidate: n.config.ID, term: n.nextEpoch(), position: n.position(), fresh: n.ballot.pristine(n.config.ID)}
}

// waitsByPolicy: without a witness a node that starts alone, or by policy manual,
// takes up only the role that it had.
func (n *Node) waitsByPolicy() string {
	if n.leaseless() && n.config.Policy != Majority && n.role != Standby {
		wasLast := n.ballot.Reign != 0 && n.ballot.Reign == n.ballot.Epoch
		alone := n.votesNeeded() == 1 && len(n.peers) > 0
		manual := n.config.Policy == Manual && !n.ballot.Fresh()
		if (alone || manual) && !wasLast {
			return "this node was not the last master, it waits for its peer or for an order (policy " + n.config.Policy.String() + ")"
		}
	}
	return ""
}

// consentTicks is how long an answer to Ask is believed.
func (n *Node) consentTicks() int64 { return 4 * n.config.Timing.AskTicks }

func (n *Node) waitsForConsent() string {
	consent, refusal := 1, ""
	for i := range n.peers {
		p := &n.peers[i]
		switch {
		case !p.answered || n.at.Tick-p.answerTick > n.consentTicks():
			if refusal == "" {
				refusal = p.ID + " does not answer"
			}
		case p.wouldVote:
			consent++
		default:
			refusal = p.ID + ": " + p.refusal
		}
	}
	if needed := n.votesNeeded(); consent < needed {
		return fmt.Sprintf("%d of %d votes (%s)", consent, needed, refusal)
	}
	return ""
}

func (n *Node) unheardDataNode() string {
	for i := range n.peers {
		if p := &n.peers[i]; !p.Witness && !p.heard && !p.gone {
			return p.ID
		}
	}
	return ""
}

// waitsForBetter lets a better node go first, for a while.
func (n *Node) waitsForBetter() string {
	better := n.betterNode()
	if better == "" {
		n.search.deferring = false
		return ""
	}
	if !n.search.deferring {
		n.search.deferring, n.search.deferTick = true, n.at.Tick
	}
	if n.at.Tick < n.search.deferTick+n.config.Timing.DeferTicks {
		return better + " is the better candidate"
	}
	return ""
}

// startCampaign votes for itself on disk, then asks the others.
func (n *Node) startCampaign(c campaign) {
	c.active, c.term, c.startTick = true, n.nextEpoch(), n.at.Tick
	n.ballot.Epoch, n.ballot.VotedFor, n.ballot.VotedSync, n.ballot.Lost = c.term, n.config.ID, n.sync, false
	n.persist()
	n.promise = promise{}
	n.campaign = c
	n.search.waiting = ""
	if n.reign.epoch == 0 {
		n.becomeRole(Candidate, "asks for votes in epoch "+uintString(c.term)+": "+c.why)
	}
	for i := range n.peers {
		n.peers[i].voted, n.peers[i].granted = false, false
	}
	if n.votes() >= c.needed {
		n.win()
		return
	}
	n.requestVotes()
}

func (n *Node) requestVotes() {
	n.campaign.resendTick = n.at.Tick + n.config.Timing.ResendTicks
	for i := range n.peers {
		if p := &n.peers[i]; !p.voted && !p.gone {
			n.send(p, Message{Kind: VoteRequest, Term: n.campaign.term, SentTick: n.at.Tick, Sync: n.sync,
				Forced: n.campaign.forced, Release: n.campaign.release})
		}
	}
}

func (n *Node) votes() int {
	votes := 1
	for i := range n.peers {
		if n.peers[i].voted && n.peers[i].granted {
			votes++
		}
	}
	return votes
}

func (n *Node) tickCampaign() {
	switch {
	case !n.campaign.active:
	case n.at.Tick >= n.campaign.startTick+n.config.Timing.CampaignTicks:
		n.endCampaign(fmt.Sprintf("%d of %d votes in time", n.votes(), n.campaign.needed))
	case n.at.Tick >= n.campaign.resendTick:
		n.requestVotes()
	}
}

func (n *Node) onVote(p *peer, m Message) {
	if !n.campaign.active || m.Term != n.campaign.term || m.ToIncarnation != n.ballot.Incarnation {
		return
	}
	p.voted, p.granted = true, m.Granted
	if m.Granted && m.SentTick <= n.at.Tick {
		p.ackedSentTick = max(p.ackedSentTick, m.SentTick)
	}
	possible := 1
	for i := range n.peers {
		if q := &n.peers[i]; !q.gone && (!q.voted || q.granted) {
			possible++
		}
	}
	switch {
	case n.votes() >= n.campaign.needed:
		n.win()
	case possible < n.campaign.needed:
		n.endCampaign(p.ID + " refused: " + m.Reason)
	}
}

// endCampaign gives up; the epoch is spent, and late votes for it count no more.
func (n *Node) endCampaign(reason string) {
	lost := n.campaign
	n.campaign = campaign{}
	t := n.config.Timing
	n.search.backoffUntilTick = n.at.Tick + n.draw(t.BackoffMinTicks, t.BackoffMaxTicks)
	n.search.nextAskTick = min(n.search.nextAskTick, n.search.backoffUntilTick)
	text := fmt.Sprintf("campaign for epoch %d lost: %s", lost.term, reason)
	if n.reign.epoch == 0 {
		n.becomeRole(Starting, text)
	} else {
		n.report("%s", text)
	}
	if lost.release.Master != "" {
		n.refuseHandover(lost.release.Master, text)
	}
}

// win begins the reign: its data and its ballot are on disk first, then the world hears of it.
func (n *Node) win() {
	c := n.campaign
	n.campaign = campaign{}
	n.do(SealLog{})
	n.ballot.Reign, n.ballot.Doubtful = c.term, false
	n.ballot.Record = Record{Epoch: c.term, Set: n.firstSet()}
	n.persist()
	reason := fmt.Sprintf("elected in epoch %d with %d votes of %d: %s", c.term, n.votes(), len(n.config.Voters), c.why)
	n.follow, n.doubt, n.promise = following{}, doubt{}, promise{}
	n.search.quiet()
	n.reign = reign{epoch: c.term, floorTick: c.startTick - 1, commit: n.ballot.Record}
	n.reign.leaseUntilTick = n.leaseEnd()
	n.becomeRole(Master, reason)
	n.roleReason, n.roleTick = reason, n.at.Tick // also when a reign is renewed
	n.do(BecomeMaster{Epoch: c.term, LeaseUntilTick: n.reign.leaseUntilTick, Reason: reason})
	n.heartbeat()
}

// takeover is an operator's order to a node that the rules for data keep back.
func (n *Node) takeover() {
	if !n.hasData() || n.role == Master || n.campaign.active {
		n.report("takeover refused: this node is %s", n.role)
		return
	}
	r := n.ownRequest()
	r.forced = true
	if v := judge(n.facts(n.config.ID), r); !v.granted {
		n.report("takeover refused: %s", v.reason)
		return
	}
	n.startCampaign(campaign{why: "ordered by an operator", needed: n.votesNeeded(), forced: true})
}
