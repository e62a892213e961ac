package agent

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/tandemkv/tandem/failover"
)

const (
	probeTimeout = 500 * time.Millisecond
	probePause   = 100 * time.Millisecond
)

// goneDetector watches the process of one peer by a probe: a connection on which nothing is ever said. When a process
// dies its kernel closes the connection at once and refuses new ones. A host that is cut off or has lost power says
// nothing at all, and neither does the detector.
type goneDetector struct {
	peer string
	// address returns where the peer's gossip listens, "" while unknown.
	address func(id string) string
	// incarnation returns the peer's as the core knows it.
	incarnation func(id string) uint64
	dial        func(addr string, timeout time.Duration) (net.Conn, error)
	report      func(failover.PeerGone)
	stands      func(id string, stands bool) // also: it does not, when none could be made
	done        <-chan struct{}
}

// run probes until done is closed.
func (d *goneDetector) run() {
	stood := false // a probe has stood, and the other side broke it
	for {
		known := d.incarnation(d.peer)
		addr := d.address(d.peer)
		if addr != "" {
			conn, err := d.dial(addr, probeTimeout)
			if err != nil {
				d.stands(d.peer, false)
			}
			switch {
			case err == nil:
				taken, silent := d.hold(conn)
				if d.over() {
					return
				}
				// A dying process may take one more connection, and drop it, before it refuses: stood remains.
				stood = !silent && (stood || taken)
				if taken {
					continue // ask again at once
				}
			case stood && errors.Is(err, syscall.ECONNREFUSED):
				d.report(failover.PeerGone{ID: d.peer, Incarnation: known})
			}
		}
		select {
		case <-time.After(probePause):
		case <-d.done:
			return
		}
	}
}

// hold waits until the probe breaks. taken: the peer had answered it, so that it stood. silent: the kernel gave it
// up for want of an answer.
func (d *goneDetector) hold(conn net.Conn) (taken, silent bool) {
	broken := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-d.done:
		case <-broken:
		}
		conn.Close()
	}()
	var b [1]byte
	_, err := conn.Read(b[:])
	if taken = err == nil && b[0] == probePreface; taken {
		d.stands(d.peer, true)
		_, err = conn.Read(b[:])
		d.stands(d.peer, false)
	}
	close(broken)
	<-ended
	return taken, errors.Is(err, syscall.ETIMEDOUT)
}

func (d *goneDetector) over() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}
