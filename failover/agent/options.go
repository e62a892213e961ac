package agent

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/failover"
)

// Level of a line for the log, in Redis' words.
type Level uint8

// The levels.
const (
	Debug Level = iota
	Verbose
	Notice
	Warning
)

// Options of an agent.
type Options struct {
	ID   string
	Pair string
	// Voters lists every voter, this node included.
	Voters []failover.Voter
	// Join lists the gossip addresses of the other voters, host:port, in any order. A host may be a name: it is resolved
	// at each attempt.
	Join   []string
	Policy failover.Policy
	// SyncDurability is `durability standby`.
	SyncDurability bool
	// Intact: see failover.Config.
	Intact bool
	// Dir holds the ballot.
	Dir string

	// GossipBind is the IP address to listen on, empty for all; GossipPort 0 takes a free one.
	GossipBind string
	GossipPort int
	// GossipKey encrypts the gossip: base64 of 16, 24 or 32 bytes. Empty: not encrypted.
	GossipKey string

	// AnnounceHost is the host others should use, a name or an address; empty: the address they see.
	AnnounceHost string
	// AnnounceGossipPort is the gossip port others should use, 0: GossipPort.
	AnnounceGossipPort int
	// Port, RWPort and ROPort are announced, as others should dial them. 0: there is none.
	Port, RWPort, ROPort int

	// Tick is the length of a tick; 0: 10 ms. Timing is in ticks; zero: failover.DefaultTiming.
	Tick   time.Duration
	Timing failover.Timing
	// Seed drives the random part of the backoff; 0: from the clock.
	Seed uint64

	// Log receives what an operator should know. Nil: nothing is said.
	Log func(level Level, text string)
	// Cut, for tests, reports that traffic to and from a gossip address is lost at present.
	Cut func(gossipAddr string) bool
}

const (
	namesBytesMax = 200 // pair, id and announced host together: they travel in memberlist's node meta of 512 bytes
	inboxMax      = 1024
)

func (o Options) withDefaults() Options {
	if o.Tick == 0 {
		o.Tick = 10 * time.Millisecond
	}
	if o.Timing == (failover.Timing{}) {
		o.Timing = failover.DefaultTiming()
	}
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano())
	}
	if o.Log == nil {
		o.Log = func(Level, string) {}
	}
	if o.AnnounceGossipPort == 0 {
		o.AnnounceGossipPort = o.GossipPort
	}
	return o
}

func (o Options) config() failover.Config {
	return failover.Config{ID: o.ID, Pair: o.Pair, Voters: o.Voters, Policy: o.Policy, SyncDurability: o.SyncDurability,
		Intact: o.Intact, Timing: o.Timing, Seed: o.Seed}
}

// validate says what is wrong beyond what the core checks itself.
func (o Options) validate() error {
	if err := o.config().Validate(); err != nil {
		return err
	}
	if n := len(o.Pair) + len(o.ID) + len(o.AnnounceHost); n > namesBytesMax {
		return fmt.Errorf("the names of the pair, the node and its announced host have %d bytes together, at most %d", n, namesBytesMax)
	}
	for _, addr := range o.Join {
		if host, port, err := net.SplitHostPort(addr); err != nil || port == "" || host == "" {
			return fmt.Errorf("the gossip address of a voter has the form host:port, not %q", addr)
		}
	}
	if o.GossipBind != "" && net.ParseIP(o.GossipBind) == nil {
		return fmt.Errorf("the gossip bind address %q is not an IP address", o.GossipBind)
	}
	_, err := o.key()
	return err
}

func (o Options) key() ([]byte, error) {
	if o.GossipKey == "" {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(o.GossipKey)
	if err != nil {
		return nil, errors.New("gossip-key is not base64")
	}
	if n := len(key); n != 16 && n != 24 && n != 32 {
		return nil, fmt.Errorf("gossip-key has %d bytes, it must have 16, 24 or 32", n)
	}
	return key, nil
}

// others lists the voters besides this one.
func (o Options) others() []failover.Voter {
	var out []failover.Voter
	for _, v := range o.Voters {
		if v.ID != o.ID {
			out = append(out, v)
		}
	}
	return out
}

func (o Options) isWitness() bool {
	for _, v := range o.Voters {
		if v.ID == o.ID {
			return v.Witness
		}
	}
	return false
}

// own is this node's entry in the address book.
func (o Options) own() Voter {
	host := o.AnnounceHost
	if host == "" {
		host = o.GossipBind
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return Voter{ID: o.ID, Witness: o.isWitness(), Addr: hostPort(host, o.Port), RW: hostPort(host, o.RWPort),
		RO: hostPort(host, o.ROPort), Gossip: hostPort(host, o.AnnounceGossipPort)}
}

func hostPort(host string, port int) string {
	if port == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
