package server

import "time"

// Expired keys are removed when a command meets them, and otherwise in slices of housekeeping, as in Redis' active expiry:
// a slow cycle, whose share of the time active-expire-effort sets, and a fast one while too many keys are overdue. Which
// keys are due is known and not sampled, because deadlines are kept in order.

// expiry counts what INFO tells of active expiry.
type expiry struct {
	stalePercent float64 // of the keys with a deadline: overdue after a slice; a running mean, as in Redis
	capReached   int64   // slices that ended for lack of time
	spent        time.Duration
}

const (
	// expiredPerStep is how many expired keys go between two looks at the clock.
	expiredPerStep = 32
	// The share of the time that the slow cycle takes with the least effort, and what each step of effort adds; and how many keys
	// may be overdue before the fast cycle takes half of the time, which each step of effort lowers by one. All in percent.
	expireShare, expireShareStep = 25, 2
	overdueMax                   = 10
)

// expireSlice removes expired keys until a slice has passed since the given time. more: others are due, and may go after
// the pause.
func (x *executor) expireSlice(began time.Time) (more bool, pause time.Duration) {
	if x.house.expireOff || !x.role.writable || x.pauses.on || x.loading.on {
		return false, 0
	}
	e := &x.house.expiry
	for more = true; more; {
		_, more = x.engine.ExpireSlice(x.nowMs, expiredPerStep)
		x.noteChanges(nil)
		x.closeApart()
		if more && time.Since(began) > slice {
			e.capReached++
			break
		}
	}
	e.spent += time.Since(began)
	due, all := x.ks.Due(x.nowMs)
	overdue := 100 * float64(due) / float64(max(all, 1))
	e.stalePercent = 0.05*overdue + 0.95*e.stalePercent
	return more, expirePause(x.opts.ExpireEffort, overdue)
}

// expirePause is the time that others have between two slices.
func expirePause(effort int, overdue float64) time.Duration {
	effort-- // 1..10
	if overdue > float64(overdueMax-effort) {
		return slice
	}
	share := expireShare + expireShareStep*effort
	return slice * time.Duration(100-share) / time.Duration(share)
}
