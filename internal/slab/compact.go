package slab

// Compaction empties the pages of a class that have the fewest cells, as long as the others have room for those. A plan
// marks them: nothing is allocated there any more, and who owns the cells moves those that he finds there. A page goes
// back to the system with its last cell.

const (
	// fillSteps is how finely pages are told apart by how full they are.
	fillSteps = 32
	// spareShare: a class keeps so much room, as a share of its cells in use, that growing again does not undo it all.
	spareShare = 16
	// gainShareMin: a class that would lose fewer of its pages is left alone.
	gainShareMin = 16
)

type planStage uint8

const (
	planNone planStage = iota
	planCounting
	planMarking
	planMade
	planEnding
)

// plan is which pages are to be emptied, and the way there.
type plan struct {
	stage planStage
	at    int // the next page to look at
	fills []fillCount
}

// fillCount is how many pages of a class are how full; and then how many of those are to leave.
type fillCount [fillSteps + 1]uint32

func (h *Heap) fill(p *page) int { return int(p.used) * fillSteps / int(pageBytes/p.size) }

// spare gives how many pages of a class could go.
func (h *Heap) spare(class int) int {
	pages, cells := h.pagesOf[class], h.cellsOf[class]
	perPage := int(pageBytes / classes.sizes[class])
	needed := (cells+cells/spareShare)/perPage + 2
	if spare := pages - needed; spare > pages/gainShareMin {
		return spare
	}
	return 0
}

// Gain is how many bytes compaction would give back to the system. It is 0 when a plan has just been carried out.
func (h *Heap) Gain() (bytes int64) {
	for class, pages := range h.pagesOf {
		if pages > 2 {
			bytes += int64(h.spare(class)) * pageBytes
		}
	}
	return bytes
}

// Plan chooses the pages to empty, looking at up to n pages a call. done: the plan is made, and stays until EndPlan.
func (h *Heap) Plan(n int) (done bool) {
	p := &h.plan
	if p.stage == planNone {
		*p = plan{stage: planCounting, at: 1, fills: make([]fillCount, len(classes.sizes))}
	}
	for ; n > 0 && p.stage < planMade; n-- {
		if p.at < h.pages.Len() {
			if at := h.page(uint32(p.at)); at.size > 0 && at.size <= ClassBytesMax {
				h.look(uint32(p.at), &p.fills[at.class])
			}
			p.at++
			continue
		}
		if p.stage == planCounting {
			h.choose()
			p.at, p.stage = 1, planMarking
		} else {
			p.at, p.fills, p.stage = 1, nil, planMade
		}
	}
	return p.stage == planMade
}

// look counts a page, or marks it when pages as full as it are to leave.
func (h *Heap) look(number uint32, fills *fillCount) {
	p := h.page(number)
	fill := h.fill(p)
	switch {
	case h.plan.stage == planCounting:
		fills[fill]++
	case fills[fill] > 0 && p.used > 0:
		fills[fill]--
		p.leaving = true
		if p.listed {
			h.unlist(number)
		}
	}
}

// choose turns the counts into how many are to leave: the emptiest first. Full ones never need to.
func (h *Heap) choose() {
	for class := range h.plan.fills {
		spare := uint32(h.spare(class))
		fills := &h.plan.fills[class]
		for fill := range fillSteps {
			fills[fill] = min(fills[fill], spare)
			spare -= fills[fill]
		}
		fills[fillSteps] = 0
	}
}

// Leaving says whether a cell is to be moved.
func (h *Heap) Leaving(r Ref) bool { return h.page(uint32(r >> slotBits)).leaving }

// Move gives a cell's bytes another cell and frees it.
func (h *Heap) Move(r Ref) (Ref, []byte) {
	old := h.Cell(r)
	moved, cell := h.Alloc(len(old))
	copy(cell, old)
	h.Free(r)
	return moved, cell
}

// EndPlan gives up what is left of a plan, looking at up to n pages a call: those pages are as all others again. done:
// there is no plan.
func (h *Heap) EndPlan(n int) (done bool) {
	p := &h.plan
	if p.stage == planNone {
		return true
	}
	if p.stage != planEnding {
		*p = plan{stage: planEnding, at: 1}
	}
	for ; n > 0 && p.at < h.pages.Len(); n-- {
		at := h.page(uint32(p.at))
		if at.leaving {
			at.leaving = false
			h.list(uint32(p.at))
		}
		p.at++
	}
	if p.at >= h.pages.Len() {
		h.plan = plan{}
	}
	return h.plan.stage == planNone
}
