package slab

// Queue is first in, first out, and grows piece by piece as Table does; what has left takes no memory.
type Queue[T any] struct {
	pieces []*[tablePiece]T
	first  int // place of the first item in the first piece
	n      int
}

// Len is the number of items.
func (q *Queue[T]) Len() int { return q.n }

// Push adds an item at the end.
func (q *Queue[T]) Push(item T) {
	at := q.first + q.n
	if at == len(q.pieces)*tablePiece {
		q.pieces = append(q.pieces, new([tablePiece]T))
	}
	q.pieces[at/tablePiece][at%tablePiece] = item
	q.n++
}

// Pop takes the first item out and gives it.
func (q *Queue[T]) Pop() (item T) {
	first := &q.pieces[0][q.first]
	item, *first = *first, item
	q.first++
	if q.n--; q.n == 0 {
		*q = Queue[T]{}
	} else if q.first == tablePiece {
		q.pieces[0] = nil
		q.pieces, q.first = q.pieces[1:], 0
	}
	return item
}
