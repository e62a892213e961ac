package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// session is one client connection.
type session struct {
	f      *Forwarder
	client net.Conn
	ledger *ledger
	side   clientSide

	// deadline is when commands that wait for a master are given up. It counts from the first attempt after the last
	// delivered reply, the deliveredBefore-th.
	deadline        time.Time
	deliveredBefore uint64
	// refused are the addresses that were of no use since the last reply: they are asked again after a pause.
	refused []string
}

func newSession(f *Forwarder, conn net.Conn, unread []byte) *session {
	s := &session{f: f, client: conn, ledger: newLedger(f.opts)}
	s.side = clientSide{conn: conn, ledger: s.ledger, opts: f.opts, roles: f.roles, buf: append([]byte(nil), unread...)}
	s.side.reader.BulkBytesMax = f.opts.BulkBytesMax
	return s
}

// run serves the client until it goes, or can no longer be served.
func (s *session) run(parent context.Context) {
	ctx, cancel := context.WithCancel(parent)
	stopClose := context.AfterFunc(ctx, func() { s.client.Close() })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.side.run(); err != nil {
			cancel()
			return
		}
		s.ledger.end()
	}()
	reason := s.serve(ctx)
	cancel()
	stopClose()
	s.client.Close()
	s.ledger.close()
	<-ended
	if reason != nil && parent.Err() == nil {
		s.f.opts.Log(fmt.Sprintf("client %s closed: %v", s.client.RemoteAddr(), reason))
	}
}

var errOver = errors.New("over") // nothing to report

func (s *session) serve(ctx context.Context) error {
	for {
		err := s.round(ctx)
		if err == nil {
			continue
		}
		if errors.Is(err, errOver) || ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// round waits for a command, gets a link and uses it until it ends.
func (s *session) round(ctx context.Context) error {
	if err := s.awaitCommand(ctx); err != nil {
		return err
	}
	k, err := s.connect(ctx)
	if errors.Is(err, errGivenUp) {
		return s.sayNoMaster()
	}
	if err != nil {
		return err
	}
	s.ledger.newLink()
	stopClose := context.AfterFunc(ctx, func() { k.conn.Close() })
	go k.read()
	err = s.use(ctx, k)
	stopClose()
	k.conn.Close()
	<-k.done
	if err != nil {
		return err
	}
	return s.linkEnded(k)
}

// awaitCommand returns when there is something to send.
func (s *session) awaitCommand(ctx context.Context) error {
	for {
		st := s.ledger.look()
		switch {
		case st.last != nil:
			return s.sayLast(st.last)
		case st.unanswered > 0:
			return nil
		case st.ended || st.quit:
			return errOver
		}
		select {
		case <-s.ledger.wake:
		case <-ctx.Done():
			return errOver
		}
	}
}

func (s *session) sayLast(text []byte) error {
	if err := writeWithin(s.client, text, s.f.opts.ClientWriteTimeout); err != nil {
		return errOver
	}
	// Closing with input unread would reset the connection, and the client might lose the text.
	if c, ok := s.client.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil &&
		s.client.SetReadDeadline(time.Now().Add(s.f.opts.RetryPause)) == nil {
		_, _ = io.Copy(io.Discard, s.client) // ends by the deadline: its error says nothing
	}
	return errOver
}

// use sends what comes over the link until it ends. An error ends the session.
func (s *session) use(ctx context.Context, k *link) error {
	var out []byte
	var grace, halfClosed <-chan time.Time
	addr, changed := s.f.target.Now()
	for {
		if addr != "" && addr != k.target && grace == nil {
			if s.ledger.isOpaque() {
				return fmt.Errorf("the target is now %s, and this connection cannot be carried over", addr)
			}
			if s.ledger.stop() {
				return nil
			}
			grace = time.After(s.f.opts.ChangeGrace)
		}
		if out = s.ledger.unsent(out[:0]); len(out) > 0 {
			if err := writeWithin(k.conn, out, s.f.opts.ForwardTimeout); err != nil {
				return s.brokenWrite(k, err)
			}
		}
		if cap(out) > bufferKeptIn {
			out = nil
		}
		st := s.ledger.look()
		if st.last != nil || !st.opaque && st.unanswered == 0 && (st.ended || st.quit) {
			return nil
		}
		if st.ended && halfClosed == nil {
			halfClosed = time.After(s.f.opts.HalfCloseGrace)
		}
		select {
		case <-s.ledger.wake:
		case <-k.done:
			return nil
		case <-changed:
			addr, changed = s.f.target.Now()
		case <-grace:
			return fmt.Errorf("%s has not answered, and is no longer the target", k.addr)
		case <-halfClosed:
			return errOver
		case <-ctx.Done():
			return errOver
		}
	}
}

// brokenWrite waits for the reader's word: replies may be on their way although nothing can be sent any more.
func (s *session) brokenWrite(k *link, cause error) error {
	if err := k.conn.SetReadDeadline(time.Now().Add(s.f.opts.RetryPause)); err != nil {
		return fmt.Errorf("writing to %s: %w", k.addr, errors.Join(cause, err))
	}
	<-k.done
	return nil
}

// linkEnded decides whether the session goes on.
func (s *session) linkEnded(k *link) error {
	st := s.ledger.look()
	switch {
	case k.err != nil && (errors.Is(k.err, errOrderTouched) || errors.Is(k.err, errClientWrite)):
		return k.err
	case st.opaque:
		return fmt.Errorf("the link to %s ended", k.addr)
	case st.unsettled > 0:
		return fmt.Errorf("the link to %s ended with %d commands unanswered: %v", k.addr, st.unsettled, k.err)
	case st.quit:
		return errOver
	case st.pinned != "":
		return fmt.Errorf("the link to %s ended, and the connection cannot be carried over: %s", k.addr, st.pinned)
	}
	if st.refusal == nil && st.delivered != k.deliveredBefore {
		s.refused = nil
	} else {
		s.refused = append(s.refused, k.addr)
	}
	s.ledger.newLink()
	return nil
}

// sayNoMaster answers everything that waits. What was promised with an open transaction cannot be kept.
func (s *session) sayNoMaster() error {
	text := fmt.Sprintf("-MASTERDOWN No node to forward to within %s (forward-timeout); the command was not executed\r\n",
		s.f.opts.ForwardTimeout)
	_, slots, total := s.ledger.script()
	owed := s.ledger.giveUp()
	s.deadline = time.Time{}
	if err := writeWithin(s.client, []byte(strings.Repeat(text, owed)), s.f.opts.ClientWriteTimeout); err != nil {
		return errOver
	}
	if total > slots {
		return errors.New("no node to forward to, and a transaction is open")
	}
	return nil
}
