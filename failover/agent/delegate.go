package agent

import (
	"fmt"
	"net"

	"github.com/hashicorp/memberlist"
	"github.com/tandemkv/tandem/failover"
)

// The network is memberlist's delegate for everything. memberlist calls from its own goroutines and waits: nothing
// here blocks.

// NodeMeta tells the others about this node.
func (n *network) NodeMeta(int) []byte { return n.meta }

// NotifyMsg takes in a message of a peer.
func (n *network) NotifyMsg(data []byte) {
	m, err := failover.DecodeMessage(data)
	if err != nil {
		n.say.once(Warning, "message", fmt.Sprintf("a message of a peer is refused: %v", err))
		return
	}
	n.received(m)
}

// GetBroadcasts: nothing is gossiped besides membership.
func (n *network) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState adds nothing to memberlist's own exchange.
func (n *network) LocalState(bool) []byte { return nil }

// MergeRemoteState has nothing to merge.
func (n *network) MergeRemoteState([]byte, bool) {}

// NotifyJoin notes a member's addresses.
func (n *network) NotifyJoin(m *memberlist.Node) { n.note(m) }

// NotifyUpdate notes a member's addresses.
func (n *network) NotifyUpdate(m *memberlist.Node) { n.note(m) }

// NotifyLeave is a hint only: see addressBook.
func (n *network) NotifyLeave(m *memberlist.Node) {
	n.book.believe(m.Name, false)
	n.say.once(Debug, "leave "+m.Name, "gossip: "+m.Name+" has left or does not answer")
}

func (n *network) note(m *memberlist.Node) {
	if m.Name == n.opts.ID {
		return
	}
	if v, err := n.opts.voter(m); err == nil {
		n.book.set(v)
		n.book.believe(m.Name, true)
	}
}

// NotifyAlive refuses members that do not belong here.
func (n *network) NotifyAlive(m *memberlist.Node) error {
	_, err := n.opts.voter(m)
	if err != nil {
		n.refuse(m, err)
	}
	return err
}

// NotifyMerge refuses a join that would bring in members that do not belong here.
func (n *network) NotifyMerge(members []*memberlist.Node) error {
	for _, m := range members {
		if _, err := n.opts.voter(m); err != nil {
			n.refuse(m, err)
			return err
		}
	}
	return nil
}

func (n *network) refuse(m *memberlist.Node, err error) {
	n.say.once(Warning, "refuse "+m.Name+m.Address(), fmt.Sprintf("peer %q at %s is refused: %v", m.Name, m.Address(), err))
}

// NotifyConflict: two nodes say they are the same. memberlist holds on to the address it knows until it believes that
// node dead; if a probe does not stand there, the node has moved and the book follows it at once. A node that has just
// come up and has not probed yet does not know, and holds on as well.
func (n *network) NotifyConflict(existing, other *memberlist.Node) {
	if existing.Name != n.opts.ID {
		if v, err := n.opts.voter(other); err == nil && n.book.hasFallen(existing.Name) {
			n.book.set(v)
			return
		}
		n.say.once(Warning, "conflict "+existing.Name, fmt.Sprintf("a node at %s says it is %q, which runs at %s: it is refused",
			other.Address(), other.Name, existing.Address()))
		return
	}
	n.say.once(Warning, "conflict "+existing.Name, fmt.Sprintf("a node at %s has this node's id %q", other.Address(), other.Name))
	select {
	case n.rival <- &net.UDPAddr{IP: other.Addr, Port: int(other.Port)}:
	default:
	}
}

// rivalAnswers reports whether a node under our id really runs at addr: what memberlist knows may be from before
// this node moved there from another address.
func (n *network) rivalAnswers(addr net.Addr) bool {
	_, err := n.list.Ping(n.opts.ID, addr)
	return err == nil
}
