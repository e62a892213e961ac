package simulation

import (
	"errors"
	"slices"
	"strconv"

	"github.com/tandemkv/tandem/replication"
)

// conn is a connection from a standby to its master. It keeps order; when the
// network between its ends is cut it goes dead without a word, as TCP does.
type conn struct {
	cluster         *Cluster
	number          uint64
	standby, master *host
	standbyLife     int
	masterLife      int
	dead            bool
	lastToMaster    int64 // time of the last delivery in that direction
	lastToStandby   int64
}

// toMaster delivers f at the master's end.
func (cn *conn) toMaster(f func()) {
	c := cn.cluster
	cn.lastToMaster = max(c.now+c.latency(), cn.lastToMaster+1)
	c.after(cn.lastToMaster-c.now, func() {
		if cn.passes(cn.standby, cn.master) && cn.master.life == cn.masterLife {
			cn.master.whenAwake(func() {
				if !cn.dead {
					f()
				}
			})
		}
	})
}

// toStandby delivers f at the standby's end; a standby may be slow to read.
func (cn *conn) toStandby(f func()) {
	c := cn.cluster
	cn.lastToStandby = max(c.now+c.latency(), cn.lastToStandby+1, cn.standby.stalledUntil)
	c.after(cn.lastToStandby-c.now, func() {
		if cn.passes(cn.master, cn.standby) && cn.standby.life == cn.standbyLife {
			cn.standby.whenAwake(func() {
				if !cn.dead && cn.standby.link != nil && cn.standby.link.conn == cn {
					f()
				}
			})
		}
	})
}

func (cn *conn) passes(from, to *host) bool {
	if cn.cluster.network.cut[from.index][to.index] {
		cn.dead = true
	}
	return !cn.dead && to.alive
}

// close ends the connection; each end that can be reached hears of it.
func (cn *conn) close() {
	if cn.dead {
		return
	}
	c, standby, master := cn.cluster, cn.standby, cn.master
	cn.dead = true
	c.after(c.latency(), func() {
		if standby.alive && standby.life == cn.standbyLife && !c.network.cut[master.index][standby.index] {
			standby.whenAwake(func() {
				if standby.link != nil && standby.link.conn == cn {
					standby.linkStep(replication.EventFailed{Reason: "the connection was closed"})
				}
			})
		}
		if master.alive && master.life == cn.masterLife && !c.network.cut[standby.index][master.index] {
			master.whenAwake(func() { master.detach(cn) })
		}
	})
}

// link is the standby's side.
type link struct {
	standby *replication.Standby
	target  *host
	conn    *conn
	copy    *replication.DoFullCopy
}

func newLink(h, target *host) *link {
	config := replication.DefaultStandbyConfig()
	config.Pair, config.TimeoutTicks, config.AckTicks = "sim", 60, 20
	return &link{standby: replication.NewStandby(config), target: target}
}

func (h *host) standing() replication.Standing {
	return replication.Standing{Pair: "sim", History: h.history, End: h.end(), Floor: h.end() - h.cluster.retention()}
}

func (h *host) linkStep(e replication.LinkEvent) {
	for _, a := range h.link.standby.Step(replication.Now{Tick: h.tick(), Own: h.standing()}, e) {
		h.doLink(a)
	}
}

func (h *host) doLink(a replication.LinkAction) {
	c, l := h.cluster, h.link
	switch a := a.(type) {
	case replication.DoDial:
		h.dial()
	case replication.DoSend:
		cn := l.conn
		cn.toMaster(func() { cn.master.command(cn, a.Args) })
	case replication.DoRewind:
		c.stats.Rewinds++
		c.trace("%s rewinds to %d: %s", h.id, a.Offset, a.Reason)
		h.cutLog(int(a.Offset / entryBytes))
		h.linkStep(replication.EventRewound{})
	case replication.DoFullCopy:
		c.stats.FullCopies++
		c.trace("%s takes a full copy at %d: %s", h.id, a.Offset, a.Reason)
		l.copy = &a
	case replication.DoContinue:
		c.stats.Continues++
		c.trace("%s continues from %d under %s", h.id, h.end(), a.History)
		h.history, h.disk.history = a.History, a.History
		c.checker.adopted(h)
	case replication.DoAck:
		cn, offset := l.conn, h.end()
		if c.mutated(AckUnseen) {
			offset += entryBytes
		}
		cn.toMaster(func() { cn.master.onAck(cn, offset) })
	case replication.DoClose:
		c.trace("%s closes its link: %s", h.id, a.Reason)
		if l.conn != nil {
			l.conn.close()
			l.conn, l.copy = nil, nil
		}
	}
}

func (h *host) dial() {
	c, l := h.cluster, h.link
	c.conns++
	cn := &conn{cluster: c, number: c.conns, standby: h, master: l.target, standbyLife: h.life, masterLife: l.target.life}
	l.conn = cn
	event := replication.LinkEvent(replication.EventDialled{})
	if !l.target.alive {
		event = replication.EventFailed{Reason: "connection refused"}
	}
	if c.network.cut[h.index][l.target.index] || c.network.cut[l.target.index][h.index] {
		return
	}
	life := h.life
	c.after(c.latency(), func() {
		if h.life != life {
			return
		}
		h.whenAwake(func() {
			if h.link != nil && h.link.conn == cn && !cn.dead {
				h.linkStep(event)
			}
		})
	})
}

// cutLog drops the end of the log, on disk as well.
func (h *host) cutLog(entries int) {
	h.entries, h.hashes = h.entries[:entries], h.hashes[:entries]
	h.disk.entries = min(h.disk.entries, entries)
}

func (h *host) dropConns() {
	if h.link != nil && h.link.conn != nil {
		h.link.conn.close()
		h.link.conn = nil
	}
	for _, f := range h.feeders {
		f.conn.close()
	}
	h.feeders = nil
}

// feeder is the master's side: sent entries have been shipped.
type feeder struct {
	conn *conn
	sent int
}

// command answers one command of the handshake.
func (h *host) command(cn *conn, args []string) {
	reply := func(e replication.LinkEvent) { cn.toStandby(func() { cn.standby.linkStep(e) }) }
	switch {
	case args[0] == "PING":
		reply(replication.EventReply{Line: "+PONG"})
	case args[0] == "PSYNC":
		h.psync(cn, args)
	case args[1] == "capa" && h.cluster.mutated(AlwaysContinue):
		reply(replication.EventReply{Line: "+OK"}) // the histories are not compared
	case args[1] == "capa":
		reply(replication.EventReply{Line: "+" + replication.TandemCapaOK})
	case args[1] == replication.HistoryCommand && h.master == nil:
		reply(replication.EventReply{Line: "-NOMASTERLINK this node does not reign"})
	case args[1] == replication.HistoryCommand:
		reply(replication.EventBulk{Data: replication.MarshalStanding(h.standing())})
	default:
		reply(replication.EventReply{Line: "+OK"})
	}
}

func (h *host) psync(cn *conn, args []string) {
	c := h.cluster
	if h.master == nil {
		cn.toStandby(func() { cn.standby.linkStep(replication.EventReply{Line: "-NOMASTERLINK this node does not reign"}) })
		return
	}
	offset, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		c.checker.fail("%s sends PSYNC %v", cn.standby.id, args)
		return
	}
	ask := replication.Ask{ID: args[1], Offset: offset}
	d := replication.Decide(ask, h.history, replication.Range{Start: h.end() - c.retention(), End: h.end()})
	if c.mutated(AlwaysContinue) && ask.Offset > 0 && ask.Offset <= h.end()+1 {
		d = replication.Decision{Verdict: replication.Continue, Offset: ask.Offset - 1, ID: h.history.Last().ID}
	}
	c.trace("%s answers PSYNC of %s: %s", h.id, cn.standby.id, d)
	line := replication.PsyncLine(d)
	cn.toStandby(func() { cn.standby.linkStep(replication.EventReply{Line: line}) })
	f := &feeder{conn: cn, sent: int(d.Offset / entryBytes)}
	h.feeders = slices.DeleteFunc(h.feeders, func(old *feeder) bool { return old.conn.standby == cn.standby })
	h.feeders = append(h.feeders, f)
	state, acked := replication.FeedOnline, d.Offset
	if d.Verdict == replication.FullCopy {
		state, acked = replication.FeedSendCopy, 0
		h.sendCopy(cn)
	}
	h.master.Attach(h.tick(), cn.number, cn.standby.id, state, acked)
	h.ship()
}

// sendCopy ships all entries as of now; it takes a while.
func (h *host) sendCopy(cn *conn) {
	entries, hashes := slices.Clone(h.entries), slices.Clone(h.hashes)
	cn.lastToStandby = max(cn.lastToStandby, h.cluster.now+h.cluster.between(5*millisecond, 200*millisecond))
	cn.toStandby(func() { cn.standby.loadCopy(entries, hashes) })
}

// loadCopy is the swap: nothing of the old data is touched before all is there.
func (h *host) loadCopy(entries, hashes []uint64) {
	c := h.link.copy
	if c == nil {
		return
	}
	if c.Offset != int64(len(entries))*entryBytes {
		h.linkStep(replication.EventCopied{Err: errors.New("the copy has another offset than was announced")})
		return
	}
	h.entries, h.hashes = entries, hashes
	h.history, h.disk.history = c.History, c.History
	h.syncDisk()
	h.link.copy = nil
	h.cluster.checker.adopted(h)
	h.linkStep(replication.EventCopied{})
}

// ship sends each standby what it has not been sent.
func (h *host) ship() {
	for _, f := range h.feeders {
		if f.sent >= len(h.entries) {
			continue
		}
		from, batch, cn := f.sent, slices.Clone(h.entries[f.sent:]), f.conn
		f.sent = len(h.entries)
		cn.toStandby(func() { cn.standby.apply(cn, from, batch) })
	}
}

// apply appends what the stream brings.
func (h *host) apply(cn *conn, from int, batch []uint64) {
	if from != len(h.entries) {
		h.cluster.checker.fail("%s has %d entries and is sent what follows %d", h.id, len(h.entries), from)
		return
	}
	for _, id := range batch {
		h.append(id)
		h.cluster.checker.applied(h, len(h.entries)-1)
	}
	h.linkStep(replication.EventApplied{})
}

func (h *host) onAck(cn *conn, offset int64) {
	if h.master == nil {
		return
	}
	if err := h.master.Ack(h.tick(), cn.number, offset, h.end()); err != nil {
		h.cluster.checker.fail("%s: %v", h.id, err)
		return
	}
	h.afterProgress()
}

func (h *host) detach(cn *conn) {
	h.feeders = slices.DeleteFunc(h.feeders, func(f *feeder) bool { return f.conn == cn })
	if h.master != nil {
		h.master.Detach(cn.number)
	}
}
