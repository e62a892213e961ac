package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/replication"
)

const soon = 30 * time.Second // a limit for waiting by condition, not a measure

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, soon, 2*time.Millisecond, what)
}

// fakeNode is a data node that does at once what it is told, with a log that is only a position.
type fakeNode struct {
	mu         sync.Mutex
	position   replication.Position
	master     bool
	fenced     bool
	leaseUntil time.Time
	follows    Voter
	told       []string
	commit     []string
	stuck      bool // never drained
}

func (n *fakeNode) with(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do()
}

func (n *fakeNode) Position() (p replication.Position) {
	n.with(func() { p = n.position })
	return p
}

func (n *fakeNode) SealLog() error {
	n.with(func() { n.told = append(n.told, "seal") })
	return nil
}

func (n *fakeNode) BecomeMaster(epoch uint64, until time.Time, reason string) error {
	n.with(func() {
		n.position.Epoch, n.master, n.fenced, n.leaseUntil = epoch, true, false, until
		n.follows = Voter{}
		n.told = append(n.told, fmt.Sprintf("master %d", epoch))
	})
	return nil
}

func (n *fakeNode) Follow(master Voter, epoch uint64, _ string) error {
	n.with(func() {
		n.master, n.follows = false, master
		if master.Addr != "" { // the link brings it level at once
			n.position.Epoch = max(n.position.Epoch, epoch)
		}
		n.told = append(n.told, "follow "+master.ID)
	})
	return nil
}

func (n *fakeNode) Fence(string) {
	n.with(func() { n.fenced = true; n.told = append(n.told, "fence") })
}
func (n *fakeNode) Unfence(until time.Time, _ string) {
	n.with(func() { n.fenced, n.leaseUntil = false, until; n.told = append(n.told, "unfence") })
}
func (n *fakeNode) ExtendLease(until time.Time) { n.with(func() { n.leaseUntil = until }) }
func (n *fakeNode) HoldWrites(_, _ string, drained func(int64)) {
	n.with(func() {
		n.told = append(n.told, "hold")
		if !n.stuck {
			drained(n.position.Offset)
		}
	})
}
func (n *fakeNode) ReleaseWrites(string) { n.with(func() { n.told = append(n.told, "release") }) }
func (n *fakeNode) CommitSet(_ uint64, set []string) {
	n.with(func() { n.commit = append([]string{"set"}, set...) })
}

// writes reports whether the node would accept a write now.
func (n *fakeNode) writes() (ok bool) {
	n.with(func() { ok = n.master && !n.fenced && time.Now().Before(n.leaseUntil) })
	return ok
}

func (n *fakeNode) hears() (out []string) {
	n.with(func() { out = append(out, n.told...) })
	return out
}

// cluster is a pair and its witness in one process.
type cluster struct {
	t       *testing.T
	dir     string
	ids     []string
	ports   map[string]int
	agents  map[string]*Agent
	nodes   map[string]*fakeNode
	options func(o *Options)

	net struct {
		sync.Mutex
		cut map[string]bool // "a b": lost in both directions
	}
	lines struct {
		sync.Mutex
		text []string
	}
}

func newCluster(t *testing.T, ids ...string) *cluster {
	c := &cluster{t: t, dir: t.TempDir(), ids: ids, ports: map[string]int{}, agents: map[string]*Agent{}, nodes: map[string]*fakeNode{}}
	c.net.cut = map[string]bool{}
	for _, id := range ids {
		c.ports[id] = freePort(t)
		if id != "w" {
			c.nodes[id] = &fakeNode{}
		}
		require.NoError(t, os.Mkdir(filepath.Join(c.dir, id), 0o700))
	}
	t.Cleanup(func() {
		for id := range c.agents {
			c.kill(id)
		}
		if t.Failed() {
			c.lines.Lock()
			defer c.lines.Unlock()
			t.Log(strings.Join(c.lines.text, "\n"))
		}
	})
	return c
}

// freePort finds a port that is free for TCP and UDP.
func freePort(t *testing.T) int {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (c *cluster) optionsOf(id string) Options {
	o := Options{ID: id, Pair: "test", Dir: filepath.Join(c.dir, id), GossipBind: "127.0.0.1", GossipPort: c.ports[id],
		Intact: true, Log: func(_ Level, text string) { c.say(id, text) }}
	if id != "w" {
		o.Port = 20000 + c.ports[id]%1000
	}
	for _, other := range c.ids {
		o.Voters = append(o.Voters, failover.Voter{ID: other, Witness: other == "w"})
		if other != id {
			o.Join = append(o.Join, fmt.Sprintf("127.0.0.1:%d", c.ports[other]))
		}
	}
	o.Cut = func(addr string) bool {
		c.net.Lock()
		defer c.net.Unlock()
		for other, port := range c.ports {
			if addr == fmt.Sprintf("127.0.0.1:%d", port) {
				return c.net.cut[other+" "+id]
			}
		}
		return false
	}
	if c.options != nil {
		c.options(&o)
	}
	return o
}

func (c *cluster) say(id, text string) {
	c.lines.Lock()
	defer c.lines.Unlock()
	c.lines.text = append(c.lines.text, time.Now().Format("05.000 ")+id+": "+text)
}

func (c *cluster) said(part string) bool {
	c.lines.Lock()
	defer c.lines.Unlock()
	for _, l := range c.lines.text {
		if strings.Contains(l, part) {
			return true
		}
	}
	return false
}

func (c *cluster) cutOff(id string, cut bool) {
	c.net.Lock()
	defer c.net.Unlock()
	for _, other := range c.ids {
		c.net.cut[id+" "+other], c.net.cut[other+" "+id] = cut, cut
	}
}

// start starts nodes at the same time.
func (c *cluster) start(ids ...string) {
	c.t.Helper()
	agents, errs := make([]*Agent, len(ids)), make([]error, len(ids))
	var wait sync.WaitGroup
	for i, id := range ids {
		node := NewWitness()
		if n := c.nodes[id]; n != nil {
			node = n
		}
		options := c.optionsOf(id)
		wait.Go(func() { agents[i], errs[i] = Start(options, node) })
	}
	wait.Wait()
	for i, id := range ids {
		require.NoError(c.t, errs[i], id)
		c.agents[id] = agents[i]
	}
}

func (c *cluster) kill(id string) {
	if a := c.agents[id]; a != nil {
		require.NoError(c.t, a.Kill())
		delete(c.agents, id)
	}
}

// master waits until exactly one node writes and every running agent names it.
func (c *cluster) master() (id string) {
	c.t.Helper()
	eventually(c.t, "one master, known to all", func() bool {
		id = ""
		for other, n := range c.nodes {
			if c.agents[other] != nil && n.writes() {
				id = other
			}
		}
		for _, a := range c.agents {
			if m, ok := a.Master(); !ok || m.ID != id {
				return false
			}
		}
		return id != ""
	})
	return id
}

// level waits until both data nodes have the same position.
func (c *cluster) level() {
	c.t.Helper()
	eventually(c.t, "the standby is level", func() bool { return c.nodes["a"].Position() == c.nodes["b"].Position() })
}

func other(id string) string {
	if id == "a" {
		return "b"
	}
	return "a"
}

func TestAgent_electsAndTellsEveryone(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.nodes["b"].position.Offset = 100
	c.start("a", "b", "w")
	require.Equal(t, "b", c.master(), "the node with more data")
	require.Equal(t, []string{"seal", "master 1"}, c.nodes["b"].hears()[:2])
	b := c.agents["b"].opts.own()
	for _, id := range []string{"a", "w"} {
		eventually(t, "addresses", func() bool {
			addr, _ := c.agents[id].MasterNow()
			return addr == b.Addr
		})
	}
	eventually(t, "reads go to the standby", func() bool {
		addr, _ := c.agents["w"].ReaderNow()
		return addr == c.agents["a"].opts.own().Addr
	})
	eventually(t, "everyone is well in the master's report", func() bool {
		r := c.agents["b"].Report()
		for _, v := range r.Voters {
			if v.Health != "ok" || v.LastHeardMS < 0 || v.LagBytes > 100 {
				return false
			}
		}
		return true
	})
	r := c.agents["b"].Report()
	require.Len(t, r.Voters, 3)
	require.Equal(t, []string{"b", "test", "master", "b", "witness"}, []string{r.Node, r.Pair, r.Role, r.Master, r.Policy})
	require.Positive(t, r.LeaseMS)
	require.True(t, r.Voters[2].Witness)
	require.Equal(t, int64(100), r.Voters[1].Position.Offset)
	eventually(t, "the master's address is told by Follow", func() bool {
		return c.nodes["a"].Position().Epoch == c.nodes["b"].Position().Epoch
	})
}

func TestAgent_killedMasterIsReplacedWithoutTheLease(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	// A lease that outlasts the test: only the fast path can elect.
	c.options = func(o *Options) {
		o.Timing = failover.DefaultTiming()
		o.Timing.LeaseTicks, o.Timing.StartGraceTicks = 100*60*10, 50
	}
	// Memories that are not empty: a voter without one waits for a whole lease.
	for _, id := range c.ids {
		f, err := openBallot(filepath.Join(c.dir, id))
		require.NoError(t, err)
		require.NoError(t, errors.Join(f.write(failover.Ballot{Incarnation: 1, Epoch: 1}), f.close()))
	}
	c.nodes["a"].position.Offset = 1
	c.start("a", "b", "w")
	was := c.master()
	eventually(t, "probes stand", func() bool {
		return c.agents[other(was)].book.reachable(was) && c.agents["w"].book.reachable(was)
	})
	c.kill(was)
	require.Equal(t, other(was), c.master())
	require.True(t, c.said(was+" is gone"))
}

func TestAgent_cutMasterFencesAndIsReplaced(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	c.cutOff(was, true)
	eventually(t, "the other side elects", func() bool { return c.nodes[other(was)].writes() })
	require.False(t, c.nodes[was].writes(), "never two writers")
	require.Contains(t, c.nodes[was].hears(), "fence")
	c.cutOff(was, false)
	require.Equal(t, other(was), c.master(), "and the old one follows")
	eventually(t, "follows", func() bool {
		told := c.nodes[was].hears()
		return told[len(told)-1] == "follow "+other(was)
	})
}

func TestAgent_changesAreSignalled(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("w", "a", "b")
	was := c.master()
	addr, changed := c.agents["w"].MasterNow()
	require.Equal(t, c.agents[was].opts.own().Addr, addr)
	c.kill(was)
	for deadline := time.After(soon); addr != c.agents[other(was)].opts.own().Addr; {
		select {
		case <-changed:
			addr, changed = c.agents["w"].MasterNow()
		case <-deadline:
			t.Fatal("no change was signalled")
		}
	}
}

func TestAgent_followsTheMasterToAnotherAddress(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	standby := other(c.master())
	c.level()
	_, changed := c.agents[standby].MasterNow()
	moved := c.agents[standby].Voter(other(standby))
	moved.Addr = "127.0.0.1:1"
	c.agents[standby].book.set(moved)
	eventually(t, "it is told again", func() (ok bool) {
		c.nodes[standby].with(func() { ok = c.nodes[standby].follows == moved })
		return ok
	})
	<-changed
	addr, _ := c.agents[standby].MasterNow()
	require.Equal(t, moved.Addr, addr)
}

func TestAgent_switchover(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	c.level()
	_, err := c.agents["w"].Switchover(context.Background(), "")
	require.ErrorContains(t, err, "not master")
	_, err = c.agents[was].Switchover(context.Background(), "w")
	require.ErrorContains(t, err, "not a standby")
	var now string
	eventually(t, "the switchover is accepted", func() bool {
		now, err = c.agents[was].Switchover(context.Background(), "")
		return err == nil
	})
	require.Equal(t, other(was), now)
	require.Equal(t, now, c.master())
	require.Contains(t, c.nodes[was].hears(), "hold")
	eventually(t, "released", func() bool { return strings.Contains(strings.Join(c.nodes[was].hears(), " "), "release") })
}

func TestAgent_switchoverThatCannotBeDoneIsUndone(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.options = func(o *Options) { o.Timing = failover.DefaultTiming(); o.Timing.DrainTicks = 5 }
	c.start("a", "b", "w")
	was := c.master()
	c.nodes[was].with(func() { c.nodes[was].stuck = true })
	c.level()
	eventually(t, "refused or undone", func() bool {
		_, err := c.agents[was].Switchover(context.Background(), "")
		require.Error(t, err)
		return strings.Contains(strings.Join(c.nodes[was].hears(), " "), "hold release")
	})
	require.Equal(t, was, c.master())
}

func TestAgent_allRestartAndRemember(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	epoch := c.agents[was].Status().Epoch
	for _, id := range c.ids {
		c.kill(id)
	}
	for _, n := range c.nodes {
		n.with(func() { n.master, n.told = false, nil })
	}
	c.start("w", "b", "a")
	now := c.master()
	require.Greater(t, c.agents[now].Status().Epoch, epoch)
	require.Equal(t, uint64(2), c.agents[now].Status().Incarnation)
}

func TestAgent_goodbyeIsAsGoodAsACrash(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	require.NoError(t, c.agents[was].Close())
	require.False(t, c.nodes[was].writes())
	require.NoError(t, c.agents[was].Err())
	delete(c.agents, was)
	require.Equal(t, other(was), c.master())
}

func TestAgent_aloneReignsAtOnce(t *testing.T) {
	c := newCluster(t, "a")
	c.start("a")
	require.Equal(t, "a", c.master())
	r := c.agents["a"].Report()
	require.Equal(t, int64(-1), r.LeaseMS)
	require.Len(t, r.Voters, 1)
}
