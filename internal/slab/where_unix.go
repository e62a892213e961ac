//go:build linux || darwin || freebsd || netbsd || openbsd

package slab

// InGoHeap says whether cells are memory that Go's heap shows too.
const InGoHeap = false
