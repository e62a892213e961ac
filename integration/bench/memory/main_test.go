package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

func TestMemory_hasARowForEachShape(t *testing.T) {
	var out, progress strings.Builder
	require.NoError(t, rig.Run(program(), []string{"-n", "2000", "-t", "string of 8 B"}, &out, &progress), progress.String())
	for _, name := range []string{"string of 8 B", "string of 8 B with TTL"} {
		require.Regexp(t, `\| `+name+` +\| +-?[0-9.]+ B \| +-?[0-9.]+ B \| +[-+0-9.NaInf]+ × \| ≤ 0.60 × \| +(yes|no) \|`, out.String())
	}
	require.NotContains(t, out.String(), "hash")
}

func TestShapes_areAllOfTheBar(t *testing.T) {
	var names []string
	for _, of := range shapes() {
		names = append(names, of.name)
	}
	require.Equal(t, []string{"string of 8 B", "string of 100 B, JSON", "string of 100 B, letters and digits",
		"string of 100 B, any bytes", "integer", "string of 8 B with TTL", "hash of 5", "zset of 10",
		"list of 10", "set of 10", "field of one hash", "member of one zset"}, names)
}
