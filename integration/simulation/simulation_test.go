package simulation

import (
	"flag"
	"fmt"
	"slices"
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

// TestSimulation_mutationsAreDetected shows that the checkers are not blind: each
// way of breaking the system is found by some seed.
func TestSimulation_mutationsAreDetected(t *testing.T) {
	const seedsMax = 400
	for mutation, variant := range Mutations() {
		t.Run(string(mutation), func(t *testing.T) {
			for seed := uint64(0); seed < seedsMax; seed++ {
				result := Run(Options{Seed: seed, Variant: variant, Mutation: mutation})
				if result.Violation != "" {
					t.Logf("seed %d: %s", seed, result.Violation)
					return
				}
			}
			t.Fatalf("no seed below %d finds it", seedsMax)
		})
	}
}

// TestSimulation_takeoverTimes: how long clients wait for the next master after a
// single crash, in tens of quiet runs of each kind (design §6, rule 4).
func TestSimulation_takeoverTimes(t *testing.T) {
	limits := map[Crash]int64{ProcessDies: 500 * millisecond, PowerFails: 2 * second, CableCut: 2 * second}
	for crash, limit := range limits {
		var times []int64
		for seed := range uint64(40) {
			variant := []Variant{WitnessSync, WitnessAsync}[seed%2]
			result := Run(Options{Seed: seed, Variant: variant, Crash: crash})
			if result.Violation != "" {
				t.Fatalf("crash %d, seed %d: %s", crash, seed, result.Violation)
			}
			if result.Stats.Takeover == 0 || result.Stats.Takeover > limit {
				t.Errorf("crash %d, seed %d: takeover after %d ms, limit %d", crash, seed, result.Stats.Takeover/millisecond, limit/millisecond)
			}
			times = append(times, result.Stats.Takeover/millisecond)
		}
		slices.Sort(times)
		t.Logf("crash %d: median %d ms, longest %d ms", crash, times[len(times)/2], times[len(times)-1])
	}
}

// TestSimulation_repeatsExactly: a seed that fails must fail again.
func TestSimulation_repeatsExactly(t *testing.T) {
	for seed := uint64(0); seed < uint64(variantEnd); seed++ {
		options := OptionsOf(seed)
		options.Trace = true
		first, second := Run(options), Run(options)
		if first.Tell(1<<20) != second.Tell(1<<20) {
			t.Fatalf("seed %d has two stories", seed)
		}
		if first.Stats.Acked == 0 || first.Stats.Kills == 0 {
			t.Fatalf("seed %d is too quiet: %+v", seed, first.Stats)
		}
	}
}
