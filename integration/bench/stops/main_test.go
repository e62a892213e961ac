package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// TestStops_table has one event of each kind, and both structures that are written to: the others differ in data only.
func TestStops_table(t *testing.T) {
	tandem, err := rig.Build(t.TempDir())
	require.NoError(t, err)
	for _, name := range []string{"keys expire at once", "UNLINK of a hash", "full copy, a hash", "BGSAVE, a stream"} {
		var out, progress strings.Builder
		require.NoError(t, rig.Run(program(), []string{"-n", "3000", "-t", name, "-tandem", tandem}, &out, &progress), progress.String())
		require.Regexp(t, `\| `+name+`.* +\| client [0-9.]+ ms \(p99.99 [0-9.]+\) \| client [0-9.]+ ms \(p99.99 [0-9.]+\), owner [0-9.]+ \| [0-9.]+ ms \| ≤ 2.00 ms \| +(yes|no) \|`, out.String())
	}
}

func TestEvents_areNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range events() {
		require.False(t, seen[e.name], e.name)
		seen[e.name] = true
	}
	require.Len(t, seen, 2+5*3+2*3)
}
