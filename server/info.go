package server

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/tandemkv/tandem/replication"
)

// RedisVersion is the Redis that this server presents itself as; Version is its own.
const (
	RedisVersion = "7.2.4"
	Version      = "0.1.0"
)

// infoSection is one part of INFO. byDefault: INFO without arguments shows it.
type infoSection struct {
	name      string
	byDefault bool
	write     func(x *executor, b *infoText)
}

func infoSections() []infoSection {
	return []infoSection{
		{"server", true, infoServer},
		{"clients", true, infoClients},
		{"memory", true, infoMemory},
		{"persistence", true, infoPersistence},
		{"stats", true, infoStats},
		{"replication", true, infoReplication},
		{"cpu", true, infoCPU},
		{"modules", true, func(*executor, *infoText) {}},
		{"commandstats", false, infoCommandStats},
		{"errorstats", true, infoErrorStats},
		{"latencystats", false, infoLatencyStats},
		{"owner", false, infoOwner},
		{"collector", false, infoCollector},
		{"cluster", true, func(x *executor, b *infoText) { b.line("cluster_enabled", 0) }},
		{"keyspace", true, infoKeyspace},
	}
}

// infoText gathers the lines of INFO.
type infoText struct{ strings.Builder }

func (b *infoText) line(name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }

func (b *infoText) flag(name string, on bool) {
	if on {
		b.line(name, 1)
		return
	}
	b.line(name, 0)
}

func info(x *executor, s *session, args [][]byte) error {
	wanted := make(map[string]bool)
	all := false
	for _, a := range args[1:] {
		switch word := strings.ToLower(string(a)); word {
		case "all", "everything":
			all = true
		case "default":
			wanted["default"] = true
		default:
			wanted[word] = true
		}
	}
	var b infoText
	for _, section := range infoSections() {
		byDefault := section.byDefault && (len(args) == 1 || wanted["default"])
		if !all && !byDefault && !wanted[section.name] {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + strings.ToUpper(section.name[:1]) + section.name[1:] + "\r\n")
		section.write(x, &b)
	}
	s.w.Verbatim("txt", b.String())
	return nil
}

func infoServer(x *executor, b *infoText) {
	up := x.now.Sub(x.server.started)
	b.line("redis_version", RedisVersion)
	b.line("redis_git_sha1", "00000000")
	b.line("redis_git_dirty", 0)
	b.line("redis_build_id", "0")
	b.line("redis_mode", "standalone")
	b.line("server_name", "tandem")
	b.line("tandem_version", Version)
	b.line("os", runtime.GOOS+" "+runtime.GOARCH)
	b.line("arch_bits", 64)
	b.line("monotonic_clock", "POSIX clock_gettime")
	b.line("multiplexing_api", multiplexing)
	b.line("go_version", runtime.Version())
	b.line("process_id", os.Getpid())
	b.line("process_supervised", "no")
	b.line("run_id", x.runID)
	b.line("tcp_port", x.server.Port(PortNode))
	b.line("server_time_usec", x.now.UnixMicro())
	b.line("uptime_in_seconds", int(up.Seconds()))
	b.line("uptime_in_days", int(up.Hours()/24))
	b.line("hz", x.opts.Hz)
	b.line("configured_hz", x.opts.Hz)
	b.line("lru_clock", x.now.Unix()&(1<<24-1))
	executable, _ := os.Executable() // shown when known
	b.line("executable", executable)
	file := ""
	if x.directives != nil {
		file = x.directives.File()
	}
	b.line("config_file", file)
	b.line("io_threads_active", 0)
	b.line("shutdown_in_milliseconds", 0)
}

func infoClients(x *executor, b *infoText) {
	subscribed, biggest := 0, 0
	for _, s := range x.sessions {
		if s.subs.any() {
			subscribed++
		}
		biggest = max(biggest, s.outputBytes())
	}
	b.line("connected_clients", len(x.sessions))
	b.line("cluster_connections", 0)
	b.line("maxclients", x.opts.MaxClients)
	b.line("client_recent_max_output_buffer", biggest)
	b.line("blocked_clients", x.parking.count+x.pauses.count())
	b.line("tracking_clients", 0)
	b.line("pubsub_clients", subscribed)
	b.line("clients_in_timeout_table", len(x.parking.deadlines))
	b.line("total_blocking_keys", len(x.parking.byKey))
	b.line("total_blocking_keys_on_nokey", 0)
}

func infoPersistence(x *executor, b *infoText) {
	b.flag("loading", x.loading.on)
	b.flag("async_loading", x.loading.copying)
	b.line("current_cow_peak", x.cowPeak())
	b.line("current_cow_size", x.cowBytes())
	b.line("current_cow_size_age", 0)
	b.line("current_fork_perc", "0.00")
	b.line("current_save_keys_processed", x.save.done)
	b.line("current_save_keys_total", x.save.total)
	b.line("rdb_changes_since_last_save", x.ks.Dirty()-x.save.dirtyAt)
	b.flag("rdb_bgsave_in_progress", x.save.exporting)
	b.line("rdb_last_save_time", x.save.lastAt.Unix())
	b.line("rdb_last_bgsave_status", okOrErr(x.save.lastOK))
	b.line("rdb_last_bgsave_time_sec", int(x.save.lastSeconds))
	b.line("rdb_current_bgsave_time_sec", -1)
	b.line("rdb_saves", x.save.exports)
	b.line("rdb_last_cow_size", x.save.lastCow)
	b.line("rdb_last_load_keys_expired", 0)
	b.line("rdb_last_load_keys_loaded", x.loading.total)
	b.flag("aof_enabled", x.server.store != nil)
	b.flag("aof_rewrite_in_progress", x.save.running || x.save.asked)
	b.line("aof_rewrite_scheduled", 0)
	b.line("aof_last_bgrewrite_status", okOrErr(x.save.lastOK))
	b.line("aof_last_write_status", okOrErr(x.diskError == nil))
	b.line("log_start", x.stream.Start())
	b.line("log_end", x.logEnd)
	b.line("log_synced", x.stream.Synced())
	b.line("log_pending_bytes", x.stream.Pending())
	if x.loading.on {
		b.line("loading_start_time", x.loading.began.Unix())
		b.line("loading_loaded_keys", x.loading.done)
		b.line("loading_total_keys", x.loading.total)
		b.line("loading_replayed_bytes", x.loading.replayed)
	}
}

func okOrErr(ok bool) string {
	if ok {
		return "ok"
	}
	return "err"
}

func infoStats(x *executor, b *infoText) {
	t := &x.stats
	totals := x.totals()
	b.line("total_connections_received", t.connections)
	b.line("total_commands_processed", t.commands)
	b.line("instantaneous_ops_per_sec", t.ops)
	b.line("total_net_input_bytes", t.inputBytes.Load())
	b.line("total_net_output_bytes", t.outputBytes.Load())
	b.line("rejected_connections", t.rejected)
	b.line("sync_full", t.syncFull)
	b.line("sync_partial_ok", t.syncPartialOK)
	b.line("sync_partial_err", t.syncPartialErr)
	b.line("expired_subkeys", totals.expiredFields)
	b.line("expired_keys", totals.expired)
	b.line("expired_stale_perc", fmt.Sprintf("%.2f", x.house.expiry.stalePercent))
	b.line("expired_time_cap_reached_count", x.house.expiry.capReached)
	b.line("expire_cycle_cpu_milliseconds", x.house.expiry.spent.Milliseconds())
	b.line("evicted_keys", totals.evicted)
	b.line("evicted_clients", 0)
	over := &x.memory.over
	b.line("total_eviction_exceeded_time", (over.total + over.current(x.now)).Milliseconds())
	b.line("current_eviction_exceeded_time", over.current(x.now).Milliseconds())
	infoDefrag(x, b)
	b.line("keyspace_hits", totals.hits)
	b.line("keyspace_misses", totals.misses)
	b.line("pubsub_channels", len(x.pubsub.channels))
	b.line("pubsub_patterns", len(x.pubsub.patterns))
	b.line("pubsubshard_channels", len(x.pubsub.shards))
	b.line("latest_fork_usec", 0)
	b.line("total_forks", 0)
	b.line("tracking_total_keys", 0)
	b.line("total_error_replies", t.errorReplies)
	b.line("acl_access_denied_auth", t.deniedAuth)
	b.line("acl_access_denied_cmd", 0)
	b.line("acl_access_denied_key", 0)
	b.line("acl_access_denied_channel", 0)
	b.line("client_query_buffer_limit_disconnections", t.queryLimitDisconnections)
	b.line("client_output_buffer_limit_disconnections", t.outputLimitDisconnections)
	b.line("protocol_errors", t.protocolErrors)
	b.line("eventloop_cycles", t.rounds)
	b.line("eventloop_duration_sum", t.roundTime.Microseconds())
	b.line("eventloop_duration_cmd_sum", t.commandTime.Microseconds())
	b.line("instantaneous_eventloop_cycles_per_sec", t.roundsPerSecond)
	b.line("instantaneous_eventloop_duration_usec", t.roundMicros)
}

// redisRole is the role in Redis' words: a fenced node shows as a master that refuses writes.
func (x *executor) redisRole() string {
	if x.role.is(RoleStandby) {
		return "slave"
	}
	return "master"
}

func infoReplication(x *executor, b *infoText) {
	b.line("role", x.redisRole())
	if x.role.is(RoleStandby) {
		infoStandby(x, b)
	}
	online := x.standbys.sorted()
	b.line("connected_slaves", len(online))
	if x.opts.MinReplicasToWrite > 0 {
		b.line("min_slaves_good_slaves", x.standbys.good(x))
	}
	for i, id := range online {
		f := x.standbys.feeds[id]
		info := f.feeder.Info()
		host, port := f.address(info)
		lag := int64(-1)
		if !info.LastAck.IsZero() {
			lag = int64(x.now.Sub(info.LastAck).Seconds())
		}
		acked := max(info.Acked, 0)
		b.line(fmt.Sprintf("slave%d", i), fmt.Sprintf("ip=%s,port=%d,state=%s,offset=%d,lag=%d,lag_bytes=%d,node=%s", host, port, info.State, acked, lag, x.logEnd-acked, info.NodeID))
	}
	b.line("master_failover_state", x.failoverState())
	previous, second := x.role.history.Previous()
	b.line("master_replid", orZeros(x.role.history.Last().ID))
	b.line("master_replid2", previous)
	b.line("master_repl_offset", x.logEnd)
	b.line("second_repl_offset", second)
	b.flag("repl_backlog_active", true)
	b.line("repl_backlog_size", x.opts.ReplBacklogBytes)
	b.line("repl_backlog_first_byte_offset", x.stream.Start()+1)
	b.line("repl_backlog_histlen", x.logEnd-x.stream.Start())
	b.line("tandem_role", x.role.role)
	b.line("tandem_role_reason", oneLine(x.role.reason))
	b.line("tandem_epoch", x.role.history.Last().Epoch)
	b.line("tandem_durability", x.opts.Durability)
	if x.nodeID != "" {
		b.line("tandem_node_id", x.nodeID)
	}
	if x.pair != nil {
		for _, line := range x.pair.Info() {
			b.line(line.Name, oneLine(line.Value))
		}
	}
}

func oneLine(text string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(text) }

func orZeros(id string) string {
	if id == "" {
		return strings.Repeat("0", replication.IDBytes)
	}
	return id
}

func (x *executor) failoverState() string {
	if x.pauses.switchover {
		return "waiting-for-sync"
	}
	return "no-failover"
}

func infoStandby(x *executor, b *infoText) {
	status := x.server.link.status()
	up := "down"
	if x.role.linkUp {
		up = "up"
	}
	b.line("master_host", x.role.masterHost)
	b.line("master_port", x.role.masterPort)
	b.line("master_link_status", up)
	b.line("master_last_io_seconds_ago", status.SilentTicks*int64(tickLength)/int64(time.Second))
	syncing := status.State == replication.LinkSync
	b.flag("master_sync_in_progress", syncing)
	b.line("slave_read_repl_offset", x.logEnd)
	b.line("slave_repl_offset", x.logEnd)
	if syncing {
		b.line("master_sync_total_bytes", status.CopyTotal)
		b.line("master_sync_read_bytes", status.CopyReceived)
		b.line("master_sync_left_bytes", status.CopyTotal-status.CopyReceived)
	}
	if !x.role.linkUp {
		b.line("master_link_down_since_seconds", int64(x.now.Sub(x.role.linkDown).Seconds()))
	}
	b.line("tandem_link_state", status.State)
	b.line("tandem_link_decision", oneLine(status.Decision))
	b.line("tandem_link_error", oneLine(status.LastError))
	b.line("slave_priority", 100)
	b.flag("slave_read_only", x.opts.ReplicaReadOnly)
	b.line("replica_announced", 1)
}

func infoCommandStats(x *executor, b *infoText) {
	for _, spec := range x.table.All() {
		c := &x.stats.byCommand[spec.ID]
		if c.calls+c.rejected+c.failed == 0 {
			continue
		}
		micros := c.nanos / 1000
		perCall := 0.0
		if c.calls > 0 {
			perCall = float64(micros) / float64(c.calls)
		}
		b.line("cmdstat_"+spec.FullName, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d", c.calls, micros, perCall, c.rejected, c.failed))
	}
}

func infoErrorStats(x *executor, b *infoText) {
	codes := make([]string, 0, len(x.stats.byError))
	for code := range x.stats.byError {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	for _, code := range codes {
		b.line("errorstat_"+code, fmt.Sprintf("count=%d", x.stats.byError[code]))
	}
}

func infoKeyspace(x *executor, b *infoText) {
	for i := range x.ks.Databases() {
		if db := x.ks.DB(i); db.Len() > 0 {
			b.line(fmt.Sprintf("db%d", i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d,subexpiry=%d", db.Len(), db.Deadlines(), db.AverageTTL(), db.HashesWithDeadlines()))
		}
	}
}
