package dropin

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSession_asRedis sends the lines of the session commands to both servers and compares the raw replies.
func TestSession_asRedis(t *testing.T) {
	reference, node := redisServer(t), tandem(t)
	text, err := os.ReadFile("testdata/session.txt")
	require.NoError(t, err)
	for _, conversation := range strings.Split(string(text), "\n\n") {
		want, got := reference.raw(), node.raw()
		for _, line := range strings.Split(strings.TrimSpace(conversation), "\n") {
			if line[0] == '#' {
				continue
			}
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
