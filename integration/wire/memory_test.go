package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/scenario"
)

// TestServed_memory: what clients see of memory and eviction. Figures differ; refusals, names of fields and effects do not.
func TestServed_memory(t *testing.T) {
	reference, node := dial(t, startReference(t)), dial(t, startTandem(t))
	both := func(line string) [2]string {
		args := strings.Fields(line)
		return [2]string{string(reference.ask(args...)), string(node.ask(args...))}
	}
	for _, line := range []string{
		"SET k v", "MEMORY", "MEMORY FOO", "MEMORY USAGE", "MEMORY USAGE none", "MEMORY USAGE k SAMPLES", "MEMORY USAGE k SAMPLES -1", "MEMORY USAGE k SAMPLES x",
		"MEMORY USAGE k FOO 1", "MEMORY USAGE k SAMPLES 1 SAMPLES", "MEMORY STATS x", "MEMORY PURGE x", "MEMORY PURGE", "MEMORY DOCTOR x", "MEMORY MALLOC-STATS x",
		"OBJECT HELP", "OBJECT FREQ k", "TOUCH k none", "CONFIG GET maxmemory", "CONFIG GET maxmemory-policy", "CONFIG GET maxmemory-samples",
		"CONFIG GET maxmemory-eviction-tenacity", "CONFIG GET lfu-log-factor", "CONFIG GET lfu-decay-time", "CONFIG GET active-expire-effort", "CONFIG SET maxmemory-policy nosuch", "CONFIG SET maxmemory -1",
		"CONFIG SET maxmemory 1x", "CONFIG SET maxmemory-eviction-tenacity 101", "CONFIG SET lfu-decay-time -1", "CONFIG SET active-expire-effort 11",
		"CONFIG SET maxmemory-policy allkeys-lfu", "OBJECT IDLETIME k", "SET n v", "OBJECT FREQ n", "OBJECT FREQ none", "CONFIG SET maxmemory-policy noeviction",
		"CONFIG SET maxmemory 1", "SET k 2", "LPUSH l 1", "GET k", "DEL none", "MULTI", "GET k", "SET k 2", "EXEC", "CONFIG SET maxmemory 1gb maxmemory-policy allkeys-lru",
		"CONFIG GET maxmemory", "CONFIG SET maxmemory 1", "SET k 2", "EXISTS k n", "DBSIZE", "CONFIG SET maxmemory 0", "SET k 2",
	} {
		got := both(line)
		require.Equal(t, got[0], got[1], line)
	}
	var names [2][]string
	for i, raw := range both("MEMORY STATS") {
		stats, _, err := scenario.Parse([]byte(raw))
		require.NoError(t, err)
		for j := 0; j < len(stats.Elements); j += 2 {
			names[i] = append(names[i], stats.Elements[j].Text)
		}
	}
	require.Equal(t, names[0], names[1])
	for i, raw := range both("INFO memory") {
		names[i] = nil
		for _, line := range strings.Split(raw, "\r\n") {
			if name, _, found := strings.Cut(line, ":"); found {
				names[i] = append(names[i], name)
			}
		}
	}
	require.Subset(t, names[1], names[0])
}
