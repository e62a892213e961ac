package main

import (
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// perHouse is how many commands go between two rounds of housekeeping, which is not timed.
const perHouse = 1 << 14

// slow is one of the longest commands.
type slow struct {
	keys int // that were there
	cpu  time.Duration
}

// found is what the runs in this process found out: their CPU times and clocks together, and of each command the least of
// its CPU times.
type found struct{ wall, cpu, least times }

// inProcess fills a keyspace several times with the same keys. What the structures do, they do at the same command in each
// run; what the machine does comes at another one.
func inProcess(b *rig.Bench, o options) found {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var walls, cpus, leasts rig.Latencies
	least := make([]uint32, o.keys) // nanoseconds, up to four seconds
	for i := range least {
		least[i] = math.MaxUint32
	}
	for range o.runs {
		fill(o.keys, func(i int, wall, cpu time.Duration) {
			walls.Add(wall)
			cpus.Add(cpu)
			least[i] = min(least[i], uint32(min(cpu, math.MaxUint32)))
		})
	}
	var longest []slow
	for i, nanos := range least {
		one := slow{i, time.Duration(nanos)}
		leasts.Add(one.cpu)
		if o.longest > 0 && (len(longest) < o.longest || one.cpu > longest[len(longest)-1].cpu) {
			longest = keepLongest(longest, one, o.longest)
		}
	}
	for _, one := range longest {
		b.Say("%9d keys: %8.1f µs of CPU, the least of %d runs", one.keys, micros(one.cpu), o.runs)
	}
	return found{timesOf(&walls), timesOf(&cpus), timesOf(&leasts)}
}

// fill times each SET; one ends where the next begins.
func fill(keys int, took func(i int, wall, cpu time.Duration)) {
	engine := rig.NewEngine()
	var began time.Time
	var beganCPU time.Duration
	for i := range keys {
		if i%perHouse == 0 {
			engine.KeepHouse()
			began, beganCPU = time.Now(), rig.ThreadTime()
		}
		engine.Set(i)
		now, nowCPU := time.Now(), rig.ThreadTime()
		took(i, now.Sub(began), nowCPU-beganCPU)
		began, beganCPU = now, nowCPU
	}
}

func keepLongest(longest []slow, one slow, n int) []slow {
	longest = append(longest, one)
	slices.SortFunc(longest, func(a, b slow) int { return int(b.cpu - a.cpu) })
	return longest[:min(n, len(longest))]
}
