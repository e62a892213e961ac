package dropin

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSession_asRedis sends the lines of the session commands to both servers and compares the raw replies.
func TestSession_asRedis(t *testing.T) {
	reference, node := redisServer(t), tandem(t)
	for _, conversation := range conversations() {
		want, got := reference.raw(), node.raw()
		for _, line := range strings.Split(strings.TrimSpace(conversation), "\n") {
			line = strings.TrimSpace(line)
			a, b := plain(want.do(line)), plain(got.do(line))
			if a != b && !newer(line) {
				t.Errorf("%s\n redis  %q\n tandem %q", line, a, b)
			}
		}
	}
}

// plain hides what differs between any two servers: ids, addresses, the version.
func plain(reply string) string {
	return regexp.MustCompile(`version\r\n\$\d\r\n7\.\d+\.\d+|id\r\n:\d+`).ReplaceAllString(reply, "<its own>")
}

// newer are the lines that 7.0.15 does not know and 7.2, which Tandem presents itself as, does.
func newer(line string) bool {
	for _, name := range []string{"client setinfo", "client no-touch", "waitaof"} {
		if strings.HasPrefix(strings.ToLower(line), name) {
			return true
		}
	}
	return false
}

func conversations() []string {
	return []string{
		`PING
		PING x
		PING x y
		ECHO
		ECHO x
		ECHO x y
		SELECT
		SELECT 1
		SELECT 16
		SELECT -1
		SELECT x
		SELECT 99999999999999999999
		nosuch
		nosuch a b
		"with \r\n breaks" a
		GET
		QUIT x`,
		`AUTH
		AUTH x
		AUTH default x
		AUTH nobody x
		AUTH a b c
		HELLO x
		HELLO 1
		HELLO 4
		HELLO 2 NOSUCH
		HELLO 2 AUTH
		HELLO 2 AUTH default
		HELLO 2 AUTH nobody x
		HELLO 2 SETNAME
		HELLO 2 SETNAME "a b"
		HELLO 2 SETNAME ok
		CLIENT GETNAME
		HELLO 3
		GET nosuch
		HGETALL nosuch
		CLIENT GETNAME
		RESET
		CLIENT GETNAME
		RESET x`,
		`CLIENT
		CLIENT nosuch
		CLIENT ID x
		CLIENT GETNAME x
		CLIENT SETNAME
		CLIENT SETNAME "a\nb"
		CLIENT SETNAME ""
		CLIENT SETNAME ok
		CLIENT KILL
		CLIENT KILL 1.2.3.4:5
		CLIENT KILL ID
		CLIENT KILL ID x
		CLIENT KILL ID 0
		CLIENT KILL ID -1
		CLIENT KILL ID 999999
		CLIENT KILL TYPE nosuch
		CLIENT KILL TYPE replica
		CLIENT KILL USER nobody
		CLIENT KILL USER default SKIPME yes ID 999999
		CLIENT KILL SKIPME x
		CLIENT KILL ADDR 1.2.3.4:5
		CLIENT KILL NOSUCH 1
		CLIENT KILL ID 999999 ADDR
		CLIENT LIST x
		CLIENT LIST TYPE
		CLIENT LIST TYPE nosuch
		CLIENT LIST ID
		CLIENT LIST ID x
		CLIENT LIST ID 0
		CLIENT LIST ID 999999
		CLIENT LIST TYPE replica
		CLIENT REPLY
		CLIENT REPLY x
		CLIENT REPLY on
		CLIENT NO-EVICT
		CLIENT NO-EVICT x
		CLIENT NO-EVICT on
		CLIENT UNBLOCK
		CLIENT UNBLOCK x
		CLIENT UNBLOCK 999999
		CLIENT UNBLOCK 999999 x
		CLIENT UNBLOCK 999999 error
		CLIENT PAUSE
		CLIENT PAUSE x
		CLIENT PAUSE -1
		CLIENT PAUSE 0 x
		CLIENT PAUSE 0
		CLIENT UNPAUSE
		CLIENT UNPAUSE x
		CLIENT SETINFO lib-name x
		CLIENT NO-TOUCH on`,
		`EXEC
		DISCARD
		EXEC x
		MULTI x
		MULTI
		MULTI
		WATCH a
		GET
		EXEC
		MULTI
		WATCH a
		MULTI
		PING
		SELECT 2
		CLIENT GETNAME
		ECHO x
		PUBLISH a b
		BLPOP nokey 0
		WAIT 0 0
		UNWATCH
		EXEC
		MULTI
		nosuch
		PING
		EXEC
		MULTI
		EXEC x
		EXEC
		WATCH
		WATCH a b
		UNWATCH x
		UNWATCH
		MULTI
		DISCARD x
		PING
		DISCARD
		MULTI
		SAVE
		SYNC
		SHUTDOWN
		DISCARD
		MULTI
		RESET
		EXEC`,
		`PUBLISH
		PUBLISH a
		PUBLISH a b
		SPUBLISH a b
		PUBSUB
		PUBSUB nosuch
		PUBSUB CHANNELS
		PUBSUB CHANNELS a b
		PUBSUB NUMSUB
		PUBSUB NUMSUB a
		PUBSUB NUMPAT
		PUBSUB NUMPAT x
		PUBSUB SHARDCHANNELS
		PUBSUB SHARDNUMSUB a
		UNSUBSCRIBE
		UNSUBSCRIBE a
		PUNSUBSCRIBE
		SUNSUBSCRIBE
		SUBSCRIBE
		SUBSCRIBE a
		PSUBSCRIBE a*
		SSUBSCRIBE s
		PING
		PING x
		GET a
		nosuch
		GET
		CLIENT ID
		MULTI
		PING x y
		UNSUBSCRIBE a
		PUNSUBSCRIBE nosuch
		PUNSUBSCRIBE
		SUNSUBSCRIBE s
		GET nokey`,
		`CONFIG
		CONFIG nosuch
		CONFIG GET
		CONFIG GET nosuch
		CONFIG GET maxmemory
		CONFIG GET hash-max-listpack-entries
		CONFIG SET
		CONFIG SET maxclients
		CONFIG SET nosuch 1
		CONFIG SET maxclients x
		CONFIG SET maxclients 0
		CONFIG SET appendfsync x
		CONFIG SET timeout 1 timeout 2
		CONFIG SET timeout 1 nosuch 2
		CONFIG SET maxmemory 1x
		CONFIG SET maxmemory 10mb
		CONFIG GET maxmemory
		CONFIG SET maxmemory 0
		CONFIG SET save "900 1 300"
		CONFIG SET save ""
		CONFIG SET notify-keyspace-events xyz
		CONFIG SET notify-keyspace-events KEA
		CONFIG GET notify-keyspace-events
		CONFIG SET client-output-buffer-limit "normal 1 2"
		CONFIG SET client-output-buffer-limit "pubsub 32mb 8mb 60"
		CONFIG RESETSTAT
		CONFIG RESETSTAT x
		CONFIG REWRITE x`,
		`COMMAND COUNT x
		COMMAND nosuch
		COMMAND INFO nosuch
		COMMAND GETKEYS
		COMMAND GETKEYS nosuch a
		COMMAND GETKEYS SET a
		COMMAND GETKEYS SET a b
		COMMAND GETKEYS MSET a b c d
		COMMAND GETKEYSANDFLAGS SET a b
		COMMAND GETKEYSANDFLAGS LMOVE a b LEFT LEFT
		COMMAND LIST FILTERBY
		COMMAND LIST FILTERBY NOSUCH x
		COMMAND LIST FILTERBY PATTERN nosuch*
		TIME x
		LASTSAVE x
		BGSAVE x
		DEBUG
		DEBUG SLEEP
		DEBUG SLEEP 0
		DEBUG OBJECT nosuch
		ROLE x
		WAIT
		WAIT x 0
		WAIT 0 x
		WAIT 0 -1
		WAIT 0 0
		WAIT 5 1
		WAITAOF 0 0 0
		REPLICAOF
		REPLICAOF a
		REPLICAOF a x
		REPLICAOF a 99999999
		REPLICAOF NO ONE
		REPLCONF
		REPLCONF nosuch 1
		REPLCONF listening-port
		REPLCONF listening-port x
		FAILOVER
		FAILOVER ABORT
		SHUTDOWN x
		SHUTDOWN ABORT`,
	}
}

// TestSession_commandInfo compares what both say of the session rows: arity, flags, keys, categories, tips, subcommands.
func TestSession_commandInfo(t *testing.T) {
	reference, node := redisServer(t).raw(), tandem(t).raw()
	names := "auth bgrewriteaof bgsave client client|getname client|id client|info client|kill client|list client|no-evict client|pause client|reply " +
		"client|setname client|unblock client|unpause command command|count command|docs command|getkeys command|getkeysandflags command|info command|list " +
		"config config|get config|resetstat config|rewrite config|set debug discard echo exec failover hello info lastsave lolwut multi ping psubscribe psync publish " +
		"pubsub pubsub|channels pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub punsubscribe quit replconf replicaof reset role save select " +
		"shutdown slaveof spublish ssubscribe subscribe sunsubscribe sync time unsubscribe unwatch wait watch"
	for _, name := range strings.Fields(names) {
		a, b := reference.do("COMMAND INFO "+name), node.do("COMMAND INFO "+name)
		require.NotEqual(t, "*1\r\n*-1\r\n", b, name)
		if strings.Contains(a, name+"|") {
			continue // a container lists its subcommands, in no order, and 7.2 has more; they are compared one by one
		}
		if changed72(name) == "" && words(a) != words(b) {
			t.Errorf("%s\n redis  %s\n tandem %s", name, words(a), words(b))
		}
	}
}

// changed72 says what 7.2 has changed in a row, and Tandem with it.
func changed72(name string) string {
	return map[string]string{
		"command|getkeys":         "takes commands without arguments",
		"command|getkeysandflags": "takes commands without arguments",
		"wait":                    "is marked as blocking, and allowed to scripts",
	}[name]
}

func words(reply string) string { return fmt.Sprint(strings.Split(reply, "\r\n")) }
