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
		require.Zero(t, room%4)
		if n%8 == 0 {
			require.Zero(t, room%8, "aligned where the size is")
		}
		if n > 256 && n <= 4096 {
			require.LessOrEqual(t, room, n+n/8+8)
		}
		if n > 16 && n < 256 {
			require.Less(t, room, n+8)
		}
		if n > 16 && n <= 128 {
			require.Less(t, room, n+4)
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
		for ; number != 0; number = h.page(number).next {
			p := h.page(uint32(number))
			require.Equal(t, prev, p.prev)
			require.Equal(t, class, int(p.class))
			require.True(t, p.listed)
			listed[number] = true
			prev = number
		}
	}
	used, mapped := int64(0), int64(0)
	pages, inUse := make([]int, len(classes.sizes)), make([]int, len(classes.sizes))
	for number := range h.pages.Len() {
		p := h.page(uint32(number))
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
		require.Equal(t, uint32(p.used) < cells && !p.leaving, listed[uint32(number)])
		pages[p.class]++
		inUse[p.class] += int(p.used)
	}
	waiting := int64(len(h.dirty) * pageBytes)
	for _, d := range h.doomed {
		waiting += int64(d.left)
	}
	require.Equal(t, waiting, h.waiting)
	mapped += waiting
	require.Equal(t, pages, h.pagesOf)
	require.Equal(t, inUse, h.cellsOf)
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
	for step := 0; !done(); step++ {
		if pick(50) == 0 {
			compactSome(h, pieces, pick)
		}
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
			require.Len(t, cell, Room(n))
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
		pieces[at] = pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
	}
	h.check(t)
	live := map[Ref]bool{}
	for _, p := range pieces {
		require.False(t, live[p.ref], "given out twice")
		live[p.ref] = true
		require.Equal(t, p.want, h.Cell(p.ref))
		h.Free(p.ref)
	}
	h.check(t)
	for h.GiveBack(1 << 20) {
		h.check(t)
	}
	used, mapped := h.Bytes()
	require.Zero(t, used)
	require.LessOrEqual(t, mapped, int64(len(classes.sizes)*pageBytes), "one page of a class may stay")
	for !h.Drop(1 << 20) {
	}
}

// compactSome goes on with a compaction, or gives it up.
func compactSome(h *Heap, pieces []piece, pick func(n int) int) {
	if pick(3) == 0 {
		h.GiveBack(pick(1 << 20))
	}
	if h.plan.stage == planEnding || pick(4) == 0 {
		h.EndPlan(1 + pick(20))
		return
	}
	if !h.Plan(1 + pick(20)) {
		return
	}
	for i := range pieces {
		if h.Leaving(pieces[i].ref) && pick(3) > 0 {
			pieces[i].ref, _ = h.Move(pieces[i].ref)
		}
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
	for !h.Drop(1 << 20) {
	}
	_, mapped := h.Bytes()
	require.Zero(t, mapped)
}

// TestHeap_veryLargeCellsGoInPieces: to free one costs nothing at once.
func TestHeap_veryLargeCellsGoInPieces(t *testing.T) {
	h := New()
	ref, _ := h.Alloc(2 * ownMapBytes)
	h.Free(ref)
	used, mapped := h.Bytes()
	require.Zero(t, used)
	require.Equal(t, int64(2*ownMapBytes), mapped)
	pieces := 1
	for h.GiveBack(ownMapBytes / 4) {
		pieces++
		h.check(t)
	}
	require.Equal(t, 8, pieces)
	_, mapped = h.Bytes()
	require.Zero(t, mapped)
}

// TestHeap_waitingIsBounded: who frees large cells without end does the work that others have no time for.
func TestHeap_waitingIsBounded(t *testing.T) {
	h := New()
	for range 3 * waitingMax / ownMapBytes {
		ref, _ := h.Alloc(ownMapBytes - largeStep)
		h.Free(ref)
		require.LessOrEqual(t, h.waiting, int64(waitingMax))
	}
	require.Greater(t, h.waiting, int64(waitingMax/2))
	require.LessOrEqual(t, len(h.runs), waitingMax/runExtentBytes+2)
}

func TestHeap_runsShareExtents(t *testing.T) {
	h := New()
	r := rand.New(rand.NewPCG(1, 2))
	refs := map[Ref]int{}
	total := 0
	for range 3000 {
		if n := ClassBytesMax + 1 + r.IntN(ownMapBytes/16); total+n < runExtentBytes/2 {
			ref, cell := h.Alloc(n)
			clear(cell)
			refs[ref] = n
			total += n
			continue
		}
		for h.GiveBack(1 << 20) {
		}
		for ref, n := range refs {
			h.Free(ref)
			delete(refs, ref)
			total -= n
			break
		}
	}
	require.Len(t, h.runs, 1, "holes are used again")
	for ref := range refs {
		h.Free(ref)
	}
	for h.GiveBack(1 << 20) {
	}
	require.Zero(t, h.runs[0].used)
	at, _ := h.runs[0].find(runUnits)
	require.Zero(t, at)
	h.check(t)
}

// TestHeap_compaction: pages in proportion to the cells, after most of these were freed at random.
func TestHeap_compaction(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	h := New()
	var refs []Ref
	for range 400_000 {
		ref, _ := h.Alloc(100 + r.IntN(120))
		refs = append(refs, ref)
	}
	r.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	require.Zero(t, h.Gain())
	for _, ref := range refs[100_000:] {
		h.Free(ref)
	}
	used, mapped := h.Bytes()
	require.Greater(t, mapped, 7*used/2)
	gain := h.Gain()
	require.Greater(t, gain, 2*used)
	for !h.Plan(100) {
	}
	moved := 0
	for i, ref := range refs[:100_000] {
		if h.Leaving(ref) {
			refs[i], _ = h.Move(ref)
			moved++
		}
	}
	for !h.EndPlan(100) {
	}
	require.Equal(t, mapped, h.mapped, "nothing is given back but when there is time")
	for h.GiveBack(1 << 20) {
	}
	h.check(t)
	used, after := h.Bytes()
	require.Less(t, after, used*13/10)
	require.InDelta(t, gain, mapped-after, float64(gain/50))
	require.Less(t, moved, 80_000, "the emptiest pages are emptied")
	require.Zero(t, h.Gain(), "no second time")
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
