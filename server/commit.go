package server

import "math"

// commitPoint is the log offset up to which replies may go out: the least of what the configured promises require. With none, there is
// nothing to wait for.
func (x *executor) commitPoint() int64 {
	point := int64(math.MaxInt64)
	if x.promises.fsync {
		point = min(point, x.stream.Synced())
	}
	if x.promises.standbys && x.role.is(RoleMaster) {
		point = min(point, x.standbys.commitOffset(x))
	}
	return point
}

// promises is what the options promise to clients, kept apart because each reply asks.
type promises struct {
	fsync    bool // appendfsync always
	standbys bool // durability standby
}

// commitMoved looks at all that waits for offsets again: held replies, WAIT. The log's sync goroutine and the feeders call it, through
// an own holding.
func (x *executor) commitMoved() {
	x.releaseHeld()
	x.parking.acknowledged()
}
