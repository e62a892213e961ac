//go:build !linux

package server

const multiplexing = "goroutines"

// residentBytes is not known on this system; the heap in use stands for it.
func residentBytes() int64 { return int64(usedMemory()) }
