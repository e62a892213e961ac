package slab

import "golang.org/x/sys/unix"

// noHugePages keeps the system from backing a map with pages of 2 MB. It would fill the holes with memory again that were
// given back. A kernel that has no such pages refuses, which is as good.
func noHugePages(mem []byte) { _ = unix.Madvise(mem, unix.MADV_NOHUGEPAGE) }

// Populate has the system make a piece that Heap.Ahead gave, as a page of 2 MB if it can. It may take milliseconds, and
// may be called while the heap is in use, or gone: it changes no content. A kernel that is too old to do it refuses; then
// the owner's first touch makes the memory.
func Populate(piece []byte) {
	if unix.Madvise(piece, unix.MADV_HUGEPAGE) == nil && unix.Madvise(piece, unix.MADV_POPULATE_WRITE) != nil {
		noHugePages(piece)
	}
}
