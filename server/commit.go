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

// dropUnsafe closes the clients whose replies still wait for the standbys, at the end of a reign: nobody can say any more
// what becomes of their writes, and a reply would promise it.
func (x *executor) dropUnsafe() {
	if !x.promises.standbys {
		return
	}
	commit := x.standbys.commitOffset(x)
	for _, s := range x.sessions {
		if len(s.w.Buf) > 0 && (s.written > commit || len(s.marks) > 0 && s.marks[len(s.marks)-1].offset > commit) {
			s.w.Buf, s.marks = s.w.Buf[:0], s.marks[:0]
			x.kill(s, "the reign ended before the standby had its writes")
		}
	}
}
