//go:build !linux

package server

import (
	"errors"
	"net"
	"time"
)

// transport is empty here: each connection has its own goroutines.
type transport struct{}

func newTransport(*executor, int) (*transport, error) { return &transport{}, nil }

func (t *transport) stop() {}

// accept takes connections of a port until its listener is closed.
func (v *Server) accept(p *port) error {
	for {
		conn, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			v.log.Warn("a connection could not be accepted", "error", err)
			select {
			case <-time.After(50 * time.Millisecond):
			case <-v.stopping:
			}
			continue
		}
		v.arriveConn(p, conn)
	}
}
