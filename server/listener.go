package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// PortKind is what an address of the node is for.
type PortKind uint8

// The addresses (design: Addresses).
const (
	PortNode PortKind = iota // the node itself
	PortRW                   // always the master
	PortRO                   // reads, by preference on a standby
)

func (k PortKind) String() string { return [...]string{"port", "rw-port", "ro-port"}[k] }

// port is one address that clients reach.
type port struct {
	kind PortKind
	ln   net.Listener
	file *os.File // the listener's descriptor once more, for accept on Linux
	unix bool
}

// newPort completes a port.
func newPort(kind PortKind, ln net.Listener) (*port, error) {
	_, unix := ln.(*net.UnixListener)
	p := &port{kind: kind, ln: ln, unix: unix}
	f, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	p.file = f
	return p, nil
}

// close ends the listener; a socket file goes with it.
func (p *port) close() {
	p.ln.Close()
	p.file.Close()
}

// listen opens all addresses of the options. On an error none stays open.
func listen(o *Options) (ports []*port, err error) {
	defer func() {
		if err != nil {
			for _, p := range ports {
				p.close()
			}
		}
	}()
	for _, p := range []struct {
		kind   PortKind
		number int
	}{{PortNode, o.Port}, {PortRW, o.RWPort}, {PortRO, o.ROPort}} {
		if p.number == 0 {
			continue
		}
		opened, err := listenTCP(o, p.kind, p.number)
		ports = append(ports, opened...)
		if err != nil {
			return ports, err
		}
	}
	if o.UnixSocket != "" {
		p, err := listenUnix(o)
		if err != nil {
			return ports, err
		}
		ports = append(ports, p)
	}
	if len(ports) == 0 {
		return nil, errors.New("nothing to listen on: set port or unixsocket")
	}
	return ports, nil
}

func listenTCP(o *Options, kind PortKind, number int) (ports []*port, err error) {
	for _, bind := range o.Bind {
		address, optional := strings.CutPrefix(bind, "-")
		network := "tcp"
		switch address {
		case "*":
			network, address = "tcp4", "0.0.0.0"
		case "::*":
			network, address = "tcp6", "::"
		}
		if addr, perr := netip.ParseAddr(address); perr == nil && addr.Is6() {
			network = "tcp6" // does not take the IPv4 address too
		}
		want := number
		if number == AnyPort {
			want = 0
		}
		if number == AnyPort && len(ports) > 0 {
			want = ports[0].ln.Addr().(*net.TCPAddr).Port
		}
		var lc net.ListenConfig
		ln, lerr := lc.Listen(context.Background(), network, net.JoinHostPort(address, strconv.Itoa(want)))
		if lerr != nil {
			if optional && !errors.Is(lerr, syscall.EADDRINUSE) {
				continue
			}
			return ports, fmt.Errorf("Failed listening on port %d (%s), aborting: %w", want, kind, reasonOf(lerr))
		}
		p, lerr := newPort(kind, ln)
		if lerr != nil {
			return ports, lerr
		}
		ports = append(ports, p)
	}
	if len(ports) == 0 {
		return nil, fmt.Errorf("Failed listening on port %d (%s), aborting: no address of bind could be used", number, kind)
	}
	return ports, nil
}

// ListenAddresses are those that a port of the node's bind directive stands for.
func ListenAddresses(o *Options, number int) (addresses []string) {
	for _, bind := range o.Bind {
		host := strings.TrimPrefix(bind, "-")
		switch host {
		case "*":
			host = "0.0.0.0"
		case "::*":
			continue // 0.0.0.0 is enough for forwarding
		}
		addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(number)))
	}
	return addresses
}

// AnyPort in Options.Port lets the system choose a free port (for tests and embedding).
const AnyPort = -1

// reasonOf strips the address from a listen error: the line has it already.
func reasonOf(err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

func listenUnix(o *Options) (*port, error) {
	if err := os.Remove(o.UnixSocket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("Failed opening Unix socket: %w", err)
	}
	ln, err := net.Listen("unix", o.UnixSocket)
	if err != nil {
		return nil, fmt.Errorf("Failed opening Unix socket: bind: %w", err)
	}
	if o.UnixSocketPerm != 0 {
		if err := os.Chmod(o.UnixSocket, os.FileMode(o.UnixSocketPerm)); err != nil {
			ln.Close()
			return nil, fmt.Errorf("unixsocketperm: %w", err)
		}
	}
	return newPort(PortNode, ln)
}

// refusal is what a new connection is told instead of being served; empty: it is welcome.
func (x *executor) refusal(p *port, remote string) string {
	if len(x.sessions) >= x.opts.MaxClients {
		x.stats.rejected++
		return "-" + string(errMaxClients) + "\r\n"
	}
	if x.opts.ProtectedMode && x.opts.RequirePass == "" && !p.unix && !isLoopback(remote) {
		x.stats.rejected++
		return protectedModeText
	}
	return ""
}

func isLoopback(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// newSession makes the session of a new connection. nil: it was refused with the text given.
func (x *executor) newSession(p *port, remote, local string) (s *session, refusal string) {
	if refusal = x.refusal(p, remote); refusal != "" {
		return nil, refusal
	}
	x.lastID++
	x.stats.connections++
	s = &session{id: x.lastID, port: p, remote: remote, local: local, created: x.now, lastSeen: x.now}
	s.w.Proto = 2
	s.authenticated = x.opts.RequirePass == ""
	s.reader.Unauthenticated = !s.authenticated
	s.reader.BulkBytesMax = x.opts.BulkBytesMax
	x.sessions[s.id] = s
	return s, ""
}

// forget ends all that a session takes part in. Its carrier calls it once the connection is out of its hands.
func (x *executor) forget(s *session, reason string) {
	if s.gone {
		return
	}
	if reason != "" {
		s.reason = reason
	}
	s.gone, s.dead = true, true
	delete(x.sessions, s.id)
	x.endTransaction(s)
	x.forgetSubscriptions(s)
	x.parking.unpark(s)
	x.log.Debug("client left", "client", s.id, "addr", s.remote, "reason", s.reason)
}

// kill ends a session at once.
func (x *executor) kill(s *session, reason string) {
	s.dead, s.reason = true, reason
	x.touch(s)
}
