package server

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// field reads one figure of an INFO line such as owner_batch_usec.
func field(t *testing.T, line, name string) (value float64) {
	t.Helper()
	for _, part := range strings.Split(line, ",") {
		if n, err := fmt.Sscanf(part, name+"=%f", &value); n == 1 && err == nil {
			return value
		}
	}
	t.Fatalf("no %s in %q", name, line)
	return 0
}

func TestInfo_ownerTimes(t *testing.T) {
	c := dial(t, start(t))
	c.is("+OK", "DEBUG SLEEP 0.05")
	for _, line := range []string{"owner_command_usec", "owner_batch_usec"} {
		require.GreaterOrEqual(t, field(t, c.info(line), "max"), 50_000.0, line)
		require.GreaterOrEqual(t, field(t, c.info(line), "p99.99"), 50_000.0, line)
	}
	require.Eventually(t, func() bool { return field(t, c.info("owner_slice_usec"), "count") > 0 }, patience, time.Millisecond)
	c.is("+OK", "CONFIG RESETSTAT")
	require.Less(t, field(t, c.info("owner_command_usec"), "count"), 3.0)
}

// A sleep takes time and no CPU; both are counted for a holding.
func TestInfo_ownerCPU(t *testing.T) {
	c := dial(t, start(t))
	require.NotContains(t, c.text("INFO owner"), "cpu")
	c.is("-ERR syntax error", "DEBUG OWNER-CPU x")
	if threadNanos() == 0 {
		require.Contains(t, c.do("DEBUG OWNER-CPU 1"), "does not tell")
		return
	}
	c.is("+OK", "DEBUG OWNER-CPU 1")
	c.is("+PONG", "PING")
	require.Positive(t, field(t, c.info("owner_batch_cpu_usec"), "max"))
	require.Eventually(t, func() bool { return field(t, c.info("owner_slice_cpu_usec"), "count") > 0 }, patience, time.Millisecond)
	c.is("+OK", "CONFIG RESETSTAT")
	require.Less(t, field(t, c.info("owner_batch_cpu_usec"), "count"), 3.0)
	c.is("+OK", "DEBUG OWNER-CPU 0")
	require.NotContains(t, c.text("INFO owner"), "cpu")
}

func TestOwnerCPU_isNotMoreThanTheClock(t *testing.T) {
	cpu := ownerCPU{on: true}
	cpu.beginHolding()
	cpu.began -= 1_000_000_000
	cpu.endHolding(true, 5000)
	require.Equal(t, int64(5000), cpu.batches.max)
	cpu.endHolding(true, 7000)
	require.Equal(t, int64(1), cpu.batches.total, "a holding whose begin was not seen")
}

func TestInfo_collector(t *testing.T) {
	c := dial(t, start(t))
	runtime.GC()
	line := c.info("collector_pause_usec")
	require.Positive(t, field(t, line, "count"))
	require.Positive(t, field(t, line, "max"))
	require.LessOrEqual(t, field(t, line, "p50"), field(t, line, "max"))
	require.NotEqual(t, "0", c.info("collector_cycles"))
	require.NotEqual(t, "0.000000", c.info("collector_mark_cpu_seconds"))
}

func TestPauses_sinceAndRanks(t *testing.T) {
	before := pauses{counts: []uint64{1, 0, 0}, ends: []float64{1e-6, 2e-6, math.Inf(1)}}
	now := pauses{counts: []uint64{1, 3, 1}, ends: before.ends}
	require.Equal(t, "count=4,p50=2.000,p99=2.000,max=2.000", now.since(before).summary(), "the last bucket has no end: its begin")
	require.Equal(t, "count=5,p50=2.000,p99=2.000,max=2.000", now.since(pauses{}).summary())
	require.Equal(t, "count=0,p50=0.000,p99=0.000,max=0.000", now.since(now).summary())
}
