package slab

import (
	"math/bits"
	"slices"
)

// Large cells are runs of units in extents of their own, and very large ones are maps of their own. The memory of a run
// goes back to the system when it is freed, so holes between runs cost address space only.

const (
	// largeStep is what the sizes of large cells are multiples of. Runs begin at units, which are as large as the pages of
	// any system; what a cell leaves of its last unit is never touched and takes no memory.
	largeStep = 8 << 10
	unitBytes = 64 << 10
	// ownMapBytes is from where on a large cell is a map of its own. Below it a map is shared: the number of maps that a
	// process may have is small.
	ownMapBytes = 4 << 20
	runUnits    = runExtentBytes / unitBytes
)

// runExtent is a map that is given out in runs.
type runExtent struct {
	mem   []byte
	taken [runUnits / 64]uint64 // a bit for each unit
	// longest: no free run is longer. It may be too high, until a search has found out.
	longest int
	used    int // units
}

// roundUp is the size of a large cell.
func roundUp(n int) int { return (n + largeStep - 1) &^ (largeStep - 1) }

func (h *Heap) allocLarge(n int) (Ref, []byte) {
	number := h.number()
	size := roundUp(n)
	p := page{size: uint32(size), used: 1}
	if size >= ownMapBytes {
		p.mem = reserve(size)
	} else {
		h.takeRun(&p)
	}
	*h.page(number) = p
	h.used += int64(size)
	h.mapped += int64(size)
	h.made++
	h.larges++
	return Ref(number << slotBits), p.mem[:size:size]
}

func (h *Heap) freeLarge(number uint32) {
	h.doom(h.page(number))
	h.larges--
	*h.page(number) = page{}
	h.unborn = append(h.unborn, number)
}

// units is how many a cell of so many bytes takes.
func units(size int) int { return (size + unitBytes - 1) / unitBytes }

// takeRun gives a page the memory of its size.
func (h *Heap) takeRun(p *page) {
	n := units(int(p.size))
	for i, e := range h.runs {
		if e == nil || e.longest < n {
			continue
		}
		at, longest := e.find(n)
		if at >= 0 {
			e.take(p, i, at, n)
			return
		}
		e.longest = longest
	}
	e := &runExtent{mem: reserve(runExtentBytes), longest: runUnits}
	noHugePages(e.mem)
	i := slices.Index(h.runs, nil)
	if i < 0 {
		i = len(h.runs)
		h.runs = append(h.runs, nil)
	}
	h.runs[i] = e
	e.take(p, i, 0, n)
}

func (e *runExtent) take(p *page, extent, at, n int) {
	for i := at; i < at+n; i++ {
		e.taken[i/64] |= 1 << (i % 64)
	}
	e.used += n
	p.mem, p.next, p.fresh = e.mem[at*unitBytes:at*unitBytes+int(p.size)], uint32(extent), uint16(at)
}

// freeRun takes a run back. An extent without any goes too, if there is another such one.
func (h *Heap) freeRun(extent uint32, at, n int) {
	e := h.runs[extent]
	for i := at; i < at+n; i++ {
		e.taken[i/64] &^= 1 << (i % 64)
	}
	e.used -= n
	e.longest = runUnits
	if e.used > 0 {
		return
	}
	for _, other := range h.runs {
		if other != nil && other != e && other.used == 0 {
			release(e.mem)
			h.runs[extent] = nil
			return
		}
	}
}

// find gives the first free run of n units, or -1 and the length of the longest.
func (e *runExtent) find(n int) (at, longest int) {
	for at < runUnits {
		at = e.next(at, 0)
		end := e.next(at, ^uint64(0))
		if end-at >= n {
			return at, 0
		}
		longest = max(longest, end-at)
		at = end
	}
	return -1, longest
}

// next is the first unit from one on that is free (flip 0) or taken (flip all ones).
func (e *runExtent) next(from int, flip uint64) int {
	for from < runUnits {
		// Ones are what is looked for.
		if word := ^(e.taken[from/64] ^ flip) >> (from % 64); word != 0 {
			return min(from+bits.TrailingZeros64(word), runUnits)
		}
		from = from/64*64 + 64
	}
	return runUnits
}
