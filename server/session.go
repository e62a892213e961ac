package server

import (
	"net"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
)

// carrier moves a session's bytes: an epoll loop or the goroutines of one connection. A session does not know which.
type carrier interface {
	// wake tells the carrier that a session that it did not bring itself has something for it: output, a command
	// to go on with, or its end. The owner calls it; it never blocks.
	wake(s *session)
}

// session is one client connection as the owner of the keyspace sees it. All fields are the owner's, except those
// marked as the carrier's.
type session struct {
	id      uint64
	carrier carrier
	conn    endpoint // what the carrier needs to find its side of the session
	remote  string
	local   string
	port    *port // the address it came in by
	created time.Time

	name, libName, libVer string
	db                    int
	authenticated         bool
	noEvict, noTouch      bool
	password              string // that it authenticated with, for whoever goes on with the connection
	muted                 bool   // CLIENT REPLY OFF
	skips                 int    // commands whose replies are dropped (CLIENT REPLY SKIP)
	staysOnDemotion       bool
	lastSeen              time.Time
	lastSpec              *command.Spec
	spec                  *command.Spec // that runs now

	reader  resp.Reader // the carrier's
	in      []byte      // the carrier's: bytes not read as commands yet
	w       resp.Writer // replies, appended by the owner
	marks   []mark      // which of them wait for which offset, oldest first
	sending []byte      // the carrier's: bytes on their way out; sent of them have gone
	sent    int

	inBatch bool // the carrier's: its bytes stand in the batch
	fate    fate // the carrier's copy of what the owner decided, taken when replies are sealed
	again   bool // the carrier's copy of resumable

	touched   bool // in the executor's list of sessions with something to seal
	held      bool // in the executor's list of sessions with marks
	putOff    bool // its next command waits for the end of a pause
	resumable bool // it may go on with bytes that were put off
	closing   bool // close when all output has gone
	dead      bool // close at once
	gone      bool // forgotten: nothing refers to it any longer
	softTime  time.Time
	reason    string // why it ends, for the log

	tx      transaction
	watches []watchKey
	parked  *parked
	subs    subscriptions
	replica replicaFacts
	written int64 // log offset behind its last write

	// detach: the carrier gives the connection away, with the bytes that were not read as commands.
	detach func(conn net.Conn, unread []byte)
}

// fate is what becomes of a session's connection when its sealed bytes have gone.
type fate uint8

const (
	fateStay fate = iota
	fateClose
	fateCloseNow
	fateGive // detach
)

// endpoint is a carrier's own record of a session.
type endpoint interface{ fileDescriptor() int }

// stopped tells whether the session must not run its next command now.
func (s *session) stopped() bool {
	return s.parked != nil || s.closing || s.dead || s.detach != nil
}

// decideFate tells the carrier what the owner wants. Replies that are held keep the connection until they are gone.
func (s *session) decideFate() {
	switch {
	case s.dead:
		s.fate = fateCloseNow
	case len(s.w.Buf) > 0:
		s.fate = fateStay
	case s.detach != nil:
		s.fate = fateGive
	case s.closing:
		s.fate = fateClose
	}
}

// closeAfterReply ends the session when what was written has gone out.
func (s *session) closeAfterReply(reason string) {
	s.closing, s.reason = true, reason
}

// mute takes back the reply from mark on, of a client that does not want it (CLIENT REPLY).
func (s *session) mute(mark int) {
	if !s.muted && s.skips == 0 || s.parked != nil {
		return
	}
	s.skips = max(s.skips-1, 0)
	if s.lastSpec == nil || s.lastSpec.Flags&flagSubscriber == 0 || s.lastSpec.Flags&command.PubSub == 0 {
		s.w.Buf = s.w.Buf[:mark] // confirmations of subscriptions are no replies
	}
}

// outputBytes is what waits to be sent, as far as the owner can see: what is on its way belongs to the carrier.
func (s *session) outputBytes() int { return len(s.w.Buf) }
