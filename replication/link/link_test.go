package link

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/replication"
)

// inBubble runs a test on fake time with a network of its own.
func inBubble(t *testing.T, test func(t *testing.T, w *network)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newNetwork(t, ctx)
		test(t, w)
		cancel()
		w.running.Wait()
	})
}

func (w *network) add(nodes ...*node) {
	for _, n := range nodes {
		w.nodes[n.name] = n
	}
}

func level(a, b *node) func() bool {
	want := a.end()
	return func() bool { return int64(len(b.data)) == want }
}

func TestLink_fullCopyThenStream(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		a.append(commands(0, 100))
		f, stop := w.follow(b, "a", nil)
		b.await(t, "the copy", level(a, b))
		for i := range 50 {
			a.append(commands(100+i, 1))
		}
		b.await(t, "the stream", level(a, b))
		require.Equal(t, a.content(), b.content())
		require.Equal(t, a.history, b.history)
		require.Equal(t, []string{"full copy at 5620", "commit"}, b.takeSteps())
		synctest.Wait()
		status, info := f.Status(), w.lastFeeder().Info()
		require.True(t, status.Up)
		require.Equal(t, replication.LinkConnected, status.State)
		require.Equal(t, a.end(), status.Acked)
		require.Equal(t, "node-b", info.NodeID)
		require.Equal(t, replication.FeedOnline, info.State)
		require.Equal(t, a.end(), info.Acked)
		require.Equal(t, a.end(), info.Sent)
		require.Equal(t, int64(-1), info.Synced)
		require.Equal(t, int64(5620+8), info.CopyBytes)
		stop()
		require.False(t, errors.Is(context.Cause(w.lastFeeder().ctx), ErrClosed))
	})
}

func TestLink_restartOfTheStandbyContinues(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		a.append(commands(0, 10))
		_, stop := w.follow(b, "a", nil)
		b.await(t, "the copy", level(a, b))
		stop()
		a.append(commands(10, 500))
		b.takeSteps()
		_, stop = w.follow(b, "a", nil)
		b.await(t, "the rest", level(a, b))
		require.Equal(t, a.content(), b.content())
		require.Equal(t, []string{"continue at 345"}, b.takeSteps())
		stop()
	})
}

func TestLink_restartOfTheMasterContinues(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		a.append(commands(0, 10))
		f, stop := w.follow(b, "a", nil)
		b.await(t, "the copy", level(a, b))
		b.takeSteps()
		w.mu.Lock()
		delete(w.nodes, "a") // the master is gone, and dials fail
		w.mu.Unlock()
		w.lastFeeder().Close("restart")
		b.await(t, "the loss", func() bool { return f.Status().State == replication.LinkConnect })
		require.Regexp(t, "the master closed the connection|writing to the master", f.Status().LastError)
		a.append(commands(10, 10))
		w.mu.Lock()
		w.nodes["a"] = a
		w.mu.Unlock()
		b.await(t, "the rest", level(a, b))
		require.Equal(t, a.content(), b.content())
		require.Equal(t, []string{"continue at 345"}, b.takeSteps())
		stop()
	})
}

// The connection is cut at every byte of a session with handshake, copy and stream. Whatever was taken is kept: once the
// copy was there, the next link continues.
func TestLink_cutAtEveryByte(t *testing.T) {
	total := sessionBytes(t)
	require.Greater(t, total, 500)
	for cut := range total + 1 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := newNetwork(t, ctx)
			a, b := newNode("a").reign(t, 1), newNode("b")
			w.add(a, b)
			w.wrap = func(dial int, conn net.Conn) net.Conn {
				if dial == 1 {
					return &cutAfter{Conn: conn, left: cut}
				}
				return conn
			}
			a.append(commands(0, 5))
			_, stop := w.follow(b, "a", nil)
			b.await(t, "the copy", level(a, b))
			a.append(commands(5, 5))
			b.await(t, "the stream", level(a, b))
			require.Equal(t, a.content(), b.content(), "cut at %d", cut)
			commits, last := 0, ""
			for _, step := range b.takeSteps() {
				if step == "commit" {
					commits++
				}
				last = step
			}
			require.Equal(t, 1, commits, "one copy is enough, cut at %d, last step %s", cut, last)
			stop()
			cancel()
			w.running.Wait()
		})
	}
}

// sessionBytes is how much a master says in the session of TestLink_cutAtEveryByte.
func sessionBytes(t *testing.T) (total int) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		counter := &cutAfter{left: 1 << 30}
		w.wrap = func(_ int, conn net.Conn) net.Conn {
			counter.Conn = conn
			return counter
		}
		a.append(commands(0, 5))
		_, stop := w.follow(b, "a", nil)
		b.await(t, "the copy", level(a, b))
		a.append(commands(5, 5))
		b.await(t, "the stream", level(a, b))
		stop()
		total = 1<<30 - counter.left
	})
	return total
}

func TestLink_aSilentMasterIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		f, stop := w.follow(b, "a", func(o *FollowerOptions) { o.Standby.TimeoutTicks = 500 })
		b.await(t, "the copy", func() bool { return f.Status().Up })
		before := time.Now()
		b.await(t, "the loss", func() bool { return !f.Status().Up })
		require.InDelta(t, 5, time.Since(before).Seconds(), 0.5)
		require.Contains(t, f.Status().LastError, "silent for")
		b.await(t, "the next link", func() bool { return f.Status().Up })
		stop()
	})
}

func TestLink_aSilentStandbyIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		w.options.Timeout = 10 * time.Second
		f, stop := w.follow(b, "a", func(o *FollowerOptions) { o.Standby.AckTicks = 1 << 40 })
		b.await(t, "the copy", func() bool { return f.Status().Up })
		before := time.Now()
		b.await(t, "the loss", func() bool { return !f.Status().Up })
		require.InDelta(t, 10, time.Since(before).Seconds(), 1)
		synctest.Wait()
		w.mu.Lock()
		require.Equal(t, "the standby said nothing for 10s", w.reasons[0])
		w.mu.Unlock()
		stop()
	})
}

func TestLink_acknowledgesAtOnceAndEachSecond(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		type ack struct{ offset, synced int64 }
		acks := make(chan ack, 100)
		w.options.OnAck = func(_ uint64, offset, synced int64) error {
			acks <- ack{offset, synced}
			return nil
		}
		_, stop := w.follow(b, "a", nil)
		require.Equal(t, ack{0, -1}, <-acks, "after the copy")
		before := time.Now()
		a.append(commands(0, 1))
		require.Equal(t, ack{a.end(), -1}, <-acks)
		require.Zero(t, time.Since(before), "without waiting for the clock")
		b.mu.Lock()
		b.synced = 30
		b.mu.Unlock()
		b.ackSignal <- struct{}{}
		require.Equal(t, ack{a.end(), 30}, <-acks, "a sync has finished")
		require.Zero(t, time.Since(before))
		require.Equal(t, ack{a.end(), 30}, <-acks)
		require.InDelta(t, 1, time.Since(before).Seconds(), 0.2, "each second")
		stop()
	})
}

func TestLink_answersGetack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		acks := make(chan int64, 100)
		w.options.OnAck = func(_ uint64, offset, _ int64) error {
			acks <- offset
			return nil
		}
		_, stop := w.follow(b, "a", func(o *FollowerOptions) { o.Standby.Eager, o.Standby.AckTicks = false, 5000 })
		require.Equal(t, int64(0), <-acks)
		before := time.Now()
		a.append(commands(0, 1))
		a.append([]byte("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"))
		require.Equal(t, a.end(), <-acks)
		require.Zero(t, time.Since(before))
		stop()
	})
}

func TestLink_aClaimBeyondTheEndEndsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		w.options.OnAck = func(_ uint64, offset, _ int64) error { return errors.New("claims too much") }
		_, stop := w.follow(b, "a", nil)
		b.await(t, "three links", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.dials >= 3 })
		w.mu.Lock()
		require.Equal(t, "claims too much", w.reasons[0])
		w.mu.Unlock()
		stop()
	})
}

func TestLink_retentionOvertakesASlowStandby(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		w.add(a, b)
		w.options.ChunkBytes = 64
		a.append(commands(0, 10))
		f, stop := w.follow(b, "a", nil)
		b.await(t, "the copy", level(a, b))
		b.takeSteps()
		hold := make(chan struct{})
		b.mu.Lock()
		b.applyHold = hold
		b.mu.Unlock()
		a.append(commands(10, 100))
		synctest.Wait()
		a.mu.Lock()
		a.logStart = int64(len(a.data)) - 50
		a.mu.Unlock()
		close(hold)
		b.await(t, "a full copy", level(a, b))
		require.Equal(t, a.content(), b.content())
		require.Contains(t, b.takeSteps(), "commit")
		w.mu.Lock()
		require.Contains(t, w.reasons[0], "the log cannot be fed any further: older than the log's start")
		w.mu.Unlock()
		require.Contains(t, w.lastFeeder().Info().Decision, "is older than the log's start")
		b.await(t, "the link", func() bool { return f.Status().Up })
		stop()
	})
}

func TestLink_aBrokenCopyCostsNothing(t *testing.T) {
	for name, fail := range map[string]func(a, b *node, err error){
		"the master's snapshot":  func(a, _ *node, err error) { a.failing["snapshot"] = err },
		"the master's walk":      func(a, _ *node, err error) { a.failing["body"] = err },
		"the standby's space":    func(_, b *node, err error) { b.failing["begin"] = err },
		"the standby's swap":     func(_, b *node, err error) { b.failing["commit"] = err },
		"the standby's applying": func(_, b *node, err error) { b.failing["apply"] = err },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *network) {
				a, b := newNode("a").reign(t, 2), newNode("b").reign(t, 1)
				w.add(a, b)
				b.append(commands(1000, 3)) // data of another history
				old, oldHistory := b.content(), b.history
				a.append(commands(0, 10))
				fail(a, b, errors.New("disk full"))
				f, stop := w.follow(b, "a", nil)
				if name == "the standby's applying" {
					b.await(t, "the copy", level(a, b))
					old, oldHistory = b.content(), a.history
					a.append(commands(10, 1))
				}
				b.await(t, "the failure", func() bool { return f.Status().LastError != "" })
				require.Equal(t, old, b.content())
				require.Equal(t, oldHistory, b.Standing().History)
				if name == "the standby's applying" || name == "the standby's space" || name == "the standby's swap" {
					require.Contains(t, f.Status().LastError, "disk full")
				}
				a.mu.Lock()
				clear(a.failing)
				a.mu.Unlock()
				b.mu.Lock()
				clear(b.failing)
				b.mu.Unlock()
				b.await(t, "the copy after all", level(a, b))
				require.Equal(t, a.content(), b.content())
				stop()
			})
		})
	}
}

func TestLink_authentication(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		a.password = "secret"
		w.add(a, b)
		f, stop := w.follow(b, "a", func(o *FollowerOptions) { o.Standby.Password = "wrong" })
		b.await(t, "the refusal", func() bool { return f.Status().LastError != "" })
		require.Contains(t, f.Status().LastError, "WRONGPASS")
		stop()
		f, stop = w.follow(b, "a", func(o *FollowerOptions) { o.Standby.User, o.Standby.Password = "default", "secret" })
		b.await(t, "the link", func() bool { return f.Status().Up })
		stop()
	})
}

func TestLink_aCopyThatTakesLongIsNoSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, w *network) {
		a, b := newNode("a").reign(t, 1), newNode("b")
		a.copyDelay = make(chan struct{})
		w.add(a, b)
		w.options.Timeout = 20 * time.Second
		a.append(commands(0, 10))
		f, stop := w.follow(b, "a", func(o *FollowerOptions) { o.Standby.TimeoutTicks = 2000 })
		late := time.NewTimer(5 * time.Minute)
		<-late.C
		require.Empty(t, f.Status().LastError)
		close(a.copyDelay)
		b.await(t, "the copy", level(a, b))
		w.mu.Lock()
		require.Equal(t, 1, w.dials)
		w.mu.Unlock()
		stop()
	})
}
