package slab

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// compare pushes and pops in runs, as many as the slice that it compares with says; check looks at what there is.
func compare(t *testing.T, push func(int), pop func() int, first bool, check func(list []int)) {
	random := rand.New(rand.NewPCG(3, 4))
	var list []int
	for range 300 {
		for range random.IntN(200) {
			list = append(list, random.Int())
			push(list[len(list)-1])
		}
		for range random.IntN(min(len(list), 220) + 1) {
			at := len(list) - 1
			if first {
				at = 0
			}
			require.Equal(t, list[at], pop())
			list = append(list[:at:at], list[at+1:]...)
		}
		check(list)
	}
}

func TestTable_isAList(t *testing.T) {
	var table Table[int]
	compare(t, table.Push, table.Pop, false, func(list []int) {
		require.Equal(t, len(list), table.Len())
		for i, x := range list {
			require.Equal(t, x, *table.At(uint32(i)))
		}
	})
}

func TestQueue_isAQueue(t *testing.T) {
	var queue Queue[int]
	compare(t, queue.Push, queue.Pop, true, func(list []int) {
		require.Equal(t, len(list), queue.Len())
		require.LessOrEqual(t, len(queue.pieces), len(list)/tablePiece+2)
	})
}

// TestTable_growthMovesNothing: what an item is at stays its place, and memory goes with the items.
func TestTable_growthMovesNothing(t *testing.T) {
	var table Table[int]
	table.Push(7)
	first := table.At(0)
	for i := range 100_000 {
		table.Push(i)
	}
	require.Same(t, first, table.At(0))
	for table.Len() > 1 {
		table.Pop()
	}
	require.Same(t, first, table.At(0))
	require.LessOrEqual(t, len(table.pieces), 2)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for range tablePiece {
			table.Push(1)
		}
		for range tablePiece {
			table.Pop()
		}
	}))
}
