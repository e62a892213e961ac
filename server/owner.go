package server

import "fmt"

// How long the owner was at one thing. Owning is one after another, so the longest holding is the longest that any other
// client had to wait for the keyspace. INFO owner shows:
//
//	owner_batch_usec    holdings of carriers: all commands that one round of a loop found
//	owner_slice_usec    holdings of housekeeping, checkpoints, copies, the master's stream
//	owner_command_usec  single commands
//
// since the start or CONFIG RESETSTAT. It is wall-clock time: on a busy machine it contains the turns of others.

// endHolding counts a holding that ends now.
func (t *stats) endHolding(ofCarrier bool) {
	held := t.sinceBegan() - t.roundBegan
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
}

func (h *histogram) summary() string {
	return fmt.Sprintf("count=%d,p50=%.3f,p99=%.3f,p99.99=%.3f,max=%.3f",
		h.total, h.percentile(50), h.percentile(99), h.percentile(99.99), float64(h.max)/1000)
}
