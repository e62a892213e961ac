package forward

import (
	"bytes"
	"slices"
)

// reply is what the memory needs to know of a reply.
type reply struct {
	kind byte   // its first byte
	line []byte // the whole of it, if it is one line ("+OK\r\n")
	null bool
}

func (r reply) failed() bool { return r.kind == '-' || r.kind == '!' }

// slot is a command to say again on a new link.
type slot struct {
	role role
	raw  []byte
}

// memory is what the client has said that lasts beyond one command, as of the last delivered reply.
type memory struct {
	slots []slot // in the order in which they took effect, at most one of each role
	// tx holds the commands of the open transaction, MULTI first; empty when none is open. See queue if txTooLong.
	tx      []command
	txBytes int
	// pinned: the state lives in the link and ends with it.
	watching, tracked, txTooLong bool
	quit                         bool
	known                        bool // AUTH has succeeded
}

// learn takes in the reply to c. txBytesMax bounds what an open transaction may keep.
func (m *memory) learn(c command, r reply, txBytesMax int) {
	switch {
	case c.role == exec || c.role == discard || c.role == reset:
		m.transactionEnded(c, r)
	case len(m.tx) > 0 || m.txTooLong:
		m.queue(c, txBytesMax)
	default:
		m.apply(c, r)
	}
}

func (m *memory) transactionEnded(c command, r reply) {
	queued := m.tx
	if c.role == reset && !r.failed() {
		*m = memory{}
		return
	}
	if len(queued) == 0 && !m.txTooLong {
		return // without MULTI
	}
	m.tx, m.txBytes, m.txTooLong, m.watching = nil, 0, false, false
	if c.role == exec && !r.failed() && !r.null {
		for _, q := range queued {
			m.apply(q, reply{kind: '+'})
		}
	}
}

// queue keeps a command of the open transaction. Of one that is too long to be repeated only what lasts beyond it is
// kept, the last of each role: the transaction cannot move, but what it changes must be known when it has ended.
func (m *memory) queue(c command, txBytesMax int) {
	m.txBytes += len(c.raw)
	if !m.txTooLong && m.txBytes <= txBytesMax {
		m.tx = append(m.tx, c)
		return
	}
	all := m.tx
	if m.txTooLong {
		all = []command{c}
	} else {
		m.txTooLong, m.tx = true, nil
		all = append(all, c)
	}
	for _, one := range all {
		if one.lasts() {
			m.tx = slices.DeleteFunc(m.tx, func(o command) bool { return o.role == one.role })
			one.raw = bytes.Clone(one.raw)
			m.tx = append(m.tx, one)
		}
	}
}

// lasts reports that the command's success is a slot of the memory.
func (c command) lasts() bool { return c.role >= auth && c.role <= noTouch }

// apply is for a command that was executed, alone or in a transaction.
func (m *memory) apply(c command, r reply) {
	if r.failed() {
		return
	}
	switch c.role {
	case auth, helloAuth:
		m.known = true
		if c.role == helloAuth {
			m.forget(auth)
			m.forget(hello)
		}
		m.set(c)
	case hello, selectDB, setName, setLibName, setLibVersion, noEvict, noTouch:
		m.set(c)
	case multi:
		if bytes.HasPrefix(r.line, []byte("+OK")) {
			m.tx, m.txBytes = []command{c}, len(c.raw)
		}
	case watch:
		m.watching = true
	case unwatch:
		m.watching = false
	case tracking:
		m.tracked = true
	case quit:
		m.quit = true
	case plain, reset, exec, discard, opaque:
	}
}

func (m *memory) set(c command) {
	m.forget(c.role)
	m.slots = append(m.slots, slot{c.role, bytes.Clone(c.raw)})
}

func (m *memory) forget(r role) {
	kept := m.slots[:0]
	for _, s := range m.slots {
		if s.role != r {
			kept = append(kept, s)
		}
	}
	m.slots = kept
}

// pinned says why the session cannot move to another link; empty if it can.
func (m *memory) pinned() string {
	switch {
	case m.watching:
		return "keys are watched"
	case m.tracked:
		return "client tracking is on"
	case m.txTooLong:
		return "the open transaction is too long to be repeated"
	case m.quit:
		return "the client has quit"
	}
	return ""
}

// script returns the commands that restore the memory on a new link; the first slots of them must succeed.
func (m *memory) script() (raw []byte, slots, total int) {
	for _, s := range m.slots {
		raw = append(raw, s.raw...)
	}
	for _, c := range m.tx {
		raw = append(raw, c.raw...)
	}
	return raw, len(m.slots), len(m.slots) + len(m.tx)
}
