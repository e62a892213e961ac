package failover

import "github.com/tandemkv/tandem/replication"

// A data node that was killed may have lost the end of its log, and in it writes
// that it had acknowledged as a standby. It is still named in the in-sync record,
// so the voters would elect it: it must restrain itself. Its doubt ends when it
// has caught up with what its master had when the master already knew of the
// restart (the master's log then holds all that the node can have acknowledged
// before), or when it has seen that no node of the in-sync set knows more. The
// doubt itself is on the ballot: an orderly stop in between does not end it.

// doubt is how that restraint may end.
type doubt struct {
	// target is a position of the master heard after the restart; reaching it,
	// under the same reign, ends the doubt. Zero: none heard yet.
	target replication.Position
}

// noteDoubtTarget keeps the first position of the present master that was sent to this incarnation.
func (n *Node) noteDoubtTarget(m Message) {
	if !n.ballot.Doubtful || m.ToIncarnation != n.ballot.Incarnation {
		return
	}
	if n.doubt.target.Epoch != m.Position.Epoch {
		n.doubt.target = m.Position
	}
	n.resolveDoubt()
}

// resolveDoubt ends the doubt once the target is reached.
func (n *Node) resolveDoubt() {
	d := n.doubt
	if !n.ballot.Doubtful || d.target.Epoch == 0 || n.at.Position.Epoch != d.target.Epoch || n.at.Position.Offset < d.target.Offset {
		return
	}
	n.doubt, n.ballot.Doubtful = doubt{}, false
	n.report("this node has every write that it acknowledged before its restart")
}

// doubtWaits names the node whose data this doubtful node has still to compare
// with its own before it may campaign, or "".
func (n *Node) doubtWaits(record Record) string {
	if !n.ballot.Doubtful {
		return ""
	}
	for _, id := range record.Set {
		if id == n.config.ID {
			continue
		}
		p := n.peer(id)
		if p == nil || !p.echoed || n.position().Less(p.position) {
			return id
		}
	}
	return ""
}
