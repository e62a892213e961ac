package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A percentile is never below the truth, and at most a quarter above it.
func TestHistogram_percentiles(t *testing.T) {
	var h histogram
	for n := int64(1); n <= 10_000; n++ {
		h.add(n * 1000)
	}
	for _, p := range []float64{1, 50, 90, 99, 99.9} {
		truth := p * 100 // microseconds
		require.GreaterOrEqual(t, h.percentile(p), truth)
		require.LessOrEqual(t, h.percentile(p), truth*1.25+1)
	}
	require.Zero(t, new(histogram).percentile(50))
	h = histogram{}
	h.add(0)
	require.Less(t, h.percentile(99.9), 0.01)
}
