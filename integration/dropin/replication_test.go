package dropin

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script makes one value of each kind and encoding, deadlines, and several databases.
func script() []string {
	return []string{
		"SELECT 9", "FLUSHALL", "SET s hello", "SET n 12345", "APPEND s world", "SET e x EX 1000", "SETRANGE long 3000 x",
		"RPUSH l a b c 1 2 3", "HSET h a 1 b 2", "SADD i 1 2 3", "SADD m a b c", "ZADD z 1 a 2.5 b -inf c",
		"SELECT 3", "SET other db", "EXPIRE other 5000", "RPUSH big " + strings.Repeat("x", 20000), "SELECT 0", "MSET a 1 b 2 c 3",
		"DEL c", "SET empty \"\"", `SET "with blank" "\x00\xff\r\n"`,
	}
}

func (c *rawClient) runAll(lines []string) {
	c.t.Helper()
	for _, line := range lines {
		require.NotEqual(c.t, "-", c.do(line)[:1], line)
	}
}

// content lists what a server holds, in words that do not depend on who says it.
func (p *process) content() string {
	p.t.Helper()
	c := p.raw()
	var b strings.Builder
	for db := range 16 {
		c.do(fmt.Sprintf("SELECT %d", db))
		for _, key := range strings.Fields("s n e long l h i m z other big a b c empty t0 t1 t2") {
			kind := strings.TrimSpace(c.do("TYPE " + key))
			read := map[string]string{"+string": "GET %s", "+list": "LRANGE %s 0 -1", "+hash": "HGET %s a", "+set": "SCARD %s", "+zset": "ZRANGE %s 0 -1 WITHSCORES"}[kind]
			if read != "" {
				fmt.Fprintf(&b, "%d %s %s %q\n", db, key, kind, c.do(fmt.Sprintf(read, key)))
			}
		}
		fmt.Fprintf(&b, "%d keys %s", db, c.do("DBSIZE"))
	}
	return b.String()
}

// level waits until the replica's offset is the master's, and compares what both hold.
func level(t *testing.T, master, replica *process) {
	t.Helper()
	replica.until("link up", func() bool { return replica.field("master_link_status") == "up" })
	replica.until("equal offsets", func() bool {
		return master.field("master_repl_offset") == replica.field("slave_repl_offset")
	})
	require.Equal(t, master.content(), replica.content())
	require.Equal(t, master.field("master_replid"), replica.field("master_replid"))
}

func TestReplication_redisFollowsTandem(t *testing.T) {
	master, replica := tandem(t), redisServer(t)
	master.raw().runAll(script())
	require.Equal(t, "OK", replica.cli("REPLICAOF", "127.0.0.1", strconv.Itoa(master.port)))
	level(t, master, replica)
	master.raw().runAll([]string{"SELECT 2", "SET t0 1 PX 100000", "MULTI", "SET t1 1", "INCR t1", "EXEC", "SPOP m", "PUBLISH c x"})
	level(t, master, replica)
	require.Regexp(t, `^ip=127.0.0.1,port=`+strconv.Itoa(replica.port)+`,state=online,offset=\d+,lag=[01]`, master.field("slave0"))
	require.Equal(t, "1", master.field("connected_slaves"))
	require.Equal(t, "1", master.field("sync_full"))
	require.Equal(t, "1", master.cli("WAIT", "1", "5000"))

	// A cut is mended by a partial resync.
	replica.cli("CLIENT", "KILL", "TYPE", "master")
	master.raw().runAll([]string{"SET t2 2"})
	level(t, master, replica)
	require.Equal(t, "1", master.field("sync_full"))
	require.Equal(t, "1", master.field("sync_partial_ok"))

	require.Equal(t, "OK", replica.cli("REPLICAOF", "NO", "ONE"))
	require.Equal(t, "OK", replica.cli("SET", "t2", "3"))
	master.until("the replica left", func() bool { return master.field("connected_slaves") == "0" })
	// And back: Tandem follows the former replica.
	require.Equal(t, "OK", master.cli("REPLICAOF", "127.0.0.1", strconv.Itoa(replica.port)))
	level(t, replica, master)
}

func TestReplication_tandemFollowsRedis(t *testing.T) {
	master := redisServer(t)
	replica := tandem(t, "appendonly yes", fmt.Sprintf("replicaof 127.0.0.1 %d", master.port))
	master.raw().runAll(script())
	level(t, master, replica)
	master.raw().runAll([]string{"SELECT 2", "SET t0 1 PX 100000", "MULTI", "SET t1 1", "INCR t1", "EXEC", "SPOP m", "HINCRBYFLOAT h a 1.5"})
	level(t, master, replica)
	require.Equal(t, "READONLY You can't write against a read only replica.", strings.TrimSpace(replica.cli("SET", "a", "1")))
	require.Equal(t, "slave", replica.field("role"))
	require.Equal(t, strconv.Itoa(master.port), replica.field("master_port"))

	// Killed and started again, it goes on where it was.
	full := master.field("sync_full")
	replica.kill()
	master.raw().runAll([]string{"SELECT 2", "SET t2 2"})
	again := run(t, replica.folder, replica.port, replica.cmd.Path, replica.cmd.Args[1:]...).ready(2)
	level(t, master, again)
	require.Equal(t, full, master.field("sync_full"), "a partial resync is enough")

	require.Equal(t, "OK", again.cli("REPLICAOF", "NO", "ONE"))
	require.Equal(t, "master", again.field("role"))
	require.Equal(t, "OK", again.cli("SET", "a", "mine"))
	require.Equal(t, master.field("master_replid"), again.field("master_replid2"))
}

func TestReplication_pubsubReachesTheReplica(t *testing.T) {
	master := tandem(t)
	replica := tandem(t, fmt.Sprintf("replicaof 127.0.0.1 %d", master.port))
	replica.until("link up", func() bool { return replica.field("master_link_status") == "up" })
	c := replica.raw()
	require.Contains(t, c.do("SUBSCRIBE news"), "subscribe")
	require.Contains(t, c.do("PSUBSCRIBE n*"), "psubscribe")
	require.Equal(t, "0", master.cli("PUBLISH", "news", "hello"))
	require.Equal(t, "message news hello", c.command())
	require.Equal(t, "pmessage n* news hello", c.command())
}

// sync attaches to a replication stream as raw clients do: an inline SYNC.
func (p *process) sync() *rawClient {
	c := p.raw()
	c.send("SYNC\r\n")
	head := ""
	for head == "" { // bare line feeds keep the link alive
		head = c.line()
	}
	size, err := strconv.Atoi(strings.TrimPrefix(head, "$"))
	require.NoError(p.t, err, head)
	require.Equal(p.t, "REDIS", string(c.take(size)[:5]))
	return c
}

// TestStream_canonicalRewriting: what a replica reads is what redis-server would send, command by command.
func TestStream_canonicalRewriting(t *testing.T) {
	stream := func(p *process) []string {
		p.cli("CONFIG", "SET", "repl-ping-replica-period", "3600")
		before := p.raw()
		before.runAll([]string{"SELECT 9", "SET expires soon PX 1"})
		p.cli("DEBUG", "SET-ACTIVE-EXPIRE", "0")
		s := p.sync()
		c, waiting := p.raw(), p.raw()
		waiting.do("SELECT 9")
		c.runAll([]string{"SELECT 9"})
		for _, line := range streamScript() {
			if rest, blocks := strings.CutPrefix(line, "block "); blocks {
				waiting.send(rest + "\r\n")
				p.until("blocked", func() bool { return p.field("blocked_clients") == "1" })
				continue
			}
			if line == "reply" {
				waiting.line()
				p.until("not blocked", func() bool { return p.field("blocked_clients") == "0" })
				waiting = p.raw()
				waiting.do("SELECT 9")
				continue
			}
			c.do(line)
		}
		c.do("SET the end")
		var lines []string
		for len(lines) == 0 || lines[len(lines)-1] != "set the end" {
			line := s.command()
			if name, rest, _ := strings.Cut(line, " "); name == "pexpireat" || strings.Contains(strings.ToLower(rest), "pxat") {
				words := strings.Fields(line) // the moments differ
				words[len(words)-1] = "<ms>"
				line = strings.Join(words, " ")
			}
			lines = append(lines, line)
		}
		return lines
	}
	want, got := stream(redisServer(t)), stream(tandem(t))
	require.Equal(t, strings.ToLower(strings.Join(want, "\n")), strings.ToLower(strings.Join(got, "\n")))
	require.Equal(t, "select 9", got[0])
}

func streamScript() []string {
	return []string{
		"GET expires", "EXISTS expires", "SET a 1", "SET a 2 EX 100", "SET a 2 PX 100000 NX", "SET a 2 XX KEEPTTL", "SET a 3 GET", "SET a 3 EXAT 9999999999",
		"SETEX b 100 v", "PSETEX b 100000 v", "EXPIRE a 100", "PEXPIRE a 100000", "EXPIREAT a 9999999999", "PEXPIREAT a 9999999999000",
		"EXPIRE a 200 NX", "PERSIST a", "PERSIST a", "EXPIRE a -1", "GETEX b EX 100", "GETEX b PERSIST", "GETEX b", "GETDEL b", "GETDEL b",
		"SET f 1", "INCRBYFLOAT f 1.5", "INCR n", "INCRBY n 5", "DECR n", "APPEND n 0", "SETRANGE n 1 x", "SETRANGE n 0 \"\"", "GETSET n 1", "SETNX n 2",
		"MSET x 1 y 2", "MSETNX x 1 z 2", "DEL x nokey y", "UNLINK nokey", "SADD s a", "SADD s a", "SREM s nosuch", "SPOP s", "SADD s a b", "SPOP s 2",
		"SADD s a", "SADD s2 b", "SMOVE s s2 a", "SUNIONSTORE s3 s s2", "SINTERSTORE s3 nokey s2", "RPUSH l a b c d e", "LPOP l", "LPOP l 2", "LPOP l 0", "RPOP l",
		"LPUSHX nokey a", "LREM l 0 nosuch", "LTRIM l 1 0", "RPUSH l a b", "RPOPLPUSH l l2", "LMOVE l l2 LEFT RIGHT", "LINSERT l2 BEFORE nosuch x", "RENAME l2 l3",
		"COPY l3 l4", "MOVE l4 3", "HSET h a 1", "HSETNX h a 1", "HINCRBY h a 1", "HINCRBYFLOAT h a 1.5", "HDEL h nosuch", "HDEL h a",
		"ZADD z 1 a 2 b 3 c", "ZADD z NX 1 a", "ZADD z XX CH 5 a", "ZADD z INCR 1 a", "ZINCRBY z 2 a", "ZPOPMIN z", "ZPOPMAX z 1", "ZREM z nosuch",
		"ZADD z 1 a 2 b", "ZRANGESTORE z2 z 0 -1", "ZREMRANGEBYRANK z 0 -1", "MULTI", "EXEC", "MULTI", "GET a", "EXEC", "MULTI", "SET a 1", "EXEC",
		"MULTI", "SET a 1", "GET a", "INCR a", "LPUSH a x", "EXEC", "MULTI", "SET a 1", "DISCARD", "MULTI", "SELECT 3", "SET a 1", "SELECT 9", "SET a 2", "EXEC",
		"block BLPOP q 0", "RPUSH q a b", "reply", "DEL q", "block BLMOVE q r LEFT RIGHT 0", "RPUSH q a", "reply", "block BRPOPLPUSH q r 0", "RPUSH q a", "reply",
		"block BLMPOP 0 1 q LEFT COUNT 2", "RPUSH q a b c", "reply", "block BZPOPMIN zq 0", "ZADD zq 1 a 2 b", "reply", "block BZMPOP 0 1 zz MAX", "ZADD zz 1 a 2 b", "reply",
		"DEL q", "block BLPOP q 0", "MULTI", "RPUSH q a", "SET inside 1", "EXEC", "reply", "BLPOP nokey 0.001", "LPOP nokey", "PUBLISH ch msg",
		"MULTI", "SET p 1", "PUBLISH ch msg", "SET p 2", "EXEC", "SELECT 5", "SET e 1", "SWAPDB 5 6", "FLUSHDB", "FLUSHDB ASYNC", "SELECT 9", "FLUSHALL",
	}
}

func TestTools_redisCLI(t *testing.T) {
	p := tandem(t)
	p.raw().runAll(script())
	dump := filepath.Join(p.folder, "copy.rdb")
	p.cli("--rdb", dump)
	loadsIntoRedis(t, p, dump)

	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$1\r\nx\r\n", len(fmt.Sprintf("pipe:%d", i)), i)
	}
	require.Contains(t, tool(t, b.String(), "redis-cli", "-p", strconv.Itoa(p.port), "--pipe"), "errors: 0, replies: 2000")
	require.Contains(t, p.cli("--bigkeys"), "Biggest string")
	require.Contains(t, p.cli("--scan", "--pattern", "pipe:199?"), "pipe:1999")
	out := tool(t, "", "redis-benchmark", "-p", strconv.Itoa(p.port), "-q", "-n", "2000", "-c", "20", "-t", "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset")
	require.NotContains(t, strings.ToLower(out), "error")
}

func TestTools_bgsaveIsReadByRedis(t *testing.T) {
	p := tandem(t)
	p.raw().runAll(script())
	require.Equal(t, "Background saving started", p.cli("BGSAVE"))
	p.until("saved", func() bool { return p.field("rdb_bgsave_in_progress") == "0" && p.field("rdb_saves") == "1" })
	require.Equal(t, "ok", p.field("rdb_last_bgsave_status"))
	dump := filepath.Join(p.folder, "dump.rdb")
	loadsIntoRedis(t, p, dump)
	require.Equal(t, "OK", p.cli("SAVE"))
	loadsIntoRedis(t, p, dump)
}

// loadsIntoRedis checks an RDB file with Debian's tools and compares what redis-server reads from it.
func loadsIntoRedis(t *testing.T, p *process, dump string) {
	t.Helper()
	require.Contains(t, tool(t, "", "redis-check-rdb", dump), "RDB looks OK!")
	text, err := os.ReadFile(dump)
	require.NoError(t, err)
	folder, port := t.TempDir(), freePort(t)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "dump.rdb"), text, 0o644))
	loaded := run(t, folder, port, "redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", folder).ready(1)
	require.Equal(t, p.content(), loaded.content())
}
