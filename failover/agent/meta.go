package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"github.com/hashicorp/memberlist"
	"github.com/tandemkv/tandem/failover"
)

// meta is what a node tells about itself through memberlist. What changes (role, epoch, position) is in the core's
// messages. Short names: the whole has to fit in 512 bytes.
type meta struct {
	Protocol int    `json:"v"`
	Pair     string `json:"pair"`
	Witness  bool   `json:"w,omitempty"`
	Host     string `json:"host,omitempty"` // empty: as seen by memberlist
	Port     int    `json:"port,omitempty"`
	RWPort   int    `json:"rw,omitempty"`
	ROPort   int    `json:"ro,omitempty"`
}

func (o Options) meta() meta {
	return meta{Protocol: failover.ProtocolVersion, Pair: o.Pair, Witness: o.isWitness(), Host: o.AnnounceHost,
		Port: o.Port, RWPort: o.RWPort, ROPort: o.ROPort}
}

func (m meta) encode() ([]byte, error) { return json.Marshal(m) }

// voter reads a member; an error says in words why it does not belong to the pair.
func (o Options) voter(n *memberlist.Node) (Voter, error) {
	var m meta
	if err := json.Unmarshal(n.Meta, &m); err != nil {
		return Voter{}, fmt.Errorf("what it tells about itself is not understood: %w", err)
	}
	if m.Protocol != failover.ProtocolVersion {
		return Voter{}, fmt.Errorf("it speaks protocol %d, this node %d", m.Protocol, failover.ProtocolVersion)
	}
	if m.Pair != o.Pair {
		return Voter{}, fmt.Errorf("it belongs to the pair %q, this node to %q", m.Pair, o.Pair)
	}
	for _, v := range o.Voters {
		if v.ID != n.Name {
			continue
		}
		if v.Witness != m.Witness {
			return Voter{}, fmt.Errorf("it says witness=%t, the configuration here says %t", m.Witness, v.Witness)
		}
		host := m.Host
		if host == "" {
			host = n.Addr.String()
		}
		return Voter{ID: n.Name, Witness: m.Witness, Addr: hostPort(host, m.Port), RW: hostPort(host, m.RWPort),
			RO: hostPort(host, m.ROPort), Gossip: net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))}, nil
	}
	return Voter{}, fmt.Errorf("it is not one of the voters configured here")
}
