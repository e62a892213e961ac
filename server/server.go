package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/internal/config"
	"github.com/tandemkv/tandem/persistence"
)

// Server is one data node as clients see it. Start and Close may be called from any goroutine.
type Server struct {
	opts      *Options
	log       *slog.Logger
	x         *executor
	ports     []*port
	transport *transport
	router    Router
	keepalive atomic.Int64       // seconds
	store     *persistence.Store // nil: nothing durable
	started   time.Time

	syncing       atomic.Bool // a syncSoon is under way
	closedInOrder bool        // as of the start
	crashing      bool        // Close leaves no mark of an orderly end

	link        linkState
	dial        func(ctx context.Context, address string) (net.Conn, error) // to a master; nil: TCP
	changeStore func(*persistence.Options)                                  // nil: none

	stopping chan struct{}
	fatalErr chan error
	tasks    sync.WaitGroup
	once     sync.Once
}

// Router takes the connections of the read/write and read-only addresses that this node does not serve itself.
type Router interface {
	// Routes tells whether a new connection of this kind is to be forwarded. role and linkUp are this node's.
	Routes(kind PortKind, role Role, linkUp bool) bool
	// Forward serves the connection until it ends.
	Forward(kind PortKind, conn net.Conn)
	// Adopt goes on with a connection that this node served as master until now.
	Adopt(conn net.Conn, unread []byte, state Handover)
}

// Handover is what a connection's next server must know of its session.
type Handover struct {
	DB    int
	Name  string
	Proto int
	Auth  string // the password that the client gave, empty: none
}

// Pair is the failover of the pair, as the session commands see it. nil: this node stands alone.
type Pair interface {
	// StatusJSON describes the pair for TANDEM STATUS.
	StatusJSON() ([]byte, error)
	// Switchover hands the reign over; to is a node's id, empty: the best standby.
	Switchover(ctx context.Context, to string) error
	// Takeover orders this node to become master although it may lack acknowledged writes.
	Takeover()
	// Info adds lines to INFO.
	Info() []InfoLine
}

// InfoLine is one "name:value" of INFO.
type InfoLine struct{ Name, Value string }

// Parts are what a server is given besides its options. Each may be nil.
type Parts struct {
	Directives *config.Set // for CONFIG
	Router     Router
	Log        *slog.Logger
	// PairName separates pairs: a standby joins only a master of the same pair.
	PairName, NodeID string
	// Dangling: come up fenced and wait for Promote or Follow. Otherwise the node is a master, or a replica of replicaof, at once.
	Fenced bool
	// Dial connects to a master; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// changeStore may change how the store is opened: a test puts another file system under it.
	changeStore func(*persistence.Options)
}

// New opens the node's data and its listeners. Nothing is served before Start.
func New(opts *Options, parts Parts) (*Server, error) {
	log := parts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	v := &Server{opts: opts, log: log, router: parts.Router, stopping: make(chan struct{}), fatalErr: make(chan error, 1), started: time.Now()}
	v.keepalive.Store(int64(opts.TCPKeepalive / time.Second))
	table, runs := newTable()
	v.x = newExecutor(opts, table, runs, log)
	v.x.server = v
	v.link.acks = make(chan struct{}, 1)
	v.x.fatal = v.fatal
	v.x.directives = parts.Directives
	v.x.nodeID, v.x.pairName = parts.NodeID, parts.PairName
	v.x.startFenced = parts.Fenced
	v.x.promises.standbys = opts.Durability == DurabilityStandby
	v.x.tick()
	v.dial, v.changeStore = parts.Dial, parts.changeStore
	v.registerHooks()
	if err := v.openStore(); err != nil {
		return nil, err
	}
	var err error
	if v.ports, err = listen(opts); err != nil {
		return nil, errors.Join(err, v.closeStore())
	}
	if v.transport, err = newTransport(v.x, opts.IOThreads); err != nil {
		v.closePorts()
		return nil, errors.Join(err, v.closeStore())
	}
	return v, nil
}

// SetPair tells the server of the pair's failover. It is called once, before Start.
func (v *Server) SetPair(p Pair) { v.x.pair = p }

// Start serves clients (who are told that the node is loading), loads the data and takes up the node's first role.
func (v *Server) Start() error {
	v.x.loading.begin()
	v.x.lookAtMemory() // before there are data
	for _, p := range v.ports {
		v.tasks.Go(func() {
			if err := v.accept(p); err != nil {
				v.fatal(fmt.Errorf("%s: %w", p.kind, err))
			}
		})
	}
	if err := v.load(); err != nil {
		return err
	}
	v.tasks.Go(v.keepHouse)
	v.tasks.Go(v.keepCheckpoints)
	return v.firstRole()
}

// Done is closed when the server was asked to stop (SHUTDOWN, a signal through Stop).
func (v *Server) Done() <-chan struct{} { return v.x.shutdown }

// Failed gives the error after which the node cannot go on.
func (v *Server) Failed() <-chan error { return v.fatalErr }

// fatal reports a broken invariant or a lost resource of our own. The node must stop: going on would be worse.
func (v *Server) fatal(err error) {
	select {
	case v.fatalErr <- err:
	default:
	}
}

// Close stops serving, brings all data to disk and ends every goroutine. It may be called more than once.
func (v *Server) Close() error {
	var err error
	v.once.Do(func() { err = v.close() })
	return err
}

func (v *Server) close() error {
	close(v.stopping)
	v.closePorts()
	v.stopLink()
	v.x.acquire(nil)
	v.x.standbys.closeAll("the server stops")
	v.x.release(nil)
	v.transport.stop()
	v.x.acquire(nil)
	for _, s := range v.x.sessions {
		v.x.kill(s, "the server stops")
	}
	v.x.release(nil)
	v.tasks.Wait()
	err := v.finalCheckpoint()
	return errors.Join(err, v.closeStore())
}

func (v *Server) closePorts() {
	for _, p := range v.ports {
		p.close()
	}
}

// Addr is the address of the first listener of a kind; empty when there is none.
func (v *Server) Addr(kind PortKind) string {
	for _, p := range v.ports {
		if p.kind == kind && !p.unix {
			return p.ln.Addr().String()
		}
	}
	return ""
}

// Port is the TCP port of a kind; 0 when there is none.
func (v *Server) Port(kind PortKind) int {
	for _, p := range v.ports {
		if addr, ok := p.ln.Addr().(*net.TCPAddr); ok && p.kind == kind {
			return addr.Port
		}
	}
	return 0
}

// routes tells whether a new connection is the forwarder's.
func (v *Server) routes(kind PortKind) bool {
	if kind == PortNode || v.router == nil {
		return false
	}
	v.x.acquire(nil)
	role, up := v.x.role.role, v.x.role.linkUp
	v.x.release(nil)
	return v.router.Routes(kind, role, up)
}

// arriveConn serves a net.Conn with goroutines of its own.
func (v *Server) arriveConn(p *port, conn net.Conn) {
	if v.routes(p.kind) {
		go v.router.Forward(p.kind, conn)
		return
	}
	v.x.acquire(nil)
	s, refusal := v.x.newSession(p, conn.RemoteAddr().String(), conn.LocalAddr().String())
	if s == nil {
		v.x.release(nil)
		conn.Write([]byte(refusal)) // best effort: the connection ends here
		conn.Close()
		return
	}
	carrier := newConnCarrier(v.x, conn, s)
	v.x.release(nil)
	v.tasks.Go(carrier.run)
}

// ServeConn serves a connection that does not come from a listener of the node, such as one end of a pipe.
func (v *Server) ServeConn(conn net.Conn) {
	v.arriveConn(&port{kind: PortNode, unix: true}, conn)
}

// broken stops the node: its own state contradicts itself.
func (x *executor) broken(format string, args ...any) {
	panic(fmt.Sprintf("broken invariant: "+format, args...))
}

// registerHooks connects CONFIG SET with what it changes.
func (v *Server) registerHooks() {
	x, o := v.x, v.opts
	o.register("limits", func() error { x.ks.SetLimits(o.Limits); return nil })
	o.register("proto-max-bulk-len", func() error { x.engine.BulkBytesMax = o.BulkBytesMax; return nil })
	o.register("maxmemory", func() error { x.applyMaxMemory(); return nil })
	o.register("maxmemory-policy", func() error { x.applyPolicy(); return nil })
	o.register("requirepass", func() error { return nil }) // clients that are in stay in, as in Redis
	o.register("appendfsync", func() error { v.applyFsync(); return nil })
	o.register("durability", func() error { x.applyDurability(); return nil })
	o.register("retention", func() error {
		if v.store != nil {
			v.store.SetRetention(o.LogRetainBytes, o.LogRetain.Milliseconds())
		}
		return nil
	})
}
