package server

import (
	"time"

	"github.com/tandemkv/tandem/command"
)

// pause makes clients wait: all of them or those who write, until a moment (CLIENT PAUSE) or until a switchover is over.
// A session that waits keeps its command unread, so that it can go on here, or elsewhere when its connection is given away.
type pause struct {
	on         bool
	all        bool
	until      time.Time // zero: none by CLIENT PAUSE
	switchover bool
	waiting    []*session
	timer      *time.Timer
}

func (p *pause) stops(s *session, spec *command.Spec) bool {
	if s.replica.feeding {
		return false
	}
	if p.all {
		return spec.Flags&flagPauseExempt == 0
	}
	if spec.FullName == "exec" {
		return s.tx.writes
	}
	return spec.Flags&(command.Write|command.MayReplicate) != 0 && !s.tx.open
}

func (p *pause) putOff(s *session) {
	if !s.putOff {
		s.putOff = true
		p.waiting = append(p.waiting, s)
	}
}

// count is how many sessions wait for the end of the pause.
func (p *pause) count() (n int) {
	for _, s := range p.waiting {
		if !s.gone {
			n++
		}
	}
	return n
}

// pauseClients is CLIENT PAUSE. A longer pause that is under way stays; ALL is stronger than WRITE.
func (x *executor) pauseClients(until time.Time, all bool) {
	p := &x.pauses
	p.on = true
	x.lookAround()
	p.all = p.all || all
	if until.After(p.until) {
		p.until = until
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(p.until.Sub(x.now), func() {
		x.acquire(nil)
		x.endClientPause(false)
		x.release(nil)
	})
}

// endClientPause ends CLIENT PAUSE when its time is over, or at once (CLIENT UNPAUSE).
func (x *executor) endClientPause(now bool) {
	p := &x.pauses
	if !now && x.now.Before(p.until) {
		return
	}
	p.until, p.all = time.Time{}, false
	x.resumePaused()
}

// holdWrites begins a switchover: from now on no write is admitted. What was admitted is in the log.
func (x *executor) holdWrites() {
	x.pauses.on, x.pauses.switchover = true, true
	x.lookAround()
}

// releaseWrites ends a switchover's hold. On a node that is no longer the master the sessions that wait meet its gates.
func (x *executor) releaseWrites() {
	x.pauses.switchover = false
	x.resumePaused()
}

func (x *executor) resumePaused() {
	p := &x.pauses
	if p.switchover || !p.until.IsZero() {
		return
	}
	p.on = false
	x.lookAround()
	for _, s := range p.waiting {
		s.putOff = false
		if !s.gone {
			s.resumable = true
			s.carrier.wake(s)
		}
	}
	p.waiting = nil
}
