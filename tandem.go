package tandem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/tandemkv/tandem/failover/agent"
	"github.com/tandemkv/tandem/replication"
	"github.com/tandemkv/tandem/server"
	"github.com/tandemkv/tandem/server/forward"
)

// Node is a running process of the pair: a data node, or a witness.
type Node struct {
	opts   *Options
	log    *slog.Logger
	server *server.Server // nil for a witness
	agent  *agent.Agent   // nil when the node stands alone
	rw, ro *forward.Forwarder
	ports  []witnessPort

	agentSet chan struct{} // closed when agent is set: the server starts before it
	failed   chan error
	closing  sync.Once
	closed   chan struct{} // closed when the end begins
	closeErr error
}

// witnessPort is an address that a witness forwards from.
type witnessPort struct {
	kind server.PortKind
	ln   net.Listener
}

// Network is the way to the other nodes of the pair. A test puts its own into Options, to cut it.
type Network interface {
	// Cut reports that what goes to and comes from a gossip address is lost at present.
	Cut(gossipAddr string) bool
	// Dial connects to another node's port: to follow it, or to forward to it.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// Start runs a node. It returns when the data are loaded and the node takes part in the pair; in a pair it may have no master yet.
func Start(o *Options, log *slog.Logger) (*Node, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	n := &Node{opts: o, log: log, agentSet: make(chan struct{}), failed: make(chan error, 1), closed: make(chan struct{})}
	if err := o.check(); err != nil {
		return nil, err
	}
	n.openForwarders()
	var err error
	if o.Witness {
		err = n.startWitness()
	} else {
		err = n.startServer()
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// openForwarders makes what serves the rw and ro addresses when this node does not. A node that stands alone needs none.
func (n *Node) openForwarders() {
	if !n.opts.paired() {
		return
	}
	o := forward.Options{
		ForwardTimeout: n.opts.ForwardWait, BulkBytesMax: n.opts.Server.BulkBytesMax, ConnsMax: n.opts.Server.MaxClients,
		StrangersLimited: n.opts.Server.RequirePass != "",
		Log:              func(text string) { n.log.Info(text) },
		Repeatable:       server.ReadOnlyCommands(),
	}
	if n.opts.Network != nil {
		o.Dial = n.opts.Network.Dial
	}
	o.Refusals = forward.RefusalsRW()
	n.rw = forward.New(n.target((*agent.Agent).MasterNow), o)
	o.Refusals = forward.RefusalsRO()
	o.Fallback = n.target((*agent.Agent).MasterNow)
	n.ro = forward.New(n.target((*agent.Agent).ReaderNow), o)
}

// target asks the agent; before it is there, and when it could not start, nobody is known.
func (n *Node) target(ask func(*agent.Agent) (string, <-chan struct{})) forward.Target {
	return forward.TargetFunc(func() (string, <-chan struct{}) {
		select {
		case <-n.agentSet:
			if n.agent == nil {
				return "", nil
			}
			return ask(n.agent)
		default:
			return "", n.agentSet
		}
	})
}

func (n *Node) startServer() (err error) {
	o := n.opts
	parts := server.Parts{Directives: o.directives, Log: n.log, NodeID: o.NodeID, Fenced: o.paired()}
	if o.paired() {
		parts.PairName = o.PairName
		parts.Router = router{n}
	}
	if o.Network != nil {
		parts.Dial = o.Network.Dial
	}
	if n.server, err = server.New(&o.Server, parts); err != nil {
		return err
	}
	if o.paired() {
		n.server.SetPair(pair{n})
		n.server.OnInSyncWanted(func(number uint64, set []string) { n.whenPaired(func() { n.agent.WantInSync(number, set) }) })
		n.server.OnDurability(func(on bool) { n.whenPaired(func() { n.agent.SetSyncDurability(on) }) })
		n.server.OnHealth(func(healthy bool, reason string) { n.whenPaired(func() { n.agent.SetHealth(healthy, reason) }) })
	}
	if err := n.server.Start(); err != nil {
		return err
	}
	go func() {
		select {
		case err := <-n.server.Failed():
			n.fail(err)
		case <-n.closed:
		}
	}()
	if !o.paired() {
		return nil
	}
	return n.startAgent(nodeDriver{n.server}, n.server.Port(server.PortNode), n.server.Port(server.PortRW), n.server.Port(server.PortRO))
}

// whenPaired runs f if the agent is there; what comes earlier is repeated by the server.
func (n *Node) whenPaired(f func()) {
	select {
	case <-n.agentSet:
		f()
	default:
	}
}

// startWitness runs a voter without data, which forwards.
func (n *Node) startWitness() error {
	o := &n.opts.Server
	for _, p := range []struct {
		kind   server.PortKind
		number int
		to     *forward.Forwarder
	}{{server.PortRW, o.RWPort, n.rw}, {server.PortRO, o.ROPort, n.ro}} {
		if p.number == 0 {
			continue
		}
		for _, address := range server.ListenAddresses(o, p.number) {
			ln, err := net.Listen("tcp", address)
			if err != nil {
				return fmt.Errorf("Failed listening on port %d (%s), aborting: %w", p.number, p.kind, err)
			}
			n.ports = append(n.ports, witnessPort{p.kind, ln})
			go func() {
				if err := p.to.Serve(ln); err != nil && !errors.Is(err, forward.ErrClosed) && !errors.Is(err, net.ErrClosed) {
					n.fail(err)
				}
			}()
		}
	}
	return n.startAgent(agent.NewWitness(), 0, n.witnessPort(server.PortRW), n.witnessPort(server.PortRO))
}

func (n *Node) witnessPort(kind server.PortKind) int {
	for _, p := range n.ports {
		if p.kind == kind {
			return p.ln.Addr().(*net.TCPAddr).Port
		}
	}
	return 0
}

func (n *Node) startAgent(driver agent.Node, port, rw, ro int) error {
	o := n.opts
	if o.Server.AnnouncePort != 0 && port != 0 {
		port = o.Server.AnnouncePort
	}
	var cut func(string) bool
	if o.Network != nil {
		cut = o.Network.Cut
	}
	a, err := agent.Start(agent.Options{
		ID: o.NodeID, Pair: o.PairName, Voters: o.voters(), Join: o.PairPeers, Policy: o.policy(),
		SyncDurability: o.Server.Durability == server.DurabilityStandby,
		Intact:         n.server != nil && n.server.Intact(),
		Dir:            o.Server.Dir, GossipBind: o.GossipBind, GossipPort: o.GossipPort, GossipKey: o.GossipKey,
		AnnounceHost: o.Server.AnnounceHost, Port: port, RWPort: rw, ROPort: ro, Tick: tick, Timing: o.timing(),
		Log: n.say, Cut: cut,
	}, driver)
	if err != nil {
		return err
	}
	n.agent = a
	close(n.agentSet)
	go func() {
		<-a.Done()
		if err := a.Err(); err != nil {
			n.fail(fmt.Errorf("failover agent: %w", err))
		}
	}()
	return nil
}

// say brings the agent's lines to the node's log.
func (n *Node) say(level agent.Level, text string) {
	n.log.Log(context.Background(), map[agent.Level]slog.Level{
		agent.Debug: slog.LevelDebug, agent.Verbose: slog.LevelDebug, agent.Notice: slog.LevelInfo, agent.Warning: slog.LevelWarn,
	}[level], text)
}

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// Stopped is closed when a client asked the node to stop (SHUTDOWN). It never is for a witness.
func (n *Node) Stopped() <-chan struct{} {
	if n.server == nil {
		return nil
	}
	return n.server.Done()
}

// Failed gives the error after which the node cannot go on; the process must end.
func (n *Node) Failed() <-chan error { return n.failed }

// Close ends the node in order: mastership, clients, data. It may be called more than once.
func (n *Node) Close() error {
	n.closing.Do(func() {
		close(n.closed)
		if n.agent != nil {
			n.closeErr = n.agent.Close()
		}
		n.closeRest()
	})
	return n.closeErr
}

// Kill ends the node as much as possible like the death of its process: its clients are cut off before the others can
// notice, nobody is told, no checkpoint is taken and the data are not marked as closed in order. For tests.
func (n *Node) Kill() error {
	n.closing.Do(func() {
		close(n.closed)
		if n.server != nil {
			n.server.Crash()
		}
		if n.agent != nil {
			n.closeErr = n.agent.Kill()
		}
		n.closeRest()
	})
	return n.closeErr
}

func (n *Node) closeRest() {
	for _, p := range n.ports {
		if err := p.ln.Close(); !errors.Is(err, net.ErrClosed) {
			n.closeErr = errors.Join(n.closeErr, err)
		}
	}
	if n.server != nil {
		n.closeErr = errors.Join(n.closeErr, n.server.Close())
	}
	if n.rw != nil {
		n.rw.Close()
		n.ro.Close()
	}
}

// Addr is host:port of the node, RWAddr and ROAddr those of its other addresses; empty when there is none.
func (n *Node) Addr() string { return n.address(server.PortNode) }

// RWAddr always leads to the master.
func (n *Node) RWAddr() string { return n.address(server.PortRW) }

// ROAddr leads to a reader.
func (n *Node) ROAddr() string { return n.address(server.PortRO) }

func (n *Node) address(kind server.PortKind) string {
	if n.server != nil {
		return n.server.Addr(kind)
	}
	for _, p := range n.ports {
		if p.kind == kind {
			return p.ln.Addr().String()
		}
	}
	return ""
}

// Agent is the node's part in the pair; nil when it stands alone.
func (n *Node) Agent() *agent.Agent { return n.agent }

// Server is the data node; nil for a witness.
func (n *Node) Server() *server.Server { return n.server }

// router sends the connections of the rw and ro addresses to the forwarders. server.Router.
type router struct{ n *Node }

func (r router) Routes(kind server.PortKind, role server.Role, linkUp bool) bool {
	switch kind {
	case server.PortRW:
		return role != server.RoleMaster
	case server.PortRO:
		return !(role == server.RoleStandby && linkUp) && r.elsewhere()
	}
	return false
}

// elsewhere tells whether a reader other than this node is known.
func (r router) elsewhere() bool {
	select {
	case <-r.n.agentSet:
		addr, _ := r.n.agent.ReaderNow()
		return addr != "" && addr != r.n.agent.Voter(r.n.opts.NodeID).Addr
	default:
		return true
	}
}

func (r router) Forward(kind server.PortKind, conn net.Conn) {
	if kind == server.PortRO {
		r.n.ro.Handle(conn)
		return
	}
	r.n.rw.Handle(conn)
}

func (r router) Adopt(conn net.Conn, unread []byte, h server.Handover) {
	state := forward.State{DB: h.DB, Proto: h.Proto, Name: h.Name}
	if h.Auth != "" {
		state.Login = [][]byte{fmt.Appendf(nil, "*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n", len(h.Auth), h.Auth)}
	}
	r.n.rw.Adopt(conn, unread, state)
}

// pair is the failover as the session commands see it. server.Pair.
type pair struct{ n *Node }

var errNotYet = errors.New("the failover agent has not started yet")

func (p pair) ready() error {
	select {
	case <-p.n.agentSet:
		return nil
	default:
		return errNotYet
	}
}

func (p pair) StatusJSON() ([]byte, error) {
	if err := p.ready(); err != nil {
		return nil, err
	}
	report := p.n.agent.Report()
	for i := range report.Voters {
		if seconds, ok := p.n.server.StandbyLag(report.Voters[i].ID); ok {
			report.Voters[i].LagSeconds = seconds
		}
	}
	return json.Marshal(report)
}

func (p pair) Switchover(ctx context.Context, to string) error {
	if err := p.ready(); err != nil {
		return err
	}
	_, err := p.n.agent.Switchover(ctx, to)
	return err
}

func (p pair) Takeover() {
	if p.ready() == nil {
		p.n.agent.Takeover()
	}
}

func (p pair) Info() []server.InfoLine {
	if p.ready() != nil {
		return nil
	}
	s := p.n.agent.Status()
	master, _ := p.n.agent.Master()
	return []server.InfoLine{
		{Name: "tandem_pair", Value: p.n.opts.PairName},
		{Name: "tandem_pair_role", Value: s.Role.String()},
		{Name: "tandem_pair_epoch", Value: strconv.FormatUint(s.Epoch, 10)},
		{Name: "tandem_pair_policy", Value: s.Policy.String()},
		{Name: "tandem_pair_master", Value: s.Master},
		{Name: "tandem_pair_master_addr", Value: master.Addr},
		{Name: "tandem_pair_reason", Value: s.RoleReason},
	}
}

// nodeDriver lets the agent drive the server. agent.Node.
type nodeDriver struct{ s *server.Server }

func (d nodeDriver) Position() replication.Position { return d.s.Position() }

// SealLog ends the stream of the old master before a reign begins.
func (d nodeDriver) SealLog() error { return d.s.SealLog() }

func (d nodeDriver) BecomeMaster(epoch uint64, leaseUntil time.Time, reason string) error {
	return d.s.Reign(epoch, leaseUntil, reason)
}

func (d nodeDriver) Follow(master agent.Voter, epoch uint64, reason string) error {
	return d.s.Follow(master.Addr, reason)
}
func (d nodeDriver) Fence(reason string)                         { d.s.Fence(reason) }
func (d nodeDriver) Unfence(leaseUntil time.Time, reason string) { d.s.Unfence(leaseUntil, reason) }
func (d nodeDriver) ExtendLease(leaseUntil time.Time)            { d.s.ExtendLease(leaseUntil) }
func (d nodeDriver) HoldWrites(to, reason string, f func(int64)) { d.s.HoldWrites(to, reason, f) }
func (d nodeDriver) ReleaseWrites(reason string)                 { d.s.ReleaseWrites(reason) }
func (d nodeDriver) CommitSet(number uint64, set []string)       { d.s.CommitSet(number) }
