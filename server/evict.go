package server

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence/rdb"
)

// Eviction keeps the memory in use below maxmemory. Before each command while there is too much (gateMemory), and in slices
// of housekeeping, the master removes keys as maxmemory-policy says, each as a DEL in the log before the command that
// needed the room. A standby never evicts: it follows its master, as with Redis' replica-ignore-maxmemory.

// policy is a word of maxmemory-policy.
type policy struct {
	name string
	how  keyspace.Eviction
}

// policies are in the order in which Redis names them in its refusal of others.
func policies() []policy {
	return []policy{
		{"volatile-lru", keyspace.Eviction{By: keyspace.RankIdle, Volatile: true}},
		{"volatile-lfu", keyspace.Eviction{By: keyspace.RankRare, Volatile: true}},
		{"volatile-random", keyspace.Eviction{By: keyspace.RankRandom, Volatile: true}},
		{"volatile-ttl", keyspace.Eviction{By: keyspace.RankDeadline, Volatile: true}},
		{"allkeys-lru", keyspace.Eviction{By: keyspace.RankIdle}},
		{"allkeys-lfu", keyspace.Eviction{By: keyspace.RankRare}},
		{"allkeys-random", keyspace.Eviction{By: keyspace.RankRandom}},
		{"noeviction", keyspace.Eviction{By: keyspace.RankNone}},
	}
}

func policyNames() (names []string) {
	for _, p := range policies() {
		names = append(names, p.name)
	}
	return names
}

// eviction is what maxmemory-policy asks for.
func (o *Options) eviction() (how keyspace.Eviction) {
	for _, p := range policies() {
		if p.name == o.MaxMemoryPolicy {
			how = p.how
		}
	}
	how.Samples = o.MaxMemorySamples
	return how
}

// applyPolicy brings the directives about eviction into force.
func (x *executor) applyPolicy() {
	x.eviction, x.tenacity = x.opts.eviction(), tenacityLimit(x.opts.EvictionTenacity)
	x.ks.Track(x.opts.tracking())
	x.wakeHouse()
}

// applyMaxMemory begins to evict at once what a new limit has no room for.
func (x *executor) applyMaxMemory() {
	if x.opts.MaxMemory > 0 && x.memoryExcess() > 0 {
		x.log.Warn("maxmemory is below what is in use: keys will go, or writes be refused, as maxmemory-policy says",
			"maxmemory", x.opts.MaxMemory, "used_memory", x.memoryInUse(), "policy", x.opts.MaxMemoryPolicy)
	}
	x.wakeHouse()
}

// tracking says what the keyspace is to note of the uses of keys.
func (o *Options) tracking() keyspace.Tracking {
	t := keyspace.Tracking{LogFactor: o.LFULogFactor, DecayMinutes: o.LFUDecayMinutes}
	if o.eviction().By == keyspace.RankRare {
		t.Frequency = true
		t.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return t
}

// tenacityLimit is how long the evictions before one command may take: half a millisecond by default (10), less below;
// above it grows by 15 % a step, and 100 has no limit, all as in Redis.
func tenacityLimit(tenacity int) time.Duration {
	const base = 500 * time.Microsecond
	switch {
	case tenacity <= 10:
		return base / 10 * time.Duration(tenacity)
	case tenacity < 100:
		return time.Duration(float64(base) * math.Pow(1.15, float64(tenacity-10)))
	}
	return math.MaxInt64
}

// room is what became of the attempt to get below maxmemory.
type room uint8

const (
	roomEnough room = iota
	roomSoon        // not yet, but evictions go on: commands are let through, as in Redis
	roomNone        // and there is nothing to evict
)

// evictionsPerStep is how many keys go between two looks at the clock.
const evictionsPerStep = 16

// makeRoom evicts until the memory in use is below maxmemory, for at most so long.
func (x *executor) makeRoom(limit time.Duration) room {
	got := x.evictFor(limit)
	x.memory.over.set(got != roomEnough, x.now)
	if got == roomSoon {
		x.wakeHouse()
	}
	return got
}

func (x *executor) evictFor(limit time.Duration) room {
	if x.memoryExcess() <= 0 || !x.mayEvict() {
		return roomEnough
	}
	x.ks.FreeSome() // what the last command deleted
	began := time.Now()
	for n := 1; x.memoryExcess() > 0; n++ {
		if !x.engine.EvictOne(x.nowMs, x.eviction) {
			x.ks.FreeSome()
			if x.memoryExcess() <= 0 {
				return roomEnough
			}
			return roomNone
		}
		x.noteChanges(nil)
		x.closeUnit(nil)
		if n%evictionsPerStep == 0 && time.Since(began) > limit {
			return roomSoon
		}
	}
	return roomEnough
}

// mayEvict tells whether maxmemory means anything to the node now. A standby and a node that is loading take what they are given,
// and while writes are held nothing changes.
func (x *executor) mayEvict() bool {
	return x.opts.MaxMemory > 0 && x.role.writable && !x.pauses.on && !x.loading.on
}

// savedAccess is what RDB files say of the uses of keys.
func (x *executor) savedAccess() rdb.Access {
	switch x.eviction.By {
	case keyspace.RankIdle:
		return rdb.AccessIdle
	case keyspace.RankRare:
		return rdb.AccessFrequency
	}
	return rdb.AccessNone
}
