package server

import "time"

// Deletions at random leave pages with few cells. When compaction would give back enough, housekeeping carries out a pass
// in slices (keyspace.Compact), with a share of its time that grows with what there is to gain, as Redis' directives for
// active defragmentation say.

const (
	defragUnits = 1000 // of work between two looks at the clock
	// A pass that gives back less than a quarter of what it should is not repeated at once: first not for this long, and
	// each further time for twice as long.
	defragRetryMin = 10 * time.Second
	defragRetryMax = time.Hour
)

// defrag is the state of compaction.
type defrag struct {
	share     int // percent of time that the pass may take; 0: none is under way
	promised  int64
	retryWait time.Duration
	retryAt   time.Time

	took     time.Duration // of all passes
	passTook time.Duration
}

// defragSlice carries compaction on until a slice has passed since the given time, or begins it if it is worth it. rest: a
// pass is under way, and the others are to have so much time before the next slice.
func (x *executor) defragSlice(since time.Time) (rest time.Duration) {
	d := &x.house.defrag
	switch {
	case d.share == 0 && !x.beginDefrag():
		return 0
	case !x.opts.ActiveDefrag:
		x.ks.GiveUpCompaction()
	}
	began := time.Now()
	done, took := false, time.Duration(0)
	for !done {
		done = x.ks.Compact(defragUnits)
		took = time.Since(began)
		if began.Add(took).Sub(since) > slice {
			break
		}
	}
	d.took += took
	d.passTook += took
	if done {
		x.endDefrag()
		return 0
	}
	return took * time.Duration(100-d.share) / time.Duration(d.share)
}

// beginDefrag says whether a pass begins.
func (x *executor) beginDefrag() bool {
	d := &x.house.defrag
	if !x.opts.ActiveDefrag || x.now.Before(d.retryAt) {
		return false
	}
	gain := x.ks.Gain()
	used, _ := x.ks.Memory()
	percent := gain * 100 / max(used, 1)
	if gain < x.opts.DefragIgnoreBytes || percent < int64(x.opts.DefragThresholdLower) {
		return false
	}
	d.share, d.promised, d.passTook = x.opts.defragShare(percent), gain, 0
	x.log.Info("compaction begins", "gain_bytes", gain, "percent_of_data", percent, "percent_of_time", d.share)
	return true
}

func (x *executor) endDefrag() {
	d := &x.house.defrag
	gained := d.promised - x.ks.Gain()
	x.log.Info("compaction done", "given_back_bytes", gained, "milliseconds", d.passTook.Milliseconds())
	d.end(gained, x.now)
}

func (d *defrag) end(gained int64, now time.Time) {
	d.share = 0
	if gained >= d.promised/4 {
		d.retryWait = 0
		return
	}
	d.retryWait = min(max(2*d.retryWait, defragRetryMin), defragRetryMax)
	d.retryAt = now.Add(d.retryWait)
}

// defragShare is how much of its time a pass may take, in percent, with so much to gain in percent of the data.
func (o *Options) defragShare(percent int64) int {
	lower, upper := o.DefragThresholdLower, o.DefragThresholdUpper
	if percent >= int64(upper) || upper <= lower {
		return o.DefragCycleMax
	}
	low, high := o.DefragCycleMin, max(o.DefragCycleMin, o.DefragCycleMax)
	return low + (high-low)*(int(percent)-lower)/(upper-lower)
}

// infoDefrag are the lines about it in INFO stats, by the names of Redis.
func infoDefrag(x *executor, b *infoText) {
	moved := x.ks.Compacted()
	b.line("active_defrag_hits", moved.Moved)
	b.line("active_defrag_misses", moved.Kept)
	b.line("active_defrag_key_hits", moved.KeysMoved)
	b.line("active_defrag_key_misses", moved.KeysKept)
	d := &x.house.defrag
	b.line("total_active_defrag_time", d.took.Milliseconds())
	current := time.Duration(0)
	if d.share > 0 {
		current = d.passTook
	}
	b.line("current_active_defrag_time", current.Milliseconds())
}
