package tandem

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A voter that other hosts can reach must not take anybody's word.
func TestLoad_openGossipIsRefused(t *testing.T) {
	open := []string{"--node-id", "a", "--pair-nodes", "a b", "--pair-witness", "w", "--pair-peers", "10.0.0.2:7946"}
	_, err := Load(open, strings.NewReader(""))
	require.ErrorContains(t, err, "gossip-key is not set")
	for _, more := range [][]string{
		{"--gossip-bind", "127.0.0.1"},
		{"--protected-mode", "no"},
		{"--gossip-key", "AAAAAAAAAAAAAAAAAAAAAA=="},
	} {
		_, err := Load(append(append([]string{}, open...), more...), strings.NewReader(""))
		require.NoError(t, err, more)
	}
}
