package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

func TestCollector_table(t *testing.T) {
	var out, progress strings.Builder
	require.NoError(t, rig.Run(program(), []string{"-n", "1000", "-load", "300ms"}, &out, &progress), progress.String())
	for _, setting := range []string{"without persistence", "with the log"} {
		require.Regexp(t, `\| marking, `+setting+` +\| +- \| +\d+ of \d+ ms CPU, \d+ cycles \| +[0-9.]+ % \|  +≤ 3.00 % \| +(yes|no) \|`, out.String())
		require.Regexp(t, `\| longest pause, `+setting+` +\| +- \| +p50 \d+, max \d+ µs \| +[0-9.]+ ms \| ≤ 1.00 ms \| +(yes|no) \|`, out.String())
	}
}
