package keyspace

import (
	"slices"

	"github.com/tandemkv/tandem/internal/slab"
)

// An order is a sequence kept sorted, with ranks: a tree of blocks in which each inner node knows how many items are
// below each of its children, so that rank by item, item by rank and counting below a bound take O(log n).
// Pointers grow with blocks and not with items: the items of a leaf, which may have none, are in a cell.
//
// Views share an order as it was (order_freeze.go): what goes down to change a node makes it the order's own on the way.

const (
	orderItemsMax = 128 // of a leaf
	orderKidsMax  = 64  // of an inner node
)

// ordering says which of two items comes first: a strict total order. Items may be equal where nobody asks for the rank of
// one: they are kept beside each other, and removing takes out one of them.
type ordering[T any] interface{ before(a, b T) bool }

type order[T any, C ordering[T]] struct {
	root *orderNode[T, C]
	by   C
	heap *slab.Heap

	clock  uint32     // the number of freezes
	frozen uint32     // of them, those that have not ended
	left   []slab.Ref // cells of leaves that only views need yet; none while frozen is 0
}

// orderNode is a leaf (items) or an inner node (kids, lows, sizes of one length).
// lows[i] separates: no item of kid i is before it, and all items of kid i-1 are; it is one of the order's items. lows[0]
// has no meaning.
type orderNode[T any, C ordering[T]] struct {
	items []T      // in the cell, with room up to its end
	ref   slab.Ref // of a leaf: the cell; 0: none yet
	stamp uint32   // the order's clock when the node was made
	kids  []*orderNode[T, C]
	lows  []T
	sizes []int
}

func (o *order[T, C]) len() int {
	if o.root == nil {
		return 0
	}
	return o.root.size()
}

func (n *orderNode[T, C]) size() int {
	if n.kids == nil {
		return len(n.items)
	}
	total := 0
	for _, s := range n.sizes {
		total += s
	}
	return total
}

// rank gives the number of items before x in a leaf.
func rankIn[T any, C ordering[T]](by C, items []T, x T) int {
	lo, hi := 0, len(items)
	for lo < hi {
		if m := (lo + hi) / 2; by.before(items[m], x) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// kidFor gives the child that holds x if any does.
func (n *orderNode[T, C]) kidFor(by C, x T) int {
	lo, hi := 1, len(n.lows)
	for lo < hi {
		if m := (lo + hi) / 2; !by.before(x, n.lows[m]) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo - 1
}

// insert adds an item that is not there.
func (o *order[T, C]) insert(x T) {
	if o.root == nil {
		o.root = &orderNode[T, C]{stamp: o.clock}
	}
	o.root = o.own(o.root)
	right := o.root.insert(o, x)
	if right == nil {
		return
	}
	left := o.root
	o.root = &orderNode[T, C]{
		stamp: o.clock,
		kids:  []*orderNode[T, C]{left, right},
		lows:  []T{left.low(), right.low()},
		sizes: []int{left.size(), right.size()},
	}
}

// low is a separator for the node: its first item, or the separator of its first child.
func (n *orderNode[T, C]) low() T {
	for n.kids != nil {
		n = n.kids[0]
	}
	return n.items[0]
}

// insert gives the new right neighbour when the node had to split.
func (n *orderNode[T, C]) insert(o *order[T, C], x T) (right *orderNode[T, C]) {
	if n.kids == nil {
		at := rankIn(o.by, n.items, x)
		if len(n.items) == cap(n.items) {
			o.fit(n, n.items, len(n.items)+len(n.items)/8+2)
		}
		n.items = slices.Insert(n.items, at, x)
		if len(n.items) <= orderItemsMax {
			return nil
		}
		return o.splitLeaf(n, at)
	}
	i := n.kidFor(o.by, x)
	n.sizes[i]++
	n.kids[i] = o.own(n.kids[i])
	grown := n.kids[i].insert(o, x)
	if grown == nil {
		return nil
	}
	size := grown.size()
	n.sizes[i] -= size
	n.kids = slices.Insert(n.kids, i+1, grown)
	n.lows = slices.Insert(n.lows, i+1, grown.low())
	n.sizes = slices.Insert(n.sizes, i+1, size)
	if len(n.kids) <= orderKidsMax {
		return nil
	}
	return o.splitInner(n)
}

// splitLeaf halves a leaf, except that one filled from one end (rising or falling scores) is left nearly full.
func (o *order[T, C]) splitLeaf(n *orderNode[T, C], at int) *orderNode[T, C] {
	cut := len(n.items) / 2
	switch at {
	case len(n.items) - 1:
		cut = len(n.items) * 7 / 8
	case 0:
		cut = len(n.items) / 8
	}
	right := &orderNode[T, C]{stamp: o.clock}
	o.fit(right, n.items[cut:], len(n.items)-cut+1)
	o.fit(n, n.items[:cut], cut+1)
	return right
}

// fit puts items, as those of a leaf, into a cell with room for so many.
func (o *order[T, C]) fit(n *orderNode[T, C], items []T, room int) {
	ref, cell := o.heap.Alloc(slab.BytesOf[T](room))
	n.items = append(slab.View[T](cell)[:0], items...)
	o.freeLeaf(n)
	n.ref = ref
}

// freeLeaf frees the cell of a leaf, or leaves it to the views.
func (o *order[T, C]) freeLeaf(n *orderNode[T, C]) {
	switch {
	case n.ref == 0:
	case o.shares(n):
		o.left = append(o.left, n.ref)
	default:
		o.heap.Free(n.ref)
		n.ref = 0
	}
}

// discard frees the cells of about n items, from the end; the order cannot be used any more.
func (o *order[T, C]) discard(n int) (freed int, done bool) {
	for o.root != nil && freed < n {
		freed += o.root.discard(o, n-freed)
		if o.root.kids == nil {
			o.root = nil
		}
	}
	return freed, o.root == nil
}

func (n *orderNode[T, C]) discard(o *order[T, C], most int) (freed int) {
	if n.kids == nil {
		o.freeLeaf(n)
		return len(n.items) + 1
	}
	for len(n.kids) > 0 && freed < most {
		last := n.kids[len(n.kids)-1]
		freed += last.discard(o, most-freed)
		if last.kids != nil {
			break
		}
		n.kids = n.kids[:len(n.kids)-1]
	}
	if len(n.kids) == 0 {
		n.kids = nil
	}
	return freed + 1
}

func (o *order[T, C]) splitInner(n *orderNode[T, C]) *orderNode[T, C] {
	cut := len(n.kids) / 2
	right := &orderNode[T, C]{
		stamp: o.clock,
		kids:  slices.Clone(n.kids[cut:]),
		lows:  slices.Clone(n.lows[cut:]),
		sizes: slices.Clone(n.sizes[cut:]),
	}
	n.kids = slices.Delete(n.kids, cut, len(n.kids))
	n.lows = slices.Delete(n.lows, cut, len(n.lows))
	n.sizes = slices.Delete(n.sizes, cut, len(n.sizes))
	return right
}

// remove takes an item out; false when it is not there.
func (o *order[T, C]) remove(x T) bool {
	if o.root == nil {
		return false
	}
	o.root = o.own(o.root)
	if !o.root.remove(o, x) {
		return false
	}
	for o.root.kids != nil && len(o.root.kids) == 1 {
		o.root = o.root.kids[0]
	}
	if o.root.kids == nil && len(o.root.items) == 0 {
		o.freeLeaf(o.root)
		o.root = nil
	}
	return true
}

func (n *orderNode[T, C]) remove(o *order[T, C], x T) bool {
	if n.kids == nil {
		i := rankIn(o.by, n.items, x)
		if i == len(n.items) || o.by.before(x, n.items[i]) {
			return false
		}
		n.items = slices.Delete(n.items, i, i+1)
		if len(n.items) > 4 && len(n.items) < cap(n.items)/2 {
			o.fit(n, n.items, len(n.items)+len(n.items)/8+2)
		}
		return true
	}
	i := n.kidFor(o.by, x)
	n.kids[i] = o.own(n.kids[i])
	if !n.kids[i].remove(o, x) {
		return false
	}
	n.sizes[i]--
	if i > 0 && n.sizes[i] > 0 && !o.by.before(n.lows[i], x) {
		n.lows[i] = n.kids[i].low() // the item itself may not be read any more
	}
	n.mend(o, i)
	return true
}

// mend keeps nodes from staying nearly empty: a small child joins a neighbour when both fit into one with room to grow.
func (n *orderNode[T, C]) mend(o *order[T, C], i int) {
	if n.sizes[i] == 0 && len(n.kids) > 1 {
		n.kids[i].free(o)
		n.drop(i)
		return
	}
	if i > 0 && n.joinable(i-1) {
		n.join(o, i-1)
	} else if i+1 < len(n.kids) && n.joinable(i) {
		n.join(o, i)
	}
}

// free gives back the cells of a node without items: at most one leaf.
func (n *orderNode[T, C]) free(o *order[T, C]) {
	for n.kids != nil {
		n = n.kids[0]
	}
	o.freeLeaf(n)
}

// joinable says whether kids i and i+1 fill at most three quarters of one node.
func (n *orderNode[T, C]) joinable(i int) bool {
	a, b := n.kids[i], n.kids[i+1]
	if a.kids == nil {
		return len(a.items)+len(b.items) <= orderItemsMax*3/4
	}
	return len(a.kids)+len(b.kids) <= orderKidsMax*3/4
}

func (n *orderNode[T, C]) join(o *order[T, C], i int) {
	a, b := o.own(n.kids[i]), n.kids[i+1]
	n.kids[i] = a
	if a.kids == nil {
		o.fit(a, a.items, len(a.items)+len(b.items)+1)
		a.items = append(a.items, b.items...)
		o.freeLeaf(b)
	} else {
		at := len(a.kids)
		a.kids = append(a.kids, b.kids...)
		a.lows = append(a.lows, b.lows...)
		a.sizes = append(a.sizes, b.sizes...)
		a.lows[at] = n.lows[i+1] // the first separator of a node has no meaning inside it
	}
	n.sizes[i] += n.sizes[i+1]
	n.drop(i + 1)
}

func (n *orderNode[T, C]) drop(i int) {
	n.kids = slices.Delete(n.kids, i, i+1)
	n.lows = slices.Delete(n.lows, i, i+1)
	n.sizes = slices.Delete(n.sizes, i, i+1)
}

// find gives the place of the item that is equal to x in the order, nil when there is none. In an order that is never
// frozen, what it does not look at may be changed there.
func (o *order[T, C]) find(x T) *T {
	n := o.root
	if n == nil {
		return nil
	}
	for n.kids != nil {
		n = n.kids[n.kidFor(o.by, x)]
	}
	i := rankIn(o.by, n.items, x)
	if i == len(n.items) || o.by.before(x, n.items[i]) {
		return nil
	}
	return &n.items[i]
}

// countWhere gives the number of items for which below holds; it must hold for a beginning of the order only.
func (o *order[T, C]) countWhere(below func(T) bool) int {
	rank := 0
	n := o.root
	if n == nil {
		return 0
	}
	for n.kids != nil {
		lo, hi := 1, len(n.lows)
		for lo < hi {
			if m := (lo + hi) / 2; below(n.lows[m]) {
				lo = m + 1
			} else {
				hi = m
			}
		}
		for _, s := range n.sizes[:lo-1] {
			rank += s
		}
		n = n.kids[lo-1]
	}
	lo, hi := 0, len(n.items)
	for lo < hi {
		if m := (lo + hi) / 2; below(n.items[m]) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return rank + lo
}

// rank gives the number of items before x.
func (o *order[T, C]) rank(x T) int {
	rank := 0
	n := o.root
	if n == nil {
		return 0
	}
	for n.kids != nil {
		i := n.kidFor(o.by, x)
		for _, s := range n.sizes[:i] {
			rank += s
		}
		n = n.kids[i]
	}
	return rank + rankIn(o.by, n.items, x)
}

// at gives the item of a rank, 0 <= rank < len.
func (o *order[T, C]) at(rank int) T {
	n := o.root
	for n.kids != nil {
		i := 0
		for rank >= n.sizes[i] {
			rank -= n.sizes[i]
			i++
		}
		n = n.kids[i]
	}
	return n.items[rank]
}

// ascend visits the items from a rank upwards until fn returns false.
func (o *order[T, C]) ascend(from int, fn func(T) bool) {
	if o.root != nil {
		o.root.ascend(max(from, 0), fn)
	}
}

func (n *orderNode[T, C]) ascend(from int, fn func(T) bool) bool {
	if n.kids == nil {
		for i := from; i < len(n.items); i++ {
			if !fn(n.items[i]) {
				return false
			}
		}
		return true
	}
	for i, kid := range n.kids {
		if from >= n.sizes[i] {
			from -= n.sizes[i]
			continue
		}
		if !kid.ascend(from, fn) {
			return false
		}
		from = 0
	}
	return true
}

// descend visits the items from a rank downwards until fn returns false.
func (o *order[T, C]) descend(from int, fn func(T) bool) {
	if o.root != nil && from >= 0 {
		size := o.len()
		o.root.descend(size-1-min(from, size-1), fn)
	}
}

// descend leaves out the last skip items.
func (n *orderNode[T, C]) descend(skip int, fn func(T) bool) bool {
	if n.kids == nil {
		for i := len(n.items) - 1 - skip; i >= 0; i-- {
			if !fn(n.items[i]) {
				return false
			}
		}
		return true
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if skip >= n.sizes[i] {
			skip -= n.sizes[i]
			continue
		}
		if !n.kids[i].descend(skip, fn) {
			return false
		}
		skip = 0
	}
	return true
}
