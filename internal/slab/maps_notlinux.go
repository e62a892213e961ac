//go:build !linux

package slab

// noHugePages has nothing to do: only Linux fills holes by itself.
func noHugePages([]byte) {}

// Populate has nothing to do: other systems choose the size of their pages themselves.
func Populate([]byte) {}
