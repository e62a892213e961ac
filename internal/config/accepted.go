package config

import (
	"errors"
	"math"
	"slices"
)

const (
	intMax  = math.MaxInt32
	longMax = math.MaxInt64
)

// Accepted lists the directives of Redis 7.2 that no package of ours implements,
// with Redis' kinds, limits and defaults, and the reason why they have no effect
// here. A package that implements one declares its own row, and the one here goes:
// a test keeps the two apart.
//
// Where doing nothing would surprise (encryption, access control, a cluster) any
// value but the default is refused instead.
func Accepted() []*Row {
	return slices.Concat(
		acceptedLog(), acceptedSnapshot(), acceptedReplication(), acceptedMemory(), acceptedEncodings(),
		acceptedNetwork(), acceptedProcess(), acceptedObservation(), acceptedAccess(), acceptedCluster(), acceptedTLS(),
	)
}

// moot gives rows one explanation and lets CONFIG SET store into them.
func moot(explain string, rows ...*Row) []*Row {
	for _, row := range rows {
		row.Accepted(explain).Changeable()
	}
	return rows
}

// mootFixed is moot for what Redis does not let CONFIG SET change.
func mootFixed(explain string, rows ...*Row) []*Row {
	for _, row := range rows {
		row.Accepted(explain)
	}
	return rows
}

func yesNo(name string, def bool) *Row { return Bool(name, nil, def) }

func number(name string, def, low, high int64) *Row { return Int[int64](name, nil, def, low, high) }

func bytes(name string, def, low, high int64) *Row { return Memory[int64](name, nil, def, low, high) }

func text(name, def string) *Row { return String[string](name, nil, def) }

func word(name, def string, words ...string) *Row { return Enum(name, nil, def, words...) }

// refused is a directive that stops the start.
func refused(name, reason string) *Row {
	return Repeated(name, nil).Check(func(string) error { return errors.New(reason) }).FileOnly().Accepted(reason)
}

func acceptedLog() []*Row {
	return slices.Concat(
		moot("the log lives in a store that is never rewritten; checkpoints write only the keys that changed",
			number("auto-aof-rewrite-percentage", 100, 0, intMax),
			bytes("auto-aof-rewrite-min-size", 64<<20, 0, longMax),
			yesNo("aof-rewrite-incremental-fsync", true),
			yesNo("aof-use-rdb-preamble", true),
			yesNo("aof-disable-auto-gc", false).Hidden(),
			yesNo("no-appendfsync-on-rewrite", false)),
		moot("each chunk of the log carries its time",
			yesNo("aof-timestamp-enabled", false)),
		moot("a chunk cut off by a crash at the end of the log is always dropped and reported, any other damage stops the start",
			yesNo("aof-load-truncated", true)),
		mootFixed("the log has no file of its own, it is part of the store in dir",
			text("appendfilename", "appendonly.aof"),
			text("appenddirname", "appendonlydir")),
	)
}

func acceptedSnapshot() []*Row {
	return slices.Concat(
		moot("RDB files are import and export; the store keeps its own checksums and compression",
			yesNo("rdbcompression", true),
			yesNo("rdb-save-incremental-fsync", true),
			yesNo("rdb-del-sync-files", false),
			word("sanitize-dump-payload", "no", "no", "yes", "clients"),
			number("rdb-key-save-delay", 0, -intMax, intMax).Hidden(),
			number("key-load-delay", 0, -intMax, intMax).Hidden(),
			number("loading-process-events-interval-bytes", 2<<20, 1024, intMax).Hidden()),
		mootFixed("RDB files always carry a checksum",
			yesNo("rdbchecksum", true)),
		moot("a failing disk is reported and, in a pair, hands the mastership over",
			yesNo("stop-writes-on-bgsave-error", true)),
	)
}

func acceptedReplication() []*Row {
	return slices.Concat(
		moot("a full copy is streamed from memory without a file or a fork",
			yesNo("repl-diskless-sync", true),
			number("repl-diskless-sync-delay", 5, 0, intMax),
			number("repl-diskless-sync-max-replicas", 0, 0, intMax)),
		moot("a full copy is loaded beside the old data and swapped in when it is whole",
			word("repl-diskless-load", "disabled", "disabled", "on-empty-db", "swapdb"),
			yesNo("replica-lazy-flush", false).Alias("slave-lazy-flush")),
		moot("the backlog is the log on disk, bounded by log-retain-bytes and log-retain-seconds",
			number("repl-backlog-ttl", 3600, 0, longMax)),
		moot("replication sockets always send at once",
			yesNo("repl-disable-tcp-nodelay", false)),
		moot("who is promoted follows from the positions and votes of the pair",
			number("replica-priority", 100, 0, intMax).Alias("slave-priority")),
		moot("every standby is shown",
			yesNo("replica-announced", true)),
		moot("a standby follows its master in everything",
			yesNo("replica-ignore-maxmemory", true).Alias("slave-ignore-maxmemory"),
			yesNo("replica-ignore-disk-write-errors", false),
			word("propagation-error-behavior", "ignore", "ignore", "panic", "panic-on-replicas")),
	)
}

func acceptedMemory() []*Row {
	return slices.Concat(
		moot("compaction goes through large structures piece by piece, whatever their size",
			number("active-defrag-max-scan-fields", 1000, 1, longMax)),
		moot("Redis' allocator is not used",
			yesNo("jemalloc-bg-thread", true)),
		moot("the index grows a piece at a time by itself",
			yesNo("activerehashing", true)),
		moot("freeing never blocks",
			yesNo("lazyfree-lazy-eviction", false),
			yesNo("lazyfree-lazy-user-del", false),
			yesNo("lazyfree-lazy-user-flush", false)),
		moot("this version does not evict clients",
			MemoryOrPercent[int64]("maxmemory-clients", nil, 0)),
	)
}

func acceptedEncodings() []*Row {
	return moot("this version does not have that encoding limit",
		number("list-compress-depth", 0, 0, intMax),
		bytes("hll-sparse-max-bytes", 3000, 0, longMax))
}
