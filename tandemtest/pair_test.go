package tandemtest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A partition loses what goes to and from the master; clients reach it all the same.
func TestPair_partition(t *testing.T) {
	p := RunPair(t, With("appendonly", "yes"))
	p.Client().Must("SET", "before", "1")
	p.WaitForLevel()
	old := p.Partition()
	direct := old.Client()
	n := 0
	for { // writes are taken as long as the lease lasts
		_, err := direct.Do("RPUSH", "own", strconv.Itoa(n))
		if err != nil {
			require.ErrorContains(t, err, "READONLY")
			break
		}
		n++
	}
	require.NotZero(t, n)
	next := p.WaitForMaster()
	require.NotEqual(t, old, next)
	require.Equal(t, Fenced, old.Role())
	require.Equal(t, "OK", p.Client().Must("SET", "after", "1"))
	require.Equal(t, "1", p.Client().Must("GET", "before"))

	p.Heal()
	p.WaitForRole(old.ID(), Standby)
	p.WaitForLevel()
	require.Equal(t, next, p.Master())
	require.Equal(t, "1", old.Client().Must("GET", "after"))
}

// What a deposed master wrote and nobody else has is kept in a file.
func TestPair_rescue(t *testing.T) {
	p := RunPair(t, With("appendonly", "yes"))
	p.Client().Must("SET", "common", "1")
	p.WaitForLevel()
	old := p.Partition()
	direct := old.Client()
	direct.Must("SET", "own", "divergent-value")
	p.WaitForRole(old.ID(), Fenced)
	p.WaitForMaster()
	p.Client().Must("SET", "other", "1")
	p.Heal()
	p.WaitForRole(old.ID(), Standby)
	p.WaitForLevel()
	require.Nil(t, old.Client().Must("GET", "own"))
	require.Contains(t, old.Info("tandem_link_decision"), "continue", "it goes back to the fork by itself")
	require.Equal(t, "0", p.Master().Info("sync_full"))
	files := old.RescueFiles()
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Contains(t, string(text), "divergent-value")
}

func TestPair_restartContinues(t *testing.T) {
	p := RunPair(t, With("appendonly", "yes"))
	p.Client().Must("SET", "k", "1")
	p.WaitForLevel()
	standby := p.Standby()
	standby.Kill()
	p.Client().Must("SET", "k", "2")
	before := p.Master().Info("sync_full")
	p.Restart()
	p.WaitForLevel()
	require.Equal(t, before, p.Master().Info("sync_full"), standby.Info("tandem_link_decision"))
	require.NotEqual(t, "0", p.Master().Info("sync_partial_ok"))
	require.Equal(t, "2", standby.Client().Must("GET", "k"))

	old := p.KillMaster()
	p.Client().Must("SET", "k", "3")
	p.Restart()
	p.WaitForLevel()
	require.Equal(t, "0", p.Master().Info("sync_full"), old.Info("tandem_link_decision"))
	require.Equal(t, "3", old.Client().Must("GET", "k"))
}

func TestPair_coldStart(t *testing.T) {
	p := RunPair(t, With("appendonly", "yes"), With("appendfsync", "always"))
	for i := range 100 {
		p.Client().Must("SET", "k"+strconv.Itoa(i), "v")
	}
	p.KillAll()
	began := time.Now()
	p.Restart()
	p.WaitForLevel()
	t.Logf("cold start: level after %v", time.Since(began))
	require.Equal(t, int64(100), p.Client().Must("DBSIZE"))
	require.Equal(t, int64(100), p.Standby().Client().Must("DBSIZE"))
}

func TestPair_witnessRestart(t *testing.T) {
	p := RunPair(t)
	master := p.Master()
	p.Kill("w")
	require.Equal(t, "OK", Dial(t, master.RWAddr()).Must("SET", "k", "1"))
	p.Wait("the master to go on with the standby alone", func() bool { return p.Master() == master })
	p.Restart("w")
	require.Equal(t, master, p.Master())
	require.Equal(t, "1", Dial(t, p.Witness().RWAddr()).Must("GET", "k"))
	p.WaitForLevel()
	p.KillMaster()
	require.Equal(t, "1", p.Client().Must("GET", "k"))
}

func TestPair_switchover(t *testing.T) {
	p := RunPair(t)
	old := p.Master()
	c := p.Client()
	c.Must("SET", "k", "1")
	require.NoError(t, p.Switchover())
	require.NotEqual(t, old, p.Master())
	require.Equal(t, int64(2), c.Must("INCR", "k"), "the same connection goes on")
}

func TestPair_stopHandsOver(t *testing.T) {
	p := RunPair(t)
	p.Client().Must("SET", "k", "1")
	p.WaitForLevel()
	old := p.Master()
	old.Stop()
	require.Equal(t, "1", p.Client().Must("GET", "k"))
	require.NotEqual(t, old, p.Master())
	p.Restart()
	p.WaitForLevel()
}

func TestPair_withoutWitness(t *testing.T) {
	p := RunPair(t, WithoutWitness())
	p.Client().Must("SET", "k", "1")
	p.WaitForLevel()
	p.KillMaster()
	require.Equal(t, int64(2), p.Client().Must("INCR", "k"))
	p.Restart()
	p.WaitForLevel()
	require.Equal(t, "2", p.Standby().Client().Must("GET", "k"))
}
