package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/status"
)

// actAsServer, in the environment, makes the test's own program a stand-in for tandem-server.
const actAsServer = "TANDEM_TEST_SERVER"

// serveAsChild listens where the configuration says and answers; node a calls itself master. It ends on SIGTERM.
func serveAsChild(args []string) int {
	m, err := readMember(args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for i, a := range args {
		if a == "--pidfile" {
			if err := os.WriteFile(args[i+1], []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
				fmt.Println(err)
				return 1
			}
		}
	}
	if os.Getenv(actAsServer) == "fails "+m.id {
		fmt.Println("the disk is full")
		return 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, a := range m.addresses() {
		l, err := net.Listen("tcp", a.addr)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		n := &fakeNode{id: m.id, listener: l, conns: map[net.Conn]bool{}}
		role := map[string]string{"a": "master", "b": "standby"}[m.id]
		n.report = status.Report{Node: m.id, Pair: "p", Epoch: 1, Role: role, Master: "a", Voters: []status.Voter{
			{ID: "a", Role: "master", Health: "ok", Addr: "127.0.0.1:1"}, {ID: "b", Role: "standby", Health: "ok"}}}
		n.wait.Add(1)
		go n.accept()
		defer n.close()
	}
	<-ctx.Done()
	fmt.Println("ended in order")
	return 0
}

// screen is written by the pair and read by the test.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *screen) await(t *testing.T, part string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(s.String(), part) }, soon, 5e6, "awaiting %q in:\n%s", part, s)
}

// pairFolder writes configuration files with free ports, and returns the flags.
func pairFolder(t *testing.T) (flags []string, run string, ports map[string]int) {
	dir := t.TempDir()
	ports = map[string]int{}
	var held []net.Listener
	for _, id := range []string{"a", "b", "w"} {
		text := "# a comment\nnode-id \"" + id + "\"\nbind 127.0.0.1\n"
		for _, name := range []string{"port", "rw-port", "ro-port", "gossip-port"} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			held = append(held, l)
			ports[id+" "+name] = l.Addr().(*net.TCPAddr).Port
			if id == "w" && name == "port" {
				ports[id+" "+name] = 0
			}
			text += fmt.Sprintf("%s %d\n", name, ports[id+" "+name])
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, id+".conf"), []byte(text), 0o600))
	}
	for _, l := range held {
		l.Close()
	}
	self, err := os.Executable()
	require.NoError(t, err)
	server := filepath.Join(dir, "tandem-server")
	require.NoError(t, os.Symlink(self, server))
	run = filepath.Join(dir, "run")
	return []string{"pair", "--conf", dir, "--run", run, "--server", server, "--timeout", soon.String()}, run, ports
}

func TestPair_startsFollowsAndStops(t *testing.T) {
	t.Setenv(actAsServer, "works")
	flags, runDir, ports := pairFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &screen{}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, streams{out: out, err: out, getenv: os.Getenv}, flags) }()
	out.await(t, "epoch 1:  a master  b standby")
	for _, name := range []string{"a port", "a rw-port", "b ro-port", "w rw-port", "w gossip-port"} {
		require.Contains(t, out.String(), fmt.Sprintf("127.0.0.1:%d", ports[name]))
	}
	require.Contains(t, out.String(), "always the master: use this one")

	// While it runs, a second one is refused, with words about the first.
	second := &screen{}
	require.Equal(t, 1, run(ctx, streams{out: second, err: second, getenv: os.Getenv}, flags))
	require.Regexp(t, `node a is running already, with pid \d+ .*kill \d+`, second.String())

	// A node that dies is named and not started again.
	text, err := os.ReadFile(filepath.Join(runDir, "a", pidName))
	require.NoError(t, err)
	pid, err := strconv.Atoi(string(text))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	out.await(t, fmt.Sprintf("node a (pid %d) has ended: signal: killed. Start it again with: make node-a", pid))

	cancel()
	require.Equal(t, 0, <-ended)
	require.NotContains(t, out.String(), "stopping node a")
	require.Contains(t, out.String(), "stopping node b")
	for _, id := range []string{"b", "w"} {
		log, err := os.ReadFile(filepath.Join(runDir, id, logName))
		require.NoError(t, err)
		require.Contains(t, string(log), "ended in order")
	}
}

func TestPair_aFailedStartStopsTheRest(t *testing.T) {
	t.Setenv(actAsServer, "fails b")
	flags, runDir, _ := pairFolder(t)
	out := &screen{}
	require.Equal(t, 1, run(context.Background(), streams{out: out, err: out, getenv: os.Getenv}, flags))
	require.Contains(t, out.String(), "node b has ended (exit status 3). The end of its log:\nthe disk is full")
	log, err := os.ReadFile(filepath.Join(runDir, "a", logName))
	require.NoError(t, err)
	require.Contains(t, string(log), "ended in order")
}

func TestPair_refusesBusyPortsAndBadFiles(t *testing.T) {
	t.Setenv(actAsServer, "works")
	flags, _, ports := pairFolder(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports["b rw-port"]))
	require.NoError(t, err)
	defer l.Close()
	code, out, errText := tandem(nil, flags...)
	require.Equal(t, 1, code)
	require.NotContains(t, out, "starts with pid", "nothing is started before all is checked")
	require.Regexp(t, `node b cannot have its rw-port 127.0.0.1:\d+: .*address already in use`, errText)

	code, _, errText = tandem(nil, "pair", "--conf", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, errText, "run `tandem pair` in the project's folder")

	dir := t.TempDir()
	for text, want := range map[string]string{"port 99999": `a.conf:1: port "99999" is not a port`, "bind \"x": "a.conf:1: quotes"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.conf"), []byte(text), 0o600))
		_, _, errText = tandem(nil, "pair", "--conf", dir)
		require.Contains(t, errText, want)
	}
}

func TestPair_aStalePidFileIsNoObstacle(t *testing.T) {
	m := member{id: "a", dir: t.TempDir()}
	for _, text := range []string{"", "x", "-1", "0", strconv.Itoa(os.Getpid())} { // the last one is alive, and no server
		require.NoError(t, os.WriteFile(m.pidFile(), []byte(text), 0o600))
		_, ok := m.runs()
		require.False(t, ok, text)
	}
}
