package agent

import (
	"errors"
	"time"

	"github.com/tandemkv/tandem/replication"
)

// Node is what the agent drives. It is called by the agent's goroutine only, must return at once (heartbeats wait), and
// must not call the agent within. An error means that the order could not be carried out: the agent ends, and the
// process has to end as well.
type Node interface {
	// Position is how far the data reach.
	Position() replication.Position

	// SealLog comes before a reign: it ends the application of the old master's stream and syncs the log, whatever
	// appendfsync says. It is the one call that may wait for the disk.
	SealLog() error
	// BecomeMaster begins the reign epoch: stop following, append a history entry at the log's end, accept writes until
	// the lease ends. It also comes to a master whose reign is renewed under a later epoch. Only this node is waited for
	// at the commit point, until CommitSet says otherwise.
	BecomeMaster(epoch uint64, leaseUntil time.Time, reason string) error
	// Follow makes the node the standby of master. A former master also lets go of its normal clients. It comes again
	// when the master's address changes or becomes known; with an empty Addr the node stands by and waits for that.
	Follow(master Voter, epoch uint64, reason string) error

	// Fence refuses writes from now on.
	Fence(reason string)
	// Unfence accepts writes again in the same reign, until the lease ends.
	Unfence(leaseUntil time.Time, reason string)
	// ExtendLease moves the end of the lease; the node compares it with its clock before each batch of commands.
	ExtendLease(leaseUntil time.Time)

	// HoldWrites lets clients wait, and calls drained, from any goroutine, when the log stands still at offset and the
	// standby to has acknowledged all of it.
	HoldWrites(to, reason string, drained func(offset int64))
	// ReleaseWrites ends HoldWrites: clients go on here, or at the new master if this node follows by now.
	ReleaseWrites(reason string)

	// CommitSet says that the wish with this number (Agent.WantInSync) is recorded: if it is the latest, the commit
	// point may ignore standbys outside set. An empty set is that of asynchronous durability.
	CommitSet(number uint64, set []string)
}

// Voter is where another voter can be reached, as far as it is known.
type Voter struct {
	ID      string
	Witness bool
	// Addr is host:port of the node itself, empty if unknown or a witness; RW and RO those of the two addresses.
	Addr, RW, RO string
	// Gossip is host:port of the agent.
	Gossip string
}

// dataless is the Node of a witness: it votes and never reigns.
type dataless struct{}

// NewWitness returns the Node of a witness.
func NewWitness() Node { return dataless{} }

var errWitnessReigns = errors.New("a witness has no data and cannot reign")

func (dataless) Position() replication.Position                { return replication.Position{} }
func (dataless) SealLog() error                                { return errWitnessReigns }
func (dataless) BecomeMaster(uint64, time.Time, string) error  { return errWitnessReigns }
func (dataless) Follow(Voter, uint64, string) error            { return nil }
func (dataless) Fence(string)                                  {}
func (dataless) Unfence(time.Time, string)                     {}
func (dataless) ExtendLease(time.Time)                         {}
func (dataless) HoldWrites(string, string, func(offset int64)) {}
func (dataless) ReleaseWrites(string)                          {}
func (dataless) CommitSet(uint64, []string)                    {}
