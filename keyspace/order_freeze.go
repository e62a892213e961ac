package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// A view takes an order over by its root. From then on the order changes none of the nodes that were there: where it has
// to, a copy takes the place of the node, and of those on the way to it. So a freeze takes no time, a change copies a
// leaf at most once for each freeze, and the leaves that have left the order are freed when no view is left. Which of them an
// earlier one of several views needs is not asked.

// freeze gives the order as it is now, to be read until thaw.
func (o *order[T, C]) freeze() order[T, C] {
	o.clock++
	o.frozen++
	return order[T, C]{root: o.root, by: o.by, heap: o.heap}
}

// thaw ends a freeze. It gives the cells that the last one leaves over, which are to be freed.
func (o *order[T, C]) thaw() (cells []slab.Ref) {
	if o.frozen--; o.frozen > 0 {
		return nil
	}
	cells, o.left = o.left, nil
	return cells
}

// shares says whether a view may need the node as it is.
func (o *order[T, C]) shares(n *orderNode[T, C]) bool { return o.frozen > 0 && n.stamp < o.clock }

// own gives a node that may be changed: the node, or a copy to stand in its place.
func (o *order[T, C]) own(n *orderNode[T, C]) *orderNode[T, C] {
	if !o.shares(n) {
		return n
	}
	made := &orderNode[T, C]{stamp: o.clock, kids: slices.Clone(n.kids), lows: slices.Clone(n.lows), sizes: slices.Clone(n.sizes)}
	if n.kids == nil {
		o.fit(made, n.items, len(n.items)+len(n.items)/8+2)
		o.freeLeaf(n)
	}
	return made
}

// findOwn is find for changing there what the order does not look at.
func (o *order[T, C]) findOwn(x T) *T {
	if o.frozen == 0 {
		return o.find(x)
	}
	for at := &o.root; *at != nil; {
		n := o.own(*at)
		*at = n
		if n.kids == nil {
			break
		}
		at = &n.kids[n.kidFor(o.by, x)]
	}
	return o.find(x)
}

// leftCells are cells of leaves that views have let go.
type leftCells struct {
	heap  *slab.Heap
	cells []slab.Ref
}

// retireLeft gives cells back: a few at once, for nobody reads them, and many later.
func (s *store) retireLeft(cells []slab.Ref) {
	l := &leftCells{s.heap, cells}
	switch {
	case s.flushed:
	case len(cells) > sweepCells:
		s.ks.retireLarge(s, l)
	default:
		l.discard(len(cells))
	}
}

func (l *leftCells) len() int { return len(l.cells) }

func (l *leftCells) discard(n int) (freed int, done bool) {
	for ; freed < n && len(l.cells) > 0; freed++ {
		last := len(l.cells) - 1
		l.heap.Free(l.cells[last])
		l.cells = l.cells[:last]
	}
	return freed, len(l.cells) == 0
}

func (l *leftCells) usage(samples int) int64 {
	n := min(max(samples, 1), len(l.cells))
	var bytes int64
	for _, r := range l.cells[:n] {
		bytes += int64(len(l.heap.Cell(r)))
	}
	return share(bytes, int64(n), int64(len(l.cells)))
}

// Nobody looks at the cells, copies, moves or freezes them any more.
func (l *leftCells) clone(*slab.Heap) large             { return l }
func (l *leftCells) compact(*compaction, uint64) uint64 { return 0 }
func (l *leftCells) freeze(*Frozen, *store) division    { return nil }
func (l *leftCells) held() bool                         { return false }
