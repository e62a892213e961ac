package slab

const (
	pageBytes = 64 << 10
	slotBits  = 12
	slotMask  = 1<<slotBits - 1
	pagesMax  = 1 << (32 - slotBits)
	stepBytes = 4
	// smallestBytes gives as many cells to a page as a Ref can number.
	smallestBytes = pageBytes >> slotBits
	// ClassBytesMax is the largest cell that shares a page with others.
	ClassBytesMax = 16 << 10
)

// classTable says which sizes cells have, and which class fits a number of bytes.
type classTable struct {
	sizes []uint32
	of    [ClassBytesMax/stepBytes + 1]uint8 // by bytes in steps, rounded up
}

// classes is the one table: steps of 4 bytes to 128, of 8 to 256, then of an eighth, and at the end the even shares of a
// page. All multiples of 8 up to 256 are classes, and all classes beyond 128 are such multiples: so a cell for a
// multiple of 8 bytes begins at one, see View.
var classes = newClassTable()

func newClassTable() *classTable {
	t := &classTable{}
	for size := uint32(smallestBytes); size < 128; size += stepBytes {
		t.sizes = append(t.sizes, size)
	}
	for size := uint32(128); size < 256; size += 8 {
		t.sizes = append(t.sizes, size)
	}
	for base := uint32(256); base < 4096; base *= 2 {
		for eighth := range uint32(8) {
			t.sizes = append(t.sizes, base+base/8*eighth)
		}
	}
	for share := uint32(16); share >= pageBytes/ClassBytesMax; share-- {
		t.sizes = append(t.sizes, pageBytes/share/8*8)
	}
	class := 0
	for step := range t.of {
		if uint32(step*stepBytes) > t.sizes[class] {
			class++
		}
		t.of[step] = uint8(class)
	}
	return t
}

// classOf gives the smallest class for n bytes, n <= ClassBytesMax.
func classOf(n int) uint8 { return classes.of[(n+stepBytes-1)/stepBytes] }

// Room is the size of the cell that Alloc would give for n bytes.
func Room(n int) int {
	if n > ClassBytesMax {
		return roundUp(n)
	}
	return int(classes.sizes[classOf(n)])
}
