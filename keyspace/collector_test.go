package keyspace

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkCollector is one garbage collection with a million keys and more: its time must not grow with them.
func BenchmarkCollector(b *testing.B) {
	for _, keys := range []int{1_000, 1_000_000, 2_000_000} {
		ks := New(Options{Databases: 1})
		for i := range keys {
			ks.Begin(1, ExpiryDelete)
			ks.DB(0).PutString(fmt.Appendf(nil, "key:%09d", i), []byte("some text"), 0, "")
			ks.End()
		}
		runtime.GC()
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				runtime.GC()
			}
			runtime.ReadMemStats(&after)
			used, mapped := ks.DB(0).heap.Bytes()
			b.ReportMetric(float64(after.HeapAlloc)/float64(keys), "heapB/key")
			b.ReportMetric(float64(used)/float64(keys), "slabB/key")
			b.ReportMetric(float64(mapped)/float64(keys), "mappedB/key")
			b.ReportMetric(float64(after.PauseTotalNs-before.PauseTotalNs)/float64(b.N), "pause-ns/gc")
		})
	}
}
