package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

var errRetention = errors.New("older than the log's start")

// node is a data node whose data are all bytes that its log ever had: two nodes are equal if these are. It is Source
// and Sink.
type node struct {
	mu        sync.Mutex
	name      string
	pair      string
	history   replication.History
	data      []byte // [0, End)
	logStart  int64
	floor     int64
	synced    int64
	changed   chan struct{} // closed and replaced at each change
	ackSignal chan struct{}
	steps     []string // what was done to it, in order
	failing   map[string]error
	password  string
	copyDelay chan struct{} // if set, Snapshot waits for it
	applyHold chan struct{} // if set, Apply waits for it
}

func newNode(name string) *node {
	return &node{name: name, pair: "pair", synced: -1, changed: make(chan struct{}), ackSignal: make(chan struct{}, 1), failing: map[string]error{}}
}

// reign begins an epoch at the present end.
func (n *node) reign(t testing.TB, epoch uint64) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	h, err := n.history.Append(replication.Entry{ID: fakeID(n.name, epoch), Epoch: epoch, Start: int64(len(n.data))})
	require.NoError(t, err)
	n.history = h
	n.notify()
	return n
}

func fakeID(name string, epoch uint64) string {
	return replication.NewID([20]byte{name[0], byte(epoch)})
}

// append adds commands to the log, as the owner of the data would.
func (n *node) append(p []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.data = append(n.data, p...)
	n.notify()
}

func (n *node) notify() {
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *node) step(format string, args ...any) {
	n.steps = append(n.steps, fmt.Sprintf(format, args...))
}

func (n *node) end() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return int64(len(n.data))
}

func (n *node) content() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return bytes.Clone(n.data)
}

func (n *node) takeSteps() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	steps := n.steps
	n.steps = nil
	return steps
}

// await waits until cond, which may look at n's fields, holds.
func (n *node) await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		n.mu.Lock()
		ok, changed := cond(), n.changed
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			require.Fail(t, "waited in vain: "+what)
		}
	}
}

// Source

func (n *node) Extent() (replication.History, replication.Range) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.history, replication.Range{Start: n.logStart, End: int64(len(n.data))}
}

func (n *node) NewReader(from int64) (LogReader, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if from < n.logStart || from > int64(len(n.data)) {
		return nil, errRetention
	}
	return &nodeReader{n: n, at: from}, nil
}

type nodeReader struct {
	n  *node
	at int64
}

func (r *nodeReader) Read(p []byte) (int, error) {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.at < r.n.logStart {
		return 0, errRetention
	}
	c := copy(p, r.n.data[r.at:])
	r.at += int64(c)
	return c, nil
}

func (r *nodeReader) Wait(ctx context.Context) error {
	for {
		r.n.mu.Lock()
		ready, changed := r.at < int64(len(r.n.data)), r.n.changed
		r.n.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *nodeReader) Close() {}

func (n *node) Snapshot(ctx context.Context) (Snapshot, error) {
	if n.copyDelay != nil {
		select {
		case <-n.copyDelay:
		case <-ctx.Done():
			return Snapshot{}, ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.failing["snapshot"]; err != nil {
		return Snapshot{}, err
	}
	n.step("snapshot at %d", len(n.data))
	body := io.Reader(strings.NewReader("COPY" + string(n.data) + "END!"))
	if err := n.failing["body"]; err != nil {
		body = io.MultiReader(io.LimitReader(body, 10), failingReader{err})
	}
	return Snapshot{ID: n.history.Last().ID, Offset: int64(len(n.data)), Body: io.NopCloser(body)}, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// Sink

func (n *node) Standing() replication.Standing {
	n.mu.Lock()
	defer n.mu.Unlock()
	return replication.Standing{Pair: n.pair, History: n.history, End: int64(len(n.data)), Floor: n.floor}
}

func (n *node) Acked() (offset, synced int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return int64(len(n.data)), n.synced
}

func (n *node) AckChanged() <-chan struct{} { return n.ackSignal }

func (n *node) Rewind(_ context.Context, offset int64, _ string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step("rewind to %d", offset)
	if err := n.failing["rewind"]; err != nil {
		return err
	}
	n.data, n.history = n.data[:offset:offset], n.history.CutAt(offset)
	n.notify()
	return nil
}

func (n *node) Continue(history replication.History) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step("continue at %d", len(n.data))
	n.history = history
	n.notify()
	return n.failing["continue"]
}

func (n *node) BeginFullCopy(offset int64, history replication.History, _ string) (FullCopy, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step("full copy at %d", offset)
	return &nodeCopy{n: n, offset: offset, history: history}, n.failing["begin"]
}

func (n *node) Apply(b *Batch) error {
	n.mu.Lock()
	hold := n.applyHold
	n.mu.Unlock()
	if hold != nil {
		<-hold
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.failing["apply"]; err != nil {
		return err
	}
	n.data = append(n.data, b.Raw...)
	n.notify()
	return nil
}

type nodeCopy struct {
	n       *node
	offset  int64
	history replication.History
	loaded  []byte
}

func (c *nodeCopy) Load(r io.Reader, size int64) error {
	p, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if size >= 0 && int64(len(p)) != size {
		return fmt.Errorf("%d bytes of %d", len(p), size)
	}
	if !bytes.HasPrefix(p, []byte("COPY")) || !bytes.HasSuffix(p, []byte("END!")) {
		return fmt.Errorf("damaged copy of %d bytes", len(p))
	}
	c.loaded = p[4 : len(p)-4]
	return nil
}

func (c *nodeCopy) Commit() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if err := c.n.failing["commit"]; err != nil {
		return err
	}
	c.n.step("commit")
	c.n.data, c.n.history, c.n.logStart, c.n.floor = c.loaded, c.history, c.offset, c.offset
	c.n.notify()
	return nil
}

func (c *nodeCopy) Abort() {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.step("abort")
}

// serve is the session that a server has before PSYNC. It returns when the connection ends.
func (n *node) serve(ctx context.Context, conn net.Conn, o FeederOptions, attached func(*Feeder)) error {
	return serveSession(ctx, conn, n.password, n.Standing, n, o, attached)
}

func serveSession(ctx context.Context, conn net.Conn, password string, own func() replication.Standing, source Source, o FeederOptions,
	attached func(*Feeder)) error {
	w := newWire(conn, nil, time.Second)
	reader := resp.Reader{}
	var facts Facts
	authenticated := password == ""
	for {
		args, used, err := reader.Next(w.pending())
		if err != nil {
			return err
		}
		if used == 0 {
			if err := w.fill(); err != nil {
				return err
			}
			continue
		}
		var reply resp.Writer
		request, asks := ParseRequest(args)
		switch name := strings.ToLower(string(args[0])); {
		case name == "auth" && string(args[len(args)-1]) == password:
			authenticated = true
			reply.OK()
		case name == "auth":
			reply.Error("WRONGPASS invalid username-password pair or user is disabled.")
		case !authenticated:
			reply.Error("NOAUTH Authentication required.")
		case name == "ping":
			reply.Status("PONG")
		case name == "replconf":
			facts.Replconf(args, &reply, own)
		case asks:
			w.consume(used)
			f := NewFeeder(ctx, conn, w.pending(), facts, request, source, o)
			if attached != nil {
				attached(f)
			}
			return f.Run()
		default:
			reply.Error("ERR unknown command")
		}
		w.consume(used)
		if err := w.write(reply.Buf); err != nil {
			return err
		}
	}
}

// commands makes a stream of n commands, each different.
func commands(from, n int) []byte {
	var b []byte
	for i := range n {
		b = resp.AppendCommandStrings(b, "SET", fmt.Sprintf("key:%d", from+i), strings.Repeat("v", (from+i)%50))
	}
	return b
}

// network connects followers to nodes in memory. A dial to an address that is not there fails.
type network struct {
	t       testing.TB
	ctx     context.Context
	mu      sync.Mutex
	nodes   map[string]*node
	dials   int
	feeders []*Feeder
	reasons []string                               // why the masters' sides ended
	wrap    func(dial int, conn net.Conn) net.Conn // around the follower's end; may be nil
	options FeederOptions
	running sync.WaitGroup
}

func newNetwork(t testing.TB, ctx context.Context, nodes ...*node) *network {
	o := DefaultFeederOptions()
	o.SpoolDir = t.TempDir()
	w := &network{t: t, ctx: ctx, nodes: map[string]*node{}, options: o}
	for _, n := range nodes {
		w.nodes[n.name] = n
	}
	return w
}

func (w *network) dial(_ context.Context, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials++
	n := w.nodes[address]
	if n == nil {
		return nil, fmt.Errorf("lookup %s: no such host", address)
	}
	near, far := net.Pipe()
	w.running.Add(1)
	go func() {
		defer w.running.Done()
		err := n.serve(w.ctx, far, w.options, func(f *Feeder) {
			w.mu.Lock()
			w.feeders = append(w.feeders, f)
			w.mu.Unlock()
		})
		_ = far.Close()
		w.mu.Lock()
		w.reasons = append(w.reasons, err.Error())
		w.mu.Unlock()
	}()
	if w.wrap != nil {
		return w.wrap(w.dials, near), nil
	}
	return near, nil
}

func (w *network) lastFeeder() *Feeder {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.feeders[len(w.feeders)-1]
}

// follow runs a follower of address into sink until the returned function is called.
func (w *network) follow(sink *node, address string, change func(*FollowerOptions)) (f *Follower, stop func()) {
	o := DefaultFollowerOptions(address)
	o.Dial, o.NodeID = w.dial, "node-"+sink.name
	o.OnChange = func(FollowerStatus) {
		sink.mu.Lock()
		sink.notify()
		sink.mu.Unlock()
	}
	if change != nil {
		change(&o)
	}
	f = NewFollower(sink, o)
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return f, func() {
		cancel()
		require.ErrorIs(w.t, <-done, context.Canceled)
	}
}

// cutAfter lets a number of bytes through to the reader and then breaks the connection.
type cutAfter struct {
	net.Conn
	left int
}

func (c *cutAfter) Read(p []byte) (int, error) {
	if c.left == 0 {
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
