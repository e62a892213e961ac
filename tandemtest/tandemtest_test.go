package tandemtest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	n := Run(t)
	c := n.Client()
	require.Equal(t, "OK", c.Must("SET", "k", "v"))
	require.Equal(t, "v", c.Must("GET", "k"))
	require.Equal(t, Master, n.Role())
	require.Empty(t, n.RWAddr())
	_, err := c.Do("INCR", "k")
	require.Equal(t, ReplyError("ERR value is not an integer or out of range"), err)

	n.Kill()
	require.Equal(t, Down, n.Role())
	_, err = c.Do("GET", "k")
	require.Error(t, err, "a killed node has no clients")
	n.Restart()
	require.Nil(t, n.Client().Must("GET", "k"), "data in memory are gone")
}

func TestRun_onDisk(t *testing.T) {
	dir := t.TempDir()
	n := Run(t, With("appendonly", "yes"), With("appendfsync", "always"), WithDir(dir))
	n.Client().Must("SET", "k", "v")
	n.Kill()
	n.Restart()
	require.Equal(t, "v", n.Client().Must("GET", "k"))
	n.Stop()

	again := Run(t, With("appendonly", "yes"), WithDir(dir))
	require.Equal(t, "v", again.Client().Must("GET", "k"))
}

func TestTaken(t *testing.T) {
	busy, other := Run(t), Run(t)
	other.Kill()
	other.at = busy.at
	err := other.start()
	require.Error(t, err)
	require.True(t, taken(err), err)

	p := RunPair(t)
	p.Kill("w")
	w, held := p.Witness(), p.Node("a").at
	w.lines = append(w.lines, []string{"gossip-port", strconv.Itoa(held.gossip)})
	err = w.start()
	require.Error(t, err)
	require.True(t, taken(err), err)
}

func TestRunPair(t *testing.T) {
	p := RunPair(t)
	c := p.Client()
	c.Must("SET", "k", "v")
	p.WaitForLevel()
	require.Equal(t, "v", p.Standby().Client().Must("GET", "k"))
	_, err := p.Standby().Client().Do("SET", "k", "w")
	require.ErrorContains(t, err, "READONLY")
	require.Equal(t, Witness, p.Witness().Role())
	require.Equal(t, "v", Dial(t, p.ROAddr()).Must("GET", "k"))

	dead := p.KillMaster()
	require.Equal(t, "OK", p.Client().Must("SET", "k2", "v2"))
	require.NotEqual(t, dead, p.Master())
	require.Equal(t, "v", p.Client().Must("GET", "k"))
	p.Restart()
	p.WaitForLevel()
	require.Equal(t, Standby, dead.Role())
	require.Equal(t, "v2", dead.Client().Must("GET", "k2"))
}
