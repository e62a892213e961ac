package server

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Whoever holds the keyspace while it is measured stays in one thread, however often it gives way.
func TestOwnerCPU_holderStaysInItsThread(t *testing.T) {
	cpu := ownerCPU{on: true}
	stop := make(chan struct{})
	defer close(stop)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		}()
	}
	for range 100 {
		cpu.beginHolding()
		thread := unix.Gettid()
		for range 100 {
			runtime.Gosched()
			require.Equal(t, thread, unix.Gettid())
		}
		cpu.endHolding(false, 1<<40)
	}
	require.Equal(t, int64(100), cpu.slices.total)
	require.Less(t, cpu.slices.max, int64(1<<40))
}
