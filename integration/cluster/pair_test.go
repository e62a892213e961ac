package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/tandemtest"
)

// A planned switchover shows clients of the rw address a pause, and nothing else.
func TestSwitchover_underLoad(t *testing.T) {
	for name, opts := range map[string][]tandemtest.Option{
		"memory": nil,
		"disk":   {tandemtest.With("appendonly", "yes")},
		"always": {tandemtest.With("appendonly", "yes"), tandemtest.With("appendfsync", "always"), tandemtest.With("durability", "standby")},
	} {
		t.Run(name, func(t *testing.T) {
			p := tandemtest.RunPair(t, opts...)
			loads := []*load{
				startLoad(t, p.RWAddr(), 8, 1),             // by way of the witness
				startLoad(t, p.Node("a").RWAddr(), 4, 1),   // served, then handed over
				startLoad(t, p.Node("b").RWAddr(), 4, 20),  // forwarded, then served by somebody else's connection
				startLoad(t, p.Node("a").RWAddr(), 2, 100), // long pipelines
			}
			for range rounds(4) {
				for _, l := range loads {
					l.waitAcked(200)
				}
				p.WaitForLevel()
				old := p.Master()
				began := time.Now()
				require.NoError(t, p.Switchover())
				t.Logf("switchover: %v", time.Since(began))
				require.NotEqual(t, old, p.Master())
				require.Equal(t, tandemtest.Standby, old.Role())
			}
			for _, l := range loads {
				l.waitAcked(200)
				l.end()
			}
			for _, l := range loads {
				l.noErrors()
				l.nothingLost(p.RWAddr())
				t.Logf("%d writes, the slowest batch took %v", l.total(), l.slowest())
			}
		})
	}
}

// With durability standby the master may die at any moment.
func TestKill_durabilityStandbyLosesNothing(t *testing.T) {
	for range rounds(5) {
		p := tandemtest.RunPair(t, tandemtest.With("durability", "standby"))
		l := startLoad(t, p.RWAddr(), 8, 10)
		l.waitAcked(1000)
		dead := p.KillMaster()
		l.waitAcked(1000)
		l.end()
		require.NotEqual(t, dead, p.Master())
		l.nothingLost(p.RWAddr())
		p.Restart()
		p.WaitForLevel()
		l.nothingLost(dead.Addr())
	}
}

// So may the cable: clients on the master's side are not told that writes are safe which are not.
func TestPartition_durabilityStandbyLosesNothing(t *testing.T) {
	p := tandemtest.RunPair(t, tandemtest.With("durability", "standby"), tandemtest.With("appendonly", "yes"))
	for range rounds(3) {
		p.WaitForLevel()
		master := p.Master()
		near, far := startLoad(t, master.RWAddr(), 6, 5), startLoad(t, p.Witness().RWAddr(), 6, 5)
		near.waitAcked(500)
		far.waitAcked(500)
		began := time.Now()
		p.Isolate(master.ID())
		next := p.WaitForMaster()
		t.Logf("cut cable: another master after %v", time.Since(began))
		require.NotEqual(t, master, next)
		far.waitAcked(500)
		p.Heal()
		p.WaitForRole(master.ID(), tandemtest.Standby)
		p.WaitForLevel()
		near.waitAcked(500)
		near.end()
		far.end()
		near.nothingLost(p.RWAddr())
		far.nothingLost(p.RWAddr())
		require.NoError(t, client(t, p.RWAddr()).FlushAll(context.Background()).Err())
	}
}

// Without a promise the standby still has what it had received, and clients go on at the same address.
func TestKill_writesGoOn(t *testing.T) {
	p := tandemtest.RunPair(t)
	for range rounds(4) {
		p.WaitForLevel()
		r := client(t, p.RWAddr())
		require.NoError(t, r.Set(context.Background(), "kept", "1", 0).Err())
		p.WaitForLevel()
		began := time.Now()
		dead := p.KillMaster()
		took := firstWrite(t, p.RWAddr(), "after")
		t.Logf("kill: writes go on after %v (kill itself %v)", took, time.Since(began)-took)
		require.Equal(t, "1", r.Get(context.Background(), "kept").Val())
		p.Restart(dead.ID())
	}
}

// The death of the standby does not stop a master that promises its acknowledgement.
func TestKill_standbyUnderLoad(t *testing.T) {
	p := tandemtest.RunPair(t, tandemtest.With("durability", "standby"))
	l := startLoad(t, p.Master().Addr(), 4, 10)
	l.waitAcked(500)
	standby := p.Standby()
	standby.Kill()
	began := time.Now()
	l.waitAcked(1000)
	t.Logf("standby dead: writes go on after %v", time.Since(began))
	p.Restart()
	p.WaitForLevel()
	l.waitAcked(500)
	l.end()
	l.noErrors()
	p.KillMaster()
	l.nothingLost(p.RWAddr())
}

// Nobody waits for ever on a node that is no longer the master.
func TestBlocked_clientsAreLetGo(t *testing.T) {
	p := tandemtest.RunPair(t)
	master := p.Master()
	direct, routed := client(t, master.Addr()), client(t, master.RWAddr())
	type result struct {
		err   error
		value []string
	}
	wait := func(r *redis.Client) <-chan result {
		done := make(chan result, 1)
		go func() {
			v, err := r.BLPop(context.Background(), 0, "queue").Result()
			done <- result{err, v}
		}()
		return done
	}
	onNode, onRW := wait(direct), wait(routed)
	p.Wait("both to be blocked", func() bool { return master.Info("blocked_clients") == "2" })
	require.NoError(t, p.Switchover())
	got := <-onNode
	require.Error(t, got.err)
	if !strings.Contains(got.err.Error(), "UNBLOCKED") {
		require.True(t, closed(got.err), got.err)
	}
	// A client of the rw address may be told the same, or wait on at the new master.
	require.NoError(t, client(t, p.RWAddr()).RPush(context.Background(), "queue", "x").Err())
	got = <-onRW
	if got.err == nil {
		require.Equal(t, []string{"queue", "x"}, got.value)
	} else if !strings.Contains(got.err.Error(), "UNBLOCKED") {
		require.True(t, closed(got.err), got.err)
	}
}

func closed(err error) bool {
	return strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "reset") || errors.Is(err, redis.ErrClosed)
}

// Without a witness, policy available: the standby takes over when the master is silent; in a cut both write; at healing
// one wins and the other keeps its own writes in a file.
func TestAvailable_bothSidesOfACut(t *testing.T) {
	p := tandemtest.RunPair(t, tandemtest.WithoutWitness(), tandemtest.With("appendonly", "yes"))
	p.Client().Must("SET", "common", "1")
	p.WaitForLevel()
	one, other := p.Master(), p.Standby()
	p.Isolate(one.ID())
	p.WaitForRole(other.ID(), tandemtest.Master)
	require.Equal(t, tandemtest.Master, one.Role())
	one.Client().Must("SET", "one", "1")
	other.Client().Must("SET", "other", "1")
	p.Heal()
	require.Equal(t, other, p.WaitForMaster(), "the later epoch wins")
	p.WaitForLevel()
	require.Nil(t, one.Client().Must("GET", "one"))
	require.Equal(t, "1", one.Client().Must("GET", "other"))
	require.Len(t, one.RescueFiles(), 1)
}

// Policy manual: nothing happens by itself, a switchover by command works.
func TestManual(t *testing.T) {
	p := tandemtest.RunPair(t, tandemtest.WithoutWitness(), tandemtest.With("pair-policy", "manual"), tandemtest.With("appendonly", "yes"))
	c := p.Client()
	c.Must("SET", "k", "1")
	require.NoError(t, p.Switchover())
	require.Equal(t, int64(2), p.Client().Must("INCR", "k"))
	p.WaitForLevel()
	dead, standby := p.Master(), p.Standby()
	dead.Kill()
	// It is gone at once by a broken probe; if it died before the first probe stood, by gossip after seconds.
	p.Wait("the standby to see that its master is gone", func() bool {
		said := p.Journal()
		return strings.Contains(said, dead.ID()+" is gone") || strings.Contains(said, dead.ID()+" has left or does not answer")
	})
	p.Wait("the link to be down", func() bool { return standby.Info("master_link_status") == "down" })
	require.Equal(t, tandemtest.Standby, standby.Role())
	_, err := standby.Client().Do("SET", "k", "x")
	require.ErrorContains(t, err, "READONLY")
	p.Restart()
	require.Equal(t, dead, p.WaitForMaster(), "its role is as it was")
	p.WaitForLevel()
	require.Equal(t, int64(3), p.Client().Must("INCR", "k"))
}

// When all nodes were killed the pair comes back by itself, with one master and the same data.
func TestColdStart_afterLoad(t *testing.T) {
	p := tandemtest.RunPair(t, tandemtest.With("appendonly", "yes"), tandemtest.With("appendfsync", "always"), tandemtest.With("durability", "standby"))
	for range rounds(3) {
		l := startLoad(t, p.RWAddr(), 6, 5)
		l.waitAcked(300)
		p.KillAll()
		l.end()
		began := time.Now()
		p.Restart()
		p.WaitForMaster()
		t.Logf("cold start: master after %v", time.Since(began))
		p.WaitForLevel()
		l.nothingLost(p.Node("a").Addr())
		l.nothingLost(p.Node("b").Addr())
		require.NoError(t, client(t, p.RWAddr()).FlushAll(context.Background()).Err())
		p.WaitForLevel()
	}
}
