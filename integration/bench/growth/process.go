package main

import (
	"runtime"
	"slices"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// perHouse is how many commands go between two rounds of housekeeping, which is not timed.
const perHouse = 1 << 14

// slow is one of the longest commands.
type slow struct {
	keys      int // that were there
	wall, cpu time.Duration
}

// inProcess times each SET; one ends where the next begins.
func inProcess(b *rig.Bench, o options) (wall, cpu times) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	engine := rig.NewEngine()
	var walls, cpus rig.Latencies
	var longest []slow
	began, beganCPU := time.Now(), rig.ThreadTime()
	for i := range o.keys {
		if i%perHouse == 0 {
			engine.KeepHouse()
			began, beganCPU = time.Now(), rig.ThreadTime()
		}
		engine.Set(i)
		now, nowCPU := time.Now(), rig.ThreadTime()
		took := slow{i, now.Sub(began), nowCPU - beganCPU}
		walls.Add(took.wall)
		cpus.Add(took.cpu)
		began, beganCPU = now, nowCPU
		if o.longest > 0 && (len(longest) < o.longest || took.cpu > longest[len(longest)-1].cpu) {
			longest = keepLongest(longest, took, o.longest)
		}
	}
	for _, one := range longest {
		b.Say("%9d keys: %8.1f µs of CPU, %8.1f µs on the clock", one.keys, micros(one.cpu), micros(one.wall))
	}
	return timesOf(&walls), timesOf(&cpus)
}

func keepLongest(longest []slow, one slow, n int) []slow {
	longest = append(longest, one)
	slices.SortFunc(longest, func(a, b slow) int { return int(b.cpu - a.cpu) })
	return longest[:min(n, len(longest))]
}
