package tandemtest

import (
	"strings"
	"time"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/replication"
)

// patience is how long a wait may take before the test fails: a limit for machines that are starved, not a measure.
const patience = 30 * time.Second

// glance is the time between two looks at a condition.
const glance = 2 * time.Millisecond

// Wait returns when cond holds. If it does not for half a minute the test fails, with what was awaited and the state of all nodes.
func (p *Pair) Wait(what string, cond func() bool) {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	again := time.NewTicker(glance)
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-limit.C:
			p.t.Fatalf("waited in vain for %s\n%s", what, p.describe())
		}
	}
}

func (p *Pair) describe() string {
	var b strings.Builder
	for _, n := range p.nodes {
		b.WriteString(n.describe())
		if p.wires.isOff(n.id) {
			b.WriteString(", cut off")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// WaitForMaster returns the master, once exactly one of the nodes that can hear each other is, and they all know it.
func (p *Pair) WaitForMaster() (master *Node) {
	p.t.Helper()
	p.Wait("one master, known to all", func() bool {
		master = p.undisputed()
		return master != nil
	})
	return master
}

// Master is WaitForMaster.
func (p *Pair) Master() *Node {
	p.t.Helper()
	return p.WaitForMaster()
}

// Standby waits for a master, and returns the other data node whatever its role.
func (p *Pair) Standby() *Node {
	p.t.Helper()
	if p.Master().id == "a" {
		return p.Node("b")
	}
	return p.Node("a")
}

func (p *Pair) undisputed() (master *Node) {
	for _, n := range p.connected() {
		if n.Role() != Master {
			continue
		}
		if master != nil {
			return nil
		}
		master = n
	}
	if master == nil {
		return nil
	}
	for _, n := range p.connected() {
		running := n.get()
		if running == nil {
			return nil
		}
		if known, ok := running.Agent().Master(); !ok || known.ID != master.id {
			return nil
		}
		if n == master && running.Agent().Status().Role != failover.Master {
			return nil
		}
	}
	return master
}

// connected lists the nodes that run and are not cut off.
func (p *Pair) connected() (nodes []*Node) {
	for _, n := range p.nodes {
		if n.Running() && !p.wires.isOff(n.id) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// WaitForRole returns when a node has a role.
func (p *Pair) WaitForRole(id string, role Role) {
	p.t.Helper()
	n := p.Node(id)
	p.Wait("node "+id+" to be "+string(role), func() bool { return n.Role() == role })
}

// WaitForLevel returns when every data node that runs and is not cut off has all that the master had at the call, and a quorum
// has recorded it as in sync if the directive durability asks for that.
func (p *Pair) WaitForLevel() {
	p.t.Helper()
	master := p.Master()
	goal := master.get().Server().Position()
	sync := master.Info("tandem_durability") == "standby"
	p.Wait("a standby that is level", func() bool {
		running := master.get()
		for _, n := range p.connected() {
			if n == master || n.at.node == 0 {
				continue
			}
			if !n.level(goal) || sync && !contains(running.Agent().Status().CommitSet, n.id) {
				return false
			}
		}
		return true
	})
}

func (n *Node) level(goal replication.Position) bool {
	running := n.get()
	if running == nil {
		return false
	}
	_, up := running.Server().Role()
	at := running.Server().Position()
	return up && at.Epoch == goal.Epoch && at.Offset >= goal.Offset
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
