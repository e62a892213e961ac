package server

import (
	"fmt"
	"unsafe"
)

// memoryReport is where the memory is, for INFO, MEMORY STATS and MEMORY DOCTOR. All in bytes.
type memoryReport struct {
	used, peak, startup int64
	resident            int64
	backlog             int64 // the log's tail
	unwritten           int64 // of it: not yet on its way to the disk
	clients, replicas   int64
	databases           []databaseReport // of those with keys
	overhead, dataset   int64            // used is both
	keys                int64

	// What the allocators have given out, have in use for that, and hold from the system: slabs and Go's heap together.
	allocated, active, allocatorResident int64
}

// databaseReport is the tables of one database.
type databaseReport struct {
	number           int
	index, deadlines int64
}

// sessionBytes is about what a session takes: the owner cannot see the carrier's buffers.
func sessionBytes(s *session) int64 {
	n := int64(unsafe.Sizeof(*s)) + int64(cap(s.w.Buf))
	for i := range s.tx.queued {
		for _, word := range s.tx.queued[i].args {
			n += int64(cap(word))
		}
	}
	return n
}

func (x *executor) reportMemory() memoryReport {
	m := &x.memory
	r := memoryReport{used: x.memoryInUse(), startup: m.startup, resident: residentBytes(), backlog: x.stream.InMemory(), unwritten: x.stream.Pending()}
	m.peak = max(m.peak, r.used)
	r.peak = m.peak
	r.overhead = r.startup + r.backlog
	for _, s := range x.sessions {
		if s.replica.feeding {
			r.replicas += sessionBytes(s)
		} else {
			r.clients += sessionBytes(s)
		}
	}
	r.overhead += r.clients + r.replicas
	for i := range x.ks.Databases() {
		if db := x.ks.DB(i); db.Len() > 0 {
			index, deadlines := db.Overhead()
			r.databases = append(r.databases, databaseReport{i, index, deadlines})
			r.overhead += index + deadlines
			r.keys += int64(db.Len())
		}
	}
	r.overhead = min(r.overhead, r.used)
	r.dataset = r.used - r.overhead
	cells, mapped := x.ks.Memory()
	objects := goBytes(metricObjects)
	r.allocated = cells + objects
	r.active = mapped + objects + goBytes(metricUnused)
	r.allocatorResident = max(mapped+goBytes(metricTotal)-goBytes(metricReleased), r.active)
	return r
}

// ratio is a/b, 0 when b is 0.
func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// datasetPercent is the data's share of what is used beyond an empty server.
func (r *memoryReport) datasetPercent() float64 { return 100 * ratio(r.dataset, r.used-r.startup) }

func infoMemory(x *executor, b *infoText) {
	r := x.reportMemory()
	sized := func(name string, bytes int64) {
		b.line(name, bytes)
		b.line(name+"_human", human(bytes))
	}
	sized("used_memory", r.used)
	sized("used_memory_rss", r.resident)
	sized("used_memory_peak", r.peak)
	b.line("used_memory_peak_perc", fmt.Sprintf("%.2f%%", 100*ratio(r.used, r.peak)))
	b.line("used_memory_overhead", r.overhead)
	b.line("used_memory_startup", r.startup)
	b.line("used_memory_dataset", r.dataset)
	b.line("used_memory_dataset_perc", fmt.Sprintf("%.2f%%", r.datasetPercent()))
	cells, mapped := x.ks.Memory()
	b.line("slab_used_bytes", cells)
	b.line("slab_mapped_bytes", mapped)
	compressed, saved, tables := x.ks.Coded()
	b.line("compressed_strings", compressed)
	b.line("compressed_strings_saved_bytes", saved)
	b.line("compression_tables", tables)
	b.line("allocator_allocated", r.allocated)
	b.line("allocator_active", r.active)
	b.line("allocator_resident", r.allocatorResident)
	sized("total_system_memory", systemMemory())
	infoMemoryScripts(b)
	sized("maxmemory", x.opts.MaxMemory)
	b.line("maxmemory_policy", x.opts.MaxMemoryPolicy)
	infoMemoryRatios(&r, b)
	b.line("mem_not_counted_for_evict", x.memory.notCounted)
	b.line("mem_replication_backlog", r.backlog)
	b.line("mem_total_replication_buffers", r.backlog)
	b.line("mem_clients_slaves", r.replicas)
	b.line("mem_clients_normal", r.clients)
	b.line("mem_cluster_links", 0)
	b.line("mem_aof_buffer", r.unwritten)
	b.line("mem_allocator", "go")
	b.line("active_defrag_running", x.house.defrag.share)
	pending, freed := x.ks.Lazy()
	b.line("lazyfree_pending_objects", pending)
	b.line("lazyfreed_objects", freed)
}

// infoMemoryScripts: there are no scripts and functions yet, and tools read these fields.
func infoMemoryScripts(b *infoText) {
	for _, name := range []string{"used_memory_lua", "used_memory_vm_eval", "used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
		"number_of_libraries", "used_memory_vm_functions", "used_memory_vm_total", "used_memory_functions", "used_memory_scripts"} {
		b.line(name, 0)
	}
	for _, name := range []string{"used_memory_lua", "used_memory_vm_total", "used_memory_scripts"} {
		b.line(name+"_human", human(0))
	}
}

func infoMemoryRatios(r *memoryReport, b *infoText) {
	pair := func(name string, of, to int64) {
		b.line(name+"_ratio", fmt.Sprintf("%.2f", ratio(of, to)))
		b.line(name+"_bytes", of-to)
	}
	pair("allocator_frag", r.active, r.allocated)
	pair("allocator_rss", r.allocatorResident, r.active)
	pair("rss_overhead", r.resident, r.allocatorResident)
	pair("mem_fragmentation", r.resident, r.used)
}

func human(n int64) string {
	units := []string{"B", "K", "M", "G", "T"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%dB", n)
	}
	return fmt.Sprintf("%.2f%s", f, units[i])
}
