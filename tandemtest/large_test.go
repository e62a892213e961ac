package tandemtest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

const largeElements = 12_000

// fillLarge makes a value of each kind that goes to views in parts.
func fillLarge(c *Client, round int) {
	for from := 0; from < largeElements; from += 500 {
		hash, set, zset, list := []string{"HSET", "hash"}, []string{"SADD", "set"}, []string{"ZADD", "zset"}, []string{"RPUSH", "list"}
		for i := from; i < from+500; i++ {
			e := "element:" + strconv.Itoa(i)
			hash = append(hash, e, strconv.Itoa(i+round))
			set = append(set, e+":"+strconv.Itoa(round))
			zset = append(zset, strconv.Itoa(i*(round+1)%1000), e)
			list = append(list, e)
		}
		for _, command := range [][]string{hash, set, zset, list} {
			c.Must(command...)
		}
	}
}

// TestPair_largeValuesWhileWritten: a full copy of large values is as of one moment while they change, and the log behind
// it leads to the same data.
func TestPair_largeValuesWhileWritten(t *testing.T) {
	p := RunPair(t, With("enable-debug-command", "yes"))
	c := p.Client()
	fillLarge(c, 0)
	c.Must("PEXPIRE", "hash", "10000000")
	p.WaitForLevel()
	before := p.Master().Info("sync_full")
	standby := p.Standby()
	standby.Kill() // without a log it comes back empty
	p.Restart(standby.ID())
	writes := 0
	p.Wait("the full copy", func() bool {
		i := strconv.Itoa(writes * 7919 % largeElements)
		c.Must("HSET", "hash", "element:"+i, "changed")
		c.Must("HDEL", "hash", "element:"+strconv.Itoa(writes))
		c.Must("SREM", "set", "element:"+i+":0")
		c.Must("ZADD", "zset", "-1", "element:"+i)
		c.Must("LSET", "list", i, "changed")
		c.Must("LPOP", "list")
		c.Must("RPUSH", "list", i)
		if writes%10 == 9 {
			c.Must("RENAME", "zset", "other")
			c.Must("RENAME", "other", "zset")
		}
		writes++
		return standby.Role() == Standby && standby.Info("master_link_status") == "up"
	})
	p.WaitForLevel()
	require.Equal(t, p.Master().Client().Must("DEBUG", "DIGEST"), p.Standby().Client().Must("DEBUG", "DIGEST"))
	require.NotEqual(t, before, p.Master().Info("sync_full"))
}

// TestRun_largeValuesOnDisk: what is in blocks is there again after a restart, and so is what became of it later.
func TestRun_largeValuesOnDisk(t *testing.T) {
	dir := t.TempDir()
	options := []Option{With("appendonly", "yes"), With("enable-debug-command", "yes"), WithDir(dir)}
	n := Run(t, options...)
	again := func() {
		t.Helper()
		want := n.Client().Must("DEBUG", "DIGEST")
		n.Stop() // writes a checkpoint
		n = Run(t, options...)
		require.Equal(t, want, n.Client().Must("DEBUG", "DIGEST"))
	}
	fillLarge(n.Client(), 0)
	n.Client().Must("PEXPIRE", "hash", "10000000")
	again()
	c := n.Client()
	c.Must("HSET", "hash", "element:1", "changed")
	c.Must("DEL", "list")
	c.Must("SET", "set", "small now")
	c.Must("RENAME", "zset", "moved")
	again()
	c = n.Client()
	c.Must("DEL", "hash", "set")
	c.Must("HSET", "hash", "few", "fields")
	fillLarge(c, 1) // all of them large again, with other elements
	c.Must("ZREMRANGEBYRANK", "moved", "10", "-1")
	again()
	require.Equal(t, int64(10), n.Client().Must("ZCARD", "moved"))
	n.Client().Must("FLUSHALL")
	n.Client().Must("SET", "k", "v")
	again()
	require.Equal(t, int64(1), n.Client().Must("DBSIZE"))
}
