package simulation

import (
	"flag"
	"fmt"
	"testing"
)

var (
	seedFlag  = flag.Int64("sim.seed", -1, "run only this seed, and tell its story if it fails")
	seedsFlag = flag.Int("sim.seeds", 1000, "how many seeds to run")
	firstFlag = flag.Int64("sim.first", 0, "the first seed")
	linesFlag = flag.Int("sim.lines", 120, "how many lines of a failed run's story to print")
)

func TestSimulation_seeds(t *testing.T) {
	first, count := *firstFlag, int64(*seedsFlag)
	if *seedFlag >= 0 {
		first, count = *seedFlag, 1
	}
	var total Stats
	for seed := first; seed < first+count; seed++ {
		result := Run(OptionsOf(uint64(seed)))
		total = total.plus(result.Stats)
		if result.Violation == "" {
			continue
		}
		options := OptionsOf(uint64(seed))
		options.Trace = true
		again := Run(options)
		t.Fatalf("seed %d (%s): %s\nreplay: go test ./integration/simulation -sim.seed=%d\n%s",
			seed, options.Variant, result.Violation, seed, again.Tell(*linesFlag))
	}
	t.Log(fmt.Sprintf("%d seeds: %+v", count, total))
}
