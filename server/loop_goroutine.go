package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// connCarrier moves the bytes of one connection with two goroutines: a reader that brings batches and a writer that seals
// and sends. TLS and systems without epoll use it; the session code is the same as under a loop.
//
// The reader owns the batch and the session's `in`; the writer owns `sending`. The reader ends first, at an error or when the writer closes
// the connection; the writer then forgets the session.
type connCarrier struct {
	x     *executor
	s     *session
	conn  net.Conn
	batch batch
	wakes chan struct{} // capacity 1: there may be something to seal
	reads chan struct{} // capacity 1: the session may go on with what was put off
	ended chan struct{} // closed by the reader
	once  sync.Once
	why   string
}

func (c *connCarrier) fileDescriptor() int { return -1 }

// serveConn runs a connection until it ends.
func (x *executor) serveConn(conn net.Conn, s *session) {
	c := &connCarrier{x: x, s: s, conn: conn, wakes: make(chan struct{}, 1), reads: make(chan struct{}, 1), ended: make(chan struct{})}
	s.carrier, s.conn = c, c
	go c.write()
	c.read()
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
			for c.runOnce() {
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			select {
			case <-c.reads: // woken to go on with what was put off
				if c.conn.SetReadDeadline(time.Time{}) == nil {
					for c.runOnce() {
					}
					continue
				}
			default:
			}
		}
		if err != nil {
			c.end(err.Error())
			return
		}
	}
}

// runOnce runs the commands that are there. true: there are more.
func (c *connCarrier) runOnce() (more bool) {
	c.batch.reset()
	c.batch.read(c.x.table, c.s, c.s.in)
	c.x.acquire(nil)
	c.x.runBatch(&c.batch)
	c.x.release(nil)
	it := &c.batch.items[0]
	more = it.more
	c.s.in = append(c.s.in[:0], it.rest()...)
	return more
}

// write seals and sends whenever the owner says that there is something.
func (c *connCarrier) write() {
	s := c.s
	for {
		select {
		case <-c.wakes:
		case <-c.ended:
			c.finish()
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
				c.end("write: " + err.Error())
			}
		}
		s.sending, s.sent = s.sending[:0], 0
		if s.fate != fateStay {
			c.end("")
			continue
		}
		if goOn {
			offer(c.reads)
			// Ends a read that waits for bytes; the reader clears it.
			if err := c.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
				c.end(err.Error())
			}
		}
	}
}

// end makes the reader stop.
func (c *connCarrier) end(why string) {
	c.once.Do(func() {
		c.why = why
		if c.s.fate != fateGive {
			c.conn.Close()
			return
		}
		c.conn.SetReadDeadline(time.Unix(1, 0))
	})
}

// finish runs when the reader has ended.
func (c *connCarrier) finish() {
	c.x.acquire(nil)
	c.x.forget(c.s, c.why)
	c.x.release(nil)
	if c.s.fate == fateGive {
		if err := c.conn.SetReadDeadline(time.Time{}); err == nil {
			go c.s.detach(c.conn, append([]byte(nil), c.s.in...))
			return
		}
	}
	c.conn.Close()
}

const readBytes = 64 << 10
