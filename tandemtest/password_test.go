package tandemtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// With a password, the standby knows it and clients at the witness are asked for it.
func TestPair_password(t *testing.T) {
	p := RunPair(t, With("requirepass", "secret"), With("masterauth", "secret"))
	c := Dial(t, p.RWAddr())
	_, err := c.Do("SET", "k", "1")
	require.ErrorContains(t, err, "NOAUTH")
	require.Equal(t, "OK", c.Must("AUTH", "secret"))
	require.Equal(t, "OK", c.Must("SET", "k", "1"))
	p.WaitForLevel()
	p.KillMaster()
	p.WaitForMaster()
	again := Dial(t, p.RWAddr())
	require.Equal(t, "OK", again.Must("AUTH", "secret"))
	require.Equal(t, "1", again.Must("GET", "k"))
}
