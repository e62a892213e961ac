package server

import (
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/slab"
)

// house is the state of housekeeping.
type house struct {
	expireOff bool // DEBUG SET-ACTIVE-EXPIRE 0
	paused    bool // DEBUG PAUSE-CRON 1
	lastPing  time.Time
	expiry    expiry
	defrag    defrag

	wake chan struct{} // holds one: there is something to do before the next round

	toldHealthy bool
	afterwards  []func() // to be called when the keyspace is not owned: they may wait
}

// later has f called after this round of housekeeping, outside ownership. Only housekeeping calls it.
func (x *executor) later(f func()) { x.house.afterwards = append(x.house.afterwards, f) }

// wakeHouse has housekeeping do its chores now instead of at the next round.
func (x *executor) wakeHouse() { offerSignal(x.house.wake) }

// keepHouse does what is due: expired keys, evictions, idle clients, PING to the standbys, samples for INFO. It is one of
// the server's long-lived goroutines and never holds the keyspace longer than a slice.
func (v *Server) keepHouse() {
	x := v.x
	timer := time.NewTimer(0)
	defer timer.Stop()
	wake := x.house.wake
	for {
		select {
		case <-v.stopping:
			return
		case <-timer.C:
		case <-wake:
		}
		x.acquire(nil)
		pause := time.Duration(0)
		if !x.house.paused {
			x.lookAtMemory()
			pause = x.doChores()
			x.pingStandbys()
			x.closeIdle()
			x.stats.sample(x.now)
			x.standbys.evaluate(x)
			v.checkDisk()
		}
		round := time.Second / time.Duration(x.opts.Hz)
		v.keepalive.Store(int64(x.opts.TCPKeepalive / time.Second))
		afterwards := x.house.afterwards
		x.house.afterwards = nil
		x.release(nil)
		for _, f := range afterwards {
			f()
		}
		wake = x.house.wake
		if pause > 0 {
			// The others are left their time, whoever calls.
			round, wake = pause, nil
		}
		timer.Reset(round)
	}
}

// doChores does a slice of what may take long, in this order. pause: there is more, and it goes on after this.
func (x *executor) doChores() (pause time.Duration) {
	began := time.Now()
	if more, pause := x.expireSlice(began); more {
		return pause
	}
	if left := slice - time.Since(began); left < 0 || x.makeRoom(left) == roomSoon {
		return slice
	}
	if x.freeSlice(began) {
		return 2 * slice
	}
	if lesson := x.ks.Lesson(); lesson != nil {
		x.later(func() {
			lesson.Learn()
			x.acquire(nil)
			lesson.Adopt()
			x.release(nil)
		})
		return slice
	}
	if piece := x.ks.MemoryAhead(); piece != nil {
		x.later(func() { slab.Populate(piece) })
		return slice
	}
	return min(x.defragSlice(began), time.Second/time.Duration(x.opts.Hz))
}

// freeSlice gives memory of large deletions back until a slice has passed since the given time. true: there is more.
func (x *executor) freeSlice(began time.Time) (more bool) {
	for {
		if more = x.ks.FreeSome(); !more || time.Since(began) > slice {
			return more
		}
	}
}

// pingStandbys keeps the links to the standbys alive, as Redis does: a PING in the log.
func (x *executor) pingStandbys() {
	if !x.standbys.any() {
		x.house.lastPing = x.now // the first PING comes a whole period after the first standby
	}
	if !x.role.writable || x.pauses.switchover || x.now.Sub(x.house.lastPing) < x.opts.ReplPingPeriod {
		return
	}
	x.house.lastPing = x.now
	x.logWords("PING")
}

// closeIdle ends clients that were silent for longer than timeout allows.
func (x *executor) closeIdle() {
	if x.opts.Timeout == 0 {
		return
	}
	for _, s := range x.sessions {
		if s.parked == nil && !s.subs.any() && !s.replica.feeding && x.now.Sub(s.lastSeen) > x.opts.Timeout {
			x.kill(s, "idle")
		}
	}
}

// checkDisk opens and closes the gate for writes when the disk falls behind.
func (v *Server) checkDisk() {
	x := v.x
	switch {
	case v.store == nil:
	case v.store.Err() != nil:
		x.diskError = v.store.Err()
	case x.stream.Congested():
		x.diskError = errDiskBehind
	case x.diskError == errDiskBehind:
		x.diskError = nil
	}
	if healthy := x.diskError == nil; x.tellHealth != nil && healthy != x.house.toldHealthy {
		x.house.toldHealthy = healthy
		reason := ""
		if !healthy {
			reason = x.diskError.Error()
		}
		x.later(func() { x.tellHealth(healthy, reason) })
	}
}

const errDiskBehind command.Error = "the disk is too far behind the log; writes are taken again when it has caught up"
