package server

import (
	"errors"
	"net"
	"os"
	"time"
)

// connCarrier moves the bytes of one connection with two goroutines: a reader that brings batches and a writer that seals
// and sends. TLS and systems without epoll use it; the session code is the same as under a loop.
//
// The reader owns the batch and the session's `in`; the writer owns `sending` and `fate`. The reader ends first, at an error
// or when the writer ends it; the writer then forgets the session.
type connCarrier struct {
	x     *executor
	s     *session
	conn  net.Conn
	batch batch
	wakes chan struct{} // capacity 1: there may be something to seal
	reads chan struct{} // capacity 1: the session may go on with what was put off
	quit  chan struct{} // closed by the writer: the reader must end
	ended chan struct{} // closed by the reader
	why   string        // the reader's until ended
}

func (c *connCarrier) fileDescriptor() int { return -1 }

// newConnCarrier makes the carrier of a new session. The caller owns the executor.
func newConnCarrier(x *executor, conn net.Conn, s *session) *connCarrier {
	c := &connCarrier{x: x, s: s, conn: conn, wakes: make(chan struct{}, 1), reads: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{})}
	s.carrier, s.conn = c, c
	return c
}

// run serves the connection until it ends.
func (c *connCarrier) run() {
	go c.read()
	c.write()
}

func (c *connCarrier) wake(s *session) {
	if s.dead {
		c.conn.Close() // the writer may be stuck in it
	}
	offer(c.wakes)
}

func offer(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// read brings what arrives to the owner.
func (c *connCarrier) read() {
	defer close(c.ended)
	s := c.s
	buf := make([]byte, readBytes)
	for {
		n, err := c.conn.Read(buf)
		if n > 0 {
			c.x.stats.inputBytes.Add(int64(n))
			s.in = append(s.in, buf[:n]...)
			c.runAll()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = c.resume()
		}
		if err != nil {
			c.why = err.Error()
			return
		}
	}
}

var errQuit = errors.New("the writer has ended")

// resume runs when the writer interrupted the reader: to go on with what was put off, or to end. The deadline is taken
// away before the reasons are looked at, so that none is missed.
func (c *connCarrier) resume() error {
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	select {
	case <-c.quit:
		return errQuit
	default:
	}
	select {
	case <-c.reads:
		c.runAll()
	default:
	}
	return nil
}

// runAll runs the commands that are there, a batch at a time.
func (c *connCarrier) runAll() {
	for more := true; more; {
		c.batch.reset()
		c.batch.read(c.x.table, c.s, c.s.in)
		c.x.acquire(nil)
		c.x.runBatch(&c.batch)
		c.x.release(nil)
		it := &c.batch.items[0]
		more = it.more
		c.s.in = append(c.s.in[:0], it.rest()...)
	}
}

// write seals and sends whenever the owner says that there is something.
func (c *connCarrier) write() {
	s := c.s
	broken := ""
	for going := true; going; {
		select {
		case <-c.wakes:
		case <-c.ended:
			c.finish(c.why)
			return
		}
		c.x.acquire(c)
		c.x.touch(s)
		c.x.release(nil)
		goOn := s.again
		s.again = false
		if s.fate != fateCloseNow && len(s.sending) > 0 {
			n, err := c.conn.Write(s.sending)
			c.x.stats.outputBytes.Add(int64(n))
			if err != nil {
				broken = "write: " + err.Error()
			}
		}
		s.sending, s.sent = s.sending[:0], 0
		going = s.fate == fateStay && broken == ""
		if going && goOn {
			offer(c.reads)
			going = c.interrupt()
		}
	}
	close(c.quit)
	if s.fate != fateGive {
		c.conn.Close()
	} else if !c.interrupt() {
		s.fate = fateCloseNow
		c.conn.Close()
	}
	<-c.ended
	c.finish(broken)
}

// interrupt ends a read that waits for bytes; the reader takes the deadline away. false: the connection is broken.
func (c *connCarrier) interrupt() bool { return c.conn.SetReadDeadline(time.Unix(1, 0)) == nil }

// finish runs when the reader has ended.
func (c *connCarrier) finish(why string) {
	c.x.acquire(nil)
	c.x.forget(c.s, why)
	c.x.release(nil)
	if c.s.fate != fateGive {
		c.conn.Close()
		return
	}
	go c.s.detach(c.conn, append([]byte(nil), c.s.in...))
}

const readBytes = 64 << 10
