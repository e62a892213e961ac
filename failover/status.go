package failover

// Status is a snapshot of the node as of its last step.
func (n *Node) Status() Status {
	s := Status{
		ID: n.config.ID, Incarnation: n.ballot.Incarnation, Role: n.role, RoleReason: n.roleReason, RoleTick: n.roleTick,
		Policy: n.config.Policy, Epoch: n.reign.epoch, BallotEpoch: n.ballot.Epoch, VotedFor: n.ballot.VotedFor,
		Master: n.masterID(), Record: n.ballot.Record, Waiting: n.search.waiting, Doubtful: n.ballot.Doubtful,
		Switchover: n.handover.phase.String(), SwitchoverTo: n.handover.to,
		Healthy: n.healthy, HealthReason: n.sickness, QuorumVoters: n.config.quorum(), ReachedVoters: 1,
	}
	if n.reign.epoch != 0 {
		s.CommitSet = n.reign.commit.Set
	} else {
		s.Epoch = n.follow.term
		s.MasterSilentTicks = n.at.Tick - n.follow.heardTick
	}
	if n.role == Master {
		s.LeaseTicks = n.reign.leaseUntilTick
		if s.LeaseTicks < Forever {
			s.LeaseTicks = max(0, s.LeaseTicks-n.at.Tick)
		}
	}
	if n.promise.to != "" && n.at.Tick < n.promise.untilTick {
		s.PromiseTo, s.PromiseTicks = n.promise.to, n.promise.untilTick-n.at.Tick
	}
	if n.campaign.active {
		s.Votes = append(s.Votes, n.config.ID)
	}
	for i := range n.peers {
		p := &n.peers[i]
		if n.campaign.active && p.voted && p.granted {
			s.Votes = append(s.Votes, p.ID)
		}
		if n.recently(p, n.config.Timing.LeaseTicks) {
			s.ReachedVoters++
		}
		s.Peers = append(s.Peers, n.peerStatus(p))
	}
	return s
}

func (n *Node) peerStatus(p *peer) PeerStatus {
	return PeerStatus{
		ID: p.ID, Witness: p.Witness, Heard: p.heard, SilentTicks: n.at.Tick - p.heardTick, Incarnation: p.incarnation,
		Role: p.role, Epoch: p.epoch, Position: p.position, Healthy: p.healthy, Gone: p.gone,
		WouldVote: p.answered && p.wouldVote, Refusal: p.refusal, Rejected: n.rejection(p.ID),
	}
}

// rejection is the last report about a message under the peer's name that was rejected.
func (n *Node) rejection(id string) string {
	for i := len(n.strangers) - 1; i >= 0; i-- {
		if n.strangers[i].id == id {
			return n.strangers[i].reason
		}
	}
	return ""
}
