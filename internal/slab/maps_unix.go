//go:build linux || darwin || freebsd || netbsd || openbsd

package slab

import "golang.org/x/sys/unix"

// extentBytes is mapped at once. Only what is touched takes memory.
const extentBytes = 16 << 20

// runExtentBytes is the same for large cells.
const runExtentBytes = 64 << 20

func reserve(n int) []byte {
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic("slab: no memory: " + err.Error())
	}
	return mem
}

// giveBack lets the system take the memory; the range stays mapped.
func giveBack(mem []byte) {
	if err := unix.Madvise(mem, unix.MADV_DONTNEED); err != nil {
		panic("slab: madvise: " + err.Error())
	}
}

func release(mem []byte) {
	if err := unix.Munmap(mem); err != nil {
		panic("slab: munmap: " + err.Error())
	}
}
