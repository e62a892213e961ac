//go:build !linux

package server

const multiplexing = "goroutines"

// residentBytes is not known on this system; what Go has of it stands for it.
func residentBytes() int64 { return goBytes(metricTotal) - goBytes(metricReleased) }

// systemMemory is not known on this system.
func systemMemory() int64 { return 0 }
