package keyspace

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time of the thread, which other work on the machine does not lengthen.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// BenchmarkDivision reports the longest that the owner is held by views of a structure of 10 M elements: by opening and
// capturing it, by a call of Step, and by a write that has to keep a part for two views.
func BenchmarkDivision(b *testing.B) {
	const elements = 10_000_000
	for _, kind := range []Kind{KindHash, KindSet, KindZSet, KindList} {
		b.Run(kind.String(), func(b *testing.B) {
			ks := New(Options{Databases: 1})
			db, k := ks.DB(0), []byte("k")
			put := func(i int) {
				e := strconv.AppendInt([]byte("element:"), int64(i), 10)
				switch kind {
				case KindHash:
					must(db.EditHash(k, "")).Set(e, e)
				case KindSet:
					must(db.EditSet(k, "")).Add(e)
				case KindZSet:
					must(db.EditZSet(k, "")).Put(e, float64(i))
				default:
					must(db.EditList(k, "")).PushTail(e)
				}
			}
			for i := range elements {
				run(ks, func() { put(i) })
			}
			var capture, step, write time.Duration
			longest := func(of *time.Duration, fn func()) {
				began := threadTime()
				fn()
				*of = max(*of, threadTime()-began)
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range b.N {
				var views [2]*Frozen
				for i := range views {
					longest(&capture, func() { views[i] = ks.FreezeAll(func(*Item) {}) })
				}
				longest(&capture, func() { run(ks, func() { put(elements) }) })
				for done, i := false, 0; !done; i++ {
					longest(&step, func() { done = views[0].Step(16) })
					longest(&write, func() { run(ks, func() { put(elements + 1 + i*7919%elements) }) })
					if done {
						views[1].Close()
					}
				}
			}
			b.ReportMetric(float64(capture.Microseconds()), "us/capture")
			b.ReportMetric(float64(step.Microseconds()), "us/step")
			b.ReportMetric(float64(write.Microseconds()), "us/write")
		})
	}
}
