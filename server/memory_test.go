package server

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/scenario"
)

func TestMemory_usage(t *testing.T) {
	c := dial(t, start(t))
	c.lines("MEMORY USAGE none", "$-1", "SET k "+strings.Repeat("x", 1000), "+OK", "MEMORY USAGE k SAMPLES", "-ERR syntax error",
		"MEMORY USAGE k SAMPLES -1", "-ERR syntax error", "MEMORY USAGE k SAMPLES x", "-ERR value is not an integer or out of range", "MEMORY USAGE k FOO 1", "-ERR syntax error")
	small := mustInt(t, c.do("MEMORY USAGE k"))
	require.Greater(t, small, int64(1000))
	require.Less(t, small, int64(1300))
	line := "HSET h"
	for i := range 2000 {
		line += fmt.Sprintf(" field:%d %s", i, strings.Repeat("v", 1+i%100))
	}
	c.is(":2000", line)
	exact := mustInt(t, c.do("MEMORY USAGE h SAMPLES 0"))
	require.Greater(t, exact, int64(2000*(10+50)))
	require.Less(t, exact, int64(2000*(10+50)*2))
	require.InEpsilon(t, exact, mustInt(t, c.do("MEMORY USAGE h")), 0.3)
	require.InEpsilon(t, exact, mustInt(t, c.do("MEMORY USAGE h SAMPLES 100")), 0.15)
	require.Less(t, mustInt(t, c.do("OBJECT IDLETIME k")), int64(patience/time.Second))
}

func (v *Server) report() memoryReport {
	v.x.acquire(nil)
	defer v.x.release(nil)
	return v.x.reportMemory()
}

// What is in use falls as soon as keys are deleted, and the parts make up the whole.
func TestMemory_figures(t *testing.T) {
	runtime.GC() // what is in use at the start counts as overhead, and garbage of other tests would
	v := start(t)
	c := dial(t, v)
	collect(v)
	before := c.number("used_memory")
	c.is("+OK", "DEBUG POPULATE 20000 key 1000")
	full := c.number("used_memory")
	require.Greater(t, full-before, int64(20_000_000))
	require.Less(t, full-before, int64(24_000_000))
	r := v.report()
	require.Equal(t, r.used, r.overhead+r.dataset)
	require.GreaterOrEqual(t, c.number("used_memory_dataset"), int64(10_000_000))
	require.Greater(t, c.number("used_memory_rss"), int64(20_000_000))
	require.Greater(t, c.number("total_system_memory"), int64(1<<28))
	require.GreaterOrEqual(t, r.active, r.allocated) // of one moment: garbage comes and goes
	require.GreaterOrEqual(t, r.allocatorResident, r.active)
	require.Positive(t, c.number("allocator_allocated"))
	c.is("+OK", "FLUSHALL")
	require.Less(t, c.number("used_memory"), full-19_000_000)
	require.GreaterOrEqual(t, c.number("used_memory_peak"), full)
	c.is("+OK", "CONFIG RESETSTAT")
	require.Less(t, c.number("used_memory_peak"), full-19_000_000)
}

func TestMemory_reports(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is("+OK", "DEBUG POPULATE 10000 key 1000")
	stats, _, err := scenario.Parse([]byte(c.do("MEMORY STATS")))
	require.NoError(t, err)
	fields := map[string]scenario.Value{}
	for i := 0; i < len(stats.Elements); i += 2 {
		fields[stats.Elements[i].Text] = stats.Elements[i+1]
	}
	require.Len(t, fields, 28)
	require.Equal(t, "10000", fields["keys.count"].Text)
	require.Len(t, fields["db.0"].Elements, 4)
	require.Contains(t, c.text("MEMORY MALLOC-STATS"), "slabs: ")
	require.Contains(t, c.text("MEMORY DOCTOR"), "emory") // problems or none: the figures are those of the test's process
	c.is("+OK", "FLUSHALL")
	c.is("+OK", "MEMORY PURGE")
	require.Equal(t, "*", c.do("MEMORY HELP")[:1])
	c.do("HELLO 3")
	require.Equal(t, "%", c.do("MEMORY STATS")[:1])
}

// The doctor names what is out of proportion, and nothing else.
func TestMemory_doctor(t *testing.T) {
	v := start(t)
	v.x.acquire(nil)
	defer v.x.release(nil)
	healthy := memoryReport{used: 100 << 20, peak: 100 << 20, allocated: 100 << 20, active: 110 << 20, allocatorResident: 115 << 20, resident: 120 << 20}
	require.Equal(t, "No memory problems found.", healthy.diagnose(v.x))
	require.Contains(t, (&memoryReport{used: 1 << 20}).diagnose(v.x), "too little")
	for word, ill := range map[string]func(r *memoryReport){
		"Peak":          func(r *memoryReport) { r.peak *= 2 },
		"Fragmentation": func(r *memoryReport) { r.active, r.allocatorResident, r.resident = 200<<20, 200<<20, 200<<20 },
		"Unused pages":  func(r *memoryReport) { r.allocatorResident, r.resident = 200<<20, 200<<20 },
		"Other memory":  func(r *memoryReport) { r.resident = 300 << 20 },
		"Clients":       func(r *memoryReport) { r.clients = 1 << 20 },
	} {
		r := healthy
		ill(&r)
		text := r.diagnose(v.x)
		require.Equal(t, 1, strings.Count(text, " * "), text)
		require.Contains(t, text, " * "+word+": ")
	}
}

// Expired keys go by themselves, each with a DEL of its own, and INFO tells how it went.
func TestExpiry_cycle(t *testing.T) {
	v := start(t, "hz 500", "active-expire-effort 10")
	c := dial(t, v)
	var lines []string
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("SET key:%d v PX 1", i))
	}
	c.pipeline(lines)
	c.is("+OK", "SET stays v EX 1000")
	require.Eventually(t, func() bool { return flat(c.do("DBSIZE")) == ":1" }, patience, time.Millisecond)
	c.awaitInfo("expired_keys", "5000")
	require.NotEmpty(t, c.info("expired_stale_perc"))
	require.NotEmpty(t, c.info("expire_cycle_cpu_milliseconds"))
	require.NotEmpty(t, c.info("expired_time_cap_reached_count"))
}

func TestExpiry_pause(t *testing.T) {
	require.Equal(t, 3*slice, expirePause(1, 0), "a quarter of the time")
	require.Equal(t, 3*slice, expirePause(1, 10))
	require.Equal(t, slice, expirePause(1, 10.1), "half of it while many are overdue")
	require.InDelta(t, float64(slice)*57/43, float64(expirePause(10, 0)), 1)
	require.Equal(t, slice, expirePause(10, 2))
}
