package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

func TestGrowth_table(t *testing.T) {
	var out, progress strings.Builder
	require.NoError(t, rig.Run(program(), []string{"-n", "3000", "-longest", "3"}, &out, &progress), progress.String())
	require.Regexp(t, `\| in the server, wall clock +\| [0-9./ ]+ µs \| [0-9./ ]+ µs \| +[0-9.]+ ms \| ≤ 2.00 ms \| +(yes|no) \|`, out.String())
	require.Regexp(t, `\| in process, wall clock +\| +- \| [0-9./ ]+ µs \|`, out.String())
	require.Regexp(t, `\| in process, CPU of the thread +\| +- \| [0-9./ ]+ µs \|`, out.String())
	require.Regexp(t, `\| in process, CPU, least of 2 runs +\| +- \| [0-9./ ]+ µs \|`, out.String())
	require.Equal(t, 3, strings.Count(progress.String(), " µs of CPU"))
}
