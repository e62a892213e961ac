package slab

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTable_isAList compares it with a slice, over pushes and pops in runs.
func TestTable_isAList(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var table Table[int]
	var list []int
	for range 200 {
		for range random.IntN(200) {
			list = append(list, random.Int())
			table.Push(list[len(list)-1])
		}
		for range random.IntN(min(len(list), 220) + 1) {
			require.Equal(t, list[len(list)-1], table.Pop())
			list = list[:len(list)-1]
		}
		require.Equal(t, len(list), table.Len())
		for i, x := range list {
			require.Equal(t, x, *table.At(uint32(i)))
		}
	}
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

// TestQueue_isAQueue compares it with a slice.
func TestQueue_isAQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var queue Queue[int]
	var list []int
	for range 300 {
		for range random.IntN(200) {
			list = append(list, random.Int())
			queue.Push(list[len(list)-1])
		}
		for range random.IntN(min(len(list), 220) + 1) {
			require.Equal(t, list[0], queue.Pop())
			list = list[1:]
		}
		require.Equal(t, len(list), queue.Len())
		require.LessOrEqual(t, len(queue.pieces), len(list)/tablePiece+2)
	}
}
