package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/status"
)

const soon = 30 * time.Second // a limit for waiting by condition, not a measure

// fakeNode answers AUTH, PING and TANDEM over RESP.
type fakeNode struct {
	id       string
	listener net.Listener
	wait     sync.WaitGroup

	mu         sync.Mutex
	conns      map[net.Conn]bool
	report     status.Report
	password   string
	switchover func(to string) string // the reply; nil: refused
	asked      []string
}

func listen(t *testing.T, id string) *fakeNode {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n := &fakeNode{id: id, listener: l, conns: map[net.Conn]bool{}}
	n.wait.Add(1)
	go n.accept()
	t.Cleanup(n.close)
	return n
}

func (n *fakeNode) addr() string { return n.listener.Addr().String() }

func (n *fakeNode) close() {
	n.listener.Close()
	n.with(func() {
		for c := range n.conns {
			c.Close()
		}
	})
	n.wait.Wait()
}

func (n *fakeNode) with(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do()
}

func (n *fakeNode) accept() {
	defer n.wait.Done()
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.with(func() { n.conns[c] = true })
		n.wait.Add(1)
		go n.serve(c)
	}
}

func (n *fakeNode) serve(c net.Conn) {
	defer n.wait.Done()
	defer n.with(func() { delete(n.conns, c); c.Close() })
	var r resp.Reader
	var buf []byte
	chunk := make([]byte, 4096)
	authenticated := false
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
			line := string(bytes.Join(args, []byte(" ")))
			buf = buf[used:]
			if _, err := c.Write([]byte(n.answer(line, &authenticated))); err != nil {
				return
			}
		}
	}
}

func (n *fakeNode) answer(line string, authenticated *bool) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, line)
	if pass, ok := strings.CutPrefix(line, "AUTH "); ok {
		if *authenticated = pass == n.password; !*authenticated {
			return "-WRONGPASS invalid username-password pair\r\n"
		}
		return "+OK\r\n"
	}
	if n.password != "" && !*authenticated {
		return "-NOAUTH Authentication required.\r\n"
	}
	if line == "TANDEM STATUS" {
		text, err := json.Marshal(n.report)
		if err != nil {
			return "-ERR " + err.Error() + "\r\n"
		}
		w := resp.Writer{}
		w.Bulk(text)
		return string(w.Buf)
	}
	if to, ok := strings.CutPrefix(line, "TANDEM SWITCHOVER"); ok && n.switchover != nil {
		return n.switchover(strings.TrimPrefix(to, " TO "))
	}
	return "-ERR refused\r\n"
}

// fakePair is two nodes that describe themselves as a master and a standby.
func fakePair(t *testing.T) (a, b *fakeNode) {
	a, b = listen(t, "a"), listen(t, "b")
	reign(a, b, 1)
	return a, b
}

// reign makes master the master in what both say.
func reign(master, standby *fakeNode, epoch uint64) {
	voters := func(own string) []status.Voter {
		one := func(n *fakeNode, role string, offset, lag int64) status.Voter {
			v := status.Voter{ID: n.id, Role: role, Addr: n.addr(), RW: "rw:1", RO: "ro:1", LastHeardMS: 7, Health: "ok",
				Position: status.Position{Epoch: epoch, Offset: offset}, LagBytes: lag, LagSeconds: -1}
			if n.id == own {
				v.LastHeardMS = 0
			}
			return v
		}
		return []status.Voter{one(master, "master", 1000, 0), one(standby, "standby", 900, 100),
			{ID: "w", Witness: true, Role: "witness", LastHeardMS: 12, LagSeconds: -1, Health: "ok"}}
	}
	describe := func(n *fakeNode, role string) {
		n.with(func() {
			n.report = status.Report{Node: n.id, Pair: "p", Role: role, Epoch: epoch, Master: master.id, Policy: "witness",
				Durability: "standby", InSync: []string{"a", "b"}, LeaseMS: 800, Voters: voters(n.id)}
		})
	}
	describe(master, "master")
	describe(standby, "standby")
}

// tandem runs the command line.
func tandem(env map[string]string, args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(context.Background(), streams{out: &o, err: &e, getenv: func(name string) string { return env[name] }}, args)
	return code, o.String(), e.String()
}

func TestMain(m *testing.M) {
	if os.Getenv(actAsServer) != "" {
		os.Exit(serveAsChild(os.Args[1:]))
	}
	os.Exit(m.Run())
}
