package simulation

import (
	"github.com/tandemkv/tandem/failover"
)

// network says what becomes of a message between two hosts.
type network struct {
	cut       [][]bool // cut[from][to]
	loss      float64
	duplicate float64
	slowest   int64 // latency is between fastest and this
}

const fastest = 200 * microsecond

func (n *network) init(hosts int) {
	n.cut = make([][]bool, hosts)
	for i := range n.cut {
		n.cut[i] = make([]bool, hosts)
	}
	n.slowest = 3 * millisecond
}

func (n *network) healAll() {
	for i := range n.cut {
		for j := range n.cut[i] {
			n.cut[i][j] = false
		}
	}
	n.loss, n.duplicate, n.slowest = 0, 0, 3*millisecond
}

func (c *Cluster) latency() int64 {
	if c.network.slowest > 10*millisecond && !c.chance(0.1) {
		return c.between(fastest, 3*millisecond)
	}
	return c.between(fastest, c.network.slowest)
}

// sendMessage carries a failover message: it may be lost, late, repeated, overtaken.
func (c *Cluster) sendMessage(from, to *host, m failover.Message) {
	data := m.Encode()
	copies := 1
	if c.network.loss > 0 && c.chance(c.network.loss) {
		copies = 0
	}
	if c.network.duplicate > 0 && c.chance(c.network.duplicate) {
		copies++
	}
	for range copies {
		c.after(c.latency(), func() {
			if !c.network.cut[from.index][to.index] {
				to.whenAwake(func() { to.receive(data) })
			}
		})
	}
}
