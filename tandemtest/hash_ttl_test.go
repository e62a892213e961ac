package tandemtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPair_fieldDeadlines: a standby hides fields past their deadline and keeps them until its master says that they go,
// also one that took a full copy and one that is master by now.
func TestPair_fieldDeadlines(t *testing.T) {
	p := RunPair(t, With("enable-debug-command", "yes"))
	same := func() {
		t.Helper()
		p.WaitForLevel()
		require.Equal(t, p.Master().Client().Must("DEBUG", "DIGEST"), p.Standby().Client().Must("DEBUG", "DIGEST"))
	}
	for _, n := range []*Node{p.Master(), p.Standby()} {
		n.Client().Must("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	}
	c := p.Client()
	c.Must("HSET", "h", "gone", "1", "stays", "2", "later", "3")
	c.Must("HEXPIRE", "h", "1000", "FIELDS", "1", "later")
	c.Must("HPEXPIRE", "h", "1", "FIELDS", "1", "gone")
	same()
	standby := p.Standby().Client()
	p.Wait("the field to be hidden", func() bool { return standby.Must("HGET", "h", "gone") == nil })
	require.Equal(t, int64(3), standby.Must("HLEN", "h"), "hidden, but there")
	require.Equal(t, int64(3), standby.Must("HLEN", "h"), "reading removes nothing here")

	require.Nil(t, c.Must("HGET", "h", "gone")) // removes it
	same()
	require.Equal(t, int64(2), standby.Must("HLEN", "h"))

	c.Must("HPEXPIRE", "h", "1", "FIELDS", "1", "stays")
	p.Master().Client().Must("DEBUG", "SET-ACTIVE-EXPIRE", "1")
	p.Wait("housekeeping", func() bool { return p.Master().Info("expired_subkeys") == "2" })
	same()
	require.Equal(t, int64(1), standby.Must("HLEN", "h"))
	require.Equal(t, "0", p.Standby().Info("expired_subkeys"))

	old := p.Standby()
	old.Kill() // without a log it comes back empty
	old.Restart()
	p.WaitForRole(old.ID(), Standby)
	same()
	require.NoError(t, p.Switchover())
	require.Equal(t, old, p.WaitForMaster())
	same()
	ttl := p.Client().Must("HTTL", "h", "FIELDS", "1", "later")
	require.InDelta(t, 1000, ttl.([]any)[0], 100)
}
