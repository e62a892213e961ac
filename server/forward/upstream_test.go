package forward

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
)

// pair is two fake nodes that share their data, so that what either executes is seen by both.
type pair struct {
	t  *testing.T
	mu sync.Mutex

	log    []string // every executed write, in order
	nodes  []*node
	master int // index, -1: none
	// moved is closed and renewed when master changes.
	moved chan struct{}
}

// node answers like a server of its role.
type node struct {
	p        *pair
	index    int
	listener net.Listener
	conns    map[net.Conn]bool
	writable bool
	silent   bool   // reads commands and answers none
	fault    string // an error that answers every write
	seen     []string
	dialled  int
	wait     sync.WaitGroup
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, moved: make(chan struct{}), master: -1}
	for i := range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		n := &node{p: p, index: i, listener: l, conns: map[net.Conn]bool{}}
		p.nodes = append(p.nodes, n)
		n.wait.Add(1)
		go n.accept()
	}
	t.Cleanup(func() {
		for _, n := range p.nodes {
			n.kill()
		}
	})
	return p
}

func (p *pair) Now() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.master < 0 {
		return "", p.moved
	}
	return p.nodes[p.master].listener.Addr().String(), p.moved
}

// reign makes i the master in the eyes of everyone, and the only node that accepts writes. -1: nobody.
func (p *pair) reign(i int) {
	p.refuseWrites()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.master = i
	if i >= 0 {
		p.nodes[i].writable = true
	}
	close(p.moved)
	p.moved = make(chan struct{})
}

func (p *pair) refuseWrites() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.nodes {
		n.writable = false
	}
}

func (p *pair) with(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *pair) executed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.log...)
}

func (p *pair) connsOf(i int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.nodes[i].conns)
}

func (p *pair) saw(i int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.nodes[i].seen...)
}

func (n *node) accept() {
	defer n.wait.Done()
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.p.with(func() { n.conns[c] = true; n.dialled++ })
		n.wait.Add(1)
		go n.serve(c)
	}
}

func (n *node) dropConns() {
	n.p.with(func() {
		for c := range n.conns {
			c.Close()
		}
	})
}

func (n *node) kill() {
	n.listener.Close()
	n.dropConns()
	n.wait.Wait()
}

func (n *node) serve(c net.Conn) {
	defer n.wait.Done()
	defer n.p.with(func() { delete(n.conns, c); c.Close() })
	var r resp.Reader
	var buf []byte
	chunk := make([]byte, 4096)
	st := &connState{}
	for {
		k, err := c.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:k]...)
		for {
			args, used, err := r.Next(buf)
			if err != nil || used == 0 {
				break
			}
			words := make([]string, len(args))
			for i, a := range args {
				words[i] = string(a)
			}
			buf = buf[used:]
			reply := n.answer(st, words)
			if _, err := c.Write([]byte(reply)); err != nil || strings.HasPrefix(reply, "+bye") {
				return
			}
		}
	}
}

type connState struct {
	user  string
	db    string
	multi bool
	dirty bool
	queue [][]string
}

func (n *node) answer(st *connState, w []string) string {
	n.p.mu.Lock()
	defer n.p.mu.Unlock()
	n.seen = append(n.seen, strings.Join(w, " "))
	name := strings.ToUpper(w[0])
	if n.silent {
		return ""
	}
	if st.multi && name != "EXEC" && name != "DISCARD" {
		if name == "SET" && !n.writable {
			st.dirty = true
			return "-READONLY You can't write against a read only replica.\r\n"
		}
		st.queue = append(st.queue, w)
		return "+QUEUED\r\n"
	}
	switch name {
	case "MULTI":
		*st = connState{user: st.user, db: st.db, multi: true}
		return "+OK\r\n"
	case "EXEC":
		return n.exec(st)
	case "SUBSCRIBE":
		return "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
	case "QUIT":
		return "+bye\r\n"
	}
	return n.run(st, w)
}

func (n *node) exec(st *connState) string {
	queue, dirty := st.queue, st.dirty
	*st = connState{user: st.user, db: st.db}
	if dirty {
		return "-EXECABORT Transaction discarded because of previous errors.\r\n"
	}
	if !n.writable {
		return "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.\r\n"
	}
	out := fmt.Sprintf("*%d\r\n", len(queue))
	for _, q := range queue {
		out += n.run(st, q)
	}
	return out
}

func (n *node) run(st *connState, w []string) string {
	switch strings.ToUpper(w[0]) {
	case "SET":
		if n.fault != "" {
			return n.fault
		}
		if !n.writable {
			return "-READONLY You can't write against a read only replica.\r\n"
		}
		n.p.log = append(n.p.log, st.db+w[1]+"="+w[2])
		return "+OK\r\n"
	case "GET": // the last value written to the key
		for i := len(n.p.log) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(n.p.log[i], st.db+w[1]+"="); ok {
				return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
			}
		}
		return "$-1\r\n"
	case "AUTH":
		if w[1] == "wrong" {
			return "-WRONGPASS no\r\n"
		}
		st.user = w[1]
		return "+OK\r\n"
	case "WHOAMI":
		return fmt.Sprintf("+%s/%s\r\n", st.user, st.db)
	case "SELECT":
		st.db = w[1] + ":"
		return "+OK\r\n"
	case "PUSHY":
		return ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n+OK\r\n"
	}
	return "+OK\r\n"
}

// client is a test's connection to the forwarder.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (c *client) send(lines ...string) {
	var out []byte
	for _, l := range lines {
		out = resp.AppendCommandStrings(out, strings.Fields(l)...)
	}
	_, err := c.conn.Write(out)
	require.NoError(c.t, err)
}

// line reads one line of a reply.
func (c *client) line() string {
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	s, err := c.r.ReadString('\n')
	require.NoError(c.t, err)
	return strings.TrimRight(s, "\r\n")
}

func (c *client) do(line string) string {
	c.send(line)
	return c.line()
}

// closed waits until the forwarder has closed the connection, and returns what came before.
func (c *client) closed() string {
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	var out strings.Builder
	for {
		s, err := c.r.ReadString('\n')
		out.WriteString(s)
		if err != nil {
			require.NotErrorIs(c.t, err, errTimeout(err), "the connection should have been closed")
			return out.String()
		}
	}
}

// errTimeout returns err if it is a timeout, so that NotErrorIs fails on it.
func errTimeout(err error) error {
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return err
	}
	return net.ErrClosed
}

func isRead(args [][]byte) bool {
	return strings.EqualFold(string(args[0]), "GET") || strings.EqualFold(string(args[0]), "WHOAMI")
}

// serve starts a forwarder for the pair; it is closed, and every session with it, at the end of the test.
func serve(t *testing.T, p *pair, change ...func(*Options)) (*Forwarder, func() *client) {
	o := Options{Repeatable: isRead, Log: func(text string) { t.Log(text) }}
	for _, c := range change {
		c(&o)
	}
	f := New(p, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(l) }()
	t.Cleanup(func() {
		f.Close()
		require.ErrorIs(t, <-ended, ErrClosed)
		require.Zero(t, f.Conns())
	})
	return f, func() *client {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return &client{t: t, conn: conn, r: bufio.NewReader(conn)}
	}
}
