package server

import "golang.org/x/sys/unix"

// readThreadTime is of the calling thread; the zero value when the system does not tell.
func readThreadTime() threadTime {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return threadTime{}
	}
	return threadTime{thread: unix.Gettid(), nanos: t.Nano()}
}
