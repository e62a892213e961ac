package main

import (
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// perHouse is how many commands go between two rounds of housekeeping.
const perHouse = 1 << 14

// inProcess measures on a keyspace in this process.
func inProcess(o options) costs {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	engine := rig.NewEngine()
	found := costs{}
	filled := 0
	for i, keys := range []int{o.keys, times * o.keys} {
		for ; filled < keys; filled++ {
			engine.Set(filled)
			if filled%perHouse == 0 {
				engine.KeepHouse()
			}
		}
		for _, operation := range operations() {
			run := engine.Get
			if operation == "set" {
				run = engine.Set
			}
			pair := found[operation]
			pair[i] = timeOf(run, keys, o.requests)
			found[operation] = pair
		}
	}
	return found
}

// timeOf is the CPU time of one run on a random key.
func timeOf(run func(i int), keys, requests int) time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	began := rig.ThreadTime()
	for range requests {
		run(r.IntN(keys))
	}
	return (rig.ThreadTime() - began) / time.Duration(requests)
}
