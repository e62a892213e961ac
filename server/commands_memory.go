package server

import (
	"fmt"
	"runtime"
	godebug "runtime/debug"
	"strings"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

func memoryRows() []row {
	sub := func(name string, arity int, flags command.Flag, summary string, tips ...string) command.Spec {
		return command.Spec{Name: name, Arity: arity, Flags: flags, Tips: tips, Group: "server", Since: "4.0.0", Summary: summary}
	}
	special := []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}
	usage := sub("usage", -3, command.ReadOnly|command.NoTouch, "Estimates the memory usage of a key.")
	usage.Keys = command.One(2, command.KeyRO)
	return []row{
		{command.Spec{Name: "memory", Arity: -2, Group: "server", Since: "4.0.0", Summary: "A container for memory diagnostics commands.", Subs: []command.Spec{
			sub("doctor", 2, 0, "Outputs a memory problems report.", special...),
			sub("help", 2, command.Loading|command.Stale, "Returns helpful text about the different subcommands."),
			sub("malloc-stats", 2, 0, "Returns the allocator statistics.", special...),
			sub("purge", 2, 0, "Asks the allocator to release memory.", "request_policy:all_shards", "response_policy:all_succeeded"),
			sub("stats", 2, 0, "Returns details about memory usage.", special...),
			usage,
		}}, memoryCommand},
	}
}

func memoryCommand(x *executor, s *session, args [][]byte) error {
	switch s.spec.Name {
	case "doctor":
		r := x.reportMemory()
		s.w.Verbatim("txt", r.diagnose(x))
	case "malloc-stats":
		s.w.Verbatim("txt", x.allocatorText())
	case "purge":
		// A collection is more than a slice, and nobody needs to wait for it.
		x.server.tasks.Go(godebug.FreeOSMemory)
		s.w.OK()
	case "stats":
		r := x.reportMemory()
		r.append(&s.w)
	case "usage":
		return memoryUsage(x, s, args)
	case "help":
		writeHelp(&s.w, "MEMORY", "DOCTOR", "    Return memory problems reports.",
			"MALLOC-STATS", "    Return internal statistics report from the memory allocator.",
			"PURGE", "    Attempt to purge dirty pages for reclamation by the allocator.",
			"STATS", "    Return information about the memory usage of the server.",
			"USAGE <key> [SAMPLES <count>]", "    Return memory in bytes used by <key> and its value. Nested values are", "    sampled up to <count> times (default: 5, 0 means sample all).")
	default:
		return command.UnknownSub("memory", args[1])
	}
	return nil
}

// usageSamples is how many elements MEMORY USAGE looks at when it is not told.
const usageSamples = 5

func memoryUsage(x *executor, s *session, args [][]byte) error {
	samples := int64(usageSamples)
	for i := 3; i < len(args); i += 2 {
		if !strings.EqualFold(string(args[i]), "samples") || i+1 == len(args) {
			return command.ErrSyntax
		}
		n, ok := command.ParseInt(args[i+1])
		if !ok {
			return errNotInteger
		}
		if n < 0 {
			return command.ErrSyntax
		}
		samples = n
	}
	x.ks.Begin(x.nowMs, keyspace.ExpiryHide)
	defer x.ks.End()
	x.ks.NoTouch()
	bytes, ok := x.ks.DB(s.db).Usage(args[2], int(min(samples, 1<<30)))
	if !ok {
		s.w.Null()
		return nil
	}
	s.w.Int(bytes)
	return nil
}

// append writes MEMORY STATS, with Redis' names and order.
func (r *memoryReport) append(w *resp.Writer) {
	whole := func(name string, n int64) { w.BulkString(name); w.Int(n) }
	fraction := func(name string, f float64) { w.BulkString(name); w.Double(f) }
	const fields = 27
	w.Map(fields + len(r.databases))
	whole("peak.allocated", r.peak)
	whole("total.allocated", r.used)
	whole("startup.allocated", r.startup)
	whole("replication.backlog", r.backlog)
	whole("clients.slaves", r.replicas)
	whole("clients.normal", r.clients)
	whole("cluster.links", 0)
	whole("aof.buffer", r.unwritten)
	whole("lua.caches", 0)
	whole("functions.caches", 0)
	for _, db := range r.databases {
		w.BulkString(fmt.Sprintf("db.%d", db.number))
		w.Map(2)
		whole("overhead.hashtable.main", db.index)
		whole("overhead.hashtable.expires", db.deadlines)
	}
	whole("overhead.total", r.overhead)
	whole("keys.count", r.keys)
	whole("keys.bytes-per-key", (r.used-r.startup)/max(r.keys, 1))
	whole("dataset.bytes", r.dataset)
	fraction("dataset.percentage", r.datasetPercent())
	fraction("peak.percentage", 100*ratio(r.used, r.peak))
	whole("allocator.allocated", r.allocated)
	whole("allocator.active", r.active)
	whole("allocator.resident", r.allocatorResident)
	fraction("allocator-fragmentation.ratio", ratio(r.active, r.allocated))
	whole("allocator-fragmentation.bytes", r.active-r.allocated)
	fraction("allocator-rss.ratio", ratio(r.allocatorResident, r.active))
	whole("allocator-rss.bytes", r.allocatorResident-r.active)
	fraction("rss-overhead.ratio", ratio(r.resident, r.allocatorResident))
	whole("rss-overhead.bytes", r.resident-r.allocatorResident)
	fraction("fragmentation", ratio(r.resident, r.used))
	whole("fragmentation.bytes", r.resident-r.used)
}

// What the doctor takes for a problem.
const (
	doctorUsedMin     = 5 << 20 // below this figures say little
	doctorPeakRatio   = 1.5
	doctorRatio       = 1.4
	doctorRatioBytes  = 10 << 20
	doctorClientBytes = 200 << 10
)

// diagnose is MEMORY DOCTOR.
func (r *memoryReport) diagnose(x *executor) string {
	if r.used < doctorUsedMin {
		return "There is too little in memory to say anything about it."
	}
	var found []string
	add := func(ill bool, format string, args ...any) {
		if ill {
			found = append(found, " * "+fmt.Sprintf(format, args...)+"\n")
		}
	}
	worse := func(a, b int64) bool { return ratio(a, b) > doctorRatio && a-b > doctorRatioBytes }
	add(ratio(r.peak, r.used) > doctorPeakRatio, "Peak: at one time %s were in use, now %s are. What was freed since may not all have gone back to the system yet; MEMORY PURGE hastens it.", human(r.peak), human(r.used))
	add(worse(r.active, r.allocated), "Fragmentation: pages of %s hold %s, because what was around it was deleted.", human(r.active), human(r.allocated))
	add(worse(r.allocatorResident, r.active), "Unused pages: %s are resident for %s of pages in use. MEMORY PURGE gives them back.", human(r.allocatorResident), human(r.active))
	add(worse(r.resident, r.allocatorResident), "Other memory: the process has %s, the data and Go's heap only %s: code, stacks, the store's caches.", human(r.resident), human(r.allocatorResident))
	clients := int64(max(len(x.sessions), 1))
	add(r.clients/clients > doctorClientBytes, "Clients: %s on average wait to be read by each of %d clients. See CLIENT LIST for the slow ones.", human(r.clients/clients), clients)
	add(x.opts.MaxMemory > 0 && x.memoryExcess() > 0, "Limit: %s are in use, and maxmemory is %s.", human(r.used), human(x.opts.MaxMemory))
	if len(found) == 0 {
		return "No memory problems found."
	}
	return "Memory problems found:\n\n" + strings.Join(found, "\n")
}

// allocatorText is MEMORY MALLOC-STATS.
func (x *executor) allocatorText() string {
	var b strings.Builder
	cells, mapped := x.ks.Memory()
	fmt.Fprintf(&b, "slabs: %d bytes of cells in use, %d bytes of pages for them\n", cells, mapped)
	for _, m := range []struct{ name, metric string }{
		{"objects", metricObjects}, {"alive at the last collection", metricLive}, {"unused in spans in use", metricUnused},
		{"given back to the system", metricReleased}, {"all that was taken from the system", metricTotal},
	} {
		fmt.Fprintf(&b, "go: %d bytes: %s\n", goBytes(m.metric), m.name)
	}
	fmt.Fprintf(&b, "go: %d collections, %d goroutines\n", goBytes(metricCycles), runtime.NumGoroutine())
	return b.String()
}
