package agent

import (
	"time"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/internal/status"
)

// Report returns the pair as this node sees it.
func (a *Agent) Report() status.Report {
	v := a.view.Load()
	s := v.status
	r := status.Report{Node: s.ID, Pair: a.opts.Pair, Role: s.Role.String(), Epoch: s.Epoch, Master: s.Master,
		Policy: s.Policy.String(), Durability: "async", InSync: append([]string{}, s.Record.Set...),
		LeaseMS: a.leaseMS(s), Reason: s.RoleReason, Waiting: s.Waiting}
	if len(s.Record.Set) > 0 {
		r.Durability = "standby"
	}
	if s.Switchover != "none" {
		r.Switchover = s.Switchover + ", to " + s.SwitchoverTo
	}
	age := time.Since(v.at)
	for _, p := range a.opts.Voters {
		if p.ID == s.ID {
			r.Voters = append(r.Voters, a.ownReport(v))
			continue
		}
		for _, peer := range s.Peers {
			if peer.ID == p.ID {
				r.Voters = append(r.Voters, a.peerReport(peer, age))
			}
		}
	}
	lag(&r)
	return r
}

func (a *Agent) leaseMS(s failover.Status) int64 {
	if s.LeaseTicks >= failover.Forever {
		return -1
	}
	return a.milliseconds(s.LeaseTicks)
}

func (a *Agent) milliseconds(ticks int64) int64 { return ticks * a.opts.Tick.Milliseconds() }

func (a *Agent) ownReport(v *view) status.Voter {
	at := v.position
	r := a.voterReport(v.status.ID, a.opts.isWitness())
	r.Role, r.Position = v.status.Role.String(), status.Position{Epoch: at.Epoch, Offset: at.Offset}
	if !v.status.Healthy {
		r.Health = v.status.HealthReason
	}
	return r
}

func (a *Agent) peerReport(p failover.PeerStatus, age time.Duration) status.Voter {
	r := a.voterReport(p.ID, p.Witness)
	r.Position = status.Position{Epoch: p.Position.Epoch, Offset: p.Position.Offset}
	r.Role, r.LastHeardMS = "unknown", -1
	if p.Heard {
		r.Role, r.LastHeardMS = p.Role.String(), a.milliseconds(p.SilentTicks)+age.Milliseconds()
	}
	switch {
	case p.Gone:
		r.Role, r.Health = "gone", "its process is gone"
	case p.Rejected != "":
		r.Health = "rejected: " + p.Rejected
	case p.Heard && !p.Healthy:
		r.Health = "sick"
	case a.book.reachable(p.ID):
		// standbys and the witness have nothing to say to each other
	case !p.Heard:
		r.Health = "never heard"
	case p.SilentTicks > a.opts.Timing.LeaseTicks:
		r.Health = "silent"
	}
	return r
}

func (a *Agent) voterReport(id string, witness bool) status.Voter {
	v := a.book.find(id)
	return status.Voter{ID: id, Witness: witness, Addr: v.Addr, RW: v.RW, RO: v.RO, Gossip: v.Gossip, LagSeconds: -1, Health: "ok"}
}

// lag compares every data node with the master.
func lag(r *status.Report) {
	var end int64
	for _, v := range r.Voters {
		if v.ID == r.Master {
			end = v.Position.Offset
		}
	}
	for i := range r.Voters {
		if v := &r.Voters[i]; !v.Witness {
			v.LagBytes = max(0, end-v.Position.Offset)
		}
	}
}
