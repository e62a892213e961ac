package command

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseScoreBound_table(t *testing.T) {
	for _, c := range []struct {
		word string
		want bound
		ok   bool
	}{
		{"1", bound{score: 1}, true},
		{"-1.5", bound{score: -1.5}, true},
		{"(1", bound{score: 1, open: true}, true},
		{"(-inf", bound{score: math.Inf(-1), open: true}, true},
		{"+inf", bound{score: math.Inf(1)}, true},
		{"infinity", bound{score: math.Inf(1)}, true},
		{"INF", bound{score: math.Inf(1)}, true},
		{"", bound{}, true}, // C's strtod reads nothing as 0
		{"(", bound{open: true}, true},
		{" 2", bound{score: 2}, true},
		{"( 2", bound{score: 2, open: true}, true},
		{"1e3", bound{score: 1000}, true},
		{"1e400", bound{score: math.Inf(1)}, true},
		{"-1e400", bound{score: math.Inf(-1)}, true},
		{"1e-400", bound{}, true},
		{"0x10", bound{score: 16}, true},
		{"0x1p4", bound{score: 16}, true},
		{"-0x.8p1", bound{score: -1}, true},
		{".5", bound{score: 0.5}, true},
		{"5.", bound{score: 5}, true},
		{"nan", bound{}, false},
		{"(nan", bound{}, false},
		{"x", bound{}, false},
		{"1 ", bound{}, false},
		{"1x", bound{}, false},
		{"((1", bound{}, false},
		{"[1", bound{}, false},
		{"1_000", bound{}, false},
		{"0x", bound{}, false},
		{"0xg", bound{}, false},
	} {
		got, ok := parseScoreBound([]byte(c.word))
		require.Equal(t, c.ok, ok, "%q", c.word)
		if ok {
			require.Equal(t, c.want, got, "%q", c.word)
		}
	}
}

func TestParseLexBound_table(t *testing.T) {
	for _, c := range []struct {
		word string
		want bound
		ok   bool
	}{
		{"-", bound{unbounded: -1}, true},
		{"+", bound{unbounded: 1}, true},
		{"[a", bound{member: []byte("a")}, true},
		{"(a", bound{member: []byte("a"), open: true}, true},
		{"[", bound{member: []byte{}}, true},
		{"(", bound{member: []byte{}, open: true}, true},
		{"[-", bound{member: []byte("-")}, true},
		{"[(a", bound{member: []byte("(a")}, true},
		{"", bound{}, false},
		{"a", bound{}, false},
		{"-a", bound{}, false},
		{"++", bound{}, false},
	} {
		got, ok := parseLexBound([]byte(c.word))
		require.Equal(t, c.ok, ok, "%q", c.word)
		if ok {
			require.Equal(t, c.want, got, "%q", c.word)
		}
	}
}

func TestParseFloat_table(t *testing.T) {
	for _, c := range []struct {
		word string
		want float64
		ok   bool
	}{
		{"0", 0, true}, {"-3.25", -3.25, true}, {"+1", 1, true}, {"1e3", 1000, true}, {"0x10", 16, true}, {"0XfFp1", 510, true},
		{"inf", math.Inf(1), true}, {"-Infinity", math.Inf(-1), true}, {"0e-999", 0, true}, {"0.0", 0, true},
		{"", 0, false}, {" 1", 0, false}, {"\t1", 0, false}, {"1 ", 0, false}, {"nan", 0, false}, {"1_0", 0, false},
		{"1e400", 0, false}, {"-1e400", 0, false}, {"1e-400", 0, false}, {"0x1p-2000", 0, false}, {"x", 0, false}, {"0x", 0, false},
	} {
		got, ok := ParseFloat([]byte(c.word))
		require.Equal(t, c.ok, ok, "%q", c.word)
		if ok {
			require.Equal(t, c.want, got, "%q", c.word)
		}
	}
}

func TestParseTimeout_table(t *testing.T) {
	const nowMs = 1_000_000
	for _, c := range []struct {
		word string
		want int64
		err  error
	}{
		{"0", 0, nil}, {"0.0", 0, nil}, {"1", nowMs + 1000, nil}, {"0.5", nowMs + 500, nil}, {"0.0001", nowMs + 1, nil},
		{"1.0001", nowMs + 1001, nil}, {"0x10", nowMs + 16_000, nil}, {"9e15", nowMs + 9e18, nil},
		{"-1", 0, ErrTimeoutNegative}, {"-inf", 0, ErrTimeoutNegative}, {"inf", 0, ErrTimeoutRange}, {"1e16", 0, ErrTimeoutRange},
		{"9223372036854775", 0, ErrTimeoutRange}, {"1e400", 0, ErrTimeoutRange}, {"-1e400", 0, ErrTimeoutNegative},
		{"1e-400", nowMs + 1, nil}, {"-1.5", 0, ErrTimeoutNegative}, {"-0.0005", 0, nil}, {"3000000000", nowMs + 3e12, nil},
		{"-3000000000", 0, ErrTimeoutNegative}, {"1e5000", 0, ErrTimeoutNotFloat}, {"", 0, ErrTimeoutNotFloat}, {"nan", 0, ErrTimeoutNotFloat},
		{"1s", 0, ErrTimeoutNotFloat}, {" 1", 0, ErrTimeoutNotFloat},
	} {
		got, err := parseTimeout([]byte(c.word), nowMs)
		require.Equal(t, c.err, err, "%q", c.word)
		require.Equal(t, c.want, got, "%q", c.word)
	}
}

// TestRangeIn_exhaustive compares with walking through all positions.
func TestRangeIn_exhaustive(t *testing.T) {
	for n := range 6 {
		for first := int64(-8); first <= 8; first++ {
			for last := int64(-8); last <= 8; last++ {
				var want []int
				for at := range n {
					behindFirst := first >= 0 && int64(at) >= first || first < 0 && int64(at-n) >= first
					beforeLast := last >= 0 && int64(at) <= last || last < 0 && int64(at-n) <= last
					if behindFirst && beforeLast {
						want = append(want, at)
					}
				}
				from, length := rangeIn(n, first, last)
				require.Len(t, want, length, "%d: %d to %d", n, first, last)
				if length > 0 {
					require.Equal(t, want[0], from, "%d: %d to %d", n, first, last)
				}
			}
		}
	}
	from, length := rangeIn(5, math.MinInt64, math.MaxInt64)
	require.Equal(t, []int{0, 5}, []int{from, length})
}

// TestRankRange_skip_exhaustive compares with leaving out one by one.
func TestRankRange_skip_exhaustive(t *testing.T) {
	visited := func(r rankRange) []int {
		var all []int
		for i := range r.n {
			if r.reverse {
				all = append(all, r.from+r.n-1-i)
			} else {
				all = append(all, r.from+i)
			}
		}
		return all
	}
	for n := range 5 {
		for offset := int64(-2); offset <= 6; offset++ {
			for limit := int64(-2); limit <= 6; limit++ {
				for _, reverse := range []bool{false, true} {
					r := rankRange{from: 3, n: n, reverse: reverse}
					var want []int
					for i, at := range visited(r) {
						if offset >= 0 && int64(i) >= offset && (limit < 0 || int64(i) < offset+limit) {
							want = append(want, at)
						}
					}
					r.skip(offset, limit)
					require.Equal(t, want, visited(r), "%d members, offset %d, limit %d, reverse %v", n, offset, limit, reverse)
				}
			}
		}
	}
}
