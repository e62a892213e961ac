package slab

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClasses(t *testing.T) {
	require.Less(t, len(classes.sizes), 256)
	for n := 1; n <= ClassBytesMax; n++ {
		room := Room(n)
		require.GreaterOrEqual(t, room, n)
		require.Zero(t, room%8)
		if n > 256 && n <= 4096 {
			require.LessOrEqual(t, room, n+n/8+8)
		}
		if n > 16 && n < 256 {
			require.Less(t, room, n+8)
		}
	}
	for _, size := range classes.sizes {
		require.Less(t, pageBytes%size, uint32(pageBytes/14), "rest of a page, class %d", size)
	}
	require.Equal(t, 8192, Room(8192), "segments of an index fit exactly")
	require.Equal(t, 24576, Room(16385))
}

// check holds invariants 2 and 3.
func (h *Heap) check(t require.TestingT) {
	listed := map[uint32]bool{}
	for class, number := range h.room {
		prev := uint32(0)
		for ; number != 0; number = h.pages[number].next {
			p := &h.pages[number]
			require.Equal(t, prev, p.prev)
			require.Equal(t, class, int(p.class))
			require.True(t, p.listed)
			listed[number] = true
			prev = number
		}
	}
	used, mapped := int64(0), int64(0)
	for number := range h.pages {
		p := &h.pages[number]
		if p.size == 0 {
			continue
		}
		used += int64(p.used) * int64(p.size)
		mapped += int64(len(p.mem))
		if p.size > ClassBytesMax {
			continue
		}
		cells := pageBytes / p.size
		free := map[uint16]bool{}
		for at := p.free; at != 0; at = uint16(p.mem[uint32(at-1)*p.size]) | uint16(p.mem[uint32(at-1)*p.size+1])<<8 {
			require.False(t, free[at])
			free[at] = true
		}
		require.Equal(t, cells, uint32(p.used)+uint32(len(free))+cells-uint32(p.fresh))
		require.Equal(t, uint32(p.used) < cells, listed[uint32(number)])
	}
	require.Equal(t, used, h.used)
	require.Equal(t, mapped, h.mapped)
}

type piece struct {
	ref  Ref
	want []byte
}

// play allocates and frees as the choices say, and compares what the cells hold with plain slices.
func play(t require.TestingT, pick func(n int) int, done func() bool) {
	h := New()
	var pieces []piece
	live := map[Ref]bool{}
	for step := 0; !done(); step++ {
		if grow := step%2000 < 1300; pick(10) < 7 == grow || len(pieces) == 0 {
			n := 1 + pick(100)
			switch pick(20) {
			case 0:
				n = 1 + pick(ClassBytesMax)
			case 1:
				n = ClassBytesMax + 1 + pick(30000)
			}
			ref, cell := h.Alloc(n)
			require.NotZero(t, ref)
			require.False(t, live[ref], "given out twice")
			require.Len(t, cell, Room(n))
			live[ref] = true
			for i := range cell {
				cell[i] = byte(step + i)
			}
			pieces = append(pieces, piece{ref, bytes.Clone(cell)})
			continue
		}
		at := pick(len(pieces))
		p := pieces[at]
		require.Equal(t, p.want, h.Cell(p.ref))
		h.Free(p.ref)
		delete(live, p.ref)
		pieces[at] = pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
	}
	h.check(t)
	for _, p := range pieces {
		require.Equal(t, p.want, h.Cell(p.ref))
		h.Free(p.ref)
	}
	h.check(t)
	used, mapped := h.Bytes()
	require.Zero(t, used)
	require.LessOrEqual(t, mapped, int64(len(classes.sizes)*pageBytes), "one page of a class may stay")
	for !h.Drop(1 << 20) {
	}
}

func TestHeap_againstSlices(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		left := 12000
		play(t, r.IntN, func() bool { left--; return left < 0 })
	}
}

func FuzzHeap(f *testing.F) {
	f.Add([]byte("some bytes to choose by 0123456789 and a few more of them"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		pick := func(n int) int {
			if len(choices) == 0 {
				return 0
			}
			b := int(choices[0])
			choices = choices[1:]
			return b * 257 % n
		}
		play(t, pick, func() bool { return len(choices) == 0 })
	})
}

func TestHeap_veryLargeCells(t *testing.T) {
	h := New()
	small, _ := h.Alloc(ownMapBytes - 8192)
	large, cell := h.Alloc(ownMapBytes)
	cell[ownMapBytes-1] = 7
	require.Equal(t, byte(7), h.Cell(large)[ownMapBytes-1])
	h.Free(small)
	h.Free(large)
	again, _ := h.Alloc(ownMapBytes + 1)
	h.check(t)
	h.Free(again)
	h.Alloc(ownMapBytes)
	for !h.Drop(1) {
	}
	_, mapped := h.Bytes()
	require.Zero(t, mapped)
}

func TestHeap_viewIsTheCell(t *testing.T) {
	h := New()
	ref, cell := h.Alloc(64)
	words := View[uint64](cell)
	require.Len(t, words, 8)
	require.Equal(t, 48, BytesOf[[2]uint64](3))
	words[7] = 0x0102030405060708
	require.Equal(t, []byte{8, 7, 6, 5, 4, 3, 2, 1}, h.Cell(ref)[56:])
}

func BenchmarkAllocFree(b *testing.B) {
	h := New()
	var refs [1024]Ref
	for i := 0; b.Loop(); i++ {
		if r := refs[i%1024]; r != 0 {
			h.Free(r)
		}
		refs[i%1024], _ = h.Alloc(16 + i*7%100)
	}
}
