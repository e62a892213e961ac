package agent

import (
	"time"

	"github.com/tandemkv/tandem/failover"
)

// StatusReport is the answer to TANDEM STATUS, as JSON.
type StatusReport struct {
	Node       string   `json:"node"`
	Pair       string   `json:"pair"`
	Role       string   `json:"role"`
	Epoch      uint64   `json:"epoch"`
	Master     string   `json:"master"` // empty if unknown
	Policy     string   `json:"policy"`
	Durability string   `json:"durability"`
	InSync     []string `json:"in_sync"` // empty: nothing is promised
	// LeaseMS is what remains of a master's lease, -1 if it needs none; 0 on others.
	LeaseMS    int64         `json:"lease_ms"`
	Reason     string        `json:"reason"`            // why the node has its role
	Waiting    string        `json:"waiting,omitempty"` // why it does not try to become master
	Switchover string        `json:"switchover,omitempty"`
	Voters     []VoterReport `json:"voters"`
}

// VoterReport is one voter, as the answering node knows it.
type VoterReport struct {
	ID          string         `json:"id"`
	Witness     bool           `json:"witness"`
	Role        string         `json:"role"` // "unknown" until it was heard
	Addr        string         `json:"addr"`
	RW          string         `json:"rw"`
	RO          string         `json:"ro"`
	Gossip      string         `json:"gossip"`
	LastHeardMS int64          `json:"last_heard_ms"` // 0 for the answering node, -1 if never
	Position    PositionReport `json:"position"`
	LagBytes    int64          `json:"lag_bytes"` // behind the master, by what the answering node has heard
	// LagSeconds is filled in by who knows it, the master's replication; -1 if nobody does.
	LagSeconds float64 `json:"lag_seconds"`
	Health     string  `json:"health"` // "ok", or what is wrong
}

// PositionReport is a position.
type PositionReport struct {
	Epoch  uint64 `json:"epoch"`
	Offset int64  `json:"offset"`
}

// Report returns the pair as this node sees it.
func (a *Agent) Report() StatusReport {
	v := a.view.Load()
	s := v.status
	r := StatusReport{Node: s.ID, Pair: a.opts.Pair, Role: s.Role.String(), Epoch: s.Epoch, Master: s.Master,
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

func (a *Agent) ownReport(v *view) VoterReport {
	at := v.position
	r := a.voterReport(v.status.ID, a.opts.isWitness())
	r.Role, r.Position = v.status.Role.String(), PositionReport{at.Epoch, at.Offset}
	if !v.status.Healthy {
		r.Health = v.status.HealthReason
	}
	return r
}

func (a *Agent) peerReport(p failover.PeerStatus, age time.Duration) VoterReport {
	r := a.voterReport(p.ID, p.Witness)
	r.Position = PositionReport{p.Position.Epoch, p.Position.Offset}
	r.Role, r.LastHeardMS = "unknown", -1
	if p.Heard {
		r.Role, r.LastHeardMS = p.Role.String(), a.milliseconds(p.SilentTicks)+age.Milliseconds()
	}
	switch {
	case p.Gone:
		r.Role, r.Health = "gone", "its process is gone"
	case p.Rejected != "":
		r.Health = "rejected: " + p.Rejected
	case !p.Heard:
		r.Health = "never heard"
	case p.SilentTicks > a.opts.Timing.LeaseTicks:
		r.Health = "silent"
	case !p.Healthy:
		r.Health = "sick"
	}
	return r
}

func (a *Agent) voterReport(id string, witness bool) VoterReport {
	v := a.book.find(id)
	return VoterReport{ID: id, Witness: witness, Addr: v.Addr, RW: v.RW, RO: v.RO, Gossip: v.Gossip, LagSeconds: -1, Health: "ok"}
}

// lag compares every data node with the master.
func lag(r *StatusReport) {
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
