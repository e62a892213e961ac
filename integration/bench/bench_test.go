package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThroughput_readsTheTable(t *testing.T) {
	got, err := throughput("WARNING: Could not fetch server CONFIG\n\"test\",\"rps\",\"avg_latency_ms\"\n\"MSET (10 keys)\",\"1234.50\",\"0.1\"\n")
	require.NoError(t, err)
	require.InDelta(t, 1234.5, got, 0)
	for _, text := range []string{"", "Error from server", "\"test\",\"rps\"\n", "\"test\",\"rps\"\n\"SET\",\"nan?\"\n", "\"test\",\"rps\"\n\"SET\",\"0\"\n"} {
		_, err := throughput(text)
		require.Error(t, err, text)
	}
}

func TestReport_ratiosWithinPairs(t *testing.T) {
	r := report{options: options{pairs: 2, pipelines: []int{1}, commands: []string{"set", "get"}}, results: map[series]*ratios{}}
	set := series{"set", 1}
	r.add(map[series]sample{set: {100, 10}}, map[series]sample{set: {200, 5}})
	r.add(map[series]sample{set: {100, 10}}, map[series]sample{set: {100, 20}})
	text := r.markdown("redis", "tandem")
	require.Contains(t, text, "| SET | 1 | 1.00 / 1.50 / 2.00 | 0.50 / 1.25 / 2.00 | 100 | 150 | 10.00 | 12.50 |\n")
	require.NotContains(t, text, "GET", "a series without samples has no row")
	require.Equal(t, spread{1, 2, 9}, spreadOf([]float64{9, 1, 2}))
}

func TestReadFlags_refusals(t *testing.T) {
	o, err := readFlags([]string{"-quick", "-t", "set", "-P", "2,3"})
	require.NoError(t, err)
	require.Equal(t, 1, o.pairs)
	require.Equal(t, []int{2, 3}, o.pipelines)
	for _, args := range [][]string{{"-P", "x"}, {"-P", "0"}, {"-pairs", "0"}, {"-n", "-1"}} {
		_, err := readFlags(args)
		require.Error(t, err, args)
	}
}

// TestRun_endToEnd measures redis-server against itself.
func TestRun_endToEnd(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	require.NoError(t, err, "make redis installs it")
	md := filepath.Join(t.TempDir(), "bench.md")
	o, err := readFlags([]string{"-pairs", "1", "-n", "200", "-t", "set,mset", "-tandem", path, "-md", md})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, run(o, &out))
	text, err := os.ReadFile(md)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(string(text), "\n| SET ")+strings.Count(string(text), "\n| MSET "))

	o.tandem = "/bin/false"
	require.ErrorContains(t, run(o, &out), "ended before it answered")
}
