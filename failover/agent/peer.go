package agent

import (
	"errors"
	"fmt"
	"log"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/tandemkv/tandem/failover"
)

const (
	streamTimeout  = time.Second
	joinPause      = 200 * time.Millisecond // between two attempts to join a peer that is not a member
	joinedPause    = 2 * time.Second        // after one that succeeded, while another is not a member
	outboxMax      = 32
	leaveTimeout   = 300 * time.Millisecond
	packetBytesMax = 1200 // of one of our messages as a UDP packet
)

// ErrSameID is returned by Start when another running node has this node's id.
var ErrSameID = errors.New("another running node has the same id")

// network is memberlist as the agent uses it: who is where, and messages to them.
type network struct {
	opts      Options
	say       *sayer
	book      *addressBook
	list      *memberlist.Memberlist
	transport *transport
	meta      []byte
	outboxes  map[string]chan failover.Message
	received  func(failover.Message)
	// rival gets the address of another node under our id, once memberlist has seen one.
	rival chan net.Addr

	done chan struct{}
	wait sync.WaitGroup
}

// openNetwork listens, and begins to join.
func openNetwork(opts Options, say *sayer, book *addressBook, received func(failover.Message)) (*network, error) {
	n := &network{opts: opts, say: say, book: book, received: received, rival: make(chan net.Addr, 1),
		outboxes: map[string]chan failover.Message{}, done: make(chan struct{})}
	var err error
	if n.meta, err = opts.meta().encode(); err != nil {
		return nil, err
	}
	logger := log.New(gossipLog{say}, "", 0)
	if n.transport, err = newTransport(opts.GossipBind, opts.GossipPort, opts.Cut, logger); err != nil {
		return nil, err
	}
	config, err := n.config(logger)
	if err != nil {
		return nil, errors.Join(err, n.transport.Shutdown())
	}
	if n.list, err = memberlist.Create(config); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the gossip: %w", err), n.transport.Shutdown())
	}
	return n, nil
}

func (n *network) config(logger *log.Logger) (*memberlist.Config, error) {
	c := memberlist.DefaultLANConfig()
	key, err := n.opts.key()
	if err != nil {
		return nil, err
	}
	c.Name, c.Transport, c.Logger, c.SecretKey = n.opts.ID, n.transport, logger, key
	c.BindAddr, c.BindPort = n.opts.GossipBind, n.transport.GetAutoBindPort()
	c.AdvertisePort = c.BindPort
	if n.opts.AnnounceGossipPort != 0 {
		c.AdvertisePort = n.opts.AnnounceGossipPort
	}
	if n.opts.AnnounceHost != "" {
		ip, err := net.ResolveIPAddr("ip", n.opts.AnnounceHost)
		if err != nil {
			n.say.once(Warning, "announce", fmt.Sprintf("the announced host %q does not resolve yet: %v", n.opts.AnnounceHost, err))
		} else {
			c.AdvertiseAddr = ip.String()
		}
	}
	// Membership only serves to learn addresses: votes decide who lives. With three members, one confirmation of a
	// suspicion counts (SuspicionMult 3).
	c.SuspicionMult, c.IndirectChecks, c.RetransmitMult = 3, 1, 3
	c.ProbeTimeout, c.TCPTimeout = 500*time.Millisecond, streamTimeout
	c.PushPullInterval, c.DeadNodeReclaimTime = 15*time.Second, time.Millisecond
	c.EnableCompression = false // our messages are small
	c.Delegate, c.Events, c.Conflict, c.Alive, c.Merge = n, n, n, n, n
	return c, nil
}

// run begins to send, to join and to keep joined. joined is closed when every address has been tried once.
func (n *network) run() (joined <-chan struct{}) {
	for _, v := range n.opts.others() {
		box := make(chan failover.Message, outboxMax)
		n.outboxes[v.ID] = box
		n.wait.Add(1)
		go n.sendStreams(v.ID, box)
	}
	var first sync.WaitGroup
	for _, addr := range n.opts.Join {
		first.Add(1)
		n.wait.Add(1)
		go n.keepJoined(addr, first.Done)
	}
	all := make(chan struct{})
	n.wait.Add(1)
	go func() {
		defer n.wait.Done()
		first.Wait()
		close(all)
	}()
	return all
}

// keepJoined joins at an address while any voter is not a member, for ever: names may resolve later, cables may be
// mended.
func (n *network) keepJoined(addr string, tried func()) {
	defer n.wait.Done()
	for first := true; ; first = false {
		pause := joinPause
		if first || !n.complete() {
			if _, err := n.list.Join([]string{addr}); err != nil {
				n.say.once(Debug, "join "+addr, "joining at "+addr+": "+oneLine(err))
			} else {
				pause = joinedPause
			}
		}
		if first {
			tried()
		}
		select {
		case <-time.After(pause):
		case <-n.done:
			return
		}
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// complete reports that every voter is a member.
func (n *network) complete() bool { return n.list.NumMembers() >= len(n.opts.Voters) }

// send sends a message once, or, if a failover waits for it, in both ways: a packet is mostly first, a stream is sure.
func (n *network) send(to string, m failover.Message) {
	data := m.Encode()
	addr := n.book.find(to).Gossip
	if addr == "" {
		return // not seen yet; messages may be lost, this one is
	}
	if len(data) <= packetBytesMax {
		if err := n.list.SendToAddress(memberlist.Address{Addr: addr, Name: to}, data); err != nil {
			n.say.once(Debug, "send "+to, fmt.Sprintf("sending to %s: %v", to, err))
		}
		if !waitedFor(m.Kind) {
			return
		}
	}
	select {
	case n.outboxes[to] <- m:
	default: // the peer cannot be reached: older messages are still being tried
	}
}

func waitedFor(k failover.Kind) bool {
	switch k {
	case failover.VoteRequest, failover.Vote, failover.Handover, failover.HandoverRefuse, failover.Goodbye:
		return true
	}
	return false
}

func (n *network) sendStreams(id string, box <-chan failover.Message) {
	defer n.wait.Done()
	for {
		select {
		case m := <-box:
			if err := n.sendStream(id, m); err != nil {
				n.say.once(Debug, "stream "+id, fmt.Sprintf("sending to %s: %v", id, err))
			}
		case <-n.done:
			return
		}
	}
}

func (n *network) sendStream(id string, m failover.Message) error {
	addr, err := net.ResolveTCPAddr("tcp", n.book.find(id).Gossip)
	if err != nil {
		return err
	}
	return n.list.SendReliable(&memberlist.Node{Name: id, Addr: addr.IP, Port: uint16(addr.Port)}, m.Encode())
}

// close leaves in order (graceful) or vanishes.
func (n *network) close(graceful bool) error {
	var err error
	if graceful {
		// An error means that nobody took notice in time: then the others find out by themselves.
		_ = n.list.Leave(leaveTimeout)
	}
	close(n.done)
	err = errors.Join(n.list.Shutdown(), n.transport.Shutdown())
	n.wait.Wait()
	return err
}
