package agent

import (
	"errors"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// probePreface is the first byte of a probe, and the answer to it. No memberlist stream begins with it.
const probePreface = 'T'

const (
	prefaceTimeout = 2 * time.Second
	streamsMax     = 256 // incoming connections under way at a time, probes included
)

// transport is memberlist's own, with two additions: an incoming stream that begins with probePreface is a probe and is
// held open until either process ends; and traffic with addresses that are cut, in tests, is lost without a word.
type transport struct {
	*memberlist.NetTransport
	cut     func(addr string) bool
	streams chan net.Conn
	packets chan *memberlist.Packet
	done    chan struct{}

	open struct {
		sync.Mutex
		conns  map[net.Conn]bool
		closed bool
		wait   sync.WaitGroup
	}
}

func newTransport(bind string, port int, cut func(string) bool, logger *log.Logger) (*transport, error) {
	if bind == "" {
		bind = "0.0.0.0"
	}
	var inner *memberlist.NetTransport
	var err error
	for try := 0; try < 10; try++ { // a free TCP port may be taken for UDP
		inner, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{bind}, BindPort: port, Logger: logger})
		if err == nil || port != 0 {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listening for gossip: %w", err)
	}
	t := &transport{NetTransport: inner, cut: cut, streams: make(chan net.Conn), done: make(chan struct{})}
	t.open.conns = map[net.Conn]bool{}
	t.open.wait.Add(1)
	go t.sortStreams()
	if cut != nil {
		t.packets = make(chan *memberlist.Packet)
		t.open.wait.Add(1)
		go t.filterPackets()
	}
	return t, nil
}

// StreamCh returns the streams that are memberlist's.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// PacketCh returns the packets that are not cut.
func (t *transport) PacketCh() <-chan *memberlist.Packet {
	if t.cut == nil {
		return t.NetTransport.PacketCh()
	}
	return t.packets
}

func (t *transport) filterPackets() {
	defer t.open.wait.Done()
	for {
		select {
		case p := <-t.NetTransport.PacketCh():
			if t.cut(p.From.String()) {
				continue
			}
			select {
			case t.packets <- p:
			case <-t.done:
				return
			}
		case <-t.done:
			return
		}
	}
}

func (t *transport) sortStreams() {
	defer t.open.wait.Done()
	for {
		select {
		case conn := <-t.NetTransport.StreamCh():
			if !t.keep(conn) {
				conn.Close()
				continue
			}
			go t.sort(conn)
		case <-t.done:
			return
		}
	}
}

// keep notes a connection; false if there are too many, or the transport is closed.
func (t *transport) keep(conn net.Conn) bool {
	t.open.Lock()
	defer t.open.Unlock()
	if t.open.closed || len(t.open.conns) >= streamsMax {
		return false
	}
	t.open.conns[conn] = true
	t.open.wait.Add(1)
	return true
}

func (t *transport) forget(conn net.Conn) {
	t.open.Lock()
	delete(t.open.conns, conn)
	t.open.Unlock()
}

// sort looks at the first byte of a stream.
func (t *transport) sort(conn net.Conn) {
	defer t.open.wait.Done()
	defer t.forget(conn)
	var first [1]byte
	if err := conn.SetReadDeadline(time.Now().Add(prefaceTimeout)); err != nil {
		conn.Close()
		return
	}
	if n, err := conn.Read(first[:]); n == 0 || err != nil {
		conn.Close()
		return
	}
	if first[0] == probePreface {
		defer conn.Close()
		if errors.Join(conn.SetDeadline(time.Time{}), write(conn, probePreface)) == nil {
			_, _ = conn.Read(first[:]) // returns when the other process ends, or this transport
		}
		return
	}
	select {
	case t.streams <- &peeked{Conn: conn, first: first[:]}:
	case <-t.done:
		conn.Close()
	}
}

// peeked is a stream whose first byte has been looked at.
type peeked struct {
	net.Conn
	first []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 && len(b) > 0 {
		b[0] = p.first[0]
		p.first = nil
		return 1, nil
	}
	return p.Conn.Read(b)
}

var errCut = errors.New("i/o timeout (cut by a test)")

// WriteTo sends a packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	if t.cut != nil && t.cut(addr) {
		return time.Now(), nil
	}
	return t.NetTransport.WriteTo(b, addr)
}

// WriteToAddress sends a packet.
func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

// DialTimeout opens a stream.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	if t.cut != nil && t.cut(addr) {
		return nil, errCut
	}
	return t.NetTransport.DialTimeout(addr, timeout)
}

// DialAddressTimeout opens a stream.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// dialProbe opens a probe.
func (t *transport) dialProbe(addr string, timeout time.Duration) (net.Conn, error) {
	conn, err := t.DialTimeout(addr, timeout)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(conn.SetWriteDeadline(time.Now().Add(timeout)), write(conn, probePreface)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func write(conn net.Conn, b byte) error {
	_, err := conn.Write([]byte{b})
	return err
}

// Shutdown closes the listeners and every connection.
func (t *transport) Shutdown() error {
	t.open.Lock()
	first := !t.open.closed
	t.open.closed = true
	for conn := range t.open.conns {
		conn.Close()
	}
	t.open.Unlock()
	if !first {
		return nil
	}
	close(t.done)
	err := t.shutdownInner()
	t.open.wait.Wait()
	return err
}

// shutdownInner closes the inner transport while its channels are still read: its listeners may be waiting to hand over.
func (t *transport) shutdownInner() error {
	ended := make(chan error, 1)
	go func() { ended <- t.NetTransport.Shutdown() }()
	for {
		select {
		case <-t.NetTransport.PacketCh():
		case conn := <-t.NetTransport.StreamCh():
			conn.Close()
		case err := <-ended:
			return err
		}
	}
}
