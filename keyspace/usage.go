package keyspace

import (
	"math/bits"
	"unsafe"

	"github.com/tandemkv/tandem/internal/slab"
)

// What keys and structures take, in bytes. Cells count with their whole size. Of large structures so many parts are
// looked at as samples says, spread evenly, and the rest is taken to be like them; 0 looks at all.

const (
	pointerBytes   = int64(unsafe.Sizeof(uintptr(0)))
	tableSlotBytes = int64(unsafe.Sizeof(large(nil)))
	segmentBytes   = int64(unsafe.Sizeof(segment{}))
	listBlockBytes = int64(unsafe.Sizeof(listBlock{}))
	// rowBytes is what an inner node of an order has for each child: a pointer, a low and a size.
	rowBytes = 3 * pointerBytes
	// usageSamples is what MEMORY USAGE looks at by default.
	usageSamples = 5
)

// Usage is the bytes that a key takes with its value, its slot in the index and its deadline; false when it is missing.
func (db *DB) Usage(key []byte, samples int) (bytes int64, ok bool) {
	e := db.look(key, db.ks.pools.entries.take())
	if e == nil {
		return 0, false
	}
	hash := db.keys.hash(e.key)
	s := db.keys.segmentOf(hash)
	bytes = int64(len(db.heap.Cell(e.ref))) + (int64(len(db.heap.Cell(s.ref)))+segmentBytes)/int64(s.count)
	if e.deadline != 0 {
		bytes += db.deadlines.usage(usageSamples) / int64(db.deadlines.len())
	}
	if e.large != nil {
		bytes += tableSlotBytes + e.large.usage(samples)
	}
	return bytes, true
}

// Overhead is the bytes of a database's tables: the index of its keys, and their deadlines.
func (db *DB) Overhead() (index, deadlines int64) {
	return db.keys.tableUsage(usageSamples), db.deadlines.usage(usageSamples) + db.fieldsDue.usage(usageSamples)
}

// Held is the bytes of the cells in use, without those of deleted keys that wait to be freed in pieces.
func (ks *Keyspace) Held() int64 {
	bytes := -ks.retired.bytes
	for _, s := range ks.filled {
		used, _ := s.heap.Bytes()
		bytes += used
	}
	return bytes
}

// usage is the bytes of the table and the cells that it holds.
func (x *index) usage(samples int) int64 {
	return x.tableUsage(samples) + x.cellUsage(samples)
}

// tableUsage is the bytes of directory and segments.
func (x *index) tableUsage(samples int) int64 {
	bytes := int64(len(x.dir))*pointerBytes + int64(x.segments)*segmentBytes
	if x.segments == 0 {
		return bytes
	}
	if samples == 0 || samples >= x.segments {
		for i := 0; i < len(x.dir); i += 1 << (x.depth - x.dir[i].depth) {
			bytes += int64(len(x.heap.Cell(x.dir[i].ref)))
		}
		return bytes
	}
	var cells, items int64
	for i := range samples {
		s := x.dir[i*len(x.dir)/samples]
		cells, items = cells+int64(len(x.heap.Cell(s.ref))), items+int64(s.count)
	}
	return bytes + share(cells, items, int64(x.count))
}

func (x *index) cellUsage(samples int) int64 {
	var cells, items int64
	add := func(r slab.Ref) {
		cells, items = cells+int64(len(x.heap.Cell(r))), items+1
	}
	if samples == 0 || samples >= x.count {
		x.each(func(r slab.Ref) bool { add(r); return true })
		return cells
	}
	for i := range samples {
		from, _ := bits.Div64(uint64(i), 0, uint64(samples)) // i/samples of the hash space
		x.piece(from, add)
	}
	return share(cells, items, int64(x.count))
}

// share scales what was found of some items up to all of them.
func share(found, of, all int64) int64 {
	if of == 0 {
		return 0
	}
	return int64(float64(found) / float64(of) * float64(all))
}

// usage is the bytes of the tree.
func (o *order[T, C]) usage(samples int) int64 {
	n := o.len()
	if n == 0 {
		return 0
	}
	node := int64(unsafe.Sizeof(orderNode[T, C]{})) + rowBytes
	var bytes, items int64
	if samples == 0 {
		samples = n
	}
	for i := range min(samples, n) {
		at := i * n / min(samples, n)
		if int64(at) < items && samples >= n {
			continue // in the last leaf: all are visited, one after the other
		}
		leaf := o.leafOf(at)
		bytes, items = bytes+node+int64(len(o.heap.Cell(leaf.ref))), items+int64(len(leaf.items))
	}
	return share(bytes, items, int64(n))
}

// leafOf gives the leaf of the item with a rank.
func (o *order[T, C]) leafOf(rank int) *orderNode[T, C] {
	n := o.root
	for n.kids != nil {
		i := 0
		for rank >= n.sizes[i] {
			rank -= n.sizes[i]
			i++
		}
		n = n.kids[i]
	}
	return n
}

func (t *hashTable) usage(samples int) int64 {
	return int64(unsafe.Sizeof(*t)) + t.fields.usage(samples) + t.deadlines.usage(samples)
}

func (t *setTable) usage(samples int) int64 {
	return int64(unsafe.Sizeof(*t)) + t.members.usage(samples)
}

func (z *rankedSet) usage(samples int) int64 {
	return int64(unsafe.Sizeof(*z)) + z.members.usage(samples) + z.ranks.usage(samples)
}

func (l *listBlocks) usage(samples int) int64 {
	live := l.live()
	n := len(live)
	if samples == 0 || samples > n {
		samples = n
	}
	var bytes int64
	for i := range samples {
		bytes += int64(len(live[i*n/samples].cell)) + listBlockBytes + pointerBytes
	}
	return int64(unsafe.Sizeof(*l)) + share(bytes, int64(samples), int64(n))
}
