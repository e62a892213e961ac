package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandemkv/tandem/internal/config"
	"github.com/tandemkv/tandem/keyspace"
)

// Options configure one node as clients see it. Sections gives the directive of each field; to add one, add the field
// and its row.
type Options struct {
	// Network.
	Port            int // 0: no TCP listener of its own
	RWPort, ROPort  int
	Bind            []string
	UnixSocket      string
	UnixSocketPerm  int
	TCPBacklog      int
	TCPKeepalive    time.Duration
	Timeout         time.Duration // an idle client is closed; 0: never
	MaxClients      int
	ProtectedMode   bool
	RequirePass     string
	IOThreads       int
	BulkBytesMax    int
	QueryBytesMax   int
	OutputLimits    config.BufferLimits
	AnnounceHost    string
	AnnouncePort    int
	notifyClasses   classSet
	DebugCommand    string // no, local, yes
	ProtectedConfig string

	// Data.
	Databases                        int
	Limits                           keyspace.Limits
	Hz                               int
	LazyExpireDel, LazyServerDel     bool
	ActiveDefrag                     bool
	DefragIgnoreBytes                int64 // of memory that compaction would give back
	DefragThresholdLower             int   // the same, in percent of the data
	DefragThresholdUpper             int
	DefragCycleMin, DefragCycleMax   int // percent of time
	MaxMemory                        int64
	MaxMemoryPolicy                  string
	MaxMemorySamples                 int
	EvictionTenacity                 int
	LFULogFactor, LFUDecayMinutes    int
	ExpireEffort                     int
	LatencyThreshold                 int64
	SlowlogSlowerThan, SlowlogMaxLen int64

	// Persistence.
	Dir                string
	DBFilename         string
	AppendOnly         bool
	AppendFsync        string
	Save               []config.SavePoint
	LogRetainBytes     int64
	LogRetain          time.Duration
	CheckpointInterval time.Duration

	// Replication.
	replicaOf             []string // host and port; empty: none
	MasterUser            string
	MasterAuth            string
	ReplicaReadOnly       bool
	ReplicaServeStaleData bool
	ReplTimeout           time.Duration
	ReplPingPeriod        time.Duration
	ReplBacklogBytes      int64
	MinReplicasToWrite    int
	MinReplicasMaxLag     time.Duration
	Durability            string // none, standby
	StandbyAck            string // memory, disk

	// Process.
	LogLevel    string
	LogFile     string
	PidFile     string
	Daemonize   bool
	AlwaysLogo  bool
	Supervised  string
	hooks       map[string]func() error
	ShutdownWay time.Duration // shutdown-timeout
}

// The words of enumerated directives.
const (
	FsyncAlways   = "always"
	FsyncEverySec = "everysec"
	FsyncNo       = "no"

	DurabilityNone    = "none"
	DurabilityStandby = "standby"

	AckMemory = "memory"
	AckDisk   = "disk"
)

// OnChange has f called after CONFIG SET has changed a directive. For parts outside this package, before the start.
func (o *Options) OnChange(name string, f func() error) { o.register(name, f) }

// onChange gives the function that a row runs after CONFIG SET. The server registers what it does when it starts.
func (o *Options) onChange(name string) func() error {
	return func() error {
		if f := o.hooks[name]; f != nil {
			return f()
		}
		return nil
	}
}

func (o *Options) register(name string, f func() error) {
	if o.hooks == nil {
		o.hooks = make(map[string]func() error)
	}
	o.hooks[name] = f
}

// Sections lists the directives of a node.
func (o *Options) Sections() []config.Section {
	return []config.Section{
		{Title: "Network", Rows: o.networkRows()},
		{Title: "Data", Rows: o.dataRows()},
		{Title: "Memory", Rows: o.memoryRows()},
		{Title: "Compact encodings", Rows: o.encodingRows()},
		{Title: "Persistence", Rows: o.persistenceRows()},
		{Title: "Replication", Rows: o.replicationRows()},
		{Title: "Process", Rows: o.processRows()},
	}
}

func (o *Options) networkRows() []*config.Row {
	defaults := config.BufferLimits{Replica: config.BufferLimit{HardBytes: 256 << 20, SoftBytes: 64 << 20, SoftSeconds: 60},
		Pubsub: config.BufferLimit{HardBytes: 32 << 20, SoftBytes: 8 << 20, SoftSeconds: 60}}
	return []*config.Row{
		config.Int("port", &o.Port, 6379, 0, 65535).Doc("The node itself, as a Redis node of its role. 0 = no TCP port."),
		config.Int("rw-port", &o.RWPort, 0, 0, 65535).Doc("Always the master: served here when this node is the master, forwarded otherwise. 0 = off."),
		config.Int("ro-port", &o.ROPort, 0, 0, 65535).Doc("Reads, by preference on a standby. 0 = off."),
		config.Strings("bind", &o.Bind, "*", "-::*").Doc("Addresses to listen on. A leading - makes one optional."),
		config.String("unixsocket", &o.UnixSocket, "").Doc("Path of a Unix socket to listen on."),
		config.Octal("unixsocketperm", &o.UnixSocketPerm, 0, 0, 0o777).Doc("Mode of the Unix socket; 0 leaves it to the umask."),
		config.Int("tcp-backlog", &o.TCPBacklog, 511, 0, 1<<30).Doc("Accepted for Redis' sake; the system's limit applies."),
		config.Seconds("tcp-keepalive", &o.TCPKeepalive, 300, 0, 1<<30).Doc("Seconds between keepalive probes to clients. 0 = off.").Changeable(),
		config.Seconds("timeout", &o.Timeout, 0, 0, 1<<30).Doc("Close a client that was idle for this many seconds. 0 = never.").Changeable(),
		config.Int("maxclients", &o.MaxClients, 10000, 1, 1<<32-1).Doc("Clients at the same time; more are refused.").Changeable(),
		config.Bool("protected-mode", &o.ProtectedMode, true).Doc("Without a password, accept clients from this host only.").Changeable(),
		config.String("requirepass", &o.RequirePass, "").Doc("Password of the default user.").Sensitive().Changeable(o.onChange("requirepass")),
		config.Int("io-threads", &o.IOThreads, 1, 1, 128).Doc("Event loops that read, parse and write; commands still run one at a time."),
		config.Memory("proto-max-bulk-len", &o.BulkBytesMax, 512<<20, 1<<20, 1<<40).Doc("Longest string a client may send.").Changeable(o.onChange("proto-max-bulk-len")),
		config.Memory("client-query-buffer-limit", &o.QueryBytesMax, 1<<30, 1<<20, 1<<40).Doc("Unread input a client may pile up.").Changeable(),
		config.OutputBufferLimits("client-output-buffer-limit", &o.OutputLimits, defaults).
			Doc("Output a client may leave unread, by class. The replica class is accepted but not needed: a standby reads the log on disk.").Changeable(),
		config.String("announce-host", &o.AnnounceHost, "").Alias("replica-announce-ip", "slave-announce-ip").Doc("Host that others are told, when it is not the one this node sees.").Changeable(),
		config.Int("announce-port", &o.AnnouncePort, 0, 0, 65535).Alias("replica-announce-port", "slave-announce-port").Doc("Port that others are told. 0 = port.").Changeable(),
		config.Custom("notify-keyspace-events", &o.notifyClasses, 0, "classes of events", parseClasses, formatClasses).
			Doc("Keyspace notifications: K E g $ l s h z x e t m d n A, as in Redis.").Changeable(),
		config.Enum("enable-debug-command", &o.DebugCommand, "no", "no", "local", "yes").Doc("Who may use DEBUG."),
		config.Enum("enable-protected-configs", &o.ProtectedConfig, "no", "no", "local", "yes").Doc("Who may CONFIG SET protected directives."),
	}
}

func (o *Options) dataRows() []*config.Row {
	return []*config.Row{
		config.Int("databases", &o.Databases, 16, 1, 1<<15).Doc("Number of databases (SELECT)."),
		config.Int("hz", &o.Hz, 10, 1, 500).Doc("Rounds of housekeeping a second.").Changeable(),
		config.Bool("activedefrag", &o.ActiveDefrag, true).
			Doc("Compact the data in slices when deletions have left much memory in holes. On by default, unlike in Redis: it costs nothing while there is nothing to gain.").Changeable(),
		config.Memory("active-defrag-ignore-bytes", &o.DefragIgnoreBytes, 100<<20, 1, 1<<60).Doc("Do not compact to give back less than this.").Changeable(),
		config.Int("active-defrag-threshold-lower", &o.DefragThresholdLower, 10, 0, 1000).Doc("Do not compact to give back less than so many percent of the data.").Changeable(),
		config.Int("active-defrag-threshold-upper", &o.DefragThresholdUpper, 100, 0, 1000).Doc("Percent of the data from which on compaction takes all of its time.").Changeable(),
		config.Int("active-defrag-cycle-min", &o.DefragCycleMin, 1, 1, 99).Doc("Percent of time for compaction at the lower threshold.").Changeable(),
		config.Int("active-defrag-cycle-max", &o.DefragCycleMax, 25, 1, 99).Doc("Percent of time for compaction at the upper threshold.").Changeable(),
		config.Bool("lazyfree-lazy-expire", &o.LazyExpireDel, false).Doc("Accepted for Redis' sake: freeing never stops the owner here.").Changeable(),
		config.Bool("lazyfree-lazy-server-del", &o.LazyServerDel, false).Doc("Accepted for Redis' sake.").Changeable(),
		config.Int("latency-monitor-threshold", &o.LatencyThreshold, 0, 0, 1<<40).Doc("Milliseconds; accepted for Redis' sake.").Changeable(),
		config.Int("slowlog-log-slower-than", &o.SlowlogSlowerThan, 10000, -1, 1<<40).Doc("Accepted for Redis' sake: there is no slow log yet.").Changeable(),
		config.Int("slowlog-max-len", &o.SlowlogMaxLen, 128, 0, 1<<30).Doc("Accepted for Redis' sake: there is no slow log yet.").Changeable(),
	}
}

func (o *Options) memoryRows() []*config.Row {
	policy := o.onChange("maxmemory-policy")
	return []*config.Row{
		config.Memory("maxmemory", &o.MaxMemory, 0, 0, 1<<50).Doc("Above this keys are evicted as maxmemory-policy says; when there are none, commands that need memory are refused. 0 = no limit. On a standby it means nothing: it follows its master.").Changeable(o.onChange("maxmemory")),
		config.Enum("maxmemory-policy", &o.MaxMemoryPolicy, "noeviction", policyNames()...).
			Doc("Which keys are evicted: of all or of those with a deadline (volatile), the least recently used (lru), the least frequently used (lfu), any (random), or the next to expire (ttl).").Changeable(policy),
		config.Int("maxmemory-samples", &o.MaxMemorySamples, 5, 1, 64).Doc("Keys looked at for each one that lru or lfu evicts.").Changeable(policy),
		config.Int("maxmemory-eviction-tenacity", &o.EvictionTenacity, 10, 0, 100).Doc("How long one command may be held up by evictions: 10 = half a millisecond; 15 % more with each step above, 100 = without limit.").Changeable(policy),
		config.Int("lfu-log-factor", &o.LFULogFactor, 10, 0, 1<<31-1).Doc("The higher, the more uses of a key count as frequent.").Changeable(policy),
		config.Int("lfu-decay-time", &o.LFUDecayMinutes, 1, 0, 1<<31-1).Doc("Minutes without use after which a key's count falls by one. 0 = never.").Changeable(policy),
		config.Int("active-expire-effort", &o.ExpireEffort, 1, 1, 10).Doc("How much time housekeeping takes for expired keys while others wait: a quarter (1) to 43 % (10).").Changeable(),
	}
}

func (o *Options) encodingRows() []*config.Row {
	l := &o.Limits
	apply := o.onChange("limits")
	return []*config.Row{
		config.Int("hash-max-listpack-entries", &l.HashMaxListpackEntries, 512, 0, 1<<30).Alias("hash-max-ziplist-entries").Doc("Hashes up to this many fields are packed.").Changeable(apply),
		config.Memory("hash-max-listpack-value", &l.HashMaxListpackValue, 64, 0, 1<<30).Alias("hash-max-ziplist-value").Doc("Longest field or value in a packed hash.").Changeable(apply),
		config.Int("list-max-listpack-size", &l.ListMaxListpackSize, -2, -5, 1<<30).Alias("list-max-ziplist-size").Doc("Entries (or -1..-5: 4 to 64 KB) of a block of a list.").Changeable(apply),
		config.Int("set-max-intset-entries", &l.SetMaxIntsetEntries, 512, 0, 1<<30).Doc("Sets of integers up to this size are packed as integers.").Changeable(apply),
		config.Int("set-max-listpack-entries", &l.SetMaxListpackEntries, 128, 0, 1<<30).Doc("Sets up to this size are packed.").Changeable(apply),
		config.Memory("set-max-listpack-value", &l.SetMaxListpackValue, 64, 0, 1<<30).Doc("Longest member of a packed set.").Changeable(apply),
		config.Int("zset-max-listpack-entries", &l.ZSetMaxListpackEntries, 128, 0, 1<<30).Alias("zset-max-ziplist-entries").Doc("Sorted sets up to this size are packed.").Changeable(apply),
		config.Memory("zset-max-listpack-value", &l.ZSetMaxListpackValue, 64, 0, 1<<30).Alias("zset-max-ziplist-value").Doc("Longest member of a packed sorted set.").Changeable(apply),
		config.Memory("stream-node-max-bytes", &l.StreamNodeMaxBytes, 4096, 0, 1<<62).Doc("Size of a block of a stream's entries, as Redis would count it. 0 = no limit.").Changeable(apply),
		config.Bool("string-compression", &l.CompressStrings, true).Doc("Strings of 24 to 2047 bytes that are like others are kept shorter, with what is learned from those that are set. It costs some CPU time at SET and GET.").Changeable(apply),
		config.Int("stream-node-max-entries", &l.StreamNodeMaxEntries, 100, 0, 1<<62).Doc("Entries of a block of a stream. 0 = no limit.").Changeable(apply),
	}
}

func (o *Options) persistenceRows() []*config.Row {
	return []*config.Row{
		config.String("dir", &o.Dir, ".").Doc("Folder of this node's data. Two nodes never share one.").Protected(),
		config.String("dbfilename", &o.DBFilename, "dump.rdb").Doc("Name of the RDB file that BGSAVE exports.").Protected().Changeable(),
		config.Bool("appendonly", &o.AppendOnly, true).Doc("Keep the log and checkpoints on disk, synced as appendfsync says."),
		config.Enum("appendfsync", &o.AppendFsync, FsyncEverySec, FsyncEverySec, FsyncAlways, FsyncNo).
			Doc("When the log is synced. always: no reply before its write is on disk.").Changeable(o.onChange("appendfsync")),
		config.SavePoints("save", &o.Save, config.SavePoint{Seconds: 3600, Changes: 1}, config.SavePoint{Seconds: 300, Changes: 100},
			config.SavePoint{Seconds: 60, Changes: 10000}).Doc("Only matters with appendonly no: with save points the data are kept on disk all the same, without a promise when; with none, nothing survives a restart.").Changeable(),
		config.Memory("log-retain-bytes", &o.LogRetainBytes, 1<<30, 1<<20, 1<<50).Doc("Log kept on disk behind the checkpoint, for standbys that were away.").Changeable(o.onChange("retention")),
		config.Seconds("log-retain-seconds", &o.LogRetain, 0, 0, 1<<40).Doc("Drop log older than this. 0 = by size only.").Changeable(o.onChange("retention")),
		config.Seconds("checkpoint-interval-seconds", &o.CheckpointInterval, 60, 1, 1<<30).Doc("Time between two checkpoints of what has changed.").Changeable(),
	}
}

func (o *Options) replicationRows() []*config.Row {
	return []*config.Row{
		config.Strings("replicaof", &o.replicaOf).Alias("slaveof").Doc("Host and port of a master, for a replica without the pair's failover."),
		config.String("masteruser", &o.MasterUser, "").Doc("User for the master.").Changeable(o.onChange("masterauth")),
		config.String("masterauth", &o.MasterAuth, "").Doc("Password for the master.").Sensitive().Changeable(o.onChange("masterauth")),
		config.Bool("replica-read-only", &o.ReplicaReadOnly, true).Alias("slave-read-only").Doc("A standby refuses writes.").Changeable(),
		config.Bool("replica-serve-stale-data", &o.ReplicaServeStaleData, true).Alias("slave-serve-stale-data").Doc("A standby without its master answers reads.").Changeable(),
		config.Seconds("repl-timeout", &o.ReplTimeout, 60, 1, 1<<30).Doc("A silent peer is left after this.").Changeable(),
		config.Seconds("repl-ping-replica-period", &o.ReplPingPeriod, 10, 1, 1<<30).Alias("repl-ping-slave-period").Doc("Seconds between PINGs in the log while standbys listen.").Changeable(),
		config.Memory("repl-backlog-size", &o.ReplBacklogBytes, 1<<20, 1<<14, 1<<50).Doc("Log kept in memory; the rest of the backlog is the log on disk.").Changeable(),
		config.Int("min-replicas-to-write", &o.MinReplicasToWrite, 0, 0, 1<<20).Alias("min-slaves-to-write").Doc("Refuse writes with fewer good standbys. Better: durability standby.").Changeable(),
		config.Seconds("min-replicas-max-lag", &o.MinReplicasMaxLag, 10, 0, 1<<30).Alias("min-slaves-max-lag").Doc("A good standby has acknowledged within this.").Changeable(),
		config.Enum("durability", &o.Durability, DurabilityNone, DurabilityNone, DurabilityStandby).
			Doc("standby: no reply before the in-sync standbys have the write.").Changeable(o.onChange("durability")),
		config.Enum("standby-ack", &o.StandbyAck, AckMemory, AckMemory, AckDisk).Doc("What a standby's acknowledgement means.").Changeable(o.onChange("durability")),
	}
}

func (o *Options) processRows() []*config.Row {
	return []*config.Row{
		config.Enum("loglevel", &o.LogLevel, "notice", "debug", "verbose", "notice", "warning", "nothing").Doc("What is logged.").Changeable(o.onChange("loglevel")),
		config.String("logfile", &o.LogFile, "").Doc("Log file, appended to. Empty = standard output."),
		config.String("pidfile", &o.PidFile, "").Doc("File that holds the process id while the server runs."),
		config.Bool("daemonize", &o.Daemonize, false).Doc("Run in the background."),
		config.Bool("always-show-logo", &o.AlwaysLogo, false).Doc("Accepted for Redis' sake; the banner is always logged."),
		config.Enum("supervised", &o.Supervised, "no", "upstart", "systemd", "auto", "no").Doc("Accepted for Redis' sake."),
		config.Seconds("shutdown-timeout", &o.ShutdownWay, 10, 0, 1<<30).Doc("A client that asked for SHUTDOWN is told of a failure ten seconds after this. The end itself does not wait for standbys.").Changeable(),
	}
}

// classSet is a set of event classes; bit i is the i-th letter of classLetters.
type classSet uint32

const (
	classLetters = "KEg$lshzxetmdn"
	classesOfA   = "g$lshzxetd"
)

func (c classSet) has(letter byte) bool {
	i := strings.IndexByte(classLetters, letter)
	return i >= 0 && c&(1<<i) != 0
}

func parseClasses(args []string) (classSet, error) {
	var c classSet
	text := args[0]
	for i := range len(text) {
		letters := text[i : i+1]
		if letters == "A" {
			letters = classesOfA
		}
		for j := range len(letters) {
			k := strings.IndexByte(classLetters, letters[j])
			if k < 0 {
				return 0, fmt.Errorf("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
			}
			c |= 1 << k
		}
	}
	return c, nil
}

// formatClasses writes A for all classes that it stands for, as Redis does.
func formatClasses(c classSet) string {
	var b strings.Builder
	all, _ := parseClasses([]string{"A"}) // cannot fail
	if c&all == all {
		b.WriteByte('A')
	} else {
		all = 0
	}
	for _, letter := range []byte("g$lshzxetdnmKE") {
		i := strings.IndexByte(classLetters, letter)
		if c&(1<<i) != 0 && all&(1<<i) == 0 {
			b.WriteByte(letter)
		}
	}
	return b.String()
}
