package server

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/command"
)

// stats counts what INFO tells. All belongs to the owner but the byte counters, which the carriers add to.
type stats struct {
	began time.Time     // base of the clock
	clock time.Duration // when the last command ended

	// Rounds are the holdings of carriers: what Redis calls cycles of its event loop.
	rounds, roundsLast, roundsPerSecond, roundMicros int64
	roundBegan, roundTime, roundTimeLast             time.Duration
	commandTime                                      time.Duration

	batches, slices histogram // holdings: see owner.go
	cpu             ownerCPU
	pausesBefore    pauses // of the collector, before the last reset

	inputBytes, outputBytes atomic.Int64

	commands                  int64
	connections, rejected     int64
	protocolErrors            int64
	outputLimitDisconnections int64
	queryLimitDisconnections  int64
	errorReplies              int64
	syncFull, syncPartialOK   int64
	syncPartialErr            int64
	deniedAuth                int64

	since keyTotals // what the keyspace had counted at the last reset

	byCommand []commandStats // by Spec.ID
	byError   map[string]int64

	opsAt   time.Time // for instantaneous_ops_per_sec
	opsLast int64
	ops     int64
}

// commandStats is one cmdstat_ line of INFO.
type commandStats struct {
	calls, nanos, rejected, failed int64
	latency                        *histogram // nil until it has run
}

// errorKindsMax bounds errorstat_: a script can make up error codes.
const errorKindsMax = 128

func (t *stats) init(commands int) {
	t.began = time.Now()
	t.byCommand = make([]commandStats, commands)
	t.byError = make(map[string]int64)
}

// startClock begins the measuring of a holding's commands: each ends where the next begins, so that one look at the
// clock is enough for each.
func (t *stats) startClock(now time.Time) {
	t.clock = now.Sub(t.began)
	t.roundBegan = t.clock
	t.cpu.beginHolding()
}

// sinceBegan looks at the clock.
func (t *stats) sinceBegan() time.Duration { return time.Since(t.began) }

func (t *stats) ran(spec *command.Spec) {
	now := t.sinceBegan()
	c := &t.byCommand[spec.ID]
	c.calls++
	c.nanos += int64(now - t.clock)
	if c.latency == nil {
		c.latency = new(histogram)
	}
	c.latency.add(int64(now - t.clock))
	t.clock = now
}

func (t *stats) failed(spec *command.Spec, err error) {
	t.byCommand[spec.ID].failed++
	t.countError(err)
}

// refused counts what a gate turned down. spec is nil for an unknown command.
func (t *stats) refused(spec *command.Spec, err error) {
	if spec != nil {
		t.byCommand[spec.ID].rejected++
	}
	t.countError(err)
}

func (t *stats) countError(err error) {
	t.errorReplies++
	code, _, _ := strings.Cut(err.Error(), " ")
	if _, known := t.byError[code]; known || len(t.byError) < errorKindsMax {
		t.byError[code]++
	}
}

// sample measures the rate of commands, once a second.
func (t *stats) sample(now time.Time) {
	if passed := now.Sub(t.opsAt); passed >= time.Second {
		t.ops = int64(float64(t.commands-t.opsLast) / passed.Seconds())
		t.opsAt, t.opsLast = now, t.commands
		rounds := t.rounds - t.roundsLast
		t.roundsPerSecond = int64(float64(rounds) / passed.Seconds())
		t.roundMicros = (t.roundTime - t.roundTimeLast).Microseconds() / max(rounds, 1)
		t.roundsLast, t.roundTimeLast = t.rounds, t.roundTime
	}
}

// keyTotals is what the keyspace counts.
type keyTotals struct{ expired, expiredFields, evicted, hits, misses int64 }

func (a keyTotals) minus(b keyTotals) keyTotals {
	return keyTotals{a.expired - b.expired, a.expiredFields - b.expiredFields, a.evicted - b.evicted, a.hits - b.hits, a.misses - b.misses}
}

// totals are the keyspace's counts since the last reset, whichever keyspace was in place.
func (x *executor) totals() keyTotals {
	now := keyTotals{expired: x.ks.ExpiredTotal(), expiredFields: x.ks.ExpiredFieldsTotal(), evicted: x.ks.EvictedTotal()}
	now.hits, now.misses = x.ks.Lookups()
	return now.minus(x.stats.since)
}

// resetStats is CONFIG RESETSTAT.
func (x *executor) resetStats() {
	x.stats.reset()
	x.memory.over.total, x.memory.peak = 0, x.memoryInUse()
	x.house.expiry = expiry{}
	x.stats.since = keyTotals{}
	x.stats.since = x.totals()
}

// reset forgets what was counted.
func (t *stats) reset() {
	n := len(t.byCommand)
	began := t.began
	t.inputBytes.Store(0)
	t.outputBytes.Store(0)
	t.commands, t.connections, t.rejected, t.protocolErrors = 0, 0, 0, 0
	t.outputLimitDisconnections, t.queryLimitDisconnections = 0, 0
	t.errorReplies = 0
	t.syncFull, t.syncPartialOK, t.syncPartialErr, t.deniedAuth = 0, 0, 0, 0
	t.opsLast = 0
	t.batches, t.slices, t.pausesBefore = histogram{}, histogram{}, readPauses()
	t.cpu.restart(t.cpu.on)
	clock := t.clock
	t.init(n)
	t.began, t.clock = began, clock
}
