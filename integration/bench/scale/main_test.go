package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

func TestScale_table(t *testing.T) {
	var out, progress strings.Builder
	require.NoError(t, rig.Run(program(), []string{"-n", "100", "-requests", "20000"}, &out, &progress), progress.String())
	cost := `[0-9.]+ → [0-9.]+ µs, [0-9.]+ ×`
	for _, operation := range operations() {
		require.Regexp(t, `\| `+operation+`, CPU of the server +\| +`+cost+` \| +`+cost+` \| +[0-9.]+ × \| ≤ 1.50 × \| +(yes|no) \|`, out.String())
		require.Regexp(t, `\| `+operation+`, in process +\| +- \| +`+cost+` \| +[0-9.]+ × \| ≤ 1.50 × \|`, out.String())
	}
}

func TestCosts_factor(t *testing.T) {
	c := costs{"get": {time.Microsecond, 1200 * time.Nanosecond}}
	require.Equal(t, "1.00 → 1.20 µs, 1.20 ×", c.String("get"))
	require.InDelta(t, 0, c.factor("set"), 0)
}
