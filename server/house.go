package server

import (
	"time"

	"github.com/tandemkv/tandem/command"
)

// house is the state of housekeeping.
type house struct {
	expireOff bool // DEBUG SET-ACTIVE-EXPIRE 0
	paused    bool // DEBUG PAUSE-CRON 1
	lastPing  time.Time

	toldHealthy bool
	afterwards  []func() // to be called when the keyspace is not owned: they may wait
}

// later has f called after this round of housekeeping, outside ownership. Only housekeeping calls it.
func (x *executor) later(f func()) { x.house.afterwards = append(x.house.afterwards, f) }

// expiredPerStep is how many expired keys go between two looks at the clock.
const expiredPerStep = 32

// keepHouse does what is due: expired keys, idle clients, PING to the standbys, samples for INFO. It is one of the server's
// long-lived goroutines and never holds the keyspace longer than a slice.
func (v *Server) keepHouse() {
	x := v.x
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-v.stopping:
			return
		case <-timer.C:
		}
		x.acquire(nil)
		busy := false
		if !x.house.paused {
			busy = x.expireSlice() || x.freeSlice()
			x.pingStandbys()
			x.closeIdle()
			x.stats.sample(x.now)
			x.standbys.evaluate(x)
			v.checkDisk()
			x.checkMemory()
		}
		wait := time.Second / time.Duration(x.opts.Hz)
		v.keepalive.Store(int64(x.opts.TCPKeepalive / time.Second))
		afterwards := x.house.afterwards
		x.house.afterwards = nil
		x.release(nil)
		for _, f := range afterwards {
			f()
		}
		if busy {
			wait = 2 * slice // leave the others as much time as this took
		}
		timer.Reset(wait)
	}
}

// expireSlice removes expired keys for at most a slice. true: there are more.
func (x *executor) expireSlice() bool {
	if x.house.expireOff || !x.role.writable || x.pauses.on || x.loading.on {
		return false
	}
	for began := time.Now(); ; {
		_, more := x.engine.ExpireSlice(x.nowMs, expiredPerStep)
		x.noteChanges(nil)
		x.closeUnit(nil)
		if !more || time.Since(began) > slice {
			return more
		}
	}
}

// freeSlice gives memory of large deletions back for at most a slice. true: there is more.
func (x *executor) freeSlice() (more bool) {
	for began := time.Now(); ; {
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

// checkMemory opens and closes the gate for commands that need memory (maxmemory). The figure is as old as the round.
func (x *executor) checkMemory() {
	used := x.memoryInUse()
	x.stats.memoryPeak = max(x.stats.memoryPeak, used)
	x.memoryFull = x.opts.MaxMemory > 0 && used > x.opts.MaxMemory
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
