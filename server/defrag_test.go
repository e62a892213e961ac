package server

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fillAndThin makes keys of some 100 bytes and deletes three of four, spread over all pages.
func fillAndThin(c *caller, keys int) {
	for from := 0; from < keys; from += 1000 {
		var lines []string
		for i := range 1000 {
			lines = append(lines, fmt.Sprintf("SET key:%d %0100d", from+i, i))
		}
		c.begin(lines...)
		c.replies(len(lines))
	}
	for from := 0; from < keys; from += 1000 {
		line := "DEL"
		for i := from; i < from+1000; i++ {
			if i%4 != 0 {
				line += fmt.Sprint(" key:", i)
			}
		}
		c.is(":750", line)
	}
}

func (c *caller) infoNumber(name string) int {
	n, err := strconv.Atoi(c.info(name))
	require.NoError(c.t, err)
	return n
}

func TestDefrag_givesBack(t *testing.T) {
	c := dial(t, start(t, "activedefrag no", "string-compression no", "active-defrag-ignore-bytes 1mb", "active-defrag-cycle-max 75", "hz 100"))
	fillAndThin(c, 60_000)
	before := c.infoNumber("slab_mapped_bytes")
	require.Greater(t, before, 2*c.infoNumber("slab_used_bytes"))
	c.is("+OK", "CONFIG SET activedefrag yes")
	require.Eventually(t, func() bool {
		return c.infoNumber("slab_mapped_bytes") < 2*c.infoNumber("slab_used_bytes") && c.info("active_defrag_running") == "0"
	}, patience, time.Millisecond)
	require.Greater(t, c.infoNumber("active_defrag_hits"), 5000)
	require.Greater(t, c.infoNumber("active_defrag_key_hits"), 5000)
	require.Less(t, c.infoNumber("slab_mapped_bytes"), before/2)
	c.is(fmt.Sprintf("$100 %0100d", 8), "GET key:8")
	c.is(":15000", "DBSIZE")
}

func TestDefrag_shareOfTime(t *testing.T) {
	o := &Options{DefragThresholdLower: 10, DefragThresholdUpper: 110, DefragCycleMin: 5, DefragCycleMax: 55}
	for percent, want := range map[int64]int{10: 5, 30: 15, 60: 30, 109: 54, 110: 55, 5000: 55} {
		require.Equal(t, want, o.defragShare(percent))
	}
	o.DefragThresholdUpper = 0
	require.Equal(t, 55, o.defragShare(10))
}

// A pass that gives nothing back is not repeated at once; one that does is forgotten.
func TestDefrag_waitsLongerEachTime(t *testing.T) {
	d := &defrag{promised: 1 << 30}
	now := time.Now()
	for _, want := range []time.Duration{defragRetryMin, 2 * defragRetryMin, 4 * defragRetryMin} {
		d.share = 10
		d.end(1<<28-1, now)
		require.Equal(t, want, d.retryWait)
		require.Equal(t, now.Add(want), d.retryAt)
		require.Zero(t, d.share)
	}
	d.retryWait = defragRetryMax
	d.end(-1, now)
	require.Equal(t, defragRetryMax, d.retryWait)
	d.end(1<<28, now)
	require.Zero(t, d.retryWait)
}
