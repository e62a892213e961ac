//go:build !linux

package slab

// noHugePages has nothing to do: only Linux fills holes by itself.
func noHugePages([]byte) {}
