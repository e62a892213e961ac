//go:build !linux

package server

// threadNanos: this system does not tell.
func threadNanos() int64 { return 0 }
