package fsst

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// greedy encodes as symbols should, by looking at each of them.
func greedy(s *symbols, plain []byte) (code []byte) {
	for len(plain) > 0 {
		longest, size := escape, 0
		for c := range symbolsMax {
			var text [8]byte
			binary.LittleEndian.PutUint64(text[:], s.text[c])
			if n := int(s.size[c]); n > size && bytes.HasPrefix(plain, text[:n]) {
				longest, size = c, n
			}
		}
		code = append(code, byte(longest))
		if size == 0 {
			code, size = append(code, plain[0]), 1
		}
		plain = plain[size:]
	}
	return code
}

func compareWithGreedy(t testing.TB, s *symbols, plain []byte) {
	want := greedy(s, plain)
	code, ok := (&Table{symbols: s}).Append(nil, plain)
	require.Equal(t, len(want) < len(plain), ok)
	if ok {
		require.Equal(t, want, code)
	}
}

func TestSymbols_areTakenGreedily(t *testing.T) {
	all := inputs(rand.New(rand.NewPCG(3, 4)))
	for _, table := range tables(t) {
		if table.symbols != nil {
			for _, plain := range all[:400] {
				compareWithGreedy(t, table.symbols, plain[:min(len(plain), 200)])
			}
		}
	}
}

// TestSymbols_ofFewBytes has symbols and strings of very few different bytes, 0 and 255 among them, so that all symbols
// begin alike and are parts of each other.
func TestSymbols_ofFewBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		letters := string([]byte{0, 255, 'a', byte(r.Uint32())}[:1+r.IntN(4)])
		s := newSymbols(randomSymbols(r, letters))
		for range 30 {
			plain := []byte(from(r, letters, r.IntN(60)))
			compareWithGreedy(t, s, plain)
			roundTrip(t, &Table{symbols: s}, plain)
		}
	}
}

func randomSymbols(r *rand.Rand, letters string) (list []symbol) {
	seen := map[symbol]bool{}
	for range r.IntN(600) {
		one := symbol{size: 0}
		for range 1 + r.IntN(8) {
			one = one.then(symbol{uint64(from(r, letters, 1)[0]), 1})
		}
		if !seen[one] && len(list) < symbolsMax {
			seen[one] = true
			list = append(list, one)
		}
	}
	return list
}
