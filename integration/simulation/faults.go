package simulation

import (
	"encoding/hex"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/replication"
)

// fault makes one fault, and plans the next.
func (c *Cluster) fault() {
	if !c.faulty {
		return
	}
	h := c.hosts[c.random.IntN(len(c.hosts))]
	switch c.random.IntN(12) {
	case 0, 1:
		h.kill("fault")
		if c.mayWipe() && c.chance(0.3) {
			h.wipe()
		}
		c.restartLater(h)
	case 2:
		if m := c.reigning(); m != nil {
			m.kill("fault, it was master")
			c.restartLater(m)
		}
	case 3, 4:
		c.cut()
	case 5:
		c.trace("the network heals")
		c.network.healAll()
	case 6:
		c.pause(h)
	case 7, 8:
		if m := c.reigning(); m != nil && m.running() {
			c.trace("a switchover is wanted from %s", m.id)
			m.step(failover.SwitchoverWanted{})
		}
	case 9:
		c.network.loss = 0.3 * c.random.Float64()
		c.network.duplicate = 0.3 * c.random.Float64()
		c.network.slowest = c.between(3*millisecond, 150*millisecond)
	case 10:
		h.stalledUntil = c.now + c.between(100*millisecond, second)
		c.trace("%s reads its stream slowly", h.id)
	case 11:
		if h.running() {
			h.leave()
			c.restartLater(h)
		}
	}
	if c.mutated(FalseGone) {
		c.hosts[c.random.IntN(len(c.hosts))].probe(c.hosts[c.random.IntN(len(c.hosts))])
		if m := c.reigning(); m != nil {
			for _, other := range c.hosts {
				other.probe(m)
			}
		}
	}
	c.after(c.between(100*millisecond, 900*millisecond), c.fault)
}

func (c *Cluster) restartLater(h *host) { c.after(c.between(20*millisecond, 2*second), h.start) }

// cut separates one host from the others, or two hosts from each other, in one
// direction or both.
func (c *Cluster) cut() {
	c.stats.Cuts++
	x, y := c.random.IntN(len(c.hosts)), c.random.IntN(len(c.hosts))
	if m := c.reigning(); m != nil && c.chance(0.4) {
		x = m.index
	}
	both, alone := c.chance(0.7), c.chance(0.5)
	c.trace("cut: %s from %s, both ways %v, from all %v", c.hosts[x].id, c.hosts[y].id, both, alone)
	for i := range c.hosts {
		if i == x || (!alone && i != y) {
			continue
		}
		c.network.cut[x][i] = true
		c.network.cut[i][x] = both || c.network.cut[i][x]
	}
	c.after(c.between(100*millisecond, 3*second), func() {
		for i := range c.hosts {
			c.network.cut[x][i], c.network.cut[i][x] = false, false
		}
	})
}

func (c *Cluster) pause(h *host) {
	if !h.running() {
		return
	}
	c.stats.Pauses++
	h.pausedUntil = c.now + c.between(50*millisecond, 2*second)
	c.trace("%s is paused until %d ms", h.id, h.pausedUntil/millisecond)
}

// heal ends all faults: from here on the cluster must come to rest.
func (c *Cluster) heal() {
	c.trace("everything heals")
	c.faulty = false
	c.network.healAll()
	for _, h := range c.hosts {
		h.stalledUntil = 0
		h.pausedUntil = min(h.pausedUntil, c.now)
		h.wakeAt(c.now)
		if !h.alive {
			h.start()
		}
	}
}

// crash is the one fault of a quiet run.
func (c *Cluster) crash() {
	m := c.reigning()
	if m == nil {
		c.checker.fail("there is no master after %d ms without any fault", c.now/millisecond)
		return
	}
	c.crashed, c.crashAt = m, c.now
	for i := range c.hosts {
		if i != m.index && c.options.Crash != ProcessDies {
			c.network.cut[i][m.index], c.network.cut[m.index][i] = true, true
		}
	}
	if c.options.Crash != CableCut {
		m.kill("the crash")
	}
}

// mayWipe: one lost disk in a run is what the protocol covers, once every voter
// has taken part in a reign (invariant 8 of failover).
func (c *Cluster) mayWipe() bool {
	for _, h := range c.hosts {
		if h.disk.ballot.Record.Epoch == 0 {
			return false
		}
	}
	return !c.wiped && c.options.Seed%8 < 3 && c.options.Variant != BareAvailable
}

// order is the operator's part: when the only node with every acknowledged write
// has lost its disk, the pair rightly has no master until someone decides.
func (c *Cluster) order() {
	if !c.wiped || c.reigning() != nil || c.checker.failed() {
		return
	}
	best := c.dataHost(0)
	for _, h := range c.hosts {
		if !h.witness && best.history.PositionAt(best.end()).Less(h.history.PositionAt(h.end())) {
			best = h
		}
	}
	c.trace("an operator orders %s to take over", best.id)
	c.stats.Orders++
	c.checker.ordered = true
	best.step(failover.TakeoverWanted{})
}

// reigning is a host that takes writes, nil if there is none.
func (c *Cluster) reigning() *host {
	for _, h := range c.hosts {
		if h.alive && h.writable {
			return h
		}
	}
	return nil
}

func (c *Cluster) host(id string) *host {
	for _, h := range c.hosts {
		if h.id == id {
			return h
		}
	}
	panic("no host " + id)
}

// dataHost counts round the data nodes.
func (c *Cluster) dataHost(n int) *host {
	var data []*host
	for _, h := range c.hosts {
		if !h.witness {
			data = append(data, h)
		}
	}
	return data[n%len(data)]
}

// retention is how many bytes a log holds, and a node can go back; in some runs
// it is so little that full copies are needed.
func (c *Cluster) retention() int64 {
	if c.options.Seed%3 == 0 {
		return 20 * entryBytes
	}
	return 1 << 40
}

func (c *Cluster) newID() string {
	var b [replication.IDBytes / 2]byte
	for i := range b {
		b[i] = byte(c.random.Uint32())
	}
	return hex.EncodeToString(b[:])
}
