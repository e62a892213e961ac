package config

import (
	"errors"
	"fmt"
	"slices"
)

func acceptedNetwork() []*Row {
	return slices.Concat(
		mootFixed("connections are not marked",
			number("socket-mark-id", 0, 0, 1<<32-1)),
		moot("outgoing connections leave from the address that the system chooses",
			text("bind-source-addr", "")),
		mootFixed("the loops read in parallel anyway",
			yesNo("io-threads-do-reads", false)),
		moot("this version does not track keys",
			number("tracking-table-max-keys", 1000000, 0, longMax)),
	)
}

func acceptedProcess() []*Row {
	return slices.Concat(
		mootFixed("messages go to logfile or standard output only",
			yesNo("syslog-enabled", false),
			text("syslog-ident", "redis"),
			word("syslog-facility", "local0", "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7")),
		mootFixed("the process keeps the name that it was started with",
			yesNo("set-proc-title", true)),
		moot("the process keeps the name that it was started with",
			text("proc-title-template", "{title} {listen-addr} {server-mode}")),
		moot("the Go run-time reports crashes",
			yesNo("crash-log-enabled", true),
			yesNo("crash-memcheck-enabled", true),
			yesNo("use-exit-on-panic", false).Hidden(),
			number("watchdog-period", 0, 0, intMax).Hidden()),
		mootFixed("the Go scheduler chooses the processors",
			text("server_cpulist", "").Alias("server-cpulist"),
			text("bio_cpulist", "").Alias("bio-cpulist"),
			text("aof_rewrite_cpulist", "").Alias("aof-rewrite-cpulist"),
			text("bgsave_cpulist", "").Alias("bgsave-cpulist")),
		mootFixed("without a fork, huge pages do no harm", yesNo("disable-thp", true)),
		moot("there is no child process whose score would matter",
			word("oom-score-adj", "no", "no", "yes", "relative", "absolute"),
			oomScoreValues()),
		moot("nothing to silence", text("ignore-warnings", "")),
		moot("texts are compared byte by byte", text("locale-collate", "")),
		moot("periodic work has its own pace", yesNo("dynamic-hz", true)),
		moot("the server ends by the usual path",
			shutdownWords("shutdown-on-sigint"),
			shutdownWords("shutdown-on-sigterm")),
		mootFixed("there are no modules", word("enable-module-command", "no", "no", "yes", "local")),
		[]*Row{
			refused("loadmodule", "modules cannot be loaded: they are shared libraries for Redis' own memory layout"),
			refused("rename-command", "commands cannot be renamed"),
		},
	)
}

func shutdownWords(name string) *Row {
	return EnumSet(name, nil, []string{"default"}, "default", "save", "nosave", "now", "force")
}

func oomScoreValues() *Row {
	return Custom(
		"oom-score-adj-values", nil, [3]int64{0, 200, 800}, "three integers, -2000 to 2000",
		parseThree, formatThree).ManyArgs()
}

func acceptedObservation() []*Row {
	return moot("this version does not record that",
		yesNo("latency-tracking", true),
		Strings("latency-tracking-info-percentiles", nil, "50", "99", "99.9"),
		number("busy-reply-threshold", 5000, 0, longMax).Alias("lua-time-limit"))
}

func acceptedAccess() []*Row {
	const reason = "this version has no ACL users"
	return slices.Concat(
		mootFixed(reason,
			text("aclfile", "").OnlyDefault(reason+": use requirepass"),
			refused("user", reason+": use requirepass")),
		moot(reason,
			number("acllog-max-len", 128, 0, longMax),
			word("acl-pubsub-default", "resetchannels", "allchannels", "resetchannels")),
	)
}

func acceptedCluster() []*Row {
	const reason = "there is no cluster mode: a pair is one shard behind a proxy or a client-side ring"
	return slices.Concat(
		mootFixed(reason,
			yesNo("cluster-enabled", false).OnlyDefault(reason),
			text("cluster-config-file", "nodes.conf"),
			number("cluster-port", 0, 0, 65535)),
		moot(reason,
			number("cluster-node-timeout", 15000, 0, longMax),
			number("cluster-ping-interval", 0, 0, longMax).Hidden(),
			number("cluster-replica-validity-factor", 10, 0, intMax).Alias("cluster-slave-validity-factor"),
			yesNo("cluster-replica-no-failover", false).Alias("cluster-slave-no-failover"),
			number("cluster-migration-barrier", 1, 0, intMax),
			yesNo("cluster-allow-replica-migration", true),
			yesNo("cluster-require-full-coverage", true),
			yesNo("cluster-allow-reads-when-down", false),
			yesNo("cluster-allow-pubsubshard-when-down", true),
			bytes("cluster-link-sendbuf-limit", 0, 0, longMax),
			text("cluster-announce-ip", ""),
			text("cluster-announce-hostname", ""),
			text("cluster-announce-human-nodename", ""),
			number("cluster-announce-port", 0, 0, 65535),
			number("cluster-announce-bus-port", 0, 0, 65535),
			number("cluster-announce-tls-port", 0, 0, 65535),
			word("cluster-preferred-endpoint-type", "ip", "ip", "hostname", "unknown-endpoint")),
	)
}

func acceptedTLS() []*Row {
	const reason = "this version does not speak TLS"
	return moot(reason,
		number("tls-port", 0, 0, 65535).OnlyDefault(reason),
		yesNo("tls-replication", false).OnlyDefault(reason),
		yesNo("tls-cluster", false).OnlyDefault(reason),
		word("tls-auth-clients", "yes", "no", "yes", "optional"),
		yesNo("tls-prefer-server-ciphers", false),
		yesNo("tls-session-caching", true),
		number("tls-session-cache-size", 20480, 0, intMax),
		number("tls-session-cache-timeout", 300, 0, intMax),
		text("tls-cert-file", ""),
		text("tls-key-file", ""),
		text("tls-key-file-pass", "").Sensitive(),
		text("tls-client-cert-file", ""),
		text("tls-client-key-file", ""),
		text("tls-client-key-file-pass", "").Sensitive(),
		text("tls-dh-params-file", ""),
		text("tls-ca-cert-file", ""),
		text("tls-ca-cert-dir", ""),
		text("tls-protocols", ""),
		text("tls-ciphers", ""),
		text("tls-ciphersuites", ""))
}

// parseThree reads Redis' oom-score-adj-values: three numbers.
func parseThree(args []string) ([3]int64, error) {
	var values [3]int64
	if len(args) != len(values) {
		return values, errors.New("wrong number of arguments")
	}
	for i, arg := range args {
		n, err := parseInt(arg, -2000, 2000)
		if err != nil {
			return values, errors.New("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
		}
		values[i] = n
	}
	return values, nil
}

func formatThree(v [3]int64) string { return fmt.Sprintf("%d %d %d", v[0], v[1], v[2]) }
