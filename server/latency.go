package server

import (
	"fmt"
	"math/bits"
	"strings"
)

// histogram counts durations in buckets that grow with them: each power of two of nanoseconds in four parts, so that a
// percentile is at most a quarter too high.
type histogram struct {
	counts [64 * histogramParts]uint32
	total  int64
	max    int64 // nanoseconds
}

const histogramParts = 4

func (h *histogram) add(nanos int64) {
	h.counts[bucketOf(uint64(max(nanos, 1)))]++
	h.total++
	h.max = max(h.max, nanos)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

func bucketOf(nanos uint64) int {
	power := bits.Len64(nanos) - 1
	part := uint64(0)
	if power >= 2 {
		part = nanos >> (power - 2) & (histogramParts - 1)
	}
	return power*histogramParts + int(part)
}

// upperNanos is the end of a bucket.
func upperNanos(bucket int) float64 {
	power, part := bucket/histogramParts, bucket%histogramParts
	return float64(uint64(1)<<power) * (1 + float64(part+1)/histogramParts)
}

// percentile is the time in microseconds within which p percent of the durations lie.
func (h *histogram) percentile(p float64) float64 {
	if h.total == 0 {
		return 0
	}
	need := int64(p / 100 * float64(h.total))
	seen := int64(0)
	for i, n := range h.counts {
		if seen += int64(n); seen > need || seen == h.total {
			return min(upperNanos(i), float64(max(h.max, 1))) / 1000
		}
	}
	return 0
}

// infoLatencyStats lists the percentiles of each command that has run (latency-tracking-info-percentiles: 50 99 99.9).
func infoLatencyStats(x *executor, b *infoText) {
	for _, spec := range x.table.All() {
		h := x.stats.byCommand[spec.ID].latency
		if h == nil {
			continue
		}
		b.line("latency_percentiles_usec_"+strings.ReplaceAll(spec.FullName, " ", "|"),
			fmt.Sprintf("p50=%.3f,p99=%.3f,p99.9=%.3f", h.percentile(50), h.percentile(99), h.percentile(99.9)))
	}
}
