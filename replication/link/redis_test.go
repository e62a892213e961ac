package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/replication"
)

// relay keeps a copy and the stream behind it as they came, and gives both on: between two redis-servers it shows that
// neither the Follower nor the Feeder changes a byte.
type relay struct {
	mu      sync.Mutex
	history replication.History
	copy    []byte
	start   int64
	log     []byte
	changed chan struct{}
	steps   []string
	feeders []*Feeder
}

func newRelay() *relay { return &relay{changed: make(chan struct{})} }

func (r *relay) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *relay) end() int64 { return r.start + int64(len(r.log)) }

func (r *relay) takeSteps() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps := r.steps
	r.steps = nil
	return steps
}

func (r *relay) Standing() replication.Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return replication.Standing{Pair: "relay", History: r.history, End: r.end(), Floor: r.end() + 1}
}

func (r *relay) Acked() (offset, synced int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end(), -1
}

func (r *relay) AckChanged() <-chan struct{} { return nil }

func (r *relay) Rewind(context.Context, int64, string) error {
	return errors.New("a relay does not rewind")
}

func (r *relay) Continue(history replication.History) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.history.Last().ID != history.Last().ID {
		r.endFeeders()
	}
	r.steps, r.history = append(r.steps, "continue"), history
	return nil
}

// endFeeders: whoever follows asks again, before it gets a byte of a new history under the old name.
func (r *relay) endFeeders() {
	for _, f := range r.feeders {
		f.Close("a new history")
	}
}

func (r *relay) BeginFullCopy(offset int64, history replication.History, _ string) (FullCopy, error) {
	return &relayCopy{r: r, offset: offset, history: history}, nil
}

type relayCopy struct {
	r       *relay
	offset  int64
	history replication.History
	size    int64
	loaded  []byte
}

func (c *relayCopy) Load(r io.Reader, size int64) (err error) {
	c.size = size
	c.loaded, err = io.ReadAll(r)
	return err
}

func (c *relayCopy) Abort() {}

func (c *relayCopy) Commit() error {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.copy, c.r.start, c.r.log, c.r.history = c.loaded, c.offset, nil, c.history
	c.r.steps = append(c.r.steps, fmt.Sprintf("copy, size known: %v", c.size >= 0))
	c.r.notify()
	return nil
}

func (r *relay) Apply(b *Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, b.Raw...)
	r.notify()
	return nil
}

func (r *relay) Extent() (replication.History, replication.Range) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history, replication.Range{Start: r.start, End: r.end()}
}

func (r *relay) Snapshot(context.Context) (Snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, "snapshot")
	return Snapshot{ID: r.history.Last().ID, Offset: r.start, Body: io.NopCloser(bytes.NewReader(r.copy))}, nil
}

func (r *relay) NewReader(from int64) (LogReader, error) { return &relayReader{r: r, at: from}, nil }

type relayReader struct {
	r  *relay
	at int64
}

func (l *relayReader) Read(p []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if l.at < l.r.start || l.at > l.r.end() {
		return 0, errRetention // another copy has come
	}
	n := copy(p, l.r.log[l.at-l.r.start:])
	l.at += int64(n)
	return n, nil
}

func (l *relayReader) Wait(ctx context.Context) error {
	l.r.mu.Lock()
	ready, changed := l.at < l.r.end(), l.r.changed
	l.r.mu.Unlock()
	if ready {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *relayReader) Close() {}

// startRedis runs the installed redis-server until the test ends.
func startRedis(t *testing.T, args ...string) (c *redis.Client, address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	require.NoError(t, l.Close())
	var output bytes.Buffer
	cmd := exec.Command("redis-server", append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "",
		"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, args...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start(), "redis-server 7.0 must be installed (make test does)")
	c = redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()         // says "killed"
		if t.Failed() {
			t.Log(output.String())
		}
	})
	eventually(t, "redis-server is up", func() bool { return c.Ping(context.Background()).Err() == nil })
	return c, address
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 20*time.Second, 5*time.Millisecond, what)
}

// listen serves a relay to standbys that dial, and gives the address.
func listen(t *testing.T, r *relay) (host, port string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Add(1)
			go func() {
				defer running.Done()
				o := DefaultFeederOptions()
				o.SpoolDir = t.TempDir()
				_ = serveSession(ctx, conn, "", r.Standing, r, o, r.feed) // how it ends is seen on the other side
				_ = conn.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, l.Close())
		running.Wait()
	})
	host, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return host, port
}

func (r *relay) feed(f *Feeder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeders = append(r.feeders, f)
}

func info(t *testing.T, c *redis.Client, field string) string {
	text, err := c.Info(context.Background(), "replication", "stats").Result()
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func digest(t *testing.T, c *redis.Client) string {
	d, err := c.Do(context.Background(), "DEBUG", "DIGEST").Text()
	require.NoError(t, err)
	return d
}

// write makes a traffic with several databases, transactions and large values.
func write(t *testing.T, c *redis.Client, from, n int) {
	ctx := context.Background()
	for db := range 3 {
		conn := c.Conn()
		require.NoError(t, conn.Select(ctx, db).Err())
		for i := from; i < from+n; i++ {
			_, err := conn.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "key:"+strconv.Itoa(i), strings.Repeat("value", i%100), 0)
				p.HSet(ctx, "hash", strconv.Itoa(i), i)
				p.ZAdd(ctx, "zset", redis.Z{Score: float64(i) / 7, Member: i})
				return nil
			})
			require.NoError(t, err)
			require.NoError(t, conn.RPush(ctx, "list", i).Err())
		}
		require.NoError(t, conn.Set(ctx, "large", strings.Repeat("x", 300_000+from), time.Hour).Err())
		require.NoError(t, conn.Close())
	}
}

// A redis-server feeds our Follower, our Feeder feeds another redis-server: data and offsets are equal at both ends,
// after the copy, after more traffic, and after cuts on both sides, which are healed without another copy.
func TestRedis_onBothSides(t *testing.T) {
	for name, diskless := range map[string]string{"copy with a mark": "yes", "copy with a length": "no"} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			master, masterAddress := startRedis(t, "--repl-diskless-sync", diskless)
			write(t, master, 0, 50)
			r := newRelay()
			f, stop := followTCP(t, r, masterAddress)
			eventually(t, "our link is up", func() bool { return f.Status().Up })
			require.Equal(t, []string{fmt.Sprintf("copy, size known: %v", diskless == "no")}, r.takeSteps())

			replica, _ := startRedis(t)
			host, port := listen(t, r)
			require.NoError(t, replica.Do(ctx, "REPLICAOF", host, port).Err())
			eventually(t, "its link is up", func() bool { return info(t, replica, "master_link_status") == "up" })
			require.Equal(t, []string{"snapshot"}, r.takeSteps())
			requireLevel(t, master, r, replica)

			write(t, master, 50, 50)
			requireLevel(t, master, r, replica)

			require.NoError(t, master.Do(ctx, "CLIENT", "KILL", "TYPE", "replica").Err())
			require.NoError(t, replica.Do(ctx, "CLIENT", "KILL", "TYPE", "master").Err())
			write(t, master, 100, 50)
			requireLevel(t, master, r, replica)
			eventually(t, "both are up again", func() bool {
				return f.Status().Up && info(t, replica, "master_link_status") == "up"
			})
			require.Equal(t, []string{"continue"}, r.takeSteps())
			require.Equal(t, "1", info(t, master, "sync_partial_ok"))
			require.Equal(t, "1", info(t, master, "sync_full"))
			eventually(t, "the master knows that we are level", func() bool {
				return strings.Contains(info(t, master, "slave0"), "port=7777,state=online,offset="+info(t, master, "master_repl_offset")+",")
			})
			n, err := master.Do(ctx, "WAIT", "1", "5000").Int()
			require.NoError(t, err)
			require.Equal(t, 1, n)
			stop()
		})
	}
}

// followTCP runs a follower over TCP until stop is called.
func followTCP(t *testing.T, sink Sink, address string) (f *Follower, stop func()) {
	o := DefaultFollowerOptions(address)
	o.NodeID, o.Standby.ListeningPort = "node", 7777
	f = NewFollower(sink, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return f, func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
}

func requireLevel(t *testing.T, master *redis.Client, r *relay, replica *redis.Client) {
	t.Helper()
	eventually(t, "all are level", func() bool {
		offset := info(t, master, "master_repl_offset")
		return info(t, replica, "slave_repl_offset") == offset && strconv.FormatInt(r.Standing().End, 10) == offset &&
			info(t, replica, "master_replid") == info(t, master, "master_replid")
	})
	require.Equal(t, digest(t, master), digest(t, replica))
}

// redis-cli --rdb comes by SYNC and wants the length and the copy only.
func TestRedis_cliTakesACopy(t *testing.T) {
	master, address := startRedis(t)
	write(t, master, 0, 20)
	r := newRelay()
	f, stop := followTCP(t, r, address)
	eventually(t, "our link is up", func() bool { return f.Status().Up })
	_, port := listen(t, r)
	name := t.TempDir() + "/copy.rdb"
	output, err := exec.Command("redis-cli", "-p", port, "--rdb", name).CombinedOutput()
	require.NoError(t, err, string(output))
	output, err = exec.Command("redis-check-rdb", name).CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "Checksum OK")
	stop()
}

// A Redis standby in the middle is promoted: its new history id reaches us by +CONTINUE. Then we begin a reign of our
// own, and the redis-server behind us continues under our id. No copy is needed for any of it.
func TestRedis_promotionsContinue(t *testing.T) {
	ctx := context.Background()
	first, firstAddress := startRedis(t)
	middle, middleAddress := startRedis(t)
	host, port, _ := net.SplitHostPort(firstAddress)
	require.NoError(t, middle.Do(ctx, "REPLICAOF", host, port).Err())
	write(t, first, 0, 10)
	eventually(t, "the middle is up", func() bool { return info(t, middle, "master_link_status") == "up" })
	r := newRelay()
	f, stop := followTCP(t, r, middleAddress)
	eventually(t, "our link is up", func() bool { return f.Status().Up })
	last, _ := startRedis(t)
	host, port = listen(t, r)
	require.NoError(t, last.Do(ctx, "REPLICAOF", host, port).Err())
	eventually(t, "the last is up", func() bool { return info(t, last, "master_link_status") == "up" })
	requireLevel(t, first, r, last)
	r.takeSteps()

	before := info(t, middle, "master_replid")
	require.NoError(t, middle.Do(ctx, "REPLICAOF", "NO", "ONE").Err())
	require.NotEqual(t, before, info(t, middle, "master_replid"))
	write(t, middle, 10, 10)
	eventually(t, "we continue under the new id", func() bool {
		return f.Status().Up && r.Standing().History.Last().ID == info(t, middle, "master_replid")
	})
	require.Equal(t, []string{"continue"}, r.takeSteps())
	requireLevel(t, middle, r, last)

	stop()
	r.mu.Lock()
	own, err := r.history.Append(replication.Entry{ID: strings.Repeat("7", 40), Epoch: r.history.Last().Epoch, Start: r.end()})
	r.history = own
	r.endFeeders()
	r.log = append(r.log, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nour\r\n$5\r\nreign\r\n"...)
	r.notify()
	r.mu.Unlock()
	require.NoError(t, err)
	eventually(t, "the last is ours", func() bool {
		return info(t, last, "master_replid") == strings.Repeat("7", 40) && last.Get(ctx, "our").Val() == "reign"
	})
	require.Equal(t, strconv.FormatInt(r.Standing().End, 10), info(t, last, "slave_repl_offset"))
	require.Empty(t, r.takeSteps(), "no snapshot was needed")
}

// A redis-server that was our standby is stopped and started again: it asks to continue, and we do.
func TestRedis_itsRestartContinues(t *testing.T) {
	ctx := context.Background()
	master, address := startRedis(t)
	write(t, master, 0, 10)
	r := newRelay()
	f, stop := followTCP(t, r, address)
	eventually(t, "our link is up", func() bool { return f.Status().Up })
	host, port := listen(t, r)
	dir := t.TempDir()
	replica, _ := startRedis(t, "--dir", dir, "--replicaof", host+" "+port)
	eventually(t, "its link is up", func() bool { return info(t, replica, "master_link_status") == "up" })
	requireLevel(t, master, r, replica)
	r.takeSteps()
	require.Error(t, replica.Do(ctx, "SHUTDOWN", "SAVE").Err(), "the connection ends")
	write(t, master, 10, 10)
	again, _ := startRedis(t, "--dir", dir, "--replicaof", host+" "+port)
	eventually(t, "its link is up again", func() bool { return info(t, again, "master_link_status") == "up" })
	requireLevel(t, master, r, again)
	require.Empty(t, r.takeSteps(), "no snapshot was needed")
	stop()
}
