package tandemtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/tandemkv/tandem/internal/freeport"
)

// wires are the cables between the nodes of a pair. Each connection that one node makes to another runs through a relay, which
// stands still while the cable is cut, as TCP does: nothing is lost, nobody is told. Gossip packets are lost.
type wires struct {
	owner map[string]string // address -> id of the node that listens there; never changes

	mu      sync.Mutex
	off     map[string]bool // nodes that are cut off; guarded by mu
	changed chan struct{}   // closed and replaced when off changes; guarded by mu

	done   chan struct{}
	relays sync.WaitGroup
}

func newWires() *wires {
	return &wires{owner: map[string]string{}, off: map[string]bool{}, changed: make(chan struct{}), done: make(chan struct{})}
}

// set cuts a node off, or mends its cable.
func (w *wires) set(id string, off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off[id] != off {
		w.off[id] = off
		close(w.changed)
		w.changed = make(chan struct{})
	}
}

func (w *wires) isOff(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.off[id]
}

func (w *wires) cut(a, b string) (cut bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return a != b && (w.off[a] || w.off[b]), w.changed
}

// await returns when the cable is whole; an error when that is of no use any more.
func (w *wires) await(ctx context.Context, a, b string) error {
	for {
		cut, changed := w.cut(a, b)
		if !cut {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: the cable between %s and %s is cut", os.ErrDeadlineExceeded, a, b)
		case <-w.done:
			return net.ErrClosed
		}
	}
}

// close ends all relays.
func (w *wires) close() {
	close(w.done)
	w.relays.Wait()
}

// way is the network as one node sees it. tandem.Network.
type way struct {
	w    *wires
	from string
}

func (y way) Cut(gossip string) bool {
	to, known := y.w.owner[gossip]
	if !known {
		return false
	}
	cut, _ := y.w.cut(y.from, to)
	return cut
}

func (y way) Dial(ctx context.Context, address string) (net.Conn, error) {
	to := y.w.owner[address]
	if err := y.w.await(ctx, y.from, to); err != nil {
		return nil, err
	}
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	near, inner, err := connPair(ctx)
	if err != nil {
		return nil, errors.Join(err, far.Close())
	}
	y.w.relays.Add(1)
	go y.w.relay(y.from, to, inner, far)
	return near, nil
}

// connPair makes two ends of one TCP connection.
func connPair(ctx context.Context) (near, inner net.Conn, err error) {
	ln, err := net.Listen("tcp", freeport.Address(0))
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	var d net.Dialer
	if near, err = d.DialContext(ctx, "tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	for {
		if inner, err = ln.Accept(); err != nil {
			return nil, nil, errors.Join(err, near.Close())
		}
		if inner.RemoteAddr().String() == near.LocalAddr().String() {
			return near, inner, nil
		}
		inner.Close() // a stranger's
	}
}

// relay copies in both directions until both ends have closed, or the test is over.
func (w *wires) relay(a, b string, inner, far net.Conn) {
	defer w.relays.Done()
	over := make(chan struct{})
	var copies sync.WaitGroup
	copies.Go(func() { w.pipe(a, b, inner, far) })
	copies.Go(func() { w.pipe(a, b, far, inner) })
	go func() {
		copies.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-w.done:
	}
	inner.Close()
	far.Close()
	<-over
}

func (w *wires) pipe(a, b string, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if w.await(context.Background(), a, b) != nil {
			return
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				from.Close()
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if to.(*net.TCPConn).CloseWrite() != nil {
				to.Close()
			}
			return
		default:
			to.Close()
			return
		}
	}
}
