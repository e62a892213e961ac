package keyspace

import (
	"bytes"
	"encoding/binary"
)

// Rows are the packed bytes of small hashes, sets and sorted sets: a row for each field or member, to be walked from the
// beginning. What all keys (fields, members) begin with is written once, in front of the rows, and so is what all values
// of a hash begin with; the rows have the rests. Each prefix is its length, 1 byte, and its bytes. A row is
//
//	in a set         the length of the key's rest, base-128, and the rest
//	in a sorted set  the same, and the score, a number that says its own size; rows are in order
//	in a hash        both lengths in 4 bits each, the field's above, where 15 says that the part beyond it follows,
//	                 base-128, the field's first; then both rests
//
// The first row's key and value are their own prefixes; what is added later shortens them, and then all rows are written
// again. They never grow, so this happens seldom. A prefix is a few bytes or none: see prefixBytesMin.
type rows struct {
	p            []byte
	of           Kind   // of KindSet, KindZSet and KindHash: says how a row looks
	keys, values []byte // the prefixes
	first        int    // where the rows begin
}

// row is the place of a row, p[from:to]. Its key's rest is p[key:value], and its value's rest or score p[value:to].
type row struct{ from, key, value, to int }

const (
	// prefixBytesMin: what saves less in a row is not worth it that reading has to put the parts together.
	prefixBytesMin = 3
	// prefixBytesMax bounds how often a prefix can become shorter.
	prefixBytesMax = 127
	shortMax       = 15
)

// rowsOf reads the prefixes of a value in packed bytes.
func rowsOf(v *value) rows {
	x := rows{p: v.data, of: v.kind}
	if len(x.p) == 0 {
		return x
	}
	x.keys, x.first = prefixAt(x.p, 0)
	if x.of == KindHash {
		x.values, x.first = prefixAt(x.p, x.first)
	}
	return x
}

func prefixAt(p []byte, at int) (prefix []byte, next int) {
	next = at + 1 + int(p[at])
	return p[at+1 : next : next], next
}

// at gives the row that begins there.
func (x *rows) at(from int) row {
	n, key := int(x.p[from]), from+1
	if x.of == KindHash {
		v := n & shortMax
		if n >>= 4; n == shortMax {
			n, key = longer(x.p, key)
		}
		if v == shortMax {
			v, key = longer(x.p, key)
		}
		return row{from, key, key + n, key + n + v}
	}
	if n >= 0x80 {
		long, read := binary.Uvarint(x.p[from:])
		n, key = int(long), from+read
	}
	to := key + n
	if x.of == KindZSet {
		to += sizeOfNumber(x.p[to])
	}
	return row{from, key, key + n, to}
}

// longer reads what a length has beyond shortMax.
func longer(p []byte, at int) (n, next int) {
	more, read := binary.Uvarint(p[at:])
	return shortMax + int(more), at + read
}

// key gives a row's key, borrowed: it is a part of the bytes or put together in the arena.
func (x *rows) key(r row, a *arena) []byte { return a.join(x.keys, x.p[r.key:r.value:r.value]) }

// value is key for the value of a hash's row.
func (x *rows) value(r row, a *arena) []byte { return a.join(x.values, x.p[r.value:r.to:r.to]) }

// join gives two parts as one, in the arena if neither is empty.
func (a *arena) join(prefix, rest []byte) []byte {
	switch {
	case len(rest) == 0:
		return prefix
	case len(prefix) == 0:
		return rest
	}
	size := len(prefix) + len(rest)
	a.room(size)
	from := len(a.buf)
	a.buf = a.buf[:from+size]
	both := a.buf[from : from+size : from+size]
	copy(both, prefix)
	if both := both[len(prefix):]; len(rest) > 8 {
		copy(both, rest)
	} else { // mostly a few bytes, for which a call costs more
		for i, b := range rest {
			both[i] = b
		}
	}
	return both
}

// score gives the score of a sorted set's row.
func (x *rows) score(r row) float64 { return scoreAt(x.p[r.value:]) }

// find gives the row of a key, and its rank.
func (x *rows) find(key []byte) (r row, rank int, ok bool) {
	if !bytes.HasPrefix(key, x.keys) {
		return row{}, 0, false
	}
	rest := key[len(x.keys):]
	for off := x.first; off < len(x.p); rank++ {
		r = x.at(off)
		if r.value-r.key == len(rest) && string(x.p[r.key:r.value]) == string(rest) {
			return r, rank, true
		}
		off = r.to
	}
	return row{}, 0, false
}

// compare says how a row's key stands to another one.
func (x *rows) compare(r row, key []byte) int {
	n := min(len(x.keys), len(key))
	if c := bytes.Compare(x.keys[:n], key[:n]); c != 0 {
		return c
	}
	if n < len(x.keys) {
		return 1
	}
	return bytes.Compare(x.p[r.key:r.value], key[n:])
}

// place gives where row i begins, or the end.
func (x *rows) place(i int) int {
	off := x.first
	for ; i > 0; i-- {
		off = x.at(off).to
	}
	return off
}

// each visits the rows until fn returns false.
func (x *rows) each(fn func(r row) bool) {
	for off := x.first; off < len(x.p); {
		r := x.at(off)
		if !fn(r) {
			return
		}
		off = r.to
	}
}

// countWhere gives the number of rows at the beginning for which below holds.
func (x *rows) countWhere(below func(r row) bool) (n int) {
	x.each(func(r row) bool {
		if !below(r) {
			return false
		}
		n++
		return true
	})
	return n
}

// placesKept is the number of rows up to which walking backward allocates nothing.
const placesKept = 128

// eachBackward visits the rows from rank from down to the first, until fn returns false.
func (x *rows) eachBackward(from int, fn func(r row) bool) {
	var room [placesKept]int32
	places := room[:0]
	off := x.first
	for range from + 1 {
		places = append(places, int32(off))
		off = x.at(off).to
	}
	for i := from; i >= 0; i-- {
		if !fn(x.at(int(places[i]))) {
			return
		}
	}
}

// share makes the prefixes such that a key and its value (of a hash; else nil) have them, so that a row can take their
// rests, and gives the rows as they then are. The value must be mutable.
func (v *value) share(a *arena, key, value []byte) rows {
	if v.number == 0 {
		v.begin(a, key, value)
		return rowsOf(v)
	}
	x := rowsOf(v)
	keys, values := shared(x.keys, key), shared(x.values, value)
	if keys == len(x.keys) && values == len(x.values) {
		return x
	}
	// A length may take more bytes than before: two for each of both, as prefixes are short.
	bound := len(x.p) + int(v.number)*(len(x.keys)-keys+len(x.values)-values+4)
	p := appendPrefixes(a.keepWith(nil, bound+editRoomBytes)[:0], x.of, x.keys[:keys], x.values[:values])
	x.each(func(r row) bool {
		p = appendRow(p, x.of, parts{x.keys[keys:], x.p[r.key:r.value]}, parts{x.values[values:], x.p[r.value:r.to]})
		return true
	})
	v.data = p
	return rowsOf(v)
}

// begin writes the prefixes of what has no rows.
func (v *value) begin(a *arena, key, value []byte) {
	key, value = key[:shared(key, key)], value[:shared(value, value)]
	if room := 2 + len(key) + len(value) + editRoomBytes; cap(v.data) < room {
		v.data = a.keepWith(nil, room)
	}
	v.data = appendPrefixes(v.data[:0], v.kind, key, value)
}

// shared is how much of a prefix a key has too, as far as it is worth it.
func shared(prefix, key []byte) (n int) {
	for n < min(len(prefix), len(key), prefixBytesMax) && prefix[n] == key[n] {
		n++
	}
	if n < prefixBytesMin {
		return 0
	}
	return n
}

func appendPrefixes(p []byte, of Kind, keys, values []byte) []byte {
	p = append(append(p, byte(len(keys))), keys...)
	if of == KindHash {
		p = append(append(p, byte(len(values))), values...)
	}
	return p
}

// parts are bytes in two pieces.
type parts [2][]byte

func (s parts) len() int { return len(s[0]) + len(s[1]) }

// appendRow adds a row of rests; value is the score as a number for a sorted set, and empty for a set.
func appendRow(p []byte, of Kind, key, value parts) []byte {
	k, v := key.len(), value.len()
	if of == KindHash {
		p = append(p, byte(min(k, shortMax)<<4|min(v, shortMax)))
		if k >= shortMax {
			p = binary.AppendUvarint(p, uint64(k-shortMax))
		}
		if v >= shortMax {
			p = binary.AppendUvarint(p, uint64(v-shortMax))
		}
	} else {
		p = binary.AppendUvarint(p, uint64(k))
	}
	p = append(append(p, key[0]...), key[1]...)
	return append(append(p, value[0]...), value[1]...)
}

// rowSize is what a row takes.
func rowSize(of Kind, key, value int) int {
	if of != KindHash {
		return lengthSize(key) + key + value
	}
	size := 1 + key + value
	if key >= shortMax {
		size += lengthSize(key - shortMax)
	}
	if value >= shortMax {
		size += lengthSize(value - shortMax)
	}
	return size
}

// putRow writes a row with the given rests in the place of p[from:to].
func (v *value) putRow(from, to int, key, value []byte) {
	v.data = gap(v.data, from, to, rowSize(v.kind, len(key), len(value)))
	appendRow(v.data[:from], v.kind, parts{key}, parts{value})
}

// addRow adds a row at the end.
func (v *value) addRow(a *arena, key, value []byte) {
	x := v.share(a, key, value)
	v.putRow(len(v.data), len(v.data), key[len(x.keys):], value[len(x.values):])
	v.number++
}

// removeRow takes a row out.
func (v *value) removeRow(r row) {
	v.data = gap(v.data, r.from, r.to, 0)
	v.number--
}
