package rig

import (
	"time"

	"golang.org/x/sys/unix"
)

// ThreadTime is the CPU time of the calling thread. The caller has locked its goroutine to it.
func ThreadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("no clock of the thread: " + err.Error())
	}
	return time.Duration(t.Nano())
}
