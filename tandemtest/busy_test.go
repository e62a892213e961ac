package tandemtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A command that keeps the master's keyspace for three leases must not cost it the reign: heartbeats do not wait for it.
func TestPair_longCommandKeepsTheReign(t *testing.T) {
	p := RunPair(t, With("enable-debug-command", "yes"), With("lease-ms", "400"), With("heartbeat-ms", "50"))
	master := p.Master()
	epoch := master.Info("tandem_epoch")
	client := master.Client()
	require.Equal(t, "OK", client.Must("DEBUG", "SLEEP", "1.2"))
	require.Equal(t, "OK", client.Must("SET", "after", "1"))
	require.Equal(t, master.ID(), p.Master().ID())
	require.Equal(t, epoch, p.Master().Info("tandem_epoch"))
}
