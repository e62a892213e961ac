package server

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// loop is an event loop: one goroutine that reads, runs and answers all its connections. Its epoll descriptor is itself
// watched by Go's poller, so that an idle loop parks as a goroutine and no thread sits in a blocking system call (measured:
// ARCHITECTURE.md). Connections are read and written with raw non-blocking calls.
//
// The goroutine alone owns conns, the arena and the batch. It stops when the descriptor is closed by close.
type loop struct {
	x       *executor
	epoll   int
	file    *os.File
	raw     syscall.RawConn
	tryPoll func(fd uintptr) bool // pollOnce, bound once: a round allocates nothing for it
	polled  int
	turn    turn
	pollErr error
	conns   map[int]*loopConn
	events  []unix.EpollEvent
	arena   []byte // bytes that were read in this round; commands of the batch alias it
	batch   batch
	flush   []*session
	leaving []*loopConn // taken out of conns, their sessions not yet forgotten
	eventfd int
	done    chan struct{}

	inbox struct {
		sync.Mutex
		sessions []*session
		arrivals []*session
		signaled bool
		closed   bool
	}
}

// loopConn is the loop's side of a session.
type loopConn struct {
	fd      int
	s       *session
	writing bool   // waits until the socket takes more
	reason  string // why it left
}

func (c *loopConn) fileDescriptor() int { return c.fd }

const (
	arenaBytes     = 1 << 20
	readBytesMin   = 16 << 10 // what a read is offered at least
	readBytesLarge = 64 << 10
	eventsPerPoll  = 256
)

func newLoop(x *executor) (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	efd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(ep)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &loop{x: x, epoll: ep, eventfd: efd, conns: make(map[int]*loopConn),
		events: make([]unix.EpollEvent, eventsPerPoll), arena: make([]byte, arenaBytes), done: make(chan struct{})}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(efd)}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, efd, &event); err != nil {
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	if err := unix.SetNonblock(ep, true); err != nil {
		return nil, os.NewSyscallError("set non-blocking", err)
	}
	l.file = os.NewFile(uintptr(ep), "epoll")
	l.tryPoll = l.pollOnce
	if l.raw, err = l.file.SyscallConn(); err != nil {
		return nil, err
	}
	return l, nil
}

// poll waits for events, parked in Go's poller.
func (l *loop) poll() (n int, err error) {
	if err := l.raw.Read(l.tryPoll); err != nil {
		return 0, err
	}
	return l.polled, l.pollErr
}

// pollOnce looks for events without waiting; false: there are none.
func (l *loop) pollOnce(fd uintptr) bool {
	l.polled, l.pollErr = rawEpollWait(int(fd), l.events)
	if l.polled > 0 || l.pollErr != nil {
		return true
	}
	l.turn.rest()
	return false
}

func rawEpollWait(fd int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(eventsPointer(events)), uintptr(len(events)), 0, 0, 0)
	if errno == unix.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer close(l.done)
	for {
		n, err := l.poll()
		if err != nil {
			if !l.stopping() {
				l.x.fatal(fmt.Errorf("event loop: %w", err))
			}
			l.closeAll()
			return
		}
		l.round(l.events[:n])
	}
}

// round reads what is ready, runs it as one batch, or several when it is much, and sends the replies.
func (l *loop) round(events []unix.EpollEvent) {
	used := 0
	l.batch.reset()
	woken := false
	for i := range events {
		e := &events[i]
		fd := int(e.Fd)
		if fd == l.eventfd {
			woken = true
			continue
		}
		c := l.conns[fd]
		if c == nil {
			continue
		}
		if e.Events&unix.EPOLLOUT != 0 {
			if l.send(c); l.conns[fd] != c {
				continue
			}
		}
		if e.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) == 0 {
			continue
		}
		if len(l.arena)-used < readBytesMin {
			l.execute(nil)
			used = 0
		}
		used += l.receive(c, l.arena[used:])
	}
	var resumed []*session
	if woken {
		resumed = l.takeInbox()
	}
	l.execute(resumed)
}

// receive reads from a connection and adds its complete commands to the batch. It gives the number of arena bytes that the batch now aliases.
func (l *loop) receive(c *loopConn, arena []byte) int {
	s := c.s
	if len(s.in) > 0 {
		return l.receiveMore(c)
	}
	n, err := rawRead(c.fd, arena[:min(len(arena), readBytesLarge)])
	if n <= 0 {
		l.readFailed(c, n, err)
		return 0
	}
	l.x.stats.inputBytes.Add(int64(n))
	l.batch.read(l.x.table, s, arena[:n:n])
	return n
}

// receiveMore reads behind bytes that wait for the rest of their command, or for the session to go on.
func (l *loop) receiveMore(c *loopConn) int {
	s := c.s
	room := max(s.reader.NeedBytes()-len(s.in), readBytesMin)
	room = min(room, max(len(s.in), readBytesLarge)) // an announced length is not believed at once
	if cap(s.in)-len(s.in) < room {
		grown := make([]byte, len(s.in), len(s.in)+room)
		copy(grown, s.in)
		s.in = grown
	}
	n, err := rawRead(c.fd, s.in[len(s.in):cap(s.in)])
	if n <= 0 {
		l.readFailed(c, n, err)
		return 0
	}
	l.x.stats.inputBytes.Add(int64(n))
	s.in = s.in[:len(s.in)+n]
	l.batch.read(l.x.table, s, s.in)
	return 0
}

func (l *loop) readFailed(c *loopConn, n int, err error) {
	switch {
	case n < 0 && (err == unix.EAGAIN || err == unix.EINTR):
	case err != nil:
		l.drop(c, "read: "+err.Error())
	default:
		l.drop(c, "closed by the client")
	}
}

// execute runs the batch and what was put off, and sends the replies outside ownership.
func (l *loop) execute(resumed []*session) {
	for {
		for _, s := range resumed {
			if !s.inBatch && len(s.in) > 0 {
				l.batch.read(l.x.table, s, s.in)
			}
		}
		if len(l.batch.items) > 0 || len(resumed) > 0 {
			l.turn.giveWay()
			l.x.acquire(l)
			l.x.runBatch(&l.batch)
			for _, s := range resumed {
				l.x.touch(s)
			}
			l.flush = l.x.release(l.flush[:0])
			resumed = l.sendAll(l.keepRests(resumed[:0]))
		}
		if resumed = l.bury(resumed); len(resumed) == 0 {
			return
		}
	}
}

// keepRests copies what a batch did not use to the sessions. It lists those that can go on at once.
func (l *loop) keepRests(again []*session) []*session {
	for i := range l.batch.items {
		it := &l.batch.items[i]
		s, rest := it.s, it.rest()
		s.inBatch = false
		switch {
		case len(rest) > 0:
			s.in = append(s.in[:0], rest...) // may overlap: it only moves down
		case cap(s.in) > readBytesLarge:
			s.in = nil
		default:
			s.in = s.in[:0]
		}
		if it.more {
			again = append(again, s)
		}
	}
	l.batch.reset()
	return again
}

// sendAll sends what a holding sealed. It adds the sessions that may go on with what was put off.
func (l *loop) sendAll(again []*session) []*session {
	for _, s := range l.flush {
		if c := s.conn.(*loopConn); l.conns[c.fd] == c {
			l.send(c)
		}
		if s.again {
			s.again = false
			again = append(again, s)
		}
	}
	return again
}

// send writes what is sealed, and ends the session when the owner decided so.
func (l *loop) send(c *loopConn) {
	s := c.s
	for s.sent < len(s.sending) && s.fate != fateCloseNow {
		n, err := rawWrite(c.fd, s.sending[s.sent:])
		switch {
		case n > 0:
			s.sent += n
			l.x.stats.outputBytes.Add(int64(n))
		case err == unix.EAGAIN:
			l.watch(c, true)
			return
		case err != unix.EINTR:
			l.drop(c, "write: "+err.Error())
			return
		}
	}
	if s.sending, s.sent = s.sending[:0], 0; cap(s.sending) > 1<<20 {
		s.sending = nil
	}
	l.watch(c, false)
	switch s.fate {
	case fateGive:
		l.leave(c)
	case fateClose, fateCloseNow:
		l.drop(c, "")
	}
}

// drop closes a connection.
func (l *loop) drop(c *loopConn, reason string) {
	if l.conns[c.fd] != c {
		return
	}
	c.reason = reason
	c.s.fate = fateCloseNow
	l.leave(c)
}

// leave takes a connection out of the loop; bury does the rest when no list of sessions is being walked.
func (l *loop) leave(c *loopConn) {
	delete(l.conns, c.fd)
	l.leaving = append(l.leaving, c)
	if c.s.fate == fateGive {
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, c.fd, nil); err != nil {
			l.x.fatal(os.NewSyscallError("epoll_ctl", err))
		}
	}
}

// bury lets the owner forget the sessions that left, closes their connections or hands them over.
func (l *loop) bury(again []*session) []*session {
	for len(l.leaving) > 0 {
		leaving := l.leaving
		l.leaving = nil
		l.x.acquire(l)
		for _, c := range leaving {
			l.x.forget(c.s, c.reason)
		}
		l.flush = l.x.release(l.flush[:0])
		for _, c := range leaving {
			if c.s.fate != fateGive {
				unix.Close(c.fd) // leaves the epoll set by itself
				continue
			}
			l.give(c)
		}
		again = l.sendAll(again)
	}
	return again
}

// give hands the connection to whoever asked for it, as a net.Conn with the bytes that were not read as commands.
func (l *loop) give(c *loopConn) {
	s := c.s
	file := os.NewFile(uintptr(c.fd), "client")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		l.x.log.Warn("a connection could not be handed over", "addr", s.remote, "error", err)
		return
	}
	unread := append([]byte(nil), s.in...) // now: the loop may still be woken for the session, and drop its bytes
	l.x.server.tasks.Go(func() { s.detach(conn, unread) })
}

func (l *loop) watch(c *loopConn, writing bool) {
	if c.writing == writing {
		return
	}
	c.writing = writing
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(c.fd)}
	if writing {
		event.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &event); err != nil {
		l.x.fatal(os.NewSyscallError("epoll_ctl", err))
	}
}

// adopt brings a new connection to the loop. The owner calls it. false: the loop is closed.
func (l *loop) adopt(fd int, s *session) bool {
	s.carrier, s.conn = l, &loopConn{fd: fd, s: s}
	l.inbox.Lock()
	defer l.inbox.Unlock()
	if l.inbox.closed {
		return false
	}
	l.inbox.arrivals = append(l.inbox.arrivals, s)
	l.signal()
	return true
}

func (l *loop) wake(s *session) {
	l.inbox.Lock()
	if !l.inbox.closed {
		l.inbox.sessions = append(l.inbox.sessions, s)
		l.signal()
	}
	l.inbox.Unlock()
}

// signal makes poll return; the inbox is locked.
func (l *loop) signal() {
	if l.inbox.signaled || l.inbox.closed {
		return
	}
	l.inbox.signaled = true
	one := [8]byte{1}
	if _, err := unix.Write(l.eventfd, one[:]); err != nil && err != unix.EAGAIN {
		l.x.fatal(os.NewSyscallError("write to eventfd", err))
	}
}

func (l *loop) takeInbox() []*session {
	var scratch [8]byte
	if _, err := unix.Read(l.eventfd, scratch[:]); err != nil && err != unix.EAGAIN {
		l.x.fatal(os.NewSyscallError("read from eventfd", err))
	}
	l.inbox.Lock()
	sessions, arrivals := l.inbox.sessions, l.inbox.arrivals
	l.inbox.sessions, l.inbox.arrivals, l.inbox.signaled = nil, nil, false
	l.inbox.Unlock()
	for _, s := range arrivals {
		c := s.conn.(*loopConn)
		l.conns[c.fd] = c
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(c.fd)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
			l.drop(c, os.NewSyscallError("epoll_ctl", err).Error())
		}
	}
	return sessions
}

func (l *loop) closeAll() {
	l.inbox.Lock()
	l.inbox.closed = true
	arrivals := l.inbox.arrivals
	l.inbox.arrivals = nil
	l.inbox.Unlock()
	for _, s := range arrivals {
		unix.Close(s.conn.fileDescriptor())
	}
	for _, c := range l.conns {
		unix.Close(c.fd)
	}
	unix.Close(l.eventfd)
}

func (l *loop) stopping() bool {
	l.inbox.Lock()
	defer l.inbox.Unlock()
	return l.inbox.closed
}

// stop ends the loop and closes its connections; it returns when the goroutine has ended.
func (l *loop) stop() {
	l.inbox.Lock()
	l.inbox.closed = true
	l.inbox.Unlock()
	l.file.Close()
	<-l.done
}

func rawRead(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(bytesPointer(p)), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

func rawWrite(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(bytesPointer(p)), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
