package fsst

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	// SampleBytesMax is how much of a sample Train looks at. More would take longer and make hardly a better table.
	SampleBytesMax = 16 << 10
	// SampleBytesMin: what is frequent in less says little about what is not in the sample.
	SampleBytesMin = 1 << 10
	// rounds is how often the symbols are learned anew, with what the ones before have cut the sample into. Symbols can
	// double their size in each, and some more let them settle.
	rounds = 8
	// countMin: what is in the sample once is no symbol. It would cost nothing, but make the sample look too good.
	countMin = 2
	// chainMax bounds how many symbols a place is compared with, also where the sample was made to slow encoding down. More
	// would hardly make strings smaller.
	chainMax = 4
)

// Train learns a table from a sample: strings like those that are to come, in any order. It is nil if there is too little
// of a sample, or if a table would save less than an eighth of it.
func Train(sample [][]byte) *Table {
	sample, total := upTo(sample, SampleBytesMax)
	if total < SampleBytesMin {
		return nil
	}
	var best *Table
	size := total*7/8 + 1
	for _, t := range append(trainAlphabets(sample), trainSymbols(sample, total)...) {
		if n := t.Size(sample); n < size {
			best, size = t, n
		}
	}
	return best
}

// upTo gives the first n bytes of a sample.
func upTo(sample [][]byte, n int) (part [][]byte, total int) {
	for _, plain := range sample {
		plain = plain[:min(len(plain), n-total)]
		part = append(part, plain)
		if total += len(plain); total == n {
			break
		}
	}
	return part, total
}

// trainAlphabets gives a table for each width, of the bytes that are most frequent.
func trainAlphabets(sample [][]byte) (tables []*Table) {
	counts := [256]int{}
	for _, plain := range sample {
		for _, b := range plain {
			counts[b]++
		}
	}
	var letters []byte
	for b, n := range counts {
		if n > 0 {
			letters = append(letters, byte(b))
		}
	}
	slices.SortStableFunc(letters, func(a, b byte) int { return counts[b] - counts[a] })
	for width := widthMin; width <= widthMax; width++ {
		most := letters[:min(len(letters), 1<<width)]
		tables = append(tables, &Table{alphabet: newAlphabet(most, width)})
	}
	return tables
}

// trainSymbols gives the table of each round. The last is mostly, but not always the best.
func trainSymbols(sample [][]byte, total int) (tables []*Table) {
	s, c := newSymbols(nil), newCandidates(total)
	for range rounds {
		c.count(s, sample)
		s = newSymbols(c.choose())
		tables = append(tables, &Table{symbols: s})
	}
	return tables
}

// candidates are what may become symbols, with how often they are in the sample: a hash table that has at least twice the
// slots that it can need.
type candidates struct {
	slots []candidate
	shift int // of a hash
}

type candidate struct {
	symbol
	count int32 // 0: the slot is free
}

// newCandidates has room for those of n bytes: as many parts, pairs of parts, and the single bytes.
func newCandidates(n int) *candidates {
	size := bits.Len(uint(2*(n+n+256) - 1))
	return &candidates{slots: make([]candidate, 1<<size), shift: 64 - size}
}

func (c *candidates) add(one symbol) {
	at := int((one.text*0x9E3779B97F4A7C15 + uint64(one.size)<<59) >> c.shift)
	for ; ; at = (at + 1) & (len(c.slots) - 1) {
		if slot := &c.slots[at]; slot.count == 0 {
			*slot = candidate{one, 1}
			return
		} else if slot.symbol == one {
			slot.count++
			return
		}
	}
}

// count begins anew, with what the symbols cut the sample into: the parts, with bytes that have no symbol as parts of their
// own; their first bytes, which are what is left where longer ones do not fit; and each two parts in a row.
func (c *candidates) count(s *symbols, sample [][]byte) {
	clear(c.slots)
	for _, plain := range sample {
		last := symbol{size: symbolBytesMax} // nothing goes behind it
		for len(plain) > 0 {
			one := s.part(plain)
			c.add(one)
			if one.size > 1 {
				c.add(one.first())
			}
			if last.size < symbolBytesMax {
				c.add(last.then(one))
			}
			last, plain = one, plain[one.size:]
		}
	}
}

// part is the symbol that some bytes begin with, or the first of them as one.
func (s *symbols) part(plain []byte) symbol {
	word := getBytes(plain[:min(len(plain), symbolBytesMax)])
	c, _ := s.longest(word, len(plain))
	if c == escape {
		return symbol{word, 1}.first()
	}
	return symbol{s.text[c], s.size[c]}
}

// worth is how often a candidate is there, times its size and a little more, which favours what is frequent; single bytes
// have most of that, as those that are not in the table take two. How much more was tried out: with 2 and 5, strings of most
// kinds became smaller than with the size alone, and of none larger.
func (c *candidate) worth() int {
	if c.size == 1 {
		return int(c.count) * 6
	}
	return int(c.count) * (int(c.size) + 2)
}

// choose takes the candidates that are worth most.
func (c *candidates) choose() []symbol {
	var list []candidate
	for _, one := range c.slots {
		if one.count >= countMin {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(b.worth(), a.worth()),
			cmp.Compare(a.size, b.size),
			cmp.Compare(a.text, b.text),
		)
	})
	best, lengths := make([]symbol, 0, symbolsMax), chainLengths{}
	for _, one := range list {
		if len(best) < symbolsMax && lengths.hasRoom(one.symbol) {
			best = append(best, one.symbol)
		}
	}
	return best
}

// chainLengths is how many symbols are in each chain of a finder.
type chainLengths struct {
	long [1 << longBits]uint8
	pair [1 << pairBits]uint8
}

// hasRoom counts a symbol in its chain, if that has not chainMax already.
func (l *chainLengths) hasRoom(one symbol) bool {
	length := &l.pair[hashOfTwo(one.text)]
	switch {
	case one.size == 1:
		return true
	case one.size > 2:
		length = &l.long[hashOfThree(one.text)]
	}
	if *length == chainMax {
		return false
	}
	*length++
	return true
}
