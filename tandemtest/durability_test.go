package tandemtest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// With durability standby a write that the standby has not is never acknowledged, not even when the master that took it
// loses its reign.
func TestDurability_noReplyAtTheEndOfTheReign(t *testing.T) {
	p := RunPair(t, With("durability", "standby"))
	old := p.Master()
	writer, reader, piped := old.Client(), old.Client(), old.Client()
	writer.Must("SET", "k", "before")
	p.Isolate(old.ID())
	require.NoError(t, writer.Send("SET", "k", "unsafe"))
	require.NoError(t, piped.Send("INCR", "n"))
	p.WaitForRole(old.ID(), Fenced)
	// More input makes the session look at its replies again.
	if piped.Send("PING") == nil {
		reply, err := piped.Receive()
		require.Error(t, err, "acknowledged although only one node has it: %v", reply)
	}
	next := p.WaitForMaster()
	require.Equal(t, "before", next.Client().Must("GET", "k"))
	p.Heal()
	p.WaitForRole(old.ID(), Standby)
	reply, err := writer.Receive()
	require.Error(t, err, "acknowledged although only one node has it: %v", reply)
	_, err = reader.Do("SET", "k", "x")
	require.Error(t, err)
}

// The standby's death does not stop the master; until it is level again it cannot be elected.
func TestDurability_standbyDies(t *testing.T) {
	p := RunPair(t, With("durability", "standby"), With("appendonly", "yes"))
	master, standby := p.Master(), p.Standby()
	standby.Kill()
	c := master.Client()
	for i := range 10 { // the first waits until a majority has recorded that the standby is out
		c.Must("SET", "k"+strconv.Itoa(i), "alone")
	}
	require.Equal(t, master, p.Master())

	p.KillAll()
	p.Restart(standby.ID(), "w")
	p.Wait("the standby to have asked the witness", func() bool {
		s := standby.get().Agent().Status()
		return s.Waiting != ""
	})
	require.NotEqual(t, Master, standby.Role())
	_, err := standby.Client().Do("SET", "k", "x")
	require.ErrorContains(t, err, "READONLY")
	p.Restart(master.ID())
	require.Equal(t, master, p.WaitForMaster())
	p.WaitForLevel()
	require.Equal(t, "alone", standby.Client().Must("GET", "k9"))
}
