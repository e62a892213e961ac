package fsst

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	// SampleBytesMax is how much of a sample Train looks at. More would take longer and make hardly a better table.
	SampleBytesMax = 16 << 10
	// SampleBytesMin: what is frequent in less says little about what is not in the sample.
	SampleBytesMin = 1 << 10
	// rounds is how often the symbols are learned anew, with what the ones before have cut the sample into. Symbols can
	// double their size in each, and some more let them settle.
	rounds = 5
	// countMin: what is in the sample once is no symbol. It would cost nothing, but make the sample look too good.
	countMin = 2
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
	for _, t := range append(trainAlphabets(sample), trainSymbols(sample)...) {
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
func trainSymbols(sample [][]byte) (tables []*Table) {
	s := newSymbols(nil)
	for range rounds {
		s = newSymbols(choose(count(s, sample)))
		tables = append(tables, &Table{symbols: s})
	}
	return tables
}

// parts is what a table cuts a string into, with bytes that it escapes as symbols of their own.
func (s *symbols) parts(list []symbol, plain []byte) []symbol {
	var window [8]byte
	for len(plain) > 0 {
		clear(window[copy(window[:], plain):])
		word := binary.LittleEndian.Uint64(window[:])
		c, size := s.longest(word, len(plain))
		one := symbol{word, uint8(size)}.first()
		if c != escape {
			one.text, one.size = s.text[c], s.size[c]
		}
		list = append(list, one)
		plain = plain[size:]
	}
	return list
}

// count tells how often each candidate is in the sample: the parts, their first bytes, which are what is left where
// longer ones do not fit, and each two parts in a row.
func count(s *symbols, sample [][]byte) map[symbol]int {
	counts := map[symbol]int{}
	var parts []symbol
	for _, plain := range sample {
		parts = s.parts(parts[:0], plain)
		for i, one := range parts {
			counts[one]++
			if one.size > 1 {
				counts[one.first()]++
			}
			if i > 0 && parts[i-1].size < symbolBytesMax {
				counts[parts[i-1].then(one)]++
			}
		}
	}
	return counts
}

// choose takes the candidates that stand for the most bytes of the sample.
func choose(counts map[symbol]int) []symbol {
	var list []symbol
	for one, n := range counts {
		if n >= countMin {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b symbol) int {
		return cmp.Or(
			cmp.Compare(counts[b]*int(b.size), counts[a]*int(a.size)),
			cmp.Compare(a.size, b.size),
			cmp.Compare(a.text, b.text),
		)
	})
	return list[:min(len(list), symbolsMax)]
}
