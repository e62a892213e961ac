package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tooLong is asserted; how long it takes is measured and logged. The aims are 0.5 s and, with a cut cable, 2 s.
const tooLong = 10 * time.Second

// The user story: kill -9 the master, go on at the same address, start it again.
func TestStory_killTheMaster(t *testing.T) {
	c := newCluster(t)
	master, standby := c.up()
	r := client(t, c.rwAddr("w"))
	ctx := context.Background()
	for i := range 1000 {
		require.NoError(t, r.Set(ctx, "k"+strconv.Itoa(i), "v", 0).Err())
	}
	c.level()
	c.nodes[master].kill()
	took := firstWrite(t, c.rwAddr("w"), "after")
	t.Logf("kill -9 of the master: a write at the witness' rw-port succeeds after %v", took)
	require.Less(t, took, tooLong)
	keys, err := client(t, c.addr(standby)).DBSize(ctx).Result()
	require.NoError(t, err)
	require.Equal(t, int64(1001), keys)

	c.start(master)
	nowMaster, nowStandby := c.level()
	require.Equal(t, standby, nowMaster)
	require.Equal(t, master, nowStandby)
	require.Equal(t, "0", c.info(nowMaster, "sync_full"), c.info(nowStandby, "tandem_link_decision"))
	require.NotEqual(t, "0", c.info(nowMaster, "sync_partial_ok"))
	keys, err = client(t, c.addr(nowStandby)).DBSize(ctx).Result()
	require.NoError(t, err)
	require.Equal(t, int64(1001), keys)
}

// kill -9 of all three: same data, one master, no operator.
func TestStory_killAll(t *testing.T) {
	c := newCluster(t, "appendfsync always", "durability standby")
	c.up()
	for range rounds(3) {
		l := startLoad(t, c.rwAddr("w"), 6, 10)
		l.waitAcked(1000)
		for _, id := range c.ids {
			c.nodes[id].signal(syscall.SIGKILL)
		}
		for _, id := range c.ids {
			c.nodes[id].kill()
		}
		l.end()
		began := time.Now()
		c.start(c.ids...)
		took := firstWrite(t, c.rwAddr("w"), "after")
		t.Logf("cold start of all three: a write succeeds after %v (%v since the first exec)", took, time.Since(began))
		master, standby := c.level()
		l.nothingLost(c.addr(master))
		l.nothingLost(c.addr(standby))
	}
}

// SIGSTOP for longer than the lease: when it wakes it must not take the write that waits for it.
func TestStory_frozenMaster(t *testing.T) {
	c := newCluster(t)
	for range rounds(3) {
		for _, id := range c.ids {
			if n := c.nodes[id]; n == nil || !n.running() {
				c.start(id)
			}
		}
		master, standby := c.level()
		require.NoError(t, client(t, c.addr(master)).Set(context.Background(), "k", "before", 0).Err())
		c.level()
		conn, err := net.Dial("tcp", c.addr(master))
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte("PING\r\n"))
		require.NoError(t, err)
		pong := make([]byte, 7)
		_, err = io.ReadFull(conn, pong)
		require.NoError(t, err)

		c.nodes[master].freeze(c.addr(master))
		_, err = conn.Write([]byte("SET k stale\r\n"))
		require.NoError(t, err)
		began := time.Now()
		eventually(t, "the standby to reign", func() bool { return c.info(standby, "tandem_role") == "master" })
		t.Logf("SIGSTOP of the master: another reigns after %v", time.Since(began))
		require.NoError(t, client(t, c.addr(standby)).Set(context.Background(), "k", "after", 0).Err())
		c.nodes[master].signal(syscall.SIGCONT)

		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		reply, err := io.ReadAll(io.LimitReader(conn, 9))
		require.NoError(t, err)
		require.NotContains(t, string(reply), "+OK")
		now, other := c.level()
		require.Equal(t, []string{standby, master}, []string{now, other})
		require.Equal(t, "after", client(t, c.addr(master)).Get(context.Background(), "k").Val())
	}
}

// SIGTERM hands over first: nobody waits for a lease, and the end is in order.
func TestStory_sigterm(t *testing.T) {
	c := newCluster(t)
	master, standby := c.up()
	require.NoError(t, client(t, c.rwAddr("w")).Set(context.Background(), "k", "1", 0).Err())
	c.level()
	c.nodes[master].signal(syscall.SIGTERM)
	took := firstWrite(t, c.rwAddr("w"), "after")
	t.Logf("SIGTERM of the master: a write succeeds after %v", took)
	require.Equal(t, 0, c.nodes[master].wait())
	require.Contains(t, c.nodes[master].text(), "bye bye")
	require.NoFileExists(t, filepath.Join(c.dir, master, "tandem.pid"))
	require.Equal(t, "1", client(t, c.addr(standby)).Get(context.Background(), "k").Val())
	for _, id := range []string{standby, "w"} {
		c.nodes[id].signal(syscall.SIGTERM)
		require.Equal(t, 0, c.nodes[id].wait(), id)
	}
}

// appendfsync always: whatever was acknowledged is there after kill -9, also in the middle of pipelines.
func TestAlways_killLosesNothing(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var before []*load
	for round := range rounds(5) {
		p := server(t, port, dir, "--appendfsync", "always")
		for _, l := range before {
			l.nothingLost(address)
		}
		l := startLoad(t, address, 8, 1+round*10)
		l.waitAcked(1500)
		p.kill()
		l.end()
		t.Logf("%d writes were acknowledged", l.total())
		before = append(before, l)
	}
	server(t, port, dir, "--appendfsync", "always")
	for _, l := range before {
		l.nothingLost(address)
	}
}

// everysec: what was acknowledged more than about a second before kill -9 is there.
func TestEverysec_killLosesASecondAtMost(t *testing.T) {
	const margin = 2 * time.Second // the promise is a second or so; the machine may be starved
	dir, port := t.TempDir(), freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p := server(t, port, dir, "--appendfsync", "everysec")
	l := startLoad(t, address, 8, 10)
	began := time.Now()
	eventually(t, "the load to last", func() bool { return time.Since(began) > margin+time.Second })
	killed := time.Now()
	p.kill()
	l.end()
	server(t, port, dir)
	r := client(t, address)
	var lost int64
	for _, w := range l.workers {
		have, err := r.Get(context.Background(), w.key).Int64()
		require.NoError(t, err)
		lost += max(w.acked-have, 0)
		for _, a := range w.ackedAt {
			if killed.Sub(a.at) > margin {
				require.GreaterOrEqual(t, have, a.value, "acknowledged %v before the kill", killed.Sub(a.at))
			}
		}
	}
	t.Logf("%d of %d acknowledged writes are missing after kill -9", lost, l.total())
}

// An orderly stop loses nothing with any setting of a log on disk.
func TestSigterm_losesNothing(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p := server(t, port, dir, "--appendfsync", "no")
	l := startLoad(t, address, 4, 10)
	l.waitAcked(1000)
	p.signal(syscall.SIGTERM)
	require.Equal(t, 0, p.wait())
	l.end()
	server(t, port, dir)
	l.nothingLost(address)
}

// tandem pair runs all three in the foreground, and Ctrl-C leaves no process.
func TestPairProgram_interrupt(t *testing.T) {
	c := newCluster(t)
	run := filepath.Join(c.dir, "run")
	p := launch(t, "pair", program("tandem"), "pair", "--conf", c.dir, "--run", run)
	pids := map[string]int{}
	t.Cleanup(func() { // if the program did not do it
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // mostly it has ended
		}
	})
	p.waitLog("NODE")
	for _, id := range c.ids {
		text, err := os.ReadFile(filepath.Join(run, id, "tandem.pid"))
		require.NoError(t, err)
		pids[id], err = strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(run, id, "tandem.log"))
	}
	r := client(t, c.rwAddr("w"))
	require.NoError(t, r.Set(context.Background(), "k", "v", 0).Err())
	status := launch(t, "status", program("tandem"), "status", "--addr", c.addr("a"))
	require.Equal(t, 0, status.wait(), status.text())
	require.Contains(t, status.text(), "master")
	p.signal(syscall.SIGINT)
	require.Equal(t, 0, p.wait())
	for id, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "%s still runs", id)
	}
	clear(pids)
	require.Error(t, r.Ping(context.Background()).Err())
}

// The order of a pair's start does not matter, and the data nodes do without the witness once they have each other.
func TestStory_anyOrder(t *testing.T) {
	c := newCluster(t)
	c.start("w")
	c.nodes["w"].waitLog("Ready to accept connections")
	c.start("b")
	eventually(t, "b to reign with the witness' vote", func() bool { return c.roleOf("b") == "master" })
	c.start("a")
	master, _ := c.level()
	require.Equal(t, "b", master)
	c.nodes["w"].kill()
	r := client(t, c.rwAddr("a"))
	require.NoError(t, r.Set(context.Background(), "k", "v", 0).Err())
}
