package server

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// threadNanos is the CPU time of the calling thread; 0 when the system does not tell. It is a raw call: around others the
// scheduler may give the processor away, and that is not to happen because somebody measures.
func threadNanos() int64 {
	var t unix.Timespec
	if _, _, failed := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&t)), 0); failed != 0 {
		return 0
	}
	return t.Nano()
}
