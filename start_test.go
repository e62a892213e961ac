package tandem

import (
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/server"
)

// A node whose agent cannot start ends in order: nothing of it is left, and what asked for the agent is told that there is none.
func TestStart_undoneWhenTheAgentFails(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	for _, witness := range []string{"no", "yes"} {
		o := NewOptions()
		for _, line := range [][]string{{"dir", t.TempDir()}, {"bind", "127.0.0.1"}, {"node-id", map[string]string{"no": "a", "yes": "w"}[witness]},
			{"pair-nodes", "a", "b"}, {"pair-witness", "w"}, {"witness", witness}, {"gossip-bind", "127.0.0.1"},
			{"gossip-port", strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)}, {"hz", "500"}} {
			require.NoError(t, o.Set(line[0], line[1:]...))
		}
		o.Server.Port, o.Server.RWPort = server.AnyPort, 0
		n, err := Start(o, nil)
		require.ErrorContains(t, err, syscall.EADDRINUSE.Error())
		require.Nil(t, n)
	}
}
