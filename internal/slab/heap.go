package slab

import (
	"encoding/binary"
	"runtime"
	"unsafe"
)

// Ref names a cell: the page's number and the place in it. 0 is none.
type Ref uint32

// page is 64 KB of cells of one size, or one large cell.
type page struct {
	mem        []byte
	size       uint32
	class      uint8
	extent     uint16 // that mem is from. Not of a run
	prev, next uint32 // in the class's list of pages with room; 0: end. Of a run: its extent
	used       uint16
	fresh      uint16 // cells from here on were never used. Of a run: its first unit
	free       uint16 // first free cell, plus one; each free cell begins with the next one
	listed     bool
	leaving    bool // to be emptied: not listed, whatever room it has
}

// Heap gives out cells.
type Heap struct {
	pages   Table[page] // 0 is none
	room    []uint32    // by class: the first page with a free cell
	dirty   []uint32    // pages without a class
	empty   []uint32    // the same, given back to the system
	unborn  []uint32    // numbers without memory: their page was one large cell
	extents []extent
	left    []byte // the part of the newest extent that is not in pages yet
	ahead   ahead
	runs    []*runExtent
	doomed  []doomed
	plan    plan
	pagesOf []int  // by class
	cellsOf []int  // by class: those in use
	larges  int    // large cells in use
	used    int64  // bytes of cells in use, as their size
	mapped  int64  // bytes of pages that are in use, or wait to be given back
	waiting int64  // bytes of the latter
	made    uint64 // cells that were ever given out
	dropped int    // extents that Drop has given back
}

// New makes an empty heap. It takes no memory until it is used.
func New() *Heap {
	n := len(classes.sizes)
	h := &Heap{room: make([]uint32, n), pagesOf: make([]int, n), cellsOf: make([]int, n)}
	runtime.SetFinalizer(h, func(h *Heap) { h.expire(2) })
	return h
}

// expire gives all maps back some collections after the heap was seen unreachable, so that bytes on their way out of a
// call that the heap does not outlive stay readable.
func (h *Heap) expire(cycles int) {
	if cycles > 0 {
		runtime.SetFinalizer(h, func(h *Heap) { h.expire(cycles - 1) })
		return
	}
	for !h.Drop(1 << 30) {
	}
}

// Alloc gives a cell of at least n bytes, all of it, with whatever was in it.
func (h *Heap) Alloc(n int) (Ref, []byte) {
	if n > ClassBytesMax {
		return h.allocLarge(n)
	}
	class := classOf(n)
	number := h.room[class]
	if number == 0 {
		number = h.newPage(class)
	}
	p := h.page(number)
	var slot uint32
	if p.free != 0 {
		slot = uint32(p.free - 1)
		p.free = binary.LittleEndian.Uint16(p.mem[slot*p.size:])
	} else {
		slot = uint32(p.fresh)
		p.fresh++
	}
	p.used++
	if p.free == 0 && (uint32(p.fresh)+1)*p.size > pageBytes {
		h.unlist(number)
	}
	h.used += int64(p.size)
	h.cellsOf[class]++
	h.made++
	at := slot * p.size
	return Ref(number<<slotBits | slot), p.mem[at : at+p.size : at+p.size]
}

func (h *Heap) page(number uint32) *page { return h.pages.At(number) }

// Cell gives the bytes of a cell, all of it.
func (h *Heap) Cell(r Ref) []byte {
	p := h.page(uint32(r >> slotBits))
	at := uint32(r&slotMask) * p.size
	return p.mem[at : at+p.size : at+p.size]
}

// Free takes a cell back.
func (h *Heap) Free(r Ref) {
	number := uint32(r >> slotBits)
	p := h.page(number)
	h.used -= int64(p.size)
	if p.size > ClassBytesMax {
		h.freeLarge(number)
		return
	}
	slot := uint32(r & slotMask)
	binary.LittleEndian.PutUint16(p.mem[slot*p.size:], p.free)
	p.free = uint16(slot + 1)
	p.used--
	h.cellsOf[p.class]--
	if !p.listed && !p.leaving {
		h.list(number)
	}
	if p.used == 0 && (p.prev != 0 || p.next != 0 || p.leaving) {
		h.freePage(number)
	}
}

func (h *Heap) freePage(number uint32) {
	p := h.page(number)
	if p.listed {
		h.unlist(number)
	}
	h.pagesOf[p.class]--
	p.size, p.leaving = 0, false
	h.dirty = append(h.dirty, number)
	h.waiting += pageBytes
}

// newPage gives a page to a class.
func (h *Heap) newPage(class uint8) uint32 {
	var number uint32
	if n := len(h.dirty); n > 0 {
		number, h.dirty = h.dirty[n-1], h.dirty[:n-1]
		h.waiting -= pageBytes
		h.mapped -= pageBytes
	} else if n := len(h.empty); n > 0 {
		number, h.empty = h.empty[n-1], h.empty[:n-1]
	} else {
		if len(h.left) == 0 {
			h.newExtent()
		}
		number = h.number()
		*h.page(number) = page{mem: h.left[:pageBytes:pageBytes], extent: uint16(len(h.extents) - 1)}
		h.left = h.left[pageBytes:]
		h.ahead.bytes = max(h.ahead.bytes-pageBytes, 0)
	}
	h.mapped += pageBytes
	h.pagesOf[class]++
	p := h.page(number)
	*p = page{mem: p.mem, extent: p.extent, size: classes.sizes[class], class: class}
	h.list(number)
	return number
}

// number gives a page number that has no memory.
func (h *Heap) number() uint32 {
	if n := len(h.unborn); n > 0 {
		number := h.unborn[n-1]
		h.unborn = h.unborn[:n-1]
		return number
	}
	if h.pages.Len() == pagesMax {
		panic("slab: the heap is full")
	}
	if h.pages.Len() == 0 {
		h.pages.Push(page{}) // of Ref 0
	}
	h.pages.Push(page{})
	return uint32(h.pages.Len() - 1)
}

func (h *Heap) list(number uint32) {
	p := h.page(number)
	p.prev, p.next, p.listed = 0, h.room[p.class], true
	if p.next != 0 {
		h.page(p.next).prev = number
	}
	h.room[p.class] = number
}

func (h *Heap) unlist(number uint32) {
	p := h.page(number)
	if p.prev != 0 {
		h.page(p.prev).next = p.next
	} else {
		h.room[p.class] = p.next
	}
	if p.next != 0 {
		h.page(p.next).prev = p.prev
	}
	p.prev, p.next, p.listed = 0, 0, false
}

// Drop gives maps back to the system, up to about so many bytes a call, until there are none (done). After the first call
// no cell of the heap may be touched.
func (h *Heap) Drop(bytes int) (done bool) {
	h.left, h.empty, h.used = nil, nil, 0
	if h.ahead.next.mem != nil {
		h.extents = append(h.extents, h.ahead.next)
	}
	h.ahead = ahead{}
	for bytes > 0 {
		before := h.mapped
		if h.GiveBack(bytes) {
			return false
		}
		last := h.pages.Len() - 1
		if last < 0 {
			break
		}
		if p := h.page(uint32(last)); p.size > ClassBytesMax {
			h.doom(p)
		} else if p.size > 0 {
			giveBack(p.mem)
			h.mapped -= pageBytes
		}
		h.pages.Pop()
		bytes -= int(before - h.mapped)
	}
	for bytes > 0 && h.pages.Len() == 0 && len(h.runs) > 0 {
		last := len(h.runs) - 1
		if e := h.runs[last]; e != nil {
			release(e.mem)
			bytes -= pageBytes
		}
		h.runs = h.runs[:last]
	}
	for bytes > 0 && h.pages.Len() == 0 && h.dropped < len(h.extents) {
		release(h.extents[h.dropped].mem)
		h.extents[h.dropped] = extent{}
		h.dropped++
		bytes -= pageBytes
	}
	return h.pages.Len()+len(h.doomed)+len(h.runs) == 0 && h.dropped == len(h.extents)
}

// Bytes gives the bytes of all cells in use, and of all pages that hold them.
func (h *Heap) Bytes() (used, mapped int64) { return h.used, h.mapped }

// Cells counts the cells in use.
func (h *Heap) Cells() (cells int) {
	for _, n := range h.cellsOf {
		cells += n
	}
	return cells + h.larges
}

// Made counts the cells that were ever given out.
func (h *Heap) Made() uint64 { return h.made }

// View sees a cell as items of a type that has no pointers, which the collector would not find there. Types of 8 bytes'
// alignment have sizes that are multiples of it, and so had the number of bytes that the cell was asked for: such cells
// begin at multiples of 8, because maps begin at pages of the system (and Go's large allocations likewise).
func View[T any](cell []byte) []T {
	var one T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(cell))), len(cell)/int(unsafe.Sizeof(one)))
}

// BytesOf is the size of n items of a type.
func BytesOf[T any](n int) int {
	var one T
	return n * int(unsafe.Sizeof(one))
}
