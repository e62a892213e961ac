package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// ratios collects one series over the pairs; index i belongs to pair i.
type ratios struct {
	throughput []float64 // Tandem's through Redis'
	cpu        []float64 // Tandem's through Redis', per request
	redis      []sample
	tandem     []sample
}

// report is the outcome of all pairs.
type report struct {
	options options
	results map[series]*ratios
}

// add takes one pair of rounds.
func (r *report) add(redis, tandem map[series]sample) {
	for one, a := range redis {
		b := tandem[one]
		all := r.results[one]
		if all == nil {
			all = &ratios{}
			r.results[one] = all
		}
		all.throughput = append(all.throughput, b.perSecond/a.perSecond)
		all.cpu = append(all.cpu, ratioOfCPU(a, b))
		all.redis = append(all.redis, a)
		all.tandem = append(all.tandem, b)
	}
}

// ratioOfCPU guards against a run so short that no tick passed.
func ratioOfCPU(redis, tandem sample) float64 {
	if redis.cpuMicros == 0 {
		return 0
	}
	return tandem.cpuMicros / redis.cpuMicros
}

// spread is the least, the median and the greatest of some values.
type spread struct{ min, median, max float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return spread{sorted[0], median, sorted[len(sorted)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.2f / %.2f / %.2f", s.min, s.median, s.max) }

// markdown writes the table.
func (r *report) markdown(redis, tandem string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Tandem against Redis\n\n- A: %s\n- B: %s\n", redis, tandem)
	fmt.Fprintf(&b, "- %s/%s, %d processors; %d pairs; %d connections; %d requests per command (ten times as many above pipeline 1); %d keys\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), r.options.pairs, r.options.clients, r.options.requests, r.options.keys)
	b.WriteString("- appendonly yes, appendfsync everysec on both; ratios are Tandem through Redis within a pair: min / median / max\n\n")
	b.WriteString("| command | pipeline | throughput ratio | CPU per command ratio | requests/s A | B | CPU µs A | B |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, pipeline := range r.options.pipelines {
		for _, command := range r.options.commands {
			all := r.results[series{command, pipeline}]
			if all == nil {
				continue
			}
			fmt.Fprintf(&b, "| %s | %d | %s | %s | %.0f | %.0f | %.2f | %.2f |\n",
				strings.ToUpper(command), pipeline, spreadOf(all.throughput), spreadOf(all.cpu),
				median(all.redis, sample.throughput), median(all.tandem, sample.throughput),
				median(all.redis, sample.cpu), median(all.tandem, sample.cpu))
		}
	}
	return b.String()
}

func (s sample) throughput() float64 { return s.perSecond }

func (s sample) cpu() float64 { return s.cpuMicros }

func median(samples []sample, value func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return spreadOf(values).median
}
