package fsst

import (
	"fmt"
	"slices"
	"unsafe"
)

// Table encodes and decodes strings. It has one of the two forms; the other is nil.
type Table struct {
	symbols  *symbols
	alphabet *alphabet
}

// Append appends code for src to dst, if it is shorter than src. Otherwise it says no, and gives dst as it is; what dst
// has room for behind its length may be overwritten. It allocates nothing if there is room for len(src) bytes.
func (t *Table) Append(dst, src []byte) (out []byte, ok bool) {
	if t.sealed() {
		panic(fmt.Sprintf("fsst: a sealed table is to encode %d bytes", len(src)))
	}
	dst = slices.Grow(dst, len(src))
	room := dst[len(dst) : len(dst)+len(src)]
	n := 0
	if t.symbols != nil {
		n, ok = t.symbols.encode(room, src)
	} else {
		n, ok = t.alphabet.encode(room, src)
	}
	return dst[:len(dst)+n], ok
}

// AppendPlain appends the n bytes that code stands for to dst. It panics if they cannot be n: then another table made the
// code, or it is not whole. (Not all such code can be told from right one, and what cannot stands for some n bytes.) It
// allocates nothing if there is room for n bytes.
func (t *Table) AppendPlain(dst, code []byte, n int) []byte {
	if n < 0 || n > symbolBytesMax*len(code) { // asked first, so that a wrong n does not allocate
		panicOnCode(code, n)
	}
	dst = slices.Grow(dst, n)
	room, ok := dst[len(dst):len(dst)+n], false
	if t.symbols != nil {
		ok = t.symbols.decode(room, code)
	} else {
		ok = t.alphabet.decode(room, code)
	}
	if !ok {
		panicOnCode(code, n)
	}
	return dst[:len(dst)+n]
}

func panicOnCode(code []byte, n int) {
	panic(fmt.Sprintf("fsst: %d bytes of code do not stand for %d plain bytes with this table: %x", len(code), n,
		code[:min(len(code), 64)]))
}

// Size is how many bytes a sample takes with this table, where strings that do not become shorter stay plain. The table is
// not sealed.
func (t *Table) Size(sample [][]byte) int {
	total := 0
	var code []byte
	for _, plain := range sample {
		var ok bool
		if code, ok = t.Append(code[:0], plain); ok {
			total += len(code)
		} else {
			total += len(plain)
		}
	}
	return total
}

// Seal drops what only Append needs.
func (t *Table) Seal() {
	if t.symbols != nil {
		t.symbols.find = nil
	} else {
		t.alphabet.ranks = nil
	}
}

func (t *Table) sealed() bool {
	if t.symbols != nil {
		return t.symbols.find == nil
	}
	return t.alphabet.ranks == nil
}

// Bytes is about how much memory the table takes.
func (t *Table) Bytes() int {
	size := unsafe.Sizeof(*t)
	if s := t.symbols; s != nil {
		size += unsafe.Sizeof(*s)
		if s.find != nil {
			size += unsafe.Sizeof(*s.find)
		}
	}
	if a := t.alphabet; a != nil {
		size += unsafe.Sizeof(*a)
		if a.ranks != nil {
			size += unsafe.Sizeof(*a.ranks)
		}
	}
	return int(size)
}
