package freeport

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	ports, err := Find(20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, p := range ports {
		require.False(t, seen[p])
		seen[p] = true
		ln, err := net.Listen("tcp", Address(p))
		require.NoError(t, err)
		require.NoError(t, ln.Close())
	}
}
