package slab

// Table is a list that grows piece by piece: its items stay where they are, and no growth copies more than the pointers of
// the pieces.
type Table[T any] struct {
	pieces []*[tablePiece]T
	n      int
}

const tablePiece = 64

// Len is the number of items.
func (t *Table[T]) Len() int { return t.n }

// At gives an item, i < Len.
func (t *Table[T]) At(i uint32) *T { return &t.pieces[i/tablePiece][i%tablePiece] }

// Push adds an item at the end.
func (t *Table[T]) Push(item T) {
	if t.n == len(t.pieces)*tablePiece {
		t.pieces = append(t.pieces, new([tablePiece]T))
	}
	*t.At(uint32(t.n)) = item
	t.n++
}

// Pop takes the last item out and gives it.
func (t *Table[T]) Pop() (item T) {
	last := t.At(uint32(t.n - 1))
	item, *last = *last, item
	t.n--
	// One piece more than there must be is kept, so that an item that comes and goes makes no garbage.
	if spare := len(t.pieces) - (t.n+tablePiece-1)/tablePiece; spare > 1 {
		t.pieces[len(t.pieces)-1] = nil
		t.pieces = t.pieces[:len(t.pieces)-1]
	}
	return item
}
