package failover

import (
	"fmt"
	"strings"
)

// Action is a deed for the driver. Actions are done one after the other in the
// order given; Persist is a barrier. If a deed fails (above all Persist), the
// driver must do none of those after it and end the process: to the others that
// is a crash, which the protocol covers. To add one: its type here, the drivers.
type Action interface {
	action()
	String() string
}

// Persist puts the ballot on disk, synced. What follows may only happen after it.
type Persist struct{ Ballot Ballot }

// Send hands a message to the transport; it may be lost.
type Send struct {
	To      string
	Message Message
}

// SealLog ends the application of any master's stream and syncs the own log,
// whatever appendfsync says: the reign that follows makes this node the only one
// bound to have what was acknowledged before it.
type SealLog struct{}

// BecomeMaster begins the reign Epoch: stop following, append a history entry
// with this epoch at the log's end, then accept writes until the lease ends.
// It also comes to a master whose reign is renewed under a higher epoch.
// The commit set starts as the node alone.
type BecomeMaster struct {
	Epoch          uint64
	LeaseUntilTick int64
	Reason         string
}

// Follow makes the node the standby of Master; a former master also closes its
// normal client connections.
type Follow struct {
	Master string
	Epoch  uint64
	Reason string
}

// Fence refuses writes from now on; the data stay as they are.
type Fence struct{ Reason string }

// Unfence accepts writes again, in the same reign, until the lease ends.
type Unfence struct {
	LeaseUntilTick int64
	Reason         string
}

// ExtendLease moves the end of the lease. The driver compares it with its clock
// before each batch of commands: it may have been asleep.
type ExtendLease struct{ UntilTick int64 }

// HoldWrites begins a switchover: let clients wait, and answer with Drained once
// the log stands still and To has acknowledged all of it.
type HoldWrites struct {
	To     string
	Reason string
}

// ReleaseWrites ends HoldWrites: waiting clients go on here (the node still
// reigns), or are sent to the new master (it does not).
type ReleaseWrites struct{ Reason string }

// CommitSet says that a quorum has recorded Record, which fulfils the wish with
// this Number: if that is the driver's latest wish, the commit point may from now
// on ignore standbys outside the set.
type CommitSet struct {
	Record Record
	Number uint64
}

// SwitchoverEnded answers SwitchoverWanted.
type SwitchoverEnded struct {
	OK     bool
	To     string
	Reason string
}

// Report is a sentence for the log. It is given once per change, not per tick.
type Report struct{ Text string }

func (Persist) action()         {}
func (Send) action()            {}
func (SealLog) action()         {}
func (BecomeMaster) action()    {}
func (Follow) action()          {}
func (Fence) action()           {}
func (Unfence) action()         {}
func (ExtendLease) action()     {}
func (HoldWrites) action()      {}
func (ReleaseWrites) action()   {}
func (CommitSet) action()       {}
func (SwitchoverEnded) action() {}
func (Report) action()          {}

func (a Persist) String() string {
	b := a.Ballot
	text := fmt.Sprintf("persist incarnation=%d epoch=%d voted=%s", b.Incarnation, b.Epoch, orNone(b.VotedFor))
	if b.VotedSync {
		text += " sync"
	}
	text += fmt.Sprintf(" reign=%d record=%s", b.Reign, b.Record)
	if b.Lost {
		text += " lost"
	}
	if b.Doubtful {
		text += " doubtful"
	}
	return text
}

func (a Send) String() string { return "send " + a.To + " " + a.Message.String() }

func (a SealLog) String() string { return "seal log" }

func (a BecomeMaster) String() string {
	return fmt.Sprintf("become master epoch=%d lease=%s (%s)", a.Epoch, leaseString(a.LeaseUntilTick), a.Reason)
}

func (a Follow) String() string {
	return fmt.Sprintf("follow %s epoch=%d (%s)", a.Master, a.Epoch, a.Reason)
}

func (a Fence) String() string { return "fence (" + a.Reason + ")" }

func (a Unfence) String() string {
	return fmt.Sprintf("unfence lease=%s (%s)", leaseString(a.LeaseUntilTick), a.Reason)
}

func (a ExtendLease) String() string { return "extend lease=" + leaseString(a.UntilTick) }

func (a HoldWrites) String() string { return "hold writes for " + a.To + " (" + a.Reason + ")" }

func (a ReleaseWrites) String() string { return "release writes (" + a.Reason + ")" }

func (a CommitSet) String() string { return fmt.Sprintf("commit set %s wish=%d", a.Record, a.Number) }

func (a SwitchoverEnded) String() string {
	verdict := "failed"
	if a.OK {
		verdict = "done"
	}
	return fmt.Sprintf("switchover to %s %s (%s)", orNone(a.To), verdict, a.Reason)
}

func (a Report) String() string { return "report " + a.Text }

func leaseString(tick int64) string {
	if tick >= Forever {
		return "forever"
	}
	return fmt.Sprintf("%d", tick)
}

func orNone(id string) string {
	if id == "" {
		return "-"
	}
	return id
}

func setString(set []string) string { return "{" + strings.Join(set, " ") + "}" }
