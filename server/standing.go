package server

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/replication"
)

// bulletin is what the pair's agent reads of a node without waiting for the keyspace's owner: a command that takes
// seconds must not stop heartbeats. The owner writes it, any goroutine reads it.
type bulletin struct {
	version atomic.Uint64 // odd while the owner writes (a sequence lock)
	end     atomic.Int64
	history atomic.Pointer[replication.History]
}

// post publishes the position if it has moved.
func (b *bulletin) post(history *replication.History, end int64) {
	if b.end.Load() == end && b.history.Load() == history {
		return
	}
	b.version.Add(1)
	b.end.Store(end)
	b.history.Store(history)
	b.version.Add(1)
}

// position is the node's as of the last post.
func (b *bulletin) position() replication.Position {
	for {
		version := b.version.Load()
		end, history := b.end.Load(), b.history.Load()
		if version%2 == 0 && b.version.Load() == version {
			if history == nil {
				return replication.Position{}
			}
			return history.PositionAt(end)
		}
	}
}

// Position is how far this node's data reach. It never waits.
func (v *Server) Position() replication.Position { return v.x.bulletin.position() }

// lease is until when the node may write as a master. Any goroutine may extend it; the owner looks at it once per holding, so
// that a process that slept past it writes nothing when it wakes. It counts from a moment of the monotonic clock.
type lease struct {
	base  time.Time
	until atomic.Int64 // since base; forever: no lease is needed
}

const forever = math.MaxInt64

// set moves the end of the lease; a zero time is for ever.
func (l *lease) set(until time.Time) {
	if until.IsZero() {
		l.until.Store(forever)
		return
	}
	l.until.Store(int64(until.Sub(l.base)))
}

// end takes the lease away.
func (l *lease) end() { l.until.Store(math.MinInt64) }

func (l *lease) holds(now time.Time) bool {
	until := l.until.Load()
	return until == forever || int64(now.Sub(l.base)) < until
}
