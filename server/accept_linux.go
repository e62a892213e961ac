package server

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// transport is the event loops of this system.
type transport struct {
	loops []*loop
	next  int
}

func newTransport(x *executor, n int) (*transport, error) {
	t := &transport{}
	for range n {
		l, err := newLoop(x)
		if err != nil {
			t.stop()
			return nil, err
		}
		t.loops = append(t.loops, l)
	}
	for _, l := range t.loops {
		go l.run()
	}
	return t, nil
}

func (t *transport) stop() {
	for _, l := range t.loops {
		l.stop()
	}
}

// accept takes connections of a port until its listener is closed. It parks in Go's poller and takes the descriptors
// itself, so that a loop can have them without a copy.
func (v *Server) accept(p *port) error {
	// A listener's own RawConn does not read; its descriptor as a file does.
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var fd int
		var aerr error
		err := raw.Read(func(lfd uintptr) bool {
			fd, _, aerr = unix.Accept4(int(lfd), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			return aerr != unix.EAGAIN && aerr != unix.EINTR
		})
		if err != nil {
			return nil // the listener was closed
		}
		if aerr != nil {
			v.acceptFailed(aerr)
			continue
		}
		v.arrive(p, fd)
	}
}

// acceptFailed waits a moment when descriptors have run out, as an accept in a tight loop would not help.
func (v *Server) acceptFailed(err error) {
	if err == unix.EMFILE || err == unix.ENFILE || err == unix.ENOBUFS || err == unix.ENOMEM {
		v.log.Warn("a connection could not be accepted", "error", err)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-v.stopping:
		}
	}
}

// arrive gives a new connection to a loop, or to the forwarder.
func (v *Server) arrive(p *port, fd int) {
	remote, local := socketNames(fd)
	if !p.unix {
		v.tune(fd)
	}
	if v.routes(p.kind) {
		conn, err := fileConn(fd)
		if err != nil {
			v.log.Warn("a connection could not be forwarded", "addr", remote, "error", err)
			return
		}
		go v.router.Forward(p.kind, conn)
		return
	}
	x := v.x
	x.acquire(nil)
	s, refusal := x.newSession(p, remote, local)
	adopted := false
	if s != nil {
		// Under the same ownership: nobody sees a session without a carrier.
		if adopted = v.transport.loops[s.id%uint64(len(v.transport.loops))].adopt(fd, s); !adopted {
			x.forget(s, "the server stops")
		}
	}
	x.release(nil)
	if s == nil {
		unix.Write(fd, []byte(refusal)) // best effort: the connection ends here
	}
	if !adopted {
		unix.Close(fd)
	}
}

func fileConn(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "client")
	defer file.Close()
	return net.FileConn(file)
}

// tune sets what Redis sets on its clients' sockets. A failure here is no reason to refuse a client.
func (v *Server) tune(fd int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if seconds := int(v.keepalive.Load()); seconds > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(seconds/3, 1))
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
	}
}

func socketNames(fd int) (remote, local string) {
	r, _ := unix.Getpeername(fd)
	l, _ := unix.Getsockname(fd)
	return sockaddrText(r), sockaddrText(l)
}

func sockaddrText(sa unix.Sockaddr) string {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return (&net.TCPAddr{IP: a.Addr[:], Port: a.Port}).String()
	case *unix.SockaddrInet6:
		return (&net.TCPAddr{IP: a.Addr[:], Port: a.Port}).String()
	case *unix.SockaddrUnix:
		return a.Name + ":0"
	}
	return "?:0"
}
