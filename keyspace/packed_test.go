package keyspace

import (
	"bytes"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPacked_walksBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOf(rapid.SampledFrom([]int{0, 1, 5, 126, 127, 128, 129, 300, 16383, 16384, 16385})).Draw(t, "lengths")
		var p []byte
		var want [][]byte
		for i, n := range lengths {
			v := bytes.Repeat([]byte{byte(i) | 0x80}, n)
			before := len(p)
			p = packedAppend(p, v)
			require.Equal(t, packedSize(n), len(p)-before)
			want = append(want, v)
		}
		off := 0
		for i, w := range want {
			require.Equal(t, off, packedAt(p, i, len(want)))
			v, next := packedNext(p, off)
			require.Equal(t, w, v)
			back, start := packedPrev(p, next)
			require.Equal(t, w, back)
			require.Equal(t, off, start)
			off = next
		}
		require.Equal(t, len(p), off)
	})
}

func TestPackedSplice(t *testing.T) {
	one := func(s string) []byte { return packedAppend(nil, []byte(s)) }
	for _, spare := range []int{0, 100} {
		p := append(make([]byte, 0, 50+spare), bytes.Join([][]byte{one("a"), one("bb"), one("c")}, nil)...)
		p = packedSplice(p, 3, 7, []byte("long enough"), []byte(""))
		require.Equal(t, bytes.Join([][]byte{one("a"), one("long enough"), one(""), one("c")}, nil), p)
		p = packedSplice(p, 3, len(p)-3)
		require.Equal(t, bytes.Join([][]byte{one("a"), one("c")}, nil), p)
	}
}

func TestParseInteger_onlyCanonical(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 9, 10, 127, -128, 1 << 40, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1} {
		got, ok := parseInteger([]byte(strconv.FormatInt(n, 10)))
		require.True(t, ok, n)
		require.Equal(t, n, got)
	}
	for _, s := range []string{"", "-", "+1", "01", "-0", "00", "1 ", " 1", "1a", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999", "18446744073709551617", "1.0", "0x1", "-01"} {
		_, ok := parseInteger([]byte(s))
		require.False(t, ok, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[-+ ]?[0-9]{0,21}`).Draw(t, "s")
		want, err := strconv.ParseInt(s, 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == s
		got, ok := parseInteger([]byte(s))
		require.Equal(t, canonical, ok, s)
		if ok {
			require.Equal(t, want, got)
		}
	})
}

// TestListpackEntryBytes: the sizes are those of the listpack format, element header and back length included.
func TestListpackEntryBytes(t *testing.T) {
	for s, want := range map[string]int{
		"": 2, "a": 3, "0": 2, "127": 2, "128": 3, "-1": 3, "4095": 3, "4096": 4, "-4096": 3, "-4097": 4, "32767": 4, "32768": 5,
		"8388607": 5, "8388608": 6, "2147483648": 10, "-9223372036854775808": 10, "007": 5,
		string(make([]byte, 63)): 65, string(make([]byte, 64)): 67, string(make([]byte, 125)): 128, string(make([]byte, 126)): 130,
		string(make([]byte, 4095)): 4099, string(make([]byte, 4096)): 4103,
	} {
		require.Equal(t, want, listpackEntryBytes([]byte(s)), "%q", s)
	}
}

func TestScores(t *testing.T) {
	for score, size := range map[float64]int{
		0: 1, 1: 1, -1: 1, 15: 1, 1000: 2, 1.5: 5, 1e300: 9, math.Inf(1): 5, math.Inf(-1): 5, 1<<44 - 1: 6, 1 << 53: 5, 1<<53 - 1: 9, 0.1: 9,
		-1 << 60: 5, math.MaxFloat64: 9, math.MaxFloat32: 5,
	} {
		var room scoreRoom
		b := room.put(score)
		require.Len(t, b, size, score)
		require.Equal(t, size, sizeOfNumber(b[0]))
		require.Equal(t, score, scoreAt(b))
	}
}
