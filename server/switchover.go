package server

import (
	"context"
	"net"
	"time"
)

// switchoverTimeout is how long a switchover may take when nobody says otherwise.
const switchoverTimeout = 10 * time.Second

// drain is a switchover's wait for the standby to be level.
type drain struct {
	to      string
	drained func(offset int64)
}

// runSwitchover asks the pair and answers the client.
func (x *executor) runSwitchover(s *session, w *parked, to string, timeout time.Duration) {
	if timeout == 0 {
		timeout = switchoverTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := x.pair.Switchover(ctx, to)
	x.acquire(nil)
	defer x.release(nil)
	s.staysOnDemotion = false
	if s.parked != w {
		return
	}
	if err != nil {
		s.w.Error("ERR switchover failed, the master stays: " + err.Error())
	} else {
		s.w.OK()
	}
	x.parking.unpark(s)
}

// HoldWrites lets clients that write wait, and calls drained once the log stands still and the standby has all of it.
func (v *Server) HoldWrites(to, reason string, drained func(offset int64)) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.log.Info("writes are held", "for", to, "reason", reason)
	x.holdWrites()
	x.drain = &drain{to, drained}
	x.askForAcks()
	x.appendPending()
	x.checkDrained()
}

// checkDrained tells the switchover when its standby is level.
func (x *executor) checkDrained() {
	if d := x.drain; d != nil && x.standbys.master.Level(d.to, x.logEnd) {
		x.drain = nil
		offset := x.logEnd
		go d.drained(offset)
	}
}

// ReleaseWrites ends HoldWrites. Clients go on here, or at the new master if this node follows by now.
func (v *Server) ReleaseWrites(reason string) {
	x := v.x
	x.acquire(nil)
	defer x.release(nil)
	x.log.Info("writes go on", "reason", reason)
	x.drain = nil
	x.releaseWrites()
}

// demotionGrace is how long the direct clients of a former master may stay. They are answered READONLY meanwhile, so that
// forwarders and clients that understand it leave by themselves, with nothing in flight whose fate they could not know.
const demotionGrace = 2 * time.Second

// letClientsGo ends or hands over the client connections of a node that was the master until now: none stays on a
// demoted master (design: rule 8). Those of the read/write address go on through the forwarder where that can be done
// without a trace.
func (x *executor) letClientsGo() {
	for _, s := range x.sessions {
		if s.dead || s.closing || s.replica.feeding || s.port.kind != PortRW {
			continue
		}
		if x.server.router != nil && s.portable() {
			x.handOver(s)
			continue
		}
		s.closeAfterReply("this node is no longer the master")
		x.touch(s)
	}
	last := x.lastID
	time.AfterFunc(demotionGrace, func() {
		x.acquire(nil)
		defer x.release(nil)
		x.closeStayers(last)
	})
}

// closeStayers closes the clients that came before a demotion and are still there.
func (x *executor) closeStayers(last uint64) {
	if !x.role.is(RoleStandby) {
		return
	}
	for _, s := range x.sessions {
		if s.id <= last && !s.replica.feeding && s.port.kind == PortNode && !s.staysOnDemotion {
			s.closeAfterReply("this node is no longer the master")
			x.touch(s)
		}
	}
}

// portable tells whether another server can go on with the session without the client noticing.
func (s *session) portable() bool {
	return !s.tx.open && len(s.watches) == 0 && !s.subs.any() && s.parked == nil && s.detach == nil && !s.closing
}

func (x *executor) handOver(s *session) {
	v := x.server
	state := Handover{DB: s.db, Name: s.name, Proto: s.w.Proto, Auth: s.password}
	s.detach = func(conn net.Conn, unread []byte) { v.router.Adopt(conn, unread, state) }
	x.touch(s)
}
