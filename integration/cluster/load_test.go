package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// load is clients that write all the time. Each has a counter of its own; it raises it by INCR and remembers the replies.
type load struct {
	t       testing.TB
	stop    chan struct{}
	workers []*worker
	all     sync.WaitGroup
	acked   atomic.Int64
}

type worker struct {
	key      string
	pipeline int
	redis    *redis.Client

	// The following belong to the worker until the load has ended.
	acked   int64 // highest value that was acknowledged
	ackedAt []ack // for everysec: which value, when
	errs    []error
	wrong   []string // replies that show a lost or a doubled write
	slowest time.Duration
}

type ack struct {
	value int64
	at    time.Time
}

// startLoad begins to write at an address; pipeline is the number of commands that a worker sends at once.
func startLoad(t testing.TB, address string, workers, pipeline int) *load {
	l := &load{t: t, stop: make(chan struct{})}
	for i := range workers {
		w := &worker{key: fmt.Sprintf("counter:%s:%d", strconv.FormatUint(rand.Uint64(), 36), i), pipeline: pipeline, redis: client(t, address)}
		l.workers = append(l.workers, w)
		l.all.Go(func() { l.run(w) })
	}
	return l
}

func (l *load) run(w *worker) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		before := len(w.errs)
		began := time.Now()
		l.acked.Add(w.batch())
		w.slowest = max(w.slowest, time.Since(began))
		if len(w.errs) > before { // do not spin on a dead address
			select {
			case <-l.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}

// batch sends INCRs. After an error the fate of those that were sent is unknown: the counter may be further than what
// was acknowledged, never behind it.
func (w *worker) batch() (acked int64) {
	certain := len(w.errs) == 0
	var replies []*redis.IntCmd
	_, err := w.redis.Pipelined(context.Background(), func(p redis.Pipeliner) error {
		for range w.pipeline {
			replies = append(replies, p.Incr(context.Background(), w.key))
		}
		return nil
	})
	if err != nil {
		w.errs = append(w.errs, err)
	}
	for _, r := range replies {
		if r.Err() != nil {
			continue
		}
		value := r.Val()
		if value <= w.acked || certain && err == nil && value != w.acked+1 {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %d was acknowledged after %d", w.key, value, w.acked))
		}
		w.acked = value
		acked++
	}
	if now := time.Now(); len(w.ackedAt) == 0 || now.Sub(w.ackedAt[len(w.ackedAt)-1].at) > 10*time.Millisecond {
		w.ackedAt = append(w.ackedAt, ack{w.acked, now})
	}
	return acked
}

// waitAcked returns when so many more writes were acknowledged.
func (l *load) waitAcked(more int64) {
	l.t.Helper()
	waitAcked(l.t, []*load{l}, more)
}

// waitAcked is for several loads together: those of a node that is cut off make no progress.
func waitAcked(t testing.TB, loads []*load, more int64) {
	t.Helper()
	sum := func() (n int64) {
		for _, l := range loads {
			n += l.acked.Load()
		}
		return n
	}
	goal := sum() + more
	require.Eventually(t, func() bool { return sum() >= goal }, patience, time.Millisecond, "the load to go on")
}

// end stops the clients and returns when they have ended.
func (l *load) end() {
	close(l.stop)
	l.all.Wait()
}

// total is the number of acknowledged writes.
func (l *load) total() (n int64) {
	for _, w := range l.workers {
		n += w.acked
	}
	return n
}

func (l *load) slowest() (longest time.Duration) {
	for _, w := range l.workers {
		longest = max(longest, w.slowest)
	}
	return longest
}

// noErrors asserts that every client was served without one.
func (l *load) noErrors() {
	l.t.Helper()
	var all []error
	for _, w := range l.workers {
		all = append(all, w.errs...)
	}
	require.NoError(l.t, errors.Join(all...))
	for _, w := range l.workers {
		require.Empty(l.t, w.wrong)
	}
}

// nothingLost asserts that a node holds every acknowledged write.
func (l *load) nothingLost(address string) {
	l.t.Helper()
	r := client(l.t, address)
	for _, w := range l.workers {
		require.Empty(l.t, w.wrong)
		have, err := r.Get(context.Background(), w.key).Int64()
		if w.acked > 0 || !errors.Is(err, redis.Nil) {
			require.NoError(l.t, err, w.key)
		}
		require.GreaterOrEqual(l.t, have, w.acked, "%s: acknowledged writes are missing", w.key)
	}
}
