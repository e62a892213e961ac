package server

import (
	"fmt"
	"runtime"

	"github.com/tandemkv/tandem/command"
)

// How long the owner was at one thing. Owning is one after another, so the longest holding is the longest that any other
// client had to wait for the keyspace. INFO owner shows:
//
//	owner_batch_usec    holdings of carriers: all commands that one round of a loop found
//	owner_slice_usec    holdings of housekeeping, checkpoints, copies, the master's stream
//	owner_command_usec  single commands
//
// since the start or CONFIG RESETSTAT. It is wall-clock time: on a busy machine it contains the turns of others. After
// DEBUG OWNER-CPU 1, which costs two calls of the system for each holding and binds holders to threads, owner_batch_cpu_usec and owner_slice_cpu_usec
// tell the CPU time of holdings instead.

// ownerCPU measures the CPU time of holdings. While it does, whoever holds the keyspace is bound to his thread: otherwise the
// scheduler may let him go on in another one, and then no clock tells what he has used.
type ownerCPU struct {
	on              bool
	began           int64 // CPU time of the thread, which is locked; 0: it is not, no holding is measured
	batches, slices histogram
}

// beginHolding is for the moment of acquire.
func (c *ownerCPU) beginHolding() {
	if c.on {
		runtime.LockOSThread()
		c.began = threadNanos()
	}
}

// endHolding counts a holding that took so long by the clock.
func (c *ownerCPU) endHolding(ofCarrier bool, clockNanos int64) {
	if c.began == 0 {
		return
	}
	// A virtual machine's CPU clock has been seen to jump by a second in a holding of a millisecond.
	used := min(threadNanos()-c.began, clockNanos)
	c.leave()
	if ofCarrier {
		c.batches.add(used)
	} else {
		c.slices.add(used)
	}
}

// leave drops the holding that is measured, if one is.
func (c *ownerCPU) leave() {
	if c.began != 0 {
		c.began = 0
		runtime.UnlockOSThread()
	}
}

// restart begins anew, or ends; the holding of the caller is not counted.
func (c *ownerCPU) restart(on bool) {
	c.leave()
	*c = ownerCPU{on: on}
}

// endHolding counts a holding that ends now.
func (t *stats) endHolding(ofCarrier bool) {
	held := t.sinceBegan() - t.roundBegan
	t.cpu.endHolding(ofCarrier, int64(held))
	if !ofCarrier {
		t.slices.add(int64(held))
		return
	}
	t.batches.add(int64(held))
	t.rounds++
	t.commandTime += t.clock - t.roundBegan
	t.roundTime += held
}

func infoOwner(x *executor, b *infoText) {
	var commands histogram
	for i := range x.stats.byCommand {
		if h := x.stats.byCommand[i].latency; h != nil {
			commands.merge(h)
		}
	}
	b.line("owner_batch_usec", x.stats.batches.summary())
	b.line("owner_slice_usec", x.stats.slices.summary())
	b.line("owner_command_usec", commands.summary())
	if x.stats.cpu.on {
		b.line("owner_batch_cpu_usec", x.stats.cpu.batches.summary())
		b.line("owner_slice_cpu_usec", x.stats.cpu.slices.summary())
	}
}

func (h *histogram) summary() string {
	return fmt.Sprintf("count=%d,p50=%.3f,p99=%.3f,p99.99=%.3f,max=%.3f",
		h.total, h.percentile(50), h.percentile(99), h.percentile(99.99), float64(h.max)/1000)
}

// debugOwnerCPU begins anew with each 1.
func debugOwnerCPU(x *executor, s *session, args [][]byte) error {
	switch string(args[2]) {
	case "0":
		x.stats.cpu.restart(false)
	case "1":
		if threadNanos() == 0 {
			return command.Error("ERR this system does not tell the CPU time of a thread")
		}
		x.stats.cpu.restart(true)
	default:
		return command.ErrSyntax
	}
	s.w.OK()
	return nil
}
