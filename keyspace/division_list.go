package keyspace

// listDivision is the blocks of a list as of one moment: the very blocks, in their order. They are shared with the list,
// which from then on changes none of them: a block that is about to change gives way to a copy in the list, and it or one
// that is dropped is left to the views.
type listDivision struct {
	of     *listBlocks
	view   *Frozen
	store  *store
	blocks []*listBlock
	at     int // blocks before it have been given
	count  int // of elements

	named   bool     // the blocks have numbers that stay
	updates bool     // the blocks that have not changed since the base are left out
	gone    []uint64 // of an update: the blocks that there are no more, which come first
}

func (l *listBlocks) freeze(f *Frozen, s *store) division {
	l.clock++
	d := &listDivision{of: l, view: f, store: s, count: l.count, blocks: append([]*listBlock(nil), l.live()...)}
	if f.dirty {
		l.rebase(d)
	}
	l.frozen = append(l.frozen, d)
	return d
}

func (d *listDivision) size() int {
	if d.updates {
		return len(d.gone) + len(d.blocks)
	}
	return d.count
}

func (d *listDivision) update() bool { return d.updates }

func (l *listBlocks) held() bool { return len(l.frozen) > 0 }

// shared says whether a view may need the block as it is.
func (l *listBlocks) shared(b *listBlock) bool { return len(l.frozen) > 0 && b.stamp < l.clock }

// own gives a block that is about to change: a copy in its place if views share it.
func (l *listBlocks) own(block int) *listBlock {
	b := l.live()[block]
	if !l.shared(b) {
		b.current = false
		return b
	}
	made := l.newBlock(b.bytes(), b.count, b.listpackBytes)
	made.id, made.stored = b.id, b.stored
	l.live()[block] = made
	l.leave(b)
	return made
}

// leave leaves a block to the views.
func (l *listBlocks) leave(b *listBlock) {
	b.left = true
	l.left = append(l.left, b)
}

func (d *listDivision) next() (v value, block uint64) {
	d.freeGiven()
	if len(d.gone) > 0 {
		block, d.gone = d.gone[0], d.gone[1:]
		return newValue(KindList), block
	}
	b := d.blocks[d.at]
	d.at++
	if block = b.id; !d.named {
		block = uint64(d.at - 1)
	}
	part := &listBlocks{heap: d.of.heap, all: []*listBlock{b}, count: b.count}
	return value{kind: KindList, encoding: encodingQuicklist, large: part}, block
}

// freeGiven gives the last block back if nobody else may need it.
func (d *listDivision) freeGiven() {
	if d.at == 0 {
		return
	}
	if b := d.blocks[d.at-1]; b.left && len(d.of.frozen) == 1 {
		d.of.free(b)
	}
	d.blocks[d.at-1] = nil
}

func (d *listDivision) release() {
	l := d.of
	l.frozen = without(l.frozen, d)
	if len(l.frozen) == 0 {
		l.dropped = append(l.dropped, l.left...)
		l.left = nil
		d.store.retireBlocks(l)
	}
}
