package failover

import "github.com/tandemkv/tandem/replication"

// merit is what makes one data node a better candidate than another.
type merit struct {
	admitted bool // the newest in-sync record lets it be elected
	healthy  bool
	certain  bool // not doubtful, and its data hold something of the newest reign
	position replication.Position
	id       string
}

// better reports whether m should reign rather than other. The order is total:
// two nodes that know the same of each other never both give way.
func (m merit) better(other merit) bool {
	switch {
	case m.admitted != other.admitted:
		return m.admitted
	case m.healthy != other.healthy:
		return m.healthy
	case m.certain != other.certain:
		return m.certain
	case m.position != other.position:
		return other.position.Less(m.position)
	}
	return m.id < other.id
}

// betterNode is the best data node heard lately that is better than this one, or "".
func (n *Node) betterNode() string {
	record := n.newestRecord()
	best := merit{admitted: record.Admits(n.config.ID), healthy: n.healthy, certain: certain(record, n.ballot.Doubtful, n.position(), n.ballot.Reign),
		position: n.position(), id: n.config.ID}
	for i := range n.peers {
		p := &n.peers[i]
		if p.Witness || p.role == Stopped || !n.recently(p, n.consentTicks()) {
			continue
		}
		m := merit{admitted: record.Admits(p.ID), healthy: p.healthy, certain: certain(record, p.doubtful, p.position, p.reign), position: p.position, id: p.ID}
		if m.better(best) {
			best = m
		}
	}
	if best.id == n.config.ID {
		return ""
	}
	return best.id
}

// certain: doubt matters only where writes were promised to be on every node of the record.
func certain(record Record, doubtful bool, p replication.Position, reign uint64) bool {
	return (len(record.Set) == 0 || !doubtful) && knowsReign(p, reign, record)
}
