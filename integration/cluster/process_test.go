package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/freeport"
)

// patience is a limit for waiting by condition, not a measure.
const patience = 60 * time.Second

// process is one program that this test started.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	log    string // file with its standard output and error
	exited chan struct{}
}

// launch starts a program. It is killed at the end of the test if it still runs.
func launch(t *testing.T, name, program string, args ...string) *process {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	require.NoError(t, err)
	p := &process{t: t, name: name, cmd: exec.Command(program, args...), log: out.Name(), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	require.NoError(t, p.cmd.Start())
	require.NoError(t, out.Close())
	go func() {
		_ = p.cmd.Wait() // the exit code says it
		close(p.exited)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s (pid %d):\n%s", name, p.cmd.Process.Pid, tail(p.text()))
		}
		p.kill()
	})
	return p
}

func tail(text string) string {
	const most = 6000
	if len(text) > most {
		return "..." + text[len(text)-most:]
	}
	return text
}

func (p *process) text() string {
	text, err := os.ReadFile(p.log)
	require.NoError(p.t, err)
	return string(text)
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if p.running() {
		require.NoError(p.t, p.cmd.Process.Signal(s))
	}
}

// freeze is SIGSTOP. It returns when the process has stood still for a while: the signal takes a moment to reach all threads.
func (p *process) freeze(address string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(p.t, err)
	defer conn.Close()
	p.signal(syscall.SIGSTOP)
	answer := make([]byte, 7)
	eventually(p.t, p.name+" to stand still", func() bool {
		_, err := conn.Write([]byte("PING\r\n"))
		require.NoError(p.t, err)
		require.NoError(p.t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		_, err = io.ReadFull(conn, answer)
		return err != nil
	})
}

// kill is kill -9.
func (p *process) kill() {
	if p.running() {
		_ = p.cmd.Process.Kill() // it may have ended by itself just now
	}
	<-p.exited
}

// wait gives the exit code of a process that has to end by itself.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end; its log:\n%s", p.name, tail(p.text()))
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) waitLog(part string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s to log %q", p.name, part), func() bool {
		return strings.Contains(p.text(), part)
	})
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, patience, 5*time.Millisecond, what)
}

// server starts a node that stands alone and waits until it serves.
func server(t *testing.T, port int, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, "server", program("tandem-server"), serverArgs(port, dir, args...)...)
	p.waitLog("Ready to accept connections")
	return p
}

func serverArgs(port int, dir string, args ...string) []string {
	return append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir}, args...)
}

func freePort(t *testing.T) int {
	t.Helper()
	ports, err := freeport.Find(1)
	require.NoError(t, err)
	return ports[0]
}

// client connects without retries: what the server says is what the test sees.
func client(t testing.TB, address string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: 2 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 15 * time.Second, PoolSize: 64, DialerRetries: 1, DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { c.Close() })
	return c
}

// cluster is the processes of one pair.
type cluster struct {
	t     *testing.T
	dir   string
	ids   []string
	ports map[string][]int // port, rw, ro, gossip
	conf  map[string]string
	nodes map[string]*process
}

// newCluster writes the configuration files of a, b and w; nothing is started.
func newCluster(t *testing.T, directives ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), ids: []string{"a", "b", "w"}, ports: map[string][]int{}, conf: map[string]string{}, nodes: map[string]*process{}}
	all, err := freeport.Find(12)
	require.NoError(t, err)
	for i, id := range c.ids {
		c.ports[id] = all[4*i : 4*i+4]
	}
	for _, id := range c.ids {
		c.write(id, directives...)
	}
	return c
}

// write makes the configuration file of a node, as in deploy/loopback. Later directives win.
func (c *cluster) write(id string, directives ...string) {
	c.t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "node-id %s\npair-name cluster-test\npair-nodes a b\npair-witness w\npair-peers", id)
	for _, other := range c.ids {
		if other != id {
			fmt.Fprintf(&b, " %s", freeport.Address(c.ports[other][3]))
		}
	}
	p := c.ports[id]
	if id == "w" {
		b.WriteString("\nwitness yes\nport 0")
	} else {
		fmt.Fprintf(&b, "\nport %d", p[0])
	}
	fmt.Fprintf(&b, "\nbind 127.0.0.1\nrw-port %d\nro-port %d\ngossip-bind 127.0.0.1\ngossip-port %d\nannounce-host 127.0.0.1\n", p[1], p[2], p[3])
	fmt.Fprintf(&b, "dir %s\npidfile %s\n", filepath.Join(c.dir, id), filepath.Join(c.dir, id, "tandem.pid"))
	for _, line := range directives {
		b.WriteString(line + "\n")
	}
	c.conf[id] = filepath.Join(c.dir, id+".conf")
	require.NoError(c.t, os.WriteFile(c.conf[id], b.Bytes(), 0o600))
}

// start starts nodes, without waiting for anything.
func (c *cluster) start(ids ...string) {
	c.t.Helper()
	for _, id := range ids {
		c.nodes[id] = launch(c.t, id, program("tandem-server"), c.conf[id])
	}
}

func (c *cluster) addr(id string) string   { return freeport.Address(c.ports[id][0]) }
func (c *cluster) rwAddr(id string) string { return freeport.Address(c.ports[id][1]) }

// info is a field of a node's INFO; empty when it does not answer.
func (c *cluster) info(id, field string) string {
	r := redis.NewClient(&redis.Options{Addr: c.addr(id), MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: 5 * time.Second, DialerRetries: 1, DisableIdentity: true, Protocol: 2})
	defer r.Close()
	text, err := r.Info(context.Background()).Result()
	if err != nil {
		return ""
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return value
		}
	}
	return ""
}

// master waits until exactly one running data node is master, and gives the id of the other one, too.
func (c *cluster) master() (master, other string) {
	c.t.Helper()
	eventually(c.t, "one master", func() bool {
		a, b := c.roleOf("a"), c.roleOf("b")
		switch {
		case a == "master" && b != "master":
			master, other = "a", "b"
		case b == "master" && a != "master":
			master, other = "b", "a"
		default:
			return false
		}
		return true
	})
	return master, other
}

func (c *cluster) roleOf(id string) string {
	if n := c.nodes[id]; n == nil || !n.running() {
		return ""
	}
	return c.info(id, "tandem_role")
}

// level waits until the standby has all that the master had at the call.
func (c *cluster) level() (master, standby string) {
	c.t.Helper()
	master, standby = c.master()
	var goal int64
	_, err := fmt.Sscan(c.info(master, "master_repl_offset"), &goal)
	require.NoError(c.t, err)
	eventually(c.t, "the standby to be level", func() bool {
		var at int64
		_, err := fmt.Sscan(c.info(standby, "slave_repl_offset"), &at)
		return err == nil && at >= goal && c.info(standby, "master_link_status") == "up"
	})
	return master, standby
}

// up starts all three and waits until the standby is level.
func (c *cluster) up() (master, standby string) {
	c.t.Helper()
	c.start(c.ids...)
	return c.level()
}

// firstWrite gives the time until a write at an address succeeds.
func firstWrite(t *testing.T, address, key string) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, "a write to succeed", func() bool {
		r := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: 15 * time.Second, DialerRetries: 1, DisableIdentity: true, Protocol: 2})
		defer r.Close()
		return r.Set(context.Background(), key, "1", 0).Err() == nil
	})
	return time.Since(began)
}
