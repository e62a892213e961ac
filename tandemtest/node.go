package tandemtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tandemkv/tandem"
	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/internal/freeport"
	"github.com/tandemkv/tandem/server"
)

// Node is a data node or a witness with fixed addresses. It may be running or not.
type Node struct {
	t       testing.TB
	id      string
	at      addresses
	dir     string
	lines   [][]string
	network tandem.Network // nil: the real one
	journal *journal

	mu      sync.Mutex // guards running
	running *tandem.Node
}

// Run starts a node that stands alone, with its data in memory.
func Run(t testing.TB, opts ...Option) *Node {
	t.Helper()
	s := newSettings(opts)
	n := &Node{t: t, id: "node", dir: s.dir, lines: s.lines, journal: newJournal(t)}
	if n.dir == "" {
		n.dir = t.TempDir()
	}
	t.Cleanup(n.discard)
	for tries := 1; ; tries++ {
		var err error
		if n.at, err = newAddresses(); err != nil {
			t.Fatal(err)
		}
		n.at.rw, n.at.ro = 0, 0 // a node alone has one address
		if err = n.start(); err == nil {
			return n
		}
		if !taken(err) || tries == startTries {
			t.Fatalf("starting the node: %v", err)
		}
	}
}

// startTries is how often a start is tried with other ports.
const startTries = 5

func (n *Node) options() (*tandem.Options, error) {
	o := tandem.NewOptions()
	o.Network = n.network
	own := [][]string{{"dir", n.dir}, {"bind", "127.0.0.1"}, {"port", strconv.Itoa(n.at.node)},
		{"rw-port", strconv.Itoa(n.at.rw)}, {"ro-port", strconv.Itoa(n.at.ro)}}
	for _, line := range append(append([][]string{}, n.lines...), own...) {
		if err := o.Set(line[0], line[1:]...); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (n *Node) start() error {
	o, err := n.options()
	if err != nil {
		return err
	}
	running, err := tandem.Start(o, n.journal.of(n.id))
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = running
	return nil
}

// take gives the running node, which is then the caller's to end; nil when it does not run.
func (n *Node) take() *tandem.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	running := n.running
	n.running = nil
	if running != nil {
		select {
		case err := <-running.Failed():
			n.t.Errorf("node %s had failed: %v", n.id, err)
		default:
		}
	}
	return running
}

func (n *Node) get() *tandem.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running
}

// discard kills the node for good.
func (n *Node) discard() {
	if running := n.take(); running != nil {
		if err := running.Kill(); err != nil {
			n.t.Errorf("killing %s: %v", n.id, err)
		}
	}
}

// Kill ends the node like the death of its process. It does nothing to a node that does not run.
func (n *Node) Kill() {
	n.t.Helper()
	n.journal.note("kill %s", n.id)
	n.discard()
}

// Stop ends the node in order, as a signal would.
func (n *Node) Stop() {
	n.t.Helper()
	n.journal.note("stop %s", n.id)
	if running := n.take(); running != nil {
		if err := running.Close(); err != nil {
			n.t.Errorf("stopping %s: %v", n.id, err)
		}
	}
}

// Restart starts a node that was killed or stopped, at the same addresses and on the same folder.
func (n *Node) Restart() {
	n.t.Helper()
	n.journal.note("restart %s", n.id)
	if n.get() != nil {
		n.t.Fatalf("node %s runs: kill or stop it before it is started again", n.id)
	}
	if err := n.start(); err != nil {
		n.t.Fatalf("starting %s again: %v", n.id, err)
	}
}

// ID is the node's id in the pair.
func (n *Node) ID() string { return n.id }

// Dir is the node's folder.
func (n *Node) Dir() string { return n.dir }

// Addr is host:port of the node itself; empty for a witness.
func (n *Node) Addr() string { return addr(n.at.node) }

// RWAddr always leads to the master; empty for a node that stands alone.
func (n *Node) RWAddr() string { return addr(n.at.rw) }

// ROAddr leads to a reader; empty for a node that stands alone.
func (n *Node) ROAddr() string { return addr(n.at.ro) }

func addr(port int) string {
	if port == 0 {
		return ""
	}
	return freeport.Address(port)
}

// Client connects to the node itself, with the password if there is one.
func (n *Node) Client() *Client {
	n.t.Helper()
	return login(Dial(n.t, n.Addr()), n.lines)
}

// login gives the password that the directives set, if any.
func login(c *Client, lines [][]string) *Client {
	c.t.Helper()
	for _, line := range lines {
		if len(line) == 2 && line[0] == "requirepass" {
			c.Must("AUTH", line[1])
		}
	}
	return c
}

// Running tells whether the node was not killed or stopped.
func (n *Node) Running() bool { return n.get() != nil }

// Role is what the node is now.
func (n *Node) Role() Role {
	running := n.get()
	switch {
	case running == nil:
		return Down
	case running.Server() == nil:
		return Witness
	}
	switch role, _ := running.Server().Role(); role {
	case server.RoleMaster:
		return Master
	case server.RoleStandby:
		return Standby
	}
	return Fenced
}

// Role is what a node is for its clients.
type Role string

// The roles.
const (
	Master  Role = "master"
	Standby Role = "standby"
	Fenced  Role = "fenced" // it answers reads and refuses writes
	Witness Role = "witness"
	Down    Role = "down" // it does not run
)

// Info is a field of INFO, such as "sync_partial_ok"; empty when there is none.
func (n *Node) Info(field string) string {
	n.t.Helper()
	c := n.Client()
	defer c.Close()
	text, _ := c.Must("INFO", "everything").(string)
	for line := range strings.SplitSeq(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return value
		}
	}
	return ""
}

// RescueFiles are the paths of what the node kept when it gave up writes that no other node had.
func (n *Node) RescueFiles() []string {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.dir, "rescue-*"))
	if err != nil {
		n.t.Fatal(err)
	}
	return found
}

// describe is the node in one line, for failures.
func (n *Node) describe() string {
	running := n.get()
	if running == nil {
		return n.id + ": down"
	}
	text := fmt.Sprintf("%s: %s", n.id, n.Role())
	if v := running.Server(); v != nil {
		_, up := v.Role()
		text += fmt.Sprintf(", position %v, link up %v", v.Position(), up)
	}
	if a := running.Agent(); a != nil {
		s := a.Status()
		text += fmt.Sprintf(", in the pair %s with epoch %d, master %q (%s)", s.Role, s.Epoch, s.Master, s.RoleReason)
		if s.Role == failover.Master {
			text += fmt.Sprintf(", in sync %v", s.Record.Set)
		}
	}
	return text
}

func makeDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("folder of a node: %w", err)
	}
	return nil
}

// addresses of one node.
type addresses struct{ node, rw, ro, gossip int }

func newAddresses() (addresses, error) {
	p, err := freeport.Find(4)
	if err != nil {
		return addresses{}, fmt.Errorf("ports of a node: %w", err)
	}
	return addresses{p[0], p[1], p[2], p[3]}, nil
}

// taken tells whether a start failed because somebody else was quicker with a port. The text counts: memberlist does not wrap.
func taken(err error) bool { return strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) }
