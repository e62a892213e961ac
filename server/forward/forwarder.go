package forward

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
)

// Forwarder serves one address.
type Forwarder struct {
	target Target
	opts   Options
	roles  roleTable

	ctx    context.Context
	cancel context.CancelFunc

	sessions struct {
		sync.Mutex
		count  int
		closed bool
		wait   sync.WaitGroup
	}
}

// New returns a Forwarder that sends to target.
func New(target Target, o Options) *Forwarder {
	f := &Forwarder{target: target, opts: o.withDefaults(), roles: newRoleTable()}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// ErrClosed is returned by Serve after Close.
var ErrClosed = errors.New("the forwarder is closed")

// Serve accepts connections until the listener is closed, by the caller or by Close.
func (f *Forwarder) Serve(l net.Listener) error {
	stop := context.AfterFunc(f.ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if f.ctx.Err() != nil {
			if conn != nil {
				conn.Close()
			}
			return ErrClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // out of descriptors, or the client gave up: later ones may have more luck
			f.opts.Log("accepting a client: " + err.Error())
			f.pause()
			continue
		}
		f.Handle(conn)
	}
}

func (f *Forwarder) pause() {
	select {
	case <-time.After(f.opts.RetryPause):
	case <-f.ctx.Done():
	}
}

// Handle takes a new client connection and returns at once.
func (f *Forwarder) Handle(conn net.Conn) { f.start(conn, nil, memory{}) }

// State is what a client has said to the node that served it so far.
type State struct {
	DB    int    // selected database
	Proto int    // 2 or 3
	Name  string // CLIENT SETNAME
	// LibName and LibVersion are what CLIENT SETINFO said.
	LibName, LibVersion string
	// Login holds the raw commands that authenticate it, each AUTH or HELLO with AUTH; empty if there was no need.
	Login [][]byte
}

// Adopt takes over a connection that another part of the node has served directly. unread is what it has read and
// not executed. The caller has written every reply that is due, and no longer touches conn.
func (f *Forwarder) Adopt(conn net.Conn, unread []byte, st State) {
	m := memory{}
	for _, raw := range st.Login {
		m.slots = append(m.slots, slot{auth, raw})
		m.known = true
	}
	add := func(r role, words ...string) {
		m.slots = append(m.slots, slot{r, resp.AppendCommandStrings(nil, words...)})
	}
	if st.Proto == 3 {
		add(hello, "HELLO", "3")
	}
	if st.DB != 0 {
		add(selectDB, "SELECT", strconv.Itoa(st.DB))
	}
	if st.Name != "" {
		add(setName, "CLIENT", "SETNAME", st.Name)
	}
	if st.LibName != "" {
		add(setLibName, "CLIENT", "SETINFO", "LIB-NAME", st.LibName)
	}
	if st.LibVersion != "" {
		add(setLibVersion, "CLIENT", "SETINFO", "LIB-VER", st.LibVersion)
	}
	f.start(conn, unread, m)
}

func (f *Forwarder) start(conn net.Conn, unread []byte, m memory) {
	f.sessions.Lock()
	full, closed := f.sessions.count >= f.opts.ConnsMax, f.sessions.closed
	if !full && !closed {
		f.sessions.count++
		f.sessions.wait.Add(1)
	}
	f.sessions.Unlock()
	if full {
		// A new connection's send buffer is empty: this cannot block for long, and nothing depends on it.
		_ = writeWithin(conn, []byte("-ERR max number of clients reached\r\n"), f.opts.RetryPause)
	}
	if full || closed {
		conn.Close()
		return
	}
	s := newSession(f, conn, unread)
	s.ledger.memory = m
	go func() {
		defer f.sessions.wait.Done()
		s.run(f.ctx)
		f.sessions.Lock()
		f.sessions.count--
		f.sessions.Unlock()
	}()
}

// Conns is the number of client connections.
func (f *Forwarder) Conns() int {
	f.sessions.Lock()
	defer f.sessions.Unlock()
	return f.sessions.count
}

// Close closes every connection and returns when all sessions have ended.
func (f *Forwarder) Close() {
	f.sessions.Lock()
	f.sessions.closed = true
	f.sessions.Unlock()
	f.cancel()
	f.sessions.wait.Wait()
}
