package slab

import "golang.org/x/sys/unix"

// noHugePages keeps the system from backing a map with pages of 2 MB. It would fill the holes with memory again that were
// given back. A kernel that has no such pages refuses, which is as good.
func noHugePages(mem []byte) { _ = unix.Madvise(mem, unix.MADV_NOHUGEPAGE) }
