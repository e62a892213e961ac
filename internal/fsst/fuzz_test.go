package fsst

import (
	"bytes"
	"testing"
)

// FuzzRoundTrip learns a table from strings of step bytes of the sample, and encodes any other string.
func FuzzRoundTrip(f *testing.F) {
	for _, k := range kinds() {
		sample := bytes.Join(k.strings(1, 2<<10), nil)
		f.Add(sample, k.strings(2, 10)[0], uint8(100))
		f.Add(sample[:300], sample[:50], uint8(7))
	}
	f.Fuzz(func(t *testing.T, sample, plain []byte, step uint8) {
		sample = sample[:min(len(sample), 4<<10)]
		var parts [][]byte
		for rest := sample; len(rest) > 0; {
			n := min(len(rest), int(step)+1)
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		learned := trainSymbols(parts, len(sample))
		compareWithGreedy(t, learned[1].symbols, plain[:min(len(plain), 500)])
		all := append(trainAlphabets(parts), learned[0], learned[rounds-1])
		for _, table := range all {
			roundTrip(t, table, plain)
			roundTrip(t, table, sample)
			for n := range 20 {
				decodeAny(t, table, plain[:min(len(plain), 20)], n)
			}
		}
	})
}
