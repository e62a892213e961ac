package keyspace

// elements are the packed bytes of a small list: what all elements begin with, its length in 1 byte, and then the rests of
// the elements, which can be walked both ways (packed.go). As that of rows, the prefix begins as the first element
// and only becomes shorter.
type elements struct {
	prefix []byte
	p      []byte // the rests
	first  int    // where they begin in the value's data
}

func elementsOf(v *value) elements {
	if len(v.data) == 0 {
		return elements{}
	}
	prefix, first := prefixAt(v.data, 0)
	return elements{prefix, v.data[first:], first}
}

// shareElements makes the prefix such that the given elements have it, and gives the list's as they then are. The value
// must be mutable.
func (v *value) shareElements(a *arena, with [][]byte) elements {
	if v.number == 0 && len(with) > 0 {
		v.begin(a, with[0], nil)
	}
	x := elementsOf(v)
	n := len(x.prefix)
	for _, b := range with {
		n = shared(x.prefix[:n], b)
	}
	if n < len(x.prefix) {
		v.data = x.repack(appendPrefixes(a.keepWith(nil, x.room(v, n)), KindList, x.prefix[:n], nil), a, n)
		x = elementsOf(v)
	}
	return x
}

// room bounds what the list takes with a shorter prefix, and some more to be changed.
func (x *elements) room(v *value, prefix int) int {
	const lengthsMax = 2 * 2 // a prefix is short, so a length takes up to two bytes more
	return len(v.data) + int(v.number)*(len(x.prefix)-prefix+lengthsMax) + editRoomBytes
}

// repack adds the elements to p without the first n bytes of the prefix.
func (x *elements) repack(p []byte, a *arena, n int) []byte {
	for off := 0; off < len(x.p); {
		rest, next := packedNext(x.p, off)
		p = packedAppend(p, a.join(x.prefix[n:], rest))
		off = next
	}
	return p
}

// plainElements is the packed bytes of a small list without a prefix, as blocks have them.
func (v *value) plainElements(a *arena) []byte {
	x := elementsOf(v)
	if len(x.prefix) == 0 {
		return x.p
	}
	return x.repack(a.keepWith(nil, x.room(v, 0)), a, 0)
}

// setPlainElements takes packed bytes without a prefix.
func (v *value) setPlainElements(a *arena, p []byte) {
	v.data = append(appendPrefixes(a.keepWith(nil, 1+len(p)+editRoomBytes), KindList, nil, nil), p...)
}

// splice puts the given elements in the place of n others of a small list, from element i on.
func (v *value) splice(a *arena, i, n int, with ...[]byte) {
	x := v.shareElements(a, with)
	from := packedAt(x.p, i, int(v.number))
	to := from
	for range n {
		rest, next := packedNext(x.p, to)
		v.listpackBytes -= listpackEntryBytes(a.join(x.prefix, rest))
		to = next
	}
	for k, b := range with {
		v.listpackBytes += listpackEntryBytes(b)
		with[k] = b[len(x.prefix):]
	}
	v.data = packedSplice(v.data, x.first+from, x.first+to, with...)
	v.number += int64(len(with) - n)
}
