package server

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The raw system calls take addresses. The buffers live on the heap for as long as the loop does, and the collector does not move them.

func bytesPointer(p []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p)) }

func eventsPointer(p []unix.EpollEvent) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p)) }
