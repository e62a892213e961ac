//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package slab

// extentBytes is small here, because all of it counts for the garbage collector.
const extentBytes = 1 << 20

// runExtentBytes holds a few of the largest runs.
const runExtentBytes = 16 << 20

func reserve(n int) []byte { return make([]byte, n) }

// giveBack can do nothing: the page is used again by any class.
func giveBack([]byte) {}

func release([]byte) {}
