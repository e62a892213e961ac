package slab

import "unsafe"

// Memory ahead. With the system's small pages a look at a random cell of some hundred megabytes misses the processor's
// table of pages almost every time, and costs about half as much again. Pages of 2 MB help, but the one who touches such
// a page first waits until all of it is cleared, which can be milliseconds in a virtual machine. So the owner never does:
// Ahead names memory that will be needed soon, and somebody else has it made (Populate) while the owner goes on. What is
// not there in time is taken in small pages.

const (
	hugeBytes = 2 << 20
	// aheadBytesMin is from which size on a heap has memory ahead. It has a share of its size, up to a maximum, so that
	// what lies ready does not count.
	aheadBytesMin = 64 << 20
	aheadShare    = 64
	aheadBytesMax = extentBytes
	// aheadGapBytes lie between the owner and what is being populated, so that the two do not meet.
	aheadGapBytes = 512 << 10
)

// extent is a map that is given out in pages.
type extent struct {
	mem  []byte
	huge bool // parts of it are pages of 2 MB
}

// ahead is what was prepared.
type ahead struct {
	bytes int    // of left and then of next that are populated, or lie before such a part
	next  extent // the one that comes when left is used up
}

// noHoles is for before a part of the extent is given back: pages of 2 MB would bring it back.
func (e *extent) noHoles() {
	if e.huge {
		noHugePages(e.mem)
		e.huge = false
	}
}

// newExtent maps memory for pages.
func (h *Heap) newExtent() {
	e := h.ahead.next
	if e.mem == nil {
		e.mem = reserve(extentBytes)
		noHugePages(e.mem)
	}
	h.ahead.next = extent{}
	h.extents, h.left = append(h.extents, e), e.mem
}

// Ahead gives a piece of memory that is to be populated next, nil when enough is. It counts as populated from now on.
func (h *Heap) Ahead() []byte {
	if h.mapped < aheadBytesMin || len(h.extents) == 0 || h.ahead.bytes >= min(int(h.mapped)/aheadShare, aheadBytesMax) {
		return nil
	}
	at := max(h.ahead.bytes, aheadGapBytes)
	if piece, end := hugePiece(h.left, at); piece != nil {
		h.extents[len(h.extents)-1].huge = true
		h.ahead.bytes = end
		return piece
	}
	next := &h.ahead.next
	if next.mem == nil {
		next.mem = reserve(extentBytes)
		noHugePages(next.mem)
	}
	piece, end := hugePiece(next.mem, max(at-len(h.left), 0))
	if piece != nil {
		next.huge = true
		h.ahead.bytes = len(h.left) + end
	}
	return piece
}

// hugePiece gives the first whole page of 2 MB of mem from a place on, and where it ends; nil when there is none.
func hugePiece(mem []byte, from int) (piece []byte, end int) {
	if len(mem) == 0 {
		return nil, 0
	}
	address := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	from += int(-(address + uintptr(from)) & (hugeBytes - 1))
	end = from + hugeBytes
	if end > len(mem) {
		return nil, 0
	}
	return mem[from:end:end], end
}
