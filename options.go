package tandem

import (
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/tandemkv/tandem/failover"
	"github.com/tandemkv/tandem/internal/config"
	"github.com/tandemkv/tandem/server"
)

// Options are all directives of a process. The zero value is of no use: make them with NewOptions or Load.
type Options struct {
	Server server.Options

	NodeID      string
	PairName    string
	PairNodes   []string
	PairWitness string
	PairPeers   []string
	Witness     bool
	PairPolicy  string
	GossipBind  string
	GossipPort  int
	GossipKey   string
	Lease       time.Duration
	Heartbeat   time.Duration
	ForwardWait time.Duration

	// Network, for tests, stands between this node and the others; nil: the real one. It is no directive.
	Network Network

	directives *config.Set
}

// NewOptions gives the defaults.
func NewOptions() *Options {
	o := &Options{}
	sections := append([]config.Section{{Title: "Pair", Rows: o.pairRows()}}, o.Server.Sections()...)
	o.directives = config.New(sections...)
	o.directives.AddAccepted("Accepted for Redis' sake", config.Accepted())
	o.directives.SetDefaults()
	return o
}

// Load reads a command line as redis-server does: an optional file, then --name value pairs. The error is a
// *config.LoadError, whose Fatal text is what redis-server would print.
func Load(args []string, stdin io.Reader) (*Options, error) {
	o := NewOptions()
	if err := o.directives.Load(args, stdin); err != nil {
		return nil, err
	}
	return o, o.check()
}

// Set changes one directive before the start.
func (o *Options) Set(name string, args ...string) error {
	return o.directives.Apply([]config.Line{{Source: "Set", Number: 1, Text: name, Args: append([]string{name}, args...)}})
}

// Directives is the registry behind CONFIG.
func (o *Options) Directives() *config.Set { return o.directives }

// tick is the length of the failover core's ticks.
const tick = 10 * time.Millisecond

func (o *Options) pairRows() []*config.Row {
	return []*config.Row{
		config.String("node-id", &o.NodeID, "").Doc("Who this process is in the pair: its identity, whatever its address. Empty: a single server without a pair."),
		config.String("pair-name", &o.PairName, "tandem").Doc("Name of the pair. Messages of another pair are rejected."),
		config.Strings("pair-nodes", &o.PairNodes).Doc("Ids of all nodes with data, this one included."),
		config.String("pair-witness", &o.PairWitness, "").Doc("Id of the witness. Empty: there is none."),
		config.Strings("pair-peers", &o.PairPeers).Doc("host:gossip-port of the other voters. Names are resolved at each dial."),
		config.Bool("witness", &o.Witness, false).Bare("yes").Doc("This process is the witness: it votes and forwards, and holds no data. --witness alone means yes."),
		config.Enum("pair-policy", &o.PairPolicy, "", "", "witness", "available", "manual").
			Doc("Who decides when the nodes cannot hear each other. witness (default with one): a majority, and an isolated master refuses writes. available (default without): the standby promotes itself; a cut may leave two masters until it heals. manual: nobody by itself."),
		config.String("gossip-bind", &o.GossipBind, "0.0.0.0").Doc("Address that the voters talk on."),
		config.Int("gossip-port", &o.GossipPort, 7946, 0, 65535).Doc("Port that the voters talk on, TCP and UDP. 0 = a free one."),
		config.String("gossip-key", &o.GossipKey, "").Sensitive().Doc("Base64 of 16, 24 or 32 bytes, the same on all voters: encrypts what they say. Empty: not encrypted."),
		config.Milliseconds("lease-ms", &o.Lease, 1000, 200, 60000).Doc("How long a voter's promise to a master lasts; the longest time to a takeover after a cut."),
		config.Milliseconds("heartbeat-ms", &o.Heartbeat, 100, 10, 10000).Doc("Time between two heartbeats of a master. The lease must outlast at least three."),
		config.Seconds("forward-timeout", &o.ForwardWait, 10, 1, 3600).Doc("How long a command at rw-port or ro-port waits for a master."),
	}
}

// check looks at what only several directives together can get wrong.
func (o *Options) check() error {
	if o.Witness && o.NodeID == "" {
		o.NodeID = o.PairWitness
	}
	if !o.paired() {
		if o.Witness || len(o.PairPeers) > 0 {
			return fmt.Errorf("pair-nodes and node-id say who is in the pair: they must be set with witness and pair-peers")
		}
		return nil
	}
	if !slices.ContainsFunc(o.voters(), func(v failover.Voter) bool { return v.ID == o.NodeID && v.Witness == o.Witness }) {
		return fmt.Errorf("node-id %q is not listed: it must be one of pair-nodes %v, or, for a witness, pair-witness %q", o.NodeID, o.PairNodes, o.PairWitness)
	}
	if ip := net.ParseIP(o.GossipBind); o.GossipKey == "" && o.Server.ProtectedMode && len(o.voters()) > 1 && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("gossip-key is not set and gossip-bind %s can be reached from other hosts: anybody there could vote. "+
			"Set gossip-key on all voters (head -c 32 /dev/urandom | base64), or protected-mode no where the network is closed", o.GossipBind)
	}
	if o.Lease < 3*o.Heartbeat {
		return fmt.Errorf("lease-ms %d must be at least three times heartbeat-ms %d", o.Lease.Milliseconds(), o.Heartbeat.Milliseconds())
	}
	return nil
}

// paired tells whether the process is part of a pair.
func (o *Options) paired() bool { return len(o.PairNodes) > 0 && o.NodeID != "" }

func (o *Options) voters() (all []failover.Voter) {
	for _, id := range o.PairNodes {
		all = append(all, failover.Voter{ID: id})
	}
	if o.PairWitness != "" {
		all = append(all, failover.Voter{ID: o.PairWitness, Witness: true})
	}
	return all
}

func (o *Options) policy() failover.Policy {
	switch {
	case o.PairPolicy == "manual":
		return failover.Manual
	case o.PairPolicy == "available", o.PairPolicy == "" && o.PairWitness == "" && len(o.PairNodes) > 1:
		return failover.Available
	}
	return failover.Majority
}

func (o *Options) timing() failover.Timing {
	t := failover.DefaultTiming()
	scale := int64(o.Lease/tick) - t.LeaseTicks
	t.HeartbeatTicks = max(int64(o.Heartbeat/tick), 1)
	t.LeaseTicks += scale
	t.DriftMarginTicks = max(t.LeaseTicks/20, 1)
	t.StartGraceTicks = max(t.StartGraceTicks+scale, t.LeaseTicks)
	return t
}
