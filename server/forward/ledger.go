package forward

import (
	"bytes"
	"sync"
)

// command is one command of the client, kept until its reply is delivered.
type command struct {
	raw        []byte
	role       role
	repeatable bool // its reply may be dropped and the command sent again
	// barrier: nothing is done with it before every earlier command is answered.
	barrier barrier
}

type barrier uint8

const (
	noBarrier barrier = iota
	becomeOpaque
	sayAndClose // raw is not a command but a last word to the client
)

// ledger lists the commands of a session that are not answered. The client side adds, the link's reader strikes off,
// the session sends and, between two links, decides.
type ledger struct {
	mu   sync.Mutex
	room sync.Cond // signalled when bytes falls or closed is set
	wake chan struct{}

	refusals [][]byte
	bytesMax int

	// queue: 0 <= settled <= sent <= len(queue). queue[:sent] went over the present link.
	queue []command
	sent  int
	bytes int
	// stopping: nothing more is sent over the present link, because of a refusal or because the target has changed.
	stopping bool
	// refused: the first refusal of the present link; queue[:settled] was answered after it, and not executed.
	refused []byte
	settled int
	// delivered counts the replies passed on.
	delivered uint64

	memory memory
	opaque bool
	closed bool
	ended  bool // the client will send no more
}

func newLedger(o Options) *ledger {
	l := &ledger{wake: make(chan struct{}, 1), bytesMax: o.UnansweredBytesMax}
	l.room.L = &l.mu
	for _, r := range o.Refusals {
		l.refusals = append(l.refusals, []byte(r))
	}
	return l
}

// add enters commands; it waits while the ledger is full. ok is false when the session is over.
func (l *ledger) add(cs []command) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range cs {
		for l.bytes > 0 && l.bytes+len(c.raw) > l.bytesMax && !l.closed {
			l.nudge()
			l.room.Wait()
		}
		if l.closed {
			return false
		}
		l.queue = append(l.queue, c)
		l.bytes += len(c.raw)
	}
	l.nudge()
	return true
}

// awaitEmpty returns when every command is answered, or the session is over.
func (l *ledger) awaitEmpty() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && !l.closed {
		l.room.Wait()
	}
}

// end notes that the client will send no more.
func (l *ledger) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.nudge()
}

func (l *ledger) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.room.Broadcast()
}

// nudge tells the session to look again.
func (l *ledger) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// unsent appends to out what may be sent now over the present link.
func (l *ledger) unsent(out []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opaque {
		return l.takeOpaque(out)
	}
	for !l.stopping && l.sent < len(l.queue) && l.queue[l.sent].barrier == noBarrier {
		out = append(out, l.queue[l.sent].raw...)
		l.sent++
	}
	if l.sent == 0 && !l.stopping && len(l.queue) > 0 && l.queue[0].barrier == becomeOpaque {
		l.opaque = true
		return l.takeOpaque(out)
	}
	return out
}

// takeOpaque strikes off at once: there are no replies to wait for.
func (l *ledger) takeOpaque(out []byte) []byte {
	for len(l.queue) > 0 && l.queue[0].barrier != sayAndClose {
		out = append(out, l.queue[0].raw...)
		l.strike()
	}
	return out
}

// strike removes the oldest command.
func (l *ledger) strike() {
	l.bytes -= len(l.queue[0].raw)
	l.queue[0] = command{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	if l.sent > 0 {
		l.sent--
	}
	l.room.Broadcast()
}

// passing says what is done with the bytes of a reply.
type passing uint8

const (
	unexpected passing = iota // nobody asked: the link is broken
	deliver                   // to the client, as they come
	hold                      // until it is whole and judged
	drop                      // the command will be sent again
)

// expect says what is done with a reply that begins with kind.
func (l *ledger) expect(kind byte) passing {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case kind == '>':
		return deliver
	case l.settled >= l.sent:
		return unexpected
	case kind == '+' || kind == '-':
		return hold
	case l.refused != nil:
		return drop
	}
	return deliver
}

// verdict says how the link goes on after a reply.
type verdict uint8

const (
	goOn         verdict = iota
	linkDone             // everything sent is answered, and nothing more will be sent here
	orderTouched         // invariant 2
)

// judge takes in a whole reply, other than a push. pass: it goes to the client.
func (l *ledger) judge(r reply) (pass bool, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.queue[l.settled]
	switch {
	case l.isRefusal(r):
		if l.refused == nil {
			l.refused, l.stopping = bytes.Clone(r.line), true
		}
		l.settled++
	case l.refused != nil:
		if !notExecuted(c, r) {
			return false, orderTouched
		}
		l.settled++
	default:
		l.memory.learn(c, r, l.bytesMax)
		l.strike()
		l.delivered++
		pass = true
	}
	if l.sent == 0 && (len(l.queue) > 0 || l.ended || l.memory.quit) {
		l.nudge()
	}
	if l.stopping && l.settled == l.sent {
		return pass, linkDone
	}
	return pass, goOn
}

func (l *ledger) isRefusal(r reply) bool {
	if r.kind != '-' {
		return false
	}
	for _, prefix := range l.refusals {
		if bytes.HasPrefix(r.line, prefix) {
			return true
		}
	}
	return false
}

// notExecuted is asked about replies behind a refusal.
func notExecuted(c command, r reply) bool {
	return c.repeatable || bytes.HasPrefix(r.line, []byte("+QUEUED\r")) || bytes.HasPrefix(r.line, []byte("-EXECABORT "))
}

// standing is a look at the ledger by the session.
type standing struct {
	unanswered, unsettled int // commands in all; of those sent, without a reply
	opaque, ended         bool
	pinned                string
	quit                  bool
	refusal               []byte
	delivered             uint64
	last                  []byte // a last word for the client, when it is its turn
}

func (l *ledger) look() standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := standing{unanswered: len(l.queue), unsettled: l.sent - l.settled, opaque: l.opaque, ended: l.ended,
		pinned: l.memory.pinned(), quit: l.memory.quit, refusal: l.refused, delivered: l.delivered}
	if len(l.queue) > 0 && l.sent == 0 && l.queue[0].barrier == sayAndClose {
		s.last = l.queue[0].raw
	}
	return s
}

// stop makes the present link the last to get anything; done reports that nothing sent is unanswered.
func (l *ledger) stop() (done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	return l.sent == l.settled
}

// newLink begins with nothing sent. The caller has made sure that nothing is unsettled.
func (l *ledger) newLink() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent, l.settled, l.stopping, l.refused = 0, 0, false, nil
}

// giveUp strikes off everything that waits for a master, and says how many replies the client is owed.
func (l *ledger) giveUp() (owed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && l.queue[0].barrier != sayAndClose {
		l.strike()
		owed++
	}
	l.sent, l.settled = 0, 0
	return owed
}

func (l *ledger) script() (raw []byte, slots, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.memory.script()
}

func (l *ledger) isOpaque() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opaque
}

// authenticated reports that the client is no stranger.
func (l *ledger) authenticated() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.memory.known
}
