package server

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInfo_fieldsThatToolsRead: dropin.md lists them; each is there as name:value CR LF.
func TestInfo_fieldsThatToolsRead(t *testing.T) {
	v := start(t)
	standby := follow(t, v)
	c := dial(t, v)
	c.lines("SET a 1", "+OK", "WAIT 1 10000", ":1", "nosuch", "-ERR unknown command 'nosuch', with args beginning with: ")
	text := c.text("INFO everything")
	for _, name := range strings.Fields(`role connected_slaves slave0 master_repl_offset master_replid master_replid2 second_repl_offset repl_backlog_active
		repl_backlog_histlen repl_backlog_first_byte_offset master_failover_state sync_full sync_partial_ok sync_partial_err loading async_loading
		rdb_bgsave_in_progress rdb_changes_since_last_save rdb_last_load_keys_loaded rdb_last_load_keys_expired rdb_last_cow_size current_cow_size
		current_fork_perc current_save_keys_processed current_save_keys_total aof_rewrite_in_progress aof_rewrite_scheduled total_forks blocked_clients
		connected_clients process_id used_memory mem_total_replication_buffers mem_allocator mem_not_counted_for_evict mem_clients_normal mem_clients_slaves
		maxmemory maxmemory_policy expired_keys evicted_keys evicted_clients lazyfree_pending_objects lazyfreed_objects total_error_replies errorstat_ERR
		cmdstat_set acl_access_denied_auth acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel tracking_total_keys
		shutdown_in_milliseconds total_commands_processed redis_version run_id tcp_port uptime_in_seconds config_file db0`) {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+name+`:(.*?)\r\n`), text, name)
	}
	require.Regexp(t, `slave0:ip=127\.0\.0\.1,port=\d+,state=online,offset=\d+,lag=\d+`, text)
	require.Regexp(t, `cmdstat_set:calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0\r\n`, text)
	require.Regexp(t, `errorstat_ERR:count=1\r\n`, text)
	require.Regexp(t, `db0:keys=1,expires=0,avg_ttl=0`, text)
	for _, line := range strings.Split(text, "\r\n") {
		require.True(t, line == "" || strings.HasPrefix(line, "# ") || strings.Contains(line, ":"), "%q", line)
	}
	text = dial(t, standby).text("INFO replication")
	for _, name := range strings.Fields("role master_host master_port master_link_status slave_repl_offset slave_read_repl_offset master_repl_offset master_sync_in_progress") {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+name+`:(.*?)\r\n`), text, name)
	}
	require.True(t, strings.HasPrefix(text, "# Replication\r\nrole:slave\r\n"), text)
}

func TestInfo_sections(t *testing.T) {
	c := dial(t, start(t))
	require.NotContains(t, c.text("INFO"), "# Commandstats")
	require.Contains(t, c.text("INFO all"), "# Commandstats")
	require.Equal(t, 2, strings.Count(c.text("INFO cpu keyspace"), "# "))
	require.Empty(t, c.text("INFO nosuch"))
	c.do("HELLO 3")
	require.Equal(t, "=", c.do("INFO cpu")[:1])
}

func TestConfig_setGetResetstat(t *testing.T) {
	c := dial(t, start(t))
	c.lines(
		"CONFIG GET maxclients", "*2 $10 maxclients $5 10000",
		"CONFIG SET maxclients 50 timeout 7", "+OK",
		"CONFIG GET timeout maxclients nosuch", "*4 $7 timeout $1 7 $10 maxclients $2 50",
		"CONFIG GET nosuch", "*0",
		"CONFIG SET nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
		"CONFIG SET maxclients", "-ERR wrong number of arguments for 'config|set' command",
		"CONFIG SET port 1 timeout 9", "-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
		"CONFIG GET timeout", "*2 $7 timeout $1 7",
		"CONFIG REWRITE", "-ERR The server is running without a config file",
		"CONFIG nosuch", "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP.",
	)
	require.NotEqual(t, "0", c.info("total_error_replies"))
	c.is("+OK", "CONFIG RESETSTAT")
	for _, name := range []string{"total_error_replies", "expired_keys", "rejected_connections", "keyspace_hits"} {
		require.Equal(t, "0", c.info(name), name)
	}
	require.NotContains(t, c.text("INFO everything"), "errorstat_ERR")
}

func TestConfig_resetstatForgetsExpiredKeys(t *testing.T) {
	c := dial(t, start(t))
	c.is("+OK", "SET a 1 PX 1")
	c.awaitInfo("expired_keys", "1")
	c.is("+OK", "CONFIG RESETSTAT")
	require.Equal(t, "0", c.info("expired_keys"))
}

func TestDebug_subcommands(t *testing.T) {
	v := start(t, "appendonly yes")
	c := dial(t, v)
	c.lines("RPUSH l a b", ":2", "SET gone 1", "+OK", "SET s x EX 100", "+OK", "SADD i 1 2", ":2", "HSET h a 1", ":1", "ZADD z 1.5 a", ":1")
	digest := c.do("DEBUG DIGEST")
	require.Regexp(t, `^\+[0-9a-f]{40}\r\n$`, digest)
	require.NoError(t, v.checkpoint(t.Context()))
	for _, line := range []string{"DEBUG RELOAD", "DEBUG RELOAD NOSAVE NOFLUSH", "DEBUG LOADAOF", "DEBUG JMAP", "DEBUG SLEEP 0", "DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG PAUSE-CRON 0",
		"DEBUG SET-DISABLE-DENY-SCRIPTS 1", "DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER", "DEBUG QUICKLIST-PACKED-THRESHOLD 100b", "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "DEBUG LOG hello"} {
		c.is("+OK", line)
		require.Equal(t, digest, c.do("DEBUG DIGEST"), line)
	}
	c.is(":3", "LPUSH l c")
	c.do("LPOP l")
	require.Equal(t, 2, strings.Count(c.do("DEBUG DIGEST-VALUE l nosuch"), "$40"))
	require.Contains(t, c.do("DEBUG OBJECT l"), "encoding:listpack")
	c.lines("DEBUG OBJECT nosuch", "-ERR no such key", "DEBUG POPULATE 100 p 20", "+OK", "STRLEN p:99", ":20", "DEBUG POPULATE 3", "+OK", "GET key:2", "$7 value:2")
	c.do("HELLO 3")
	for _, name := range strings.Fields("string integer double null array set map attrib push verbatim true false bignum") {
		require.NotEqual(t, "-", c.do("DEBUG PROTOCOL " + name)[:1], name)
	}
	require.Contains(t, c.do("DEBUG nosuch"), "-ERR unknown subcommand")
}

// TestDebug_reloadForgetsNoDeletion: what was deleted since the last checkpoint stays deleted after a restart.
func TestDebug_reloadForgetsNoDeletion(t *testing.T) {
	o, set := testOptions(t, "appendonly yes")
	v := startWith(t, o, Parts{Directives: set})
	c := dial(t, v)
	c.lines("SET a 1", "+OK", "SET b 1", "+OK")
	require.NoError(t, v.checkpoint(t.Context()))
	c.lines("DEL a", ":1", "DEBUG RELOAD", "+OK", "EXISTS a b", ":1")
	require.NoError(t, v.Close())
	again := startWith(t, o, Parts{Directives: set})
	dial(t, again).lines("GET a", "$-1", "GET b", "$1 1")
}

func TestDebug_notAllowed(t *testing.T) {
	c := dial(t, start(t, "enable-debug-command no"))
	require.Contains(t, c.do("DEBUG JMAP"), "-ERR DEBUG command not allowed.")
}

func TestCommand_listsEverySessionRow(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is(fmt.Sprintf(":%d", strings.Count(c.do("COMMAND LIST FILTERBY PATTERN *"), "$")-strings.Count(c.do("COMMAND LIST FILTERBY PATTERN *"), "|")), "COMMAND COUNT")
	for _, rows := range sessionFamilies() {
		for i := range rows {
			require.NotContains(t, []string{"*1\r\n*-1\r\n", "*1\r\n$-1\r\n"}, c.do("COMMAND INFO "+rows[i].spec.Name))
			require.NotEmpty(t, rows[i].spec.Summary, rows[i].spec.Name)
			for _, sub := range rows[i].spec.Subs {
				require.NotContains(t, []string{"*1\r\n*-1\r\n", "*1\r\n$-1\r\n"}, c.do("COMMAND INFO "+rows[i].spec.Name+"|"+sub.Name))
			}
		}
	}
	c.lines("COMMAND GETKEYS SET a b", "*1 $1 a", "COMMAND GETKEYS PING", "-ERR The command has no key arguments")
	for _, name := range []string{"CLIENT", "CONFIG", "COMMAND", "DEBUG", "PUBSUB", "TANDEM"} {
		require.Contains(t, c.do(name+" HELP"), "Print this help.", name)
	}
}

func TestShutdown_endsTheConnection(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is("-ERR syntax error", "SHUTDOWN what")
	c.is("-ERR No shutdown in progress.", "SHUTDOWN ABORT")
	c.begin("SHUTDOWN NOSAVE")
	<-v.Done()
	require.NoError(t, v.Close())
	require.Empty(t, c.closed())
}
