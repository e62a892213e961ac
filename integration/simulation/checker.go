package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemkv/tandem/failover"
)

// checker knows the truth of all hosts and watches it at each step.
type checker struct {
	cluster   *Cluster
	violation string
	ordered   bool // an operator took responsibility for what is lost

	writer map[uint64]*host            // epoch -> who writes in it
	hashes map[string]map[int]uint64   // history id -> entries -> hash of the data
	acked  []*acknowledgement          // not yet known to be lost by right
	byID   map[uint64]*acknowledgement // write id -> its acknowledgement
}

// acknowledgement is a write whose client was told "done".
type acknowledgement struct {
	write   uint64
	index   int
	epoch   uint64
	by      *host
	holders []*host // who was bound to keep it: the master and its in-sync set
	lostBy  []*host // those of them that lost it from their disk in a crash
}

func newChecker(c *Cluster) *checker {
	return &checker{cluster: c, writer: map[uint64]*host{}, hashes: map[string]map[int]uint64{}, byID: map[uint64]*acknowledgement{}}
}

func (k *checker) failed() bool { return k.violation != "" }

// fail keeps the first violation.
func (k *checker) fail(format string, args ...any) {
	if k.violation == "" {
		k.violation = fmt.Sprintf("at %.3f ms: ", float64(k.cluster.now)/1000) + fmt.Sprintf(format, args...)
		k.cluster.trace("VIOLATION %s", k.violation)
	}
}

// majority: the checks about writers need a quorum behind each of them.
func (k *checker) majority() bool { return k.cluster.options.Variant != BareAvailable }

// persisted: nothing on a ballot goes back.
func (k *checker) persisted(h *host, b failover.Ballot) {
	old := h.disk.ballot
	if b.Epoch < old.Epoch || b.Incarnation < old.Incarnation || b.Reign < old.Reign {
		k.fail("%s writes ballot %+v over %+v", h.id, b, old)
	}
	if b.Epoch == old.Epoch && old.VotedFor != "" && b.VotedFor != old.VotedFor && k.writer[b.Epoch] == nil && k.majority() {
		k.fail("%s votes for %s and %s in epoch %d", h.id, old.VotedFor, b.VotedFor, b.Epoch)
	}
}

// writes: one writer per epoch, and no two with a lease at the same real time.
func (k *checker) writes(h *host) {
	if !k.majority() {
		return
	}
	if w := k.writer[h.reign]; w != h {
		k.fail("%s writes in epoch %d, which is that of %v", h.id, h.reign, w)
	}
	for _, other := range k.cluster.hosts {
		if other != h && other.alive && other.writable && other.tick() < other.lease {
			k.fail("%s (epoch %d) writes while %s (epoch %d) has a lease for another %d ticks", h.id, h.reign, other.id, other.reign, other.lease-other.tick())
		}
	}
}

// written: the writer's data define what belongs to (history id, offset).
func (k *checker) written(h *host, index int) {
	id := h.history.Last().ID
	if k.hashes[id] == nil {
		k.hashes[id] = map[int]uint64{}
	}
	if known, exists := k.hashes[id][index+1]; exists && known != h.hashes[index] {
		k.fail("%s writes other data at entry %d of history %.8s than are known", h.id, index, id)
	}
	k.hashes[id][index+1] = h.hashes[index]
}

// applied: equal (history id, offset), equal data.
func (k *checker) applied(h *host, index int) {
	e, known := h.history.At(int64(index) * entryBytes)
	if want, exists := k.hashes[e.ID][index+1]; !known || !exists || want != h.hashes[index] {
		k.fail("%s has other data at entry %d of history %.8s than its writer (known %v)", h.id, index, e.ID, exists)
	}
}

// adopted: the same for data taken over as a whole.
func (k *checker) adopted(h *host) {
	if len(h.entries) > 0 {
		k.applied(h, len(h.entries)-1)
	}
}

func (k *checker) acknowledged(h *host, p pendingReply) {
	c := k.cluster
	c.stats.Acked++
	if c.crashed != nil && c.crashed != h && c.stats.Takeover == 0 {
		c.stats.Takeover = c.now - c.crashAt
	}
	a := &acknowledgement{write: p.write, index: p.index, epoch: h.reign, by: h}
	for _, name := range append(h.master.Held(), h.id) {
		if name != h.id && !slices.Contains(h.recorded, name) {
			continue // it is waited for, but the voters do not count on it yet
		}
		holder := k.cluster.host(name)
		a.holders = append(a.holders, holder)
		if !holder.has(a) {
			a.lostBy = append(a.lostBy, holder) // it had it, and was killed before the reply
		}
	}
	if !h.has(a) {
		k.fail("%s acknowledges write %x that it does not have", h.id, a.write)
	}
	k.acked = append(k.acked, a)
	k.byID[a.write] = a
}

func (h *host) has(a *acknowledgement) bool {
	return a.index < len(h.entries) && h.entries[a.index] == a.write
}

// lost notes what a kill took from a host.
func (k *checker) lost(h *host, writes []uint64) {
	for _, id := range writes {
		if a := k.byID[id]; a != nil && slices.Contains(a.holders, h) && !slices.Contains(a.lostBy, h) {
			a.lostBy = append(a.lostBy, h)
		}
	}
}

// reignBegins: one node per epoch, and its data hold every acknowledged write that
// was not lost by right.
func (k *checker) reignBegins(h *host, a failover.BecomeMaster) {
	c := k.cluster
	c.stats.Reigns++
	if w := k.writer[a.Epoch]; w != nil && w != h && k.majority() {
		k.fail("%s and %s both reign in epoch %d", w.id, h.id, a.Epoch)
	}
	k.writer[a.Epoch] = h
	planned := strings.Contains(a.Reason, "hands its reign over")
	k.acked = slices.DeleteFunc(k.acked, func(ack *acknowledgement) bool {
		if h.has(ack) {
			return false
		}
		k.judgeLoss(h, ack, planned && ack.by.holdingFor == h.id && ack.by.reign == ack.epoch)
		delete(k.byID, ack.write)
		return true
	})
}

// judgeLoss: with synchronous durability a write may be lost only when every node
// bound to keep it has lost it in a crash; without, only in an unplanned takeover.
func (k *checker) judgeLoss(h *host, a *acknowledgement, handedOver bool) {
	switch {
	case k.ordered:
	case k.cluster.sync() && len(a.lostBy) < len(a.holders):
		k.fail("%s reigns without write %x (entry %d), acknowledged by %s in epoch %d; %d nodes were bound to keep it, %d lost it in a crash",
			h.id, a.write, a.index, a.by.id, a.epoch, len(a.holders), len(a.lostBy))
	case handedOver && !slices.Contains(a.lostBy, a.by):
		k.fail("%s was handed the reign without write %x (entry %d), acknowledged by %s in epoch %d", h.id, a.write, a.index, a.by.id, a.epoch)
	}
	k.cluster.stats.LostAsync++
}

// atRest is the end of a run: one master, standbys level, clients answered.
func (k *checker) atRest() {
	c := k.cluster
	master := c.reigning()
	if master == nil {
		k.fail("there is no master %d ms after everything healed", healTime/millisecond)
		k.describe()
		return
	}
	for _, h := range c.hosts {
		status := h.node.Status()
		switch {
		case h == master:
			if status.Role != failover.Master {
				k.fail("%s takes writes and is %s", h.id, status.Role)
			}
		case h.witness:
			if status.Master != master.id {
				k.fail("witness %s takes %q for the master, it is %s", h.id, status.Master, master.id)
			}
		case h.writable || status.Role != failover.Standby || status.Master != master.id:
			k.fail("%s is %s of %q, the master is %s", h.id, status.Role, status.Master, master.id)
		case h.link == nil || !h.link.standby.Status().Up || len(master.entries)-len(h.entries) > 30:
			k.fail("%s is not level: %d of %d entries, link %+v", h.id, len(h.entries), len(master.entries), h.link.standby.Status())
		case c.sync() && !slices.Contains(master.node.Status().CommitSet, h.id):
			k.fail("%s is not in sync again: %v", h.id, master.node.Status().CommitSet)
		}
	}
	for _, cl := range c.clients {
		if c.now-cl.lastOK > second {
			k.fail("client %d has had no answer for %d ms", cl.id, (c.now-cl.lastOK)/millisecond)
		}
	}
	for _, a := range k.acked {
		if !master.has(a) {
			k.judgeLoss(master, a, false)
		}
	}
	if k.failed() {
		k.describe()
	}
}

func (k *checker) describe() {
	for _, h := range k.cluster.hosts {
		k.cluster.trace("%s at the end: %+v", h.id, h.node.Status())
	}
}
