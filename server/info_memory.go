package server

import (
	"fmt"
	"runtime/metrics"
)

// memoryInUse is the heap in use and the data outside of it.
func (x *executor) memoryInUse() int64 {
	cells, _ := x.ks.Memory()
	return int64(usedMemory()) + cells
}

// usedMemory is the heap in use. It stops nobody.
func usedMemory() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func infoMemory(x *executor, b *infoText) {
	used := uint64(x.memoryInUse())
	rss := residentBytes()
	b.line("used_memory", used)
	b.line("used_memory_human", human(int64(used)))
	b.line("used_memory_rss", rss)
	b.line("used_memory_rss_human", human(rss))
	peak := max(x.stats.memoryPeak, int64(used))
	b.line("used_memory_peak", peak)
	b.line("used_memory_peak_human", human(peak))
	cells, mapped := x.ks.Memory()
	b.line("used_memory_dataset", cells)
	b.line("slab_used_bytes", cells)
	b.line("slab_mapped_bytes", mapped)
	b.line("maxmemory", x.opts.MaxMemory)
	b.line("maxmemory_human", human(x.opts.MaxMemory))
	b.line("maxmemory_policy", "noeviction")
	b.line("mem_allocator", "go")
	b.line("mem_not_counted_for_evict", 0)
	b.line("mem_clients_normal", 0)
	b.line("mem_clients_slaves", 0)
	b.line("mem_total_replication_buffers", 0)
	b.line("mem_replication_backlog", x.opts.ReplBacklogBytes)
	b.line("active_defrag_running", 0)
	b.line("lazyfree_pending_objects", 0)
	b.line("lazyfreed_objects", 0)
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
