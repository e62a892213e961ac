package slab

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The pieces ahead are whole pages of 2 MB, none twice, within a share of the heap; what was populated is used next, and
// nothing that was written is lost.
func TestHeap_ahead(t *testing.T) {
	h := New()
	var refs []Ref
	grow := func(cells int) {
		for range cells {
			r, cell := h.Alloc(1024)
			View[uint64](cell)[0] = uint64(r)
			refs = append(refs, r)
		}
	}
	grow(aheadBytesMin/1024 - 1000)
	require.Nil(t, h.Ahead(), "a small heap has none")
	seen := map[uintptr]bool{}
	for range 100 {
		grow(1000)
		for piece := h.Ahead(); piece != nil; piece = h.Ahead() {
			at := uintptr(unsafe.Pointer(unsafe.SliceData(piece)))
			require.Zero(t, at%hugeBytes)
			require.Len(t, piece, hugeBytes)
			require.False(t, seen[at])
			seen[at] = true
			Populate(piece)
		}
		require.LessOrEqual(t, h.ahead.bytes, int(h.mapped)/aheadShare+2*hugeBytes)
	}
	if extentBytes >= hugeBytes {
		require.Greater(t, len(seen), 100*1000*1024/hugeBytes*3/4, "most of what was used since")
	}
	h.check(t)
	for _, r := range refs {
		require.Equal(t, uint64(r), View[uint64](h.Cell(r))[0])
		h.Free(r)
	}
	for h.GiveBack(1 << 20) {
	}
	h.check(t)
	holes := 0
	for _, e := range h.extents {
		if !e.huge {
			holes++
		}
	}
	require.GreaterOrEqual(t, holes, len(h.extents)-1, "no pages of 2 MB where memory was given back")
	for !h.Drop(1 << 20) {
	}
}
