package tandemtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Above maxmemory commands that need memory are refused, others are not, and it ends with the cause.
func TestRun_maxmemory(t *testing.T) {
	c := Run(t).Client()
	c.Must("SET", "k", "1")
	c.Must("CONFIG", "SET", "maxmemory", "1")
	refused := func() bool {
		_, err := c.Do("SET", "k", "1")
		return err != nil && err.Error() == "OOM command not allowed when used memory > 'maxmemory'."
	}
	require.Eventually(t, refused, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "1", c.Must("GET", "k"))
	require.EqualValues(t, 1, c.Must("DEL", "k"))
	c.Must("CONFIG", "SET", "maxmemory", "0")
	require.Eventually(t, func() bool { return !refused() }, 10*time.Second, 10*time.Millisecond)
}
