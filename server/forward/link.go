package forward

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

var (
	errOrderTouched = errors.New("a command was executed although an earlier one was refused")
	errUnexpected   = errors.New("a reply that nobody asked for")
	errClientWrite  = errors.New("the client does not take its replies")
)

// link is one connection to the target. Its reader runs in a goroutine of its own.
type link struct {
	conn   net.Conn
	addr   string
	target string // what the target said then; addr differs from it if this is the fallback
	client net.Conn
	ledger *ledger
	writeT time.Duration
	// deliveredBefore is the ledger's count when the link began.
	deliveredBefore uint64

	scan    Scanner
	fresh   bool // the scanner stands before a reply
	kind    byte
	passing passing
	line    []byte // of a reply that is held
	out     []byte // for the client

	done chan struct{} // closed when the reader has ended
	err  error         // why; nil: everything is settled. Read after done.
}

// read is the reader.
func (k *link) read() {
	defer close(k.done)
	buf := make([]byte, readBytes)
	k.fresh = true
	for {
		n, rerr := k.conn.Read(buf)
		settled, err := k.take(buf[:n])
		if werr := k.flush(); werr != nil {
			k.err = werr
			return
		}
		if settled || err != nil {
			k.err = err
			return
		}
		if rerr != nil {
			if !errors.Is(rerr, io.EOF) {
				rerr = fmt.Errorf("reading from %s: %w", k.addr, rerr)
			}
			k.err = rerr
			return
		}
	}
}

// take handles bytes of the target. settled: there will be no more that concern us.
func (k *link) take(p []byte) (settled bool, err error) {
	for len(p) > 0 {
		if k.fresh {
			if k.ledger.isOpaque() {
				k.out = append(k.out, p...)
				return false, nil
			}
			k.kind, k.fresh, k.line = p[0], false, k.line[:0]
			if k.passing = k.ledger.expect(p[0]); k.passing == unexpected {
				return false, errUnexpected
			}
		}
		used, done, err := k.scan.Next(p)
		if err != nil {
			return false, err
		}
		k.pass(p[:used])
		p = p[used:]
		if done {
			k.fresh = true
			if settled, err = k.whole(); settled || err != nil {
				return settled, err
			}
		}
	}
	return false, nil
}

func (k *link) pass(p []byte) {
	switch k.passing {
	case deliver:
		k.out = append(k.out, p...)
	case hold:
		k.line = append(k.line, p...)
	case drop, unexpected:
	}
}

func (k *link) whole() (settled bool, err error) {
	if k.kind == '>' {
		return false, nil
	}
	pass, verdict := k.ledger.judge(reply{kind: k.kind, line: k.line, null: k.scan.Null()})
	if pass && k.passing == hold {
		k.out = append(k.out, k.line...)
	}
	if verdict == orderTouched {
		return false, errOrderTouched
	}
	return verdict == linkDone, nil
}

func (k *link) flush() error {
	if len(k.out) == 0 {
		return nil
	}
	err := writeWithin(k.client, k.out, k.writeT)
	if k.out = k.out[:0]; cap(k.out) > bufferKeptIn {
		k.out = nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errClientWrite, err)
	}
	return nil
}

// errNotYet wraps why a node cannot take the session over at present.
var errNotYet = errors.New("not ready")

// restore says the session's memory on a new connection and reads the replies, before anything else is sent.
func restore(conn net.Conn, l *ledger, timeout time.Duration) error {
	raw, slots, total := l.script()
	if total == 0 {
		return nil
	}
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	if _, err := conn.Write(raw); err != nil {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	var s Scanner
	buf, head, answered := make([]byte, readBytes), []byte(nil), 0
	for answered < total {
		n, err := conn.Read(buf)
		if n == 0 && err != nil {
			return fmt.Errorf("%w: %w", errNotYet, err)
		}
		for p := buf[:n]; len(p) > 0 && answered < total; {
			used, done, err := s.Next(p)
			if err != nil {
				return err
			}
			head = append(head, p[:min(used, errorLineHeldMax)]...)
			p = p[used:]
			if !done {
				continue
			}
			if head[0] != '>' {
				if err := restored(l, head, answered < slots); err != nil {
					return err
				}
				answered++
			}
			head = head[:0]
		}
	}
	return conn.SetDeadline(time.Time{})
}

// restored judges one reply; mustSucceed is false for the commands of an open transaction, which may have failed
// to be queued before.
func restored(l *ledger, line []byte, mustSucceed bool) error {
	r := reply{kind: line[0], line: line}
	if l.isRefusal(r) {
		return fmt.Errorf("%w: %s", errNotYet, bytes.TrimSpace(line))
	}
	if r.failed() && mustSucceed {
		return fmt.Errorf("the session's state was refused: %s", bytes.TrimSpace(line))
	}
	return nil
}

func writeWithin(conn net.Conn, p []byte, timeout time.Duration) error {
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err := conn.Write(p)
	return err
}
