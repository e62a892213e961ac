package server

import (
	"time"

	"github.com/tandemkv/tandem/internal/slab"
)

// Memory in use is the keyspace's cells, which are counted to the byte, and Go's share: directories and nodes of large structures, sessions,
// buffers, the tail of the log. Go's share is what its collections find alive: the less of the last two, so that a large
// request in the middle of one costs no keys. Garbage is left out: its amount says how long ago the last collection was,
// and no deletion of keys would make it less.

// memoryState is what is known of memory between two looks at it. The owner's.
type memoryState struct {
	collections int64 // of Go's heap, when the figures below were taken
	alive       int64 // bytes of Go's heap that the last collection found alive
	share       int64 // bytes of Go's heap without cells
	notCounted  int64 // of share: what no eviction could free; mem_not_counted_for_evict
	startup     int64 // bytes in use when the server came up
	peak        int64 // bytes
	over        stopwatch
}

// stopwatch adds up the times in which something was so.
type stopwatch struct {
	since time.Time // zero: it is not so now
	total time.Duration
}

func (w *stopwatch) set(on bool, now time.Time) {
	switch {
	case on && w.since.IsZero():
		w.since = now
	case !on && !w.since.IsZero():
		w.total += now.Sub(w.since)
		w.since = time.Time{}
	}
}

// current is how long it has been so without a break.
func (w *stopwatch) current(now time.Time) time.Duration {
	if w.since.IsZero() {
		return 0
	}
	return now.Sub(w.since)
}

// The figures of Go's runtime that are looked at, beside metricCycles.
const (
	metricLive     = "/gc/heap/live:bytes"
	metricObjects  = "/memory/classes/heap/objects:bytes"
	metricUnused   = "/memory/classes/heap/unused:bytes"
	metricReleased = "/memory/classes/heap/released:bytes"
	metricTotal    = "/memory/classes/total:bytes"
)

// goBytes is a figure of Go's runtime. Reading it stops nobody.
func goBytes(metric string) int64 { return int64(readMetric(metric).Uint64()) }

// lookAtMemory takes the figures that are too dear for each command: once a round of housekeeping.
func (x *executor) lookAtMemory() {
	m := &x.memory
	if collections := goBytes(metricCycles); collections != m.collections || m.share == 0 {
		m.collections = collections
		before := m.alive
		m.alive = goBytes(metricLive)
		if collections == 0 {
			m.alive = goBytes(metricObjects) // no collection yet: nothing better is known
		}
		if before == 0 {
			before = m.alive
		}
		m.share = min(before, m.alive)
		if slab.InGoHeap {
			_, mapped := x.ks.Memory()
			m.share = max(m.share-mapped, 0)
		}
		m.notCounted = min(m.share, x.buffered())
	}
	used := x.memoryInUse()
	m.peak = max(m.peak, used)
	if m.startup == 0 {
		m.startup = used
	}
}

// buffered is the bytes of output and log that wait to be sent and written: more deletions would only make them more.
func (x *executor) buffered() int64 {
	n := x.stream.Pending() + int64(len(x.pending))
	for _, s := range x.sessions {
		n += int64(cap(s.w.Buf))
	}
	return n
}

// memoryInUse is used_memory. What was deleted and waits to be freed in pieces is not in use.
func (x *executor) memoryInUse() int64 { return x.ks.Held() + x.memory.share }

// memoryExcess is how far the memory in use that evictions can make less is above maxmemory; not positive: it fits.
func (x *executor) memoryExcess() int64 {
	return x.memoryInUse() - x.memory.notCounted - x.opts.MaxMemory
}
