package agent

import (
	"time"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/replication"
)

// view is what anybody may see of the agent: the core as of its last step, and who serves what.
type view struct {
	status failover.Status
	at     time.Time
	// position is the node's own.
	position replication.Position
	master   Voter // zero if unknown
	reader   Voter // zero if there is none
	// changed is closed when master or reader has changed.
	changed chan struct{}
}

// publish shows the core's present state.
func (a *Agent) publish() {
	old := a.view.Load()
	v := &view{status: a.core.Status(), at: time.Now(), position: a.node.Position(), changed: old.changed}
	a.reached = a.reached || len(v.status.Peers) > 0 && v.status.ReachedVoters >= v.status.QuorumVoters
	if v.status.Master != "" {
		v.master = a.book.find(v.status.Master)
	}
	v.reader = a.reader(v.status, v.master)
	moved := v.master != old.master || v.reader != old.reader || v.status.Role != old.status.Role
	if moved {
		v.changed = make(chan struct{})
	}
	a.view.Store(v)
	if moved {
		close(old.changed)
	}
}

// reader is who should serve reads: this node if it is a well standby, else a data node besides the master that is
// there, else the master. Standbys speak only to their master, so a witness goes by the hints of the address book. Whether
// the reader is too far behind is the client's question (ro-port).
func (a *Agent) reader(s failover.Status, master Voter) Voter {
	if s.Role == failover.Standby && s.Healthy {
		return a.book.find(s.ID)
	}
	for _, p := range s.Peers {
		if !p.Witness && p.ID != s.Master && !p.Gone && (!p.Heard || p.Healthy) && a.book.reachable(p.ID) {
			return a.book.find(p.ID)
		}
	}
	return master
}

func (a *Agent) incarnationOf(id string) uint64 {
	for _, p := range a.view.Load().status.Peers {
		if p.ID == id {
			return p.Incarnation
		}
	}
	return 0
}

// Status returns the core's view as of its last step.
func (a *Agent) Status() failover.Status { return a.view.Load().status }

// Master returns the master as this node knows it; ok is false while it knows none.
func (a *Agent) Master() (v Voter, ok bool) {
	v = a.view.Load().master
	return v, v.ID != ""
}

// Voter returns what is known of a voter's addresses.
func (a *Agent) Voter(id string) Voter { return a.book.find(id) }

// Changed returns a channel that is closed when the master, the reader, an address of theirs or this node's role changes.
func (a *Agent) Changed() <-chan struct{} { return a.view.Load().changed }

// MasterNow has the form of forward.Target for the rw address.
func (a *Agent) MasterNow() (addr string, changed <-chan struct{}) {
	v := a.view.Load()
	return v.master.Addr, v.changed
}

// ReaderNow has the form of forward.Target for the ro address.
func (a *Agent) ReaderNow() (addr string, changed <-chan struct{}) {
	v := a.view.Load()
	return v.reader.Addr, v.changed
}
