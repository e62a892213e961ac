package server

import (
	"runtime"
	"time"
)

// The scheduler takes a goroutine off the processor when it has run for 10 ms, wherever it is then: an owner would be stopped
// with all clients waiting, while others have the processor. So those who run for long give way before they take the
// keyspace, and hold it with their time ahead of them.

// turnMax is after how much of its 10 ms a loop gives way; a holding should fit in the rest.
const turnMax = 5 * time.Millisecond

// turn is for how long a goroutine has run without a rest. One that rests all the time never looks at the clock.
type turn struct {
	rested bool      // since the last look
	began  time.Time // zero: not looked at yet
}

// rest is for when it waits by itself.
func (t *turn) rest() { t.rested = true }

// giveWay comes before acquire.
func (t *turn) giveWay() {
	if t.rested {
		*t = turn{}
		return
	}
	switch now := time.Now(); {
	case t.began.IsZero():
		t.began = now
	case now.Sub(t.began) > turnMax:
		runtime.Gosched()
		*t = turn{}
	}
}

// acquireSlice is acquire for one of many slices of work.
func (x *executor) acquireSlice() {
	runtime.Gosched()
	x.acquire(nil)
}
