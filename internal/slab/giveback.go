package slab

// Free memory goes back to the system in pieces, when the owner has time: for the system it is work in proportion, and
// the cells of a large structure that is given up free very many pages within its last moments.

// waitingMax is how much may wait. Beyond it Free gives back as much as it adds.
const waitingMax = 256 << 20

// doomed is the memory of a large cell that was freed.
type doomed struct {
	mem    []byte
	left   int    // mem[:left] is still to be given back
	extent uint32 // of a run: where it is
	at     int
}

// doom has the memory of a large cell given back.
func (h *Heap) doom(p *page) {
	n := len(p.mem)
	h.doomed = append(h.doomed, doomed{mem: p.mem, left: n, extent: p.next, at: int(p.fresh)})
	if h.waiting += int64(n); h.waiting > waitingMax {
		h.GiveBack(n)
	}
}

// GiveBack gives up to about so many bytes of what is free back to the system. more: there is more.
func (h *Heap) GiveBack(bytes int) (more bool) {
	for ; bytes > 0 && len(h.dirty) > 0; bytes -= pageBytes {
		last := len(h.dirty) - 1
		number := h.dirty[last]
		h.dirty = h.dirty[:last]
		h.empty = append(h.empty, number)
		p := h.page(number)
		h.extents[p.extent].noHoles()
		giveBack(p.mem)
		h.gone(pageBytes)
	}
	for bytes > 0 && len(h.doomed) > 0 {
		last := len(h.doomed) - 1
		d := &h.doomed[last]
		cut := max(d.left-bytes, 0) &^ (unitBytes - 1) // where a page of the system begins
		giveBack(d.mem[cut:d.left])
		h.gone(d.left - cut)
		bytes -= d.left - cut
		if d.left = cut; cut == 0 {
			h.end(d)
			h.doomed = h.doomed[:last]
		}
	}
	return h.waiting > 0
}

func (h *Heap) gone(bytes int) {
	h.mapped -= int64(bytes)
	h.waiting -= int64(bytes)
}

// end is for a large cell's memory that is all given back.
func (h *Heap) end(d *doomed) {
	if len(d.mem) >= ownMapBytes {
		release(d.mem)
	} else {
		h.freeRun(d.extent, d.at, units(len(d.mem)))
	}
}
