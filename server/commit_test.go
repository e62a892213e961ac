package server

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/persistence"
)

// stallingFS is a disk whose syncs can be made to wait.
type stallingFS struct {
	vfs.FS
	mu      sync.Mutex // guards stalled
	free    *sync.Cond
	stalled bool
}

func newStallingFS() *stallingFS {
	fs := &stallingFS{FS: vfs.NewMem()}
	fs.free = sync.NewCond(&fs.mu)
	return fs
}

func (fs *stallingFS) stall(on bool) {
	fs.mu.Lock()
	fs.stalled = on
	fs.free.Broadcast()
	fs.mu.Unlock()
}

func (fs *stallingFS) wait() {
	fs.mu.Lock()
	for fs.stalled {
		fs.free.Wait()
	}
	fs.mu.Unlock()
}

func (fs *stallingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	return stallingFile{f, fs}, err
}

func (fs *stallingFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(from, to, c)
	return stallingFile{f, fs}, err
}

type stallingFile struct {
	vfs.File
	fs *stallingFS
}

func (f stallingFile) Sync() error     { f.fs.wait(); return f.File.Sync() }
func (f stallingFile) SyncData() error { f.fs.wait(); return f.File.SyncData() }
func (f stallingFile) SyncTo(n int64) (bool, error) {
	f.fs.wait()
	return f.File.SyncTo(n)
}

// held waits until so many sessions have replies that wait for the commit point.
func held(t *testing.T, v *Server, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		v.x.acquire(nil)
		defer v.x.release(nil)
		return len(v.x.held) == n
	}, patience, time.Millisecond, "%d sessions with held replies", n)
}

func TestCommit_alwaysHoldsRepliesUntilTheSync(t *testing.T) {
	for _, connect := range []func(testing.TB, *Server) *caller{dial, pipe} {
		fs := newStallingFS()
		o, set := testOptions(t, "appendonly yes", "appendfsync always")
		v := startWith(t, o, Parts{Directives: set, changeStore: func(o *persistence.Options) { o.FS = fs }})
		w, r, idle := connect(t, v), connect(t, v), connect(t, v)
		w.is("+OK", "SET a 1")
		r.is("$1 1", "GET a")
		idle.is("+PONG", "PING")

		fs.stall(true)
		w.begin("SET a 2")
		held(t, v, 1)
		r.begin("GET a", "GET a") // shows the write: it waits as well
		held(t, v, 2)
		w.begin("SET a 3", "INCR n") // goes on without the reply before
		require.Eventually(t, func() bool {
			v.x.acquire(nil)
			defer v.x.release(nil)
			return v.x.ks.DB(0).Len() == 2
		}, patience, time.Millisecond)
		w.silent()
		r.silent()

		fs.stall(false)
		require.Equal(t, "+OK +OK :1", flat(strings.Join(w.replies(3), "")))
		require.Equal(t, "$1 2 $1 2", flat(strings.Join(r.replies(2), "")))
		held(t, v, 0)
		idle.is("+OK", "CONFIG SET appendfsync everysec")
		fs.stall(true)
		w.is("+OK", "SET a 4") // everysec promises less
		fs.stall(false)
	}
}

func TestCommit_changeOfFsyncLetsGo(t *testing.T) {
	fs := newStallingFS()
	o, set := testOptions(t, "appendonly yes", "appendfsync always")
	v := startWith(t, o, Parts{Directives: set, changeStore: func(o *persistence.Options) { o.FS = fs }})
	w, c := dial(t, v), dial(t, v)
	fs.stall(true)
	w.begin("SET a 2")
	held(t, v, 1)
	c.begin("CONFIG SET appendfsync no")
	c.gets("+OK")
	w.gets("+OK")
	fs.stall(false)
}

func TestCommit_heldRepliesOfOneWhoLeft(t *testing.T) {
	fs := newStallingFS()
	o, set := testOptions(t, "appendonly yes", "appendfsync always")
	v := startWith(t, o, Parts{Directives: set, changeStore: func(o *persistence.Options) { o.FS = fs }})
	w, q := dial(t, v), dial(t, v)
	fs.stall(true)
	w.begin("SET a 2")
	held(t, v, 1)
	w.conn.Close()
	q.begin("SET b 1", "QUIT") // its end waits for its replies
	require.Eventually(t, func() bool {
		v.x.acquire(nil)
		defer v.x.release(nil)
		return len(v.x.sessions) == 1 && v.x.ks.DB(0).Len() == 2
	}, patience, time.Millisecond)
	q.silent()
	fs.stall(false)
	require.Equal(t, "+OK\r\n+OK\r\n", q.closed())
}

func TestCommit_diskFailureRefusesWrites(t *testing.T) {
	v := start(t, "appendonly yes")
	c := dial(t, v)
	c.is("+OK", "SET a 1")
	v.diskFailed(errors.New("the disk is gone"))
	require.Eventually(t, func() bool { return strings.HasPrefix(c.do("SET probe 2"), "-MISCONF ") }, patience, time.Millisecond)
	c.is("$1 1", "GET a")
	require.Equal(t, "err", c.info("aof_last_write_status"))
	c.is("+OK", "MULTI")
	require.Contains(t, c.do("SET a 2"), "-MISCONF")
	require.Contains(t, c.do("EXEC"), "-EXECABORT")
}

// follow starts a standby of a server in this process and waits for its link.
func follow(t *testing.T, master *Server, lines ...string) *Server {
	t.Helper()
	host, number, err := net.SplitHostPort(master.Addr(PortNode))
	require.NoError(t, err)
	o, set := testOptions(t, append(lines, fmt.Sprintf("replicaof %s %s", host, number))...)
	standby := startWith(t, o, Parts{Directives: set, NodeID: "standby"})
	require.Eventually(t, func() bool { _, up := standby.Role(); return up }, patience, time.Millisecond)
	return standby
}

func TestCommit_durabilityStandbyHoldsRepliesUntilItHasTheWrite(t *testing.T) {
	v := start(t, "durability standby")
	standby := follow(t, v)
	w, r := dial(t, v), dial(t, v)
	require.Eventually(t, func() bool {
		v.x.acquire(nil)
		defer v.x.release(nil)
		return len(v.x.standbys.master.Held()) > 0
	}, patience, time.Millisecond, "the standby is in sync")
	w.is("+OK", "SET a 1")
	r.is("$1 1", "GET a")
	standby.x.acquire(nil) // it can take nothing now
	w.begin("SET a 2")
	held(t, v, 1)
	r.begin("GET a")
	held(t, v, 2)
	w.silent()
	r.silent()
	standby.x.release(nil)
	w.gets("+OK")
	r.gets("$1 2")
	held(t, v, 0)
	dial(t, standby).is("$1 2", "GET a")
}

func TestWait_countsStandbys(t *testing.T) {
	v := start(t, "appendonly yes")
	c := dial(t, v)
	c.lines("WAIT 0 0", ":0", "WAIT 1 10", ":0", "WAIT x 1", "-ERR value is not an integer or out of range", "WAIT 1 -1", "-ERR timeout is negative")
	c.is("+OK", "SET a 1")
	c.is("*2 :1 :0", "WAITAOF 1 0 5000")
	c.is("*2 :1 :0", "WAITAOF 0 1 10")
	c.is("-ERR value is out of range, value must between 0 and 1", "WAITAOF 2 0 0")
	w := dial(t, v)
	w.begin("SET b 1", "WAIT 1 0")
	w.gets("+OK")
	c.awaitInfo("blocked_clients", "1")
	standby := follow(t, v, "appendonly yes")
	w.gets(":1")
	c.lines("SET a 2", "+OK", "WAIT 1 10000", ":1", "WAITAOF 1 1 10000", "*2 :1 :1", "MULTI", "+OK", "INCR n", "+QUEUED", "WAIT 2 0", "+QUEUED")
	require.Regexp(t, `^\*2 :1 :[01]$`, flat(c.do("EXEC")))
	s := dial(t, standby)
	require.Contains(t, s.do("WAIT 1 0"), "-ERR WAIT cannot be used with replica instances.")
	s.is("-READONLY You can't write against a read only replica.", "SET a 1")
	s.is("$1 2", "GET a")
	require.Regexp(t, `^\*5 \$5 slave \$9 127\.0\.0\.1 :\d+ \$9 connected :\d+$`, flat(s.do("ROLE")))
	require.Regexp(t, `^\*3 \$6 master :\d+ \*1 \*3 \$9 127\.0\.0\.1 \$\d \d+ \$\d+ \d+$`, flat(c.do("ROLE")))
}

// TestStandby_messagesComeThroughTheLog: PUBLISH reaches the standby's subscribers, in the order of the writes.
func TestStandby_messagesComeThroughTheLog(t *testing.T) {
	v := start(t)
	standby := follow(t, v)
	s, c := dial(t, standby), dial(t, v)
	s.do("SUBSCRIBE c")
	s.do("SSUBSCRIBE d")
	c.lines("PUBLISH c 1", ":0", "MULTI", "+OK", "SET a 1", "+QUEUED", "PUBLISH c 2", "+QUEUED", "EXEC", "*2 +OK :0", "SPUBLISH d 3", ":0")
	s.gets("*3 $7 message $1 c $1 1")
	s.gets("*3 $7 message $1 c $1 2")
	s.gets("*3 $8 smessage $1 d $1 3")
}

// TestDetach_psyncWhilePipelined: what stands before PSYNC is answered first, and the connection changes hands whole.
func TestDetach_psyncWhilePipelined(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		s, c := connect(), connect()
		c.is("+OK", "SET a 1")
		s.send(encode("PING") + encode("GET a") + encode("SYNC") + encode("REPLCONF ACK 0"))
		require.Equal(t, []string{"+PONG\r\n", "$1\r\n1\r\n"}, s.replies(2))
		s.waitFor("copy", func() bool { return strings.Contains(string(s.buf), "REDIS0") })
		c.is("+OK", "SET b 2")
		s.waitFor("stream", func() bool { return strings.Contains(string(s.buf), encode("SET b 2")) })
		require.Equal(t, "1", c.info("connected_slaves"))
		s.conn.Close()
		c.awaitInfo("connected_slaves", "0")
	})
}
