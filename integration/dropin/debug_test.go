package dropin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What Redis' own tests ask of DEBUG, seen from outside.
func TestDebug_tables(t *testing.T) {
	p := tandem(t)
	c := p.raw()
	require.Contains(t, c.do("DEBUG HTSTATS 9"), "No stats available for empty dictionaries")
	for i := range 600 {
		require.Equal(t, ":1\r\n", c.do(fmt.Sprintf("HSET h f%d %d", i, i)))
	}
	require.Contains(t, c.do("DEBUG HTSTATS-KEY h"), " number of elements: 600\n")
	require.Contains(t, c.do("DEBUG HTSTATS 0 full"), " number of elements: 1\n")
	require.Equal(t, "-ERR no such key\r\n", c.do("DEBUG HTSTATS-KEY none"))
	require.Equal(t, "+OK\r\n", c.do("SET s x"))
	require.Equal(t, "-ERR The value stored at the specified key is not represented using an hash table\r\n", c.do("DEBUG HTSTATS-KEY s"))
	require.Equal(t, "-ERR Out of range database\r\n", c.do("DEBUG HTSTATS 99"))
}

func TestDebug_replicateMakesAReplicaDiffer(t *testing.T) {
	master := tandem(t)
	replica := redisServer(t, "--replicaof", "127.0.0.1", fmt.Sprint(master.port))
	replica.until("the link is up", func() bool { return replica.field("master_link_status") == "up" })
	c := master.raw()
	require.Equal(t, "+OK\r\n", c.do("DEBUG REPLICATE SET k elsewhere"))
	require.Equal(t, ":1\r\n", c.do("WAIT 1 0"))
	require.Equal(t, "$-1\r\n", c.do("GET k"))
	require.Equal(t, "elsewhere", replica.cli("GET", "k"))
}

func TestDebug_rewriteAllReadsBack(t *testing.T) {
	p := tandem(t)
	require.Equal(t, "OK", p.cli("CONFIG", "SET", "maxclients", "321"))
	before := p.cli("CONFIG", "GET", "*")
	require.Equal(t, "OK", p.cli("DEBUG", "CONFIG-REWRITE-FORCE-ALL"))
	text, err := os.ReadFile(filepath.Join(p.folder, "redis.conf"))
	require.NoError(t, err)
	require.Contains(t, string(text), "\nhz 10\n", "a default that had no line")
	require.Equal(t, 1, strings.Count(string(text), "\nmaxclients 321\n"))
	p.kill()
	again := run(t, p.folder, p.port, p.cmd.Path, p.cmd.Args[1:]...).ready(2)
	require.Equal(t, before, again.cli("CONFIG", "GET", "*"))
}

func TestDebug_segfault(t *testing.T) {
	p := tandem(t, "appendonly yes", "appendfsync always")
	require.Equal(t, "OK", p.cli("SET", "k", "v"))
	c := p.raw()
	c.send("*2\r\n$5\r\nDEBUG\r\n$8\r\nSEGFAULT\r\n")
	require.NotZero(t, p.exit())
	require.Contains(t, p.log(), "crashed by signal")
	require.NotContains(t, p.stderr.String(), "runtime error")
	again := run(t, p.folder, p.port, p.cmd.Path, p.cmd.Args[1:]...).ready(2)
	require.Equal(t, "v", again.cli("GET", "k"))
}

func TestDebug_object(t *testing.T) {
	for _, p := range []*process{tandem(t), redisServer(t)} {
		c := p.raw()
		require.Equal(t, "+OK\r\n", c.do("CONFIG SET list-max-listpack-size 2"))
		require.Equal(t, ":5\r\n", c.do("RPUSH l a b c d e"))
		require.Equal(t, "+OK\r\n", c.do("SET s "+strings.Repeat("x", 30)))
		require.Contains(t, c.do("DEBUG OBJECT s"), " encoding:embstr serializedlength:")
		require.Regexp(t, ` encoding:quicklist serializedlength:[1-9]\d* lru:[1-9]\d* lru_seconds_idle:0 ql_nodes:3 ql_avg_node:1.67 ql_listpack_max:2`, c.do("DEBUG OBJECT l"))
		require.Equal(t, "-ERR no such key\r\n", c.do("DEBUG OBJECT none"))
	}
}
