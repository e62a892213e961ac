package tandemtest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tandemkv/tandem/internal/freeport"
)

// Pair is two data nodes and, mostly, a witness.
type Pair struct {
	t       testing.TB
	set     *settings
	nodes   []*Node // a, b, and the witness if there is one
	wires   *wires
	journal *journal
}

// RunPair starts a pair and waits until it has a master and a standby that is level.
func RunPair(t testing.TB, opts ...Option) *Pair {
	t.Helper()
	p := &Pair{t: t, set: newSettings(opts), journal: newJournal(t)}
	if p.set.dir == "" {
		p.set.dir = t.TempDir()
	}
	t.Cleanup(func() { p.discard() })
	for tries := 1; ; tries++ {
		if err := p.lay(); err != nil {
			t.Fatal(err)
		}
		err := p.start(p.nodes)
		if err == nil {
			break
		}
		if !taken(err) || tries == startTries {
			t.Fatalf("starting the pair: %v", err)
		}
		p.discard()
	}
	p.WaitForLevel()
	return p
}

// lay makes the nodes, with addresses that are free now.
func (p *Pair) lay() error {
	ids := []string{"a", "b"}
	if p.set.witness {
		ids = append(ids, "w")
	}
	p.nodes, p.wires = nil, newWires()
	var gossip []string
	for _, id := range ids {
		at, err := newAddresses()
		if err != nil {
			return err
		}
		if id == "w" {
			at.node = 0
		}
		dir := filepath.Join(p.set.dir, id)
		if err := makeDir(dir); err != nil {
			return err
		}
		p.nodes = append(p.nodes, &Node{t: p.t, id: id, at: at, dir: dir, network: way{p.wires, id}, journal: p.journal})
		for _, port := range []int{at.node, at.gossip} {
			p.wires.owner[freeport.Address(port)] = id
		}
		gossip = append(gossip, freeport.Address(at.gossip))
	}
	for i, n := range p.nodes {
		n.lines = append(n.lines, p.set.lines...)
		n.lines = append(n.lines, []string{"node-id", n.id}, []string{"pair-name", "test"}, []string{"pair-nodes", "a", "b"},
			[]string{"gossip-bind", "127.0.0.1"}, []string{"gossip-port", port(gossip[i])}, []string{"announce-host", "127.0.0.1"})
		if p.set.witness {
			n.lines = append(n.lines, []string{"pair-witness", "w"})
		}
		if n.id == "w" {
			n.lines = append(n.lines, []string{"witness", "yes"})
		}
		peers := []string{"pair-peers"}
		for k, address := range gossip {
			if k != i {
				peers = append(peers, address)
			}
		}
		n.lines = append(n.lines, peers)
	}
	return nil
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// start starts nodes at the same time, because each looks for the others.
func (p *Pair) start(nodes []*Node) error {
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { errs[i] = n.start() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// discard kills all nodes and takes the cables down.
func (p *Pair) discard() {
	for _, n := range p.nodes {
		n.discard()
	}
	if p.wires != nil {
		p.wires.close()
	}
	p.nodes, p.wires = nil, nil
}

// Node gives the node with an id: "a", "b" or "w".
func (p *Pair) Node(id string) *Node {
	p.t.Helper()
	for _, n := range p.nodes {
		if n.id == id {
			return n
		}
	}
	p.t.Fatalf("the pair has no node %q", id)
	return nil
}

// Witness is the witness; the test fails if the pair has none.
func (p *Pair) Witness() *Node {
	p.t.Helper()
	return p.Node("w")
}

// RWAddr always leads to the master: the address of the witness, or, without one or while it is down, of a running node.
func (p *Pair) RWAddr() string {
	p.t.Helper()
	return p.voice().RWAddr()
}

// ROAddr leads to a reader; on the same node as RWAddr.
func (p *Pair) ROAddr() string {
	p.t.Helper()
	return p.voice().ROAddr()
}

// voice is the node whose rw and ro addresses are of use for longest.
func (p *Pair) voice() *Node {
	p.t.Helper()
	for i := len(p.nodes) - 1; i >= 0; i-- {
		if n := p.nodes[i]; n.Running() && !p.wires.isOff(n.id) {
			return n
		}
	}
	p.t.Fatal("no node of the pair can be reached")
	return nil
}

// Client connects to RWAddr, with the password if there is one.
func (p *Pair) Client() *Client {
	p.t.Helper()
	return login(Dial(p.t, p.RWAddr()), p.set.lines)
}

// Kill ends a node like the death of its process.
func (p *Pair) Kill(id string) {
	p.t.Helper()
	p.Node(id).Kill()
}

// KillMaster kills the master and returns it. It does not wait for the next one.
func (p *Pair) KillMaster() *Node {
	p.t.Helper()
	master := p.Master()
	master.Kill()
	return master
}

// KillAll kills every node.
func (p *Pair) KillAll() {
	p.t.Helper()
	for _, n := range p.nodes {
		n.Kill()
	}
}

// Stop ends a node in order.
func (p *Pair) Stop(id string) {
	p.t.Helper()
	p.Node(id).Stop()
}

// Restart starts nodes again that were killed or stopped: those named, or all of them. It does not wait for roles.
func (p *Pair) Restart(ids ...string) {
	p.t.Helper()
	var nodes []*Node
	for _, id := range ids {
		nodes = append(nodes, p.Node(id))
	}
	if len(ids) == 0 {
		for _, n := range p.nodes {
			if !n.Running() {
				nodes = append(nodes, n)
			}
		}
	}
	for _, n := range nodes {
		if n.Running() {
			p.t.Fatalf("node %s runs: kill or stop it before it is started again", n.id)
		}
		p.journal.note("restart %s", n.id)
	}
	if err := p.start(nodes); err != nil {
		p.t.Fatalf("starting again: %v", err)
	}
}

// Partition cuts the master off from the other nodes and returns it. Clients reach it all the same.
func (p *Pair) Partition() *Node {
	p.t.Helper()
	master := p.Master()
	p.Isolate(master.id)
	return master
}

// Isolate cuts a node off from the others.
func (p *Pair) Isolate(id string) {
	p.t.Helper()
	p.journal.note("cut off %s", id)
	p.wires.set(p.Node(id).id, true)
}

// Heal mends all cables.
func (p *Pair) Heal() {
	p.journal.note("heal")
	for _, n := range p.nodes {
		p.wires.set(n.id, false)
	}
}

// Switchover hands the reign over to the standby, as `tandem switchover` does. The pair stays as it was if there is an error.
func (p *Pair) Switchover() error {
	p.t.Helper()
	master := p.Master()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := master.get().Agent().Switchover(ctx, "")
	return err
}

// Journal is what the nodes have logged so far.
func (p *Pair) Journal() string { return p.journal.String() }
