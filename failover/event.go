package failover

// Event is something that has happened to the node. The driver hands in one at
// a time. To add one: its type here, its case in (*Node).dispatch, a story.
type Event interface{ event() }

// Tick says that time has passed; the driver steps one each tick (10 ms).
type Tick struct{}

// Receive hands in a message of another voter, as DecodeMessage returned it.
type Receive struct{ Message Message }

// PeerGone says that the process of a peer is known to be dead: its connections
// were reset and new ones are refused. Incarnation is the one known (PeerStatus)
// BEFORE the driver began to probe, so that a late finding about an earlier
// process is never taken for one about the present. It is void once the peer is
// heard again.
type PeerGone struct {
	ID          string
	Incarnation uint64
}

// InSyncWanted hands in the in-sync set that the master's replication wants
// (its own id included). The driver already waits for every node of the set,
// and each of them has acknowledged the commit point. Number counts the wishes:
// CommitSet returns the number of the wish that is recorded. It may be repeated.
type InSyncWanted struct {
	Number uint64
	Set    []string
}

// SyncDurabilityChanged switches `durability standby` on or off.
type SyncDurabilityChanged struct{ On bool }

// SwitchoverWanted asks the master to hand its reign over. An empty To means
// the best standby. The outcome is the action SwitchoverEnded.
type SwitchoverWanted struct{ To string }

// Drained answers HoldWrites: no write is under way, the log ends at Offset and
// the standby named there has acknowledged all of it.
type Drained struct{ Offset int64 }

// HealthChanged says whether the node can still do its work (disk). A sick
// master hands its reign over to a healthy standby, and never to a sick one.
type HealthChanged struct {
	Healthy bool
	Reason  string
}

// TakeoverWanted is an operator's order to this node to become master although
// it may lack acknowledged writes, or a voter has lost its memory. Epochs and
// leases are respected all the same.
type TakeoverWanted struct{}

// Leave says that the process will stop: fence, say goodbye, take part no more.
type Leave struct{}

func (Tick) event()                  {}
func (Receive) event()               {}
func (PeerGone) event()              {}
func (InSyncWanted) event()          {}
func (SyncDurabilityChanged) event() {}
func (SwitchoverWanted) event()      {}
func (Drained) event()               {}
func (HealthChanged) event()         {}
func (TakeoverWanted) event()        {}
func (Leave) event()                 {}
