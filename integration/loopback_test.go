package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/config"
)

// loopback reads one of the config files that make pair uses.
func loopback(t *testing.T, node string) map[string]string {
	t.Helper()
	lines, err := config.ReadFile("../deploy/loopback/" + node + ".conf")
	require.NoError(t, err)
	values := map[string]string{}
	for _, line := range lines {
		values[line.Args[0]] = strings.Join(line.Args[1:], " ")
	}
	return values
}

// TestLoopback_filesAgreeWithTheReadme holds the addresses that are documented, and
// that the three files describe one pair.
func TestLoopback_filesAgreeWithTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	nodes := []string{"a", "b", "w"}
	gossip := map[string]string{}
	for _, node := range nodes {
		gossip[node] = "127.0.0.1:" + loopback(t, node)["gossip-port"]
	}
	for _, node := range nodes {
		values := loopback(t, node)
		name, port := node, values["port"]
		if node == "w" {
			name, port = "w (witness)", "–"
			require.Equal(t, "0", values["port"])
			require.Equal(t, "yes", values["witness"])
		}
		row := fmt.Sprintf("| %-11s | %-4s | %-7s | %-7s | %-11s |", name, port, values["rw-port"], values["ro-port"], values["gossip-port"])
		require.Contains(t, string(readme), row)
		require.Equal(t, node, values["node-id"])
		require.Equal(t, "./run/"+node, values["dir"])
		require.Equal(t, "a b", values["pair-nodes"])
		require.Equal(t, "w", values["pair-witness"])
		var others []string
		for _, other := range nodes {
			if other != node {
				others = append(others, gossip[other])
			}
		}
		require.True(t, slices.Equal(others, strings.Fields(values["pair-peers"])), "%s: %s", node, values["pair-peers"])
	}
}
