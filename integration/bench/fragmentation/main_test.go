package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

func TestFragmentation_table(t *testing.T) {
	var out, progress strings.Builder
	require.NoError(t, rig.Run(program(), []string{"-bytes", "4e6", "-wait", "100ms"}, &out, &progress), progress.String())
	path := `\d+ → \d+ → \d+ MB, [0-9.]+ ×`
	require.Regexp(t, `\| resident memory after deletions \| +`+path+` \| +`+path+` \| +[0-9.]+ × \| ≤ 1.40 × \| +(yes|no) \|`, out.String())
}

func TestOutcome_factorIsOfTheGrowth(t *testing.T) {
	f := outcome{empty: 10 << 20, full: 110 << 20, deleted: 110 << 20, after: 40 << 20}
	require.Equal(t, "110 → 110 → 40 MB, 1.20 ×", f.String())
}
