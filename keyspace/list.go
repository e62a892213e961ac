package keyspace

// List is a read view. Index 0 is the head.
type List struct{ view }

// List reads a list; see Hash.
func (db *DB) List(key []byte) (List, error) {
	v, err := db.lookKind(key, KindList)
	return List{view{v, &db.ks.arena}}, err
}

// At gives element i, 0 <= i < Len; else false.
func (l List) At(i int) ([]byte, bool) {
	switch {
	case i < 0 || i >= l.Len():
		return nil, false
	case l.v.encoding == encodingListpack:
		x := elementsOf(l.v)
		rest, _ := packedNext(x.p, packedAt(x.p, i, int(l.v.number)))
		return l.arena.join(x.prefix, rest), true
	default:
		return l.v.large.(*listBlocks).at(i), true
	}
}

// Blocks is the number of blocks of a large list; 0: it is small, or missing.
func (l List) Blocks() int {
	if l.v == nil || l.v.encoding != encodingQuicklist {
		return 0
	}
	return len(l.v.large.(*listBlocks).live())
}

// Each visits elements from an index towards the tail, or towards the head, until fn returns false.
func (l List) Each(from int, backward bool, fn func(i int, v []byte) bool) {
	switch {
	case from < 0 || from >= l.Len():
	case l.v.encoding == encodingQuicklist:
		l.v.large.(*listBlocks).each(from, backward, fn)
	default:
		x := elementsOf(l.v)
		eachPacked(x.p, int(l.v.number), from, backward, func(k int, rest []byte) bool { return fn(k, l.arena.join(x.prefix, rest)) })
	}
}

// eachPacked visits the elements of packed bytes from one of them on; true when the end was reached.
func eachPacked(p []byte, count, from int, backward bool, fn func(i int, v []byte) bool) bool {
	if backward {
		off := packedAt(p, from+1, count)
		for i := from; i >= 0; i-- {
			v, start := packedPrev(p, off)
			if !fn(i, v) {
				return false
			}
			off = start
		}
		return true
	}
	off := packedAt(p, from, count)
	for i := from; i < count; i++ {
		v, next := packedNext(p, off)
		if !fn(i, v) {
			return false
		}
		off = next
	}
	return true
}

// listLimit reads list-max-listpack-size as Redis does: how much one block may hold.
func listLimit(size int) (bytesMax, countMax int) {
	switch {
	case size > 0:
		return listBytesSafe, size
	case size == 0:
		return listBytesSafe, 1
	default:
		return 4096 << (min(-size, 5) - 1), int(^uint(0) >> 1)
	}
}

// listBytesSafe bounds a block whose limit is a number of elements.
const listBytesSafe = 8192

// ListEdit changes a list. Popped values are valid until the next Begin.
type ListEdit struct {
	List
	handle handle
}

// EditList opens a list for change; see EditHash.
func (db *DB) EditList(key []byte, event string) (*ListEdit, error) {
	l := db.ks.pools.lists.take()
	if err := db.edit(&l.handle, &l.view, key, KindList, event); err != nil {
		return nil, err
	}
	return l, nil
}

// ReplaceList opens a new list in the place of what is at key; see ReplaceHash.
func (db *DB) ReplaceList(key []byte, event string) *ListEdit {
	l := db.ks.pools.lists.take()
	db.replaceWith(&l.handle, &l.view, key, KindList, event)
	return l
}

// grow readies the list for one more element: past the limit it becomes a chain of blocks.
func (l *ListEdit) grow(v []byte) *value {
	at := l.handle.change()
	if at.encoding == encodingListpack {
		bytesMax, countMax := listLimit(l.handle.db.ks.limits.ListMaxListpackSize)
		if at.listpackBytes+len(v) > bytesMax || int(at.number)+1 > countMax {
			blocks := newListBlocks(l.handle.db.heap, at.plainElements(l.arena), int(at.number), at.listpackBytes-listpackBytesEmpty)
			*at = value{kind: KindList, encoding: encodingQuicklist, large: blocks}
		}
	}
	return at
}

// shrink turns a chain of one block back when it fills at most half of the limit, as Redis 7.2 does.
func (l *ListEdit) shrink(at *value) {
	if at.encoding == encodingListpack {
		return
	}
	blocks := at.large.(*listBlocks)
	bytesMax, countMax := listLimit(l.handle.db.ks.limits.ListMaxListpackSize)
	live := blocks.live()
	switch {
	case len(live) > 1:
	case len(live) == 0:
		*at = newValue(KindList)
	case live[0].listpackBytes+listpackBytesEmpty <= bytesMax/2 && live[0].count <= countMax/2:
		b := live[0]
		*at = value{kind: KindList, encoding: encodingListpack, number: int64(b.count),
			listpackBytes: b.listpackBytes + listpackBytesEmpty}
		at.setPlainElements(l.arena, b.bytes())
		l.handle.db.ks.retireLarge(l.handle.db.store, blocks)
	}
}

func (l *ListEdit) blockLimit() blockLimit {
	bytesMax, countMax := listLimit(l.handle.db.ks.limits.ListMaxListpackSize)
	return blockLimit{bytesMax, countMax}
}

// PushHead adds before the first element.
func (l *ListEdit) PushHead(v []byte) {
	at := l.grow(v)
	if at.encoding == encodingQuicklist {
		at.large.(*listBlocks).pushHead(v, l.blockLimit())
		return
	}
	at.splice(l.arena, 0, 0, v)
}

// PushTail adds behind the last element.
func (l *ListEdit) PushTail(v []byte) {
	at := l.grow(v)
	if at.encoding == encodingQuicklist {
		at.large.(*listBlocks).pushTail(v, l.blockLimit())
		return
	}
	at.splice(l.arena, int(at.number), 0, v)
}

// PopHead takes the first element; false when there is none.
func (l *ListEdit) PopHead() ([]byte, bool) { return l.pop(0) }

// PopTail takes the last element; false when there is none.
func (l *ListEdit) PopTail() ([]byte, bool) { return l.pop(l.Len() - 1) }

func (l *ListEdit) pop(i int) ([]byte, bool) {
	b, ok := l.At(i)
	if !ok {
		return nil, false
	}
	b = l.arena.keep(b)
	at := l.handle.change()
	switch {
	case at.encoding == encodingQuicklist && i == 0:
		at.large.(*listBlocks).popHead()
	case at.encoding == encodingQuicklist:
		at.large.(*listBlocks).popTail()
	default:
		at.splice(l.arena, i, 1)
	}
	l.shrink(at)
	return b, true
}

// SetAt replaces element i, 0 <= i < Len.
func (l *ListEdit) SetAt(i int, v []byte) {
	at := l.grow(v)
	if at.encoding == encodingQuicklist {
		at.large.(*listBlocks).replace(i, v, l.blockLimit())
	} else {
		at.splice(l.arena, i, 1, v)
	}
	l.shrink(at)
}

// InsertBefore adds in front of element i, 0..Len.
func (l *ListEdit) InsertBefore(i int, v []byte) {
	at := l.grow(v)
	if at.encoding == encodingQuicklist {
		at.large.(*listBlocks).insert(i, v, l.blockLimit())
		return
	}
	at.splice(l.arena, i, 0, v)
}

// DeleteRange removes n elements from an index on; what lies outside of the list is ignored.
func (l *ListEdit) DeleteRange(from, n int) {
	from, n = max(from, 0), min(n, l.Len()-from)
	if n <= 0 {
		return
	}
	at := l.handle.change()
	if at.encoding == encodingQuicklist {
		blocks := at.large.(*listBlocks)
		blocks.deleteRange(from, n, l.blockLimit())
		l.handle.db.retireBlocks(blocks)
	} else {
		at.splice(l.arena, from, n)
	}
	l.shrink(at)
}
