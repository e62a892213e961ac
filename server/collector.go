package server

import (
	"fmt"
	"math"
	"runtime/metrics"
)

// What the garbage collector costs. INFO collector shows:
//
//	collector_cycles            collections since the start of the process
//	collector_cpu_seconds       CPU time of all of them, as of the last one's end
//	collector_mark_cpu_seconds  the part that marked: assists, dedicated and idle workers
//	collector_pause_usec        how long the world stood still, since the start or CONFIG RESETSTAT; each figure is the
//	                            upper end of a bucket that is about a fifth wide

const (
	metricCycles = "/gc/cycles/total:gc-cycles"
	metricCPU    = "/cpu/classes/gc/total:cpu-seconds"
	metricPauses = "/sched/pauses/total/gc:seconds"
)

// markMetrics are the classes of CPU time that mark.
func markMetrics() []string {
	return []string{"/cpu/classes/gc/mark/assist:cpu-seconds", "/cpu/classes/gc/mark/dedicated:cpu-seconds", "/cpu/classes/gc/mark/idle:cpu-seconds"}
}

func infoCollector(x *executor, b *infoText) {
	var mark float64
	for _, name := range markMetrics() {
		mark += readMetric(name).Float64()
	}
	b.line("collector_cycles", readMetric(metricCycles).Uint64())
	b.line("collector_cpu_seconds", fmt.Sprintf("%.6f", readMetric(metricCPU).Float64()))
	b.line("collector_mark_cpu_seconds", fmt.Sprintf("%.6f", mark))
	b.line("collector_pause_usec", readPauses().since(x.stats.pausesBefore).summary())
}

func readMetric(name string) metrics.Value {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value
}

// pauses counts stops of the world by length: counts[i] were shorter than ends[i] seconds and not shorter than ends[i-1].
type pauses struct {
	counts []uint64
	ends   []float64
}

func readPauses() pauses {
	h := readMetric(metricPauses).Float64Histogram()
	return pauses{counts: h.Counts, ends: h.Buckets[1:]}
}

// since leaves out what had been counted before. The buckets are the same for the life of the process.
func (p pauses) since(before pauses) pauses {
	later := pauses{counts: make([]uint64, len(p.counts)), ends: p.ends}
	copy(later.counts, p.counts)
	for i, n := range before.counts {
		later.counts[i] -= n
	}
	return later
}

func (p pauses) summary() string {
	total := uint64(0)
	for _, n := range p.counts {
		total += n
	}
	return fmt.Sprintf("count=%d,p50=%.3f,p99=%.3f,max=%.3f", total, p.micros(total/2), p.micros(total*99/100), p.micros(total-1))
}

// micros is within which time the pause of a rank ended; ranks count from 0, the shortest.
func (p pauses) micros(rank uint64) float64 {
	seen := uint64(0)
	for i, n := range p.counts {
		if seen += n; seen > rank {
			if math.IsInf(p.ends[i], 1) {
				return p.ends[i-1] * 1e6
			}
			return p.ends[i] * 1e6
		}
	}
	return 0
}
