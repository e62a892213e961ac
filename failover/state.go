package failover

import (
	"fmt"

	"github.com/tandemkv/tandem/replication"
)

// Role is what a node is at the moment. It changes in (*Node).becomeRole only.
type Role uint8

// The roles. To add one: its row here, in String, and in the transition table of role.go.
const (
	Starting  Role = iota // knows no master yet; serves no writes
	Standby               // follows a master, or did until it fell silent
	Candidate             // asks for votes
	Master                // reigns, and holds a lease
	Fenced                // reigns without a lease: refuses writes until a quorum answers again
	Witness               // votes and never has data
	Stopped               // has said goodbye; takes part in nothing any more
)

// String is the word used in INFO, in logs and in stories.
func (r Role) String() string {
	names := [...]string{"starting", "standby", "candidate", "master", "fenced", "witness", "stopped"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// Record is the in-sync record: which nodes have every acknowledged write, as
// of (Epoch, Version). Newer records replace older ones; a voter keeps the
// newest that it has seen on disk.
type Record struct {
	// Epoch is the reign whose master wrote the record.
	Epoch uint64
	// Version counts the records of that reign from 0.
	Version uint64
	// Set holds the ids of the nodes that may be elected, sorted. An empty set
	// means that the master promises nothing (asynchronous durability): any node may.
	Set []string
}

// Newer reports whether r replaces other.
func (r Record) Newer(other Record) bool {
	if r.Epoch != other.Epoch {
		return r.Epoch > other.Epoch
	}
	return r.Version > other.Version
}

// Admits reports whether the record lets id be elected.
func (r Record) Admits(id string) bool { return len(r.Set) == 0 || contains(r.Set, id) }

// String is "epoch.version{a b}".
func (r Record) String() string { return fmt.Sprintf("%d.%d%s", r.Epoch, r.Version, setString(r.Set)) }

func (r Record) equal(other Record) bool {
	return r.Epoch == other.Epoch && r.Version == other.Version && sameSet(r.Set, other.Set)
}

// Ballot is what a voter must remember across restarts. It is on disk before
// anything that follows from it leaves the node (action Persist). The zero
// Ballot is that of a voter that never took part, or that has lost its memory:
// see invariant 8 of the package.
type Ballot struct {
	// Incarnation counts the starts of this node; it never goes back.
	Incarnation uint64
	// Epoch is the highest epoch voted in or accepted; it never goes back.
	Epoch uint64
	// VotedFor is the node voted for in Epoch, or accepted as its master.
	VotedFor string
	// VotedSync says that VotedFor asked for the vote with synchronous
	// durability: if it reigned, it may have acknowledged writes on its own.
	VotedSync bool
	// Reign is the highest epoch in which this node itself became master.
	Reign uint64
	// Lost says that the voter's memory began empty and that it has not yet heard
	// from every other voter: it may have voted and not know it.
	Lost bool
	// Doubtful says that the data may lack writes that this node has acknowledged,
	// since it was killed and has not compared its data yet (doubt.go).
	Doubtful bool
	// Record is the newest in-sync record seen.
	Record Record
}

// Fresh reports whether the voter has no memory of any epoch.
func (b Ballot) Fresh() bool { return b.Epoch == 0 }

// pristine reports whether the voter knows of no reign and of no vote but its own:
// the pair may be at its very beginning.
func (b Ballot) pristine(id string) bool {
	return b.Reign == 0 && b.Record.Epoch == 0 && (b.VotedFor == "" || b.VotedFor == id)
}

// Moment is what is true at the time of a step: the driver reads it just before
// it calls Step, so that no decision rests on an old position.
type Moment struct {
	// Tick is the node's own monotonic time, rounded down; it never goes back.
	Tick int64
	// Position is how far the node's data reach; zero for a witness.
	Position replication.Position
}

// Forever is the lease of a master that needs nobody's leave: the only voter,
// or one under the policies available and manual.
const Forever = int64(1) << 62

// PeerStatus is what a node knows about another voter.
type PeerStatus struct {
	ID          string
	Witness     bool
	Heard       bool  // false until the first message of the peer
	SilentTicks int64 // since the last message; meaningless if not Heard
	Incarnation uint64
	Role        Role
	Epoch       uint64
	Position    replication.Position
	Healthy     bool
	Gone        bool   // its process is known to be dead
	WouldVote   bool   // its last answer to Ask
	Refusal     string // why it would not
	Rejected    string // why its messages are not listened to
}

// Status is a snapshot for INFO, the CLI and the tests.
type Status struct {
	ID          string
	Incarnation uint64
	Role        Role
	RoleReason  string // why the role last changed, in words
	RoleTick    int64
	Policy      Policy
	// Epoch is the epoch of the reign that the node takes part in: its own, or its master's.
	Epoch uint64
	// BallotEpoch is the highest epoch that the node has voted in or accepted.
	BallotEpoch uint64
	VotedFor    string
	Master      string // empty if unknown
	// MasterSilentTicks is the time since the master was heard; 0 on the master itself.
	MasterSilentTicks int64
	// LeaseTicks is the remaining lease of a master, Forever if it needs none.
	LeaseTicks    int64
	PromiseTo     string // to whom this voter has promised not to vote for another
	PromiseTicks  int64
	Record        Record
	CommitSet     []string // the in-sync set that a quorum has recorded (on the master)
	Votes         []string // who has voted for the running campaign
	Waiting       string   // why a node without master does not campaign
	Doubtful      bool     // may have lost acknowledged writes in a crash
	Switchover    string   // "none", "draining", "handing over"
	SwitchoverTo  string
	Healthy       bool
	HealthReason  string
	Peers         []PeerStatus
	QuorumVoters  int
	ReachedVoters int // voters heard within a lease, itself included
}
