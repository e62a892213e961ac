package server

import (
	"container/heap"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/keyspace"
)

// parking holds the sessions that wait: for a key (BLPOP and its like), for acknowledgements (WAIT), for time (DEBUG SLEEP does
// not: it stops the owner on purpose). A session waits for one thing at a time. Sessions that wait for the same key are served in
// the order in which they came.
//
// A session that waits for keys keeps its command and runs it again from the start when one of them has changed; the command
// itself decides whether it can go on.
type parking struct {
	x         *executor
	byKey     map[dbKey][]*session
	ready     []dbKey // changed keys that somebody waits for, since the last serveReady
	deadlines deadlineHeap
	timer     *time.Timer // runs expire at the earliest deadline
	waiting   []*session  // in WAIT or WAITAOF
	count     int
}

// parked is what a session waits for.
type parked struct {
	since      time.Time
	deadlineMs int64 // 0: none
	heapIndex  int   // in deadlines; -1: not there
	spec       *command.Spec
	args       [][]byte // its own copy
	keys       []dbKey
	kinds      command.KindSet
	onTimeout  func(s *session) // writes the reply
	satisfied  func() bool      // for WAIT: looked at when acknowledgements come in
}

func (p *parking) init(x *executor) {
	p.x = x
	p.byKey = make(map[dbKey][]*session)
	p.timer = time.AfterFunc(time.Hour, p.expire)
	p.timer.Stop()
}

// parkOnKeys makes a session wait for one of the block's keys.
func (p *parking) parkOnKeys(s *session, b *command.Block, spec *command.Spec, args [][]byte) {
	if s.parked != nil {
		return // it was woken in vain and stays where it was in the queues
	}
	if b.Args != nil {
		args = b.Args
	}
	w := &parked{spec: spec, args: cloneWords(args), kinds: b.Kinds, deadlineMs: b.DeadlineMs}
	block := command.Block{NullArray: b.NullArray}
	w.onTimeout = func(s *session) { block.AppendTimeout(&s.w) }
	for _, key := range b.Keys {
		k := dbKey{s.db, string(key)}
		if contains(w.keys, k) {
			continue
		}
		w.keys = append(w.keys, k)
		p.byKey[k] = append(p.byKey[k], s)
	}
	p.park(s, w)
}

// park makes a session wait.
func (p *parking) park(s *session, w *parked) {
	w.since = p.x.now
	w.heapIndex = -1
	s.parked = w
	p.count++
	if w.deadlineMs > 0 {
		heap.Push(&p.deadlines, s)
		p.setTimer()
	}
	if w.satisfied != nil {
		p.waiting = append(p.waiting, s)
	}
}

// unpark ends a wait; the session's next commands may run.
func (p *parking) unpark(s *session) {
	w := s.parked
	if w == nil {
		return
	}
	if w.heapIndex >= 0 {
		heap.Remove(&p.deadlines, w.heapIndex)
	}
	s.parked = nil
	p.count--
	for _, k := range w.keys {
		if rest := without(p.byKey[k], s); len(rest) > 0 {
			p.byKey[k] = rest
		} else {
			delete(p.byKey, k)
		}
	}
	if w.satisfied != nil {
		p.waiting = without(p.waiting, s)
	}
	s.resumable = true
	p.x.touch(s)
}

// keyChanged notes a key that may let somebody go on. kind is what it holds now.
func (p *parking) keyChanged(db int, key []byte, kind keyspace.Kind) {
	if len(p.byKey) == 0 {
		return
	}
	k := dbKey{db, string(key)}
	for _, s := range p.byKey[k] {
		if s.parked.kinds.Has(kind) {
			p.ready = append(p.ready, k)
			return
		}
	}
}

// databaseChanged notes that any key of a database may let somebody go on.
func (p *parking) databaseChanged(db int) {
	for k := range p.byKey {
		if k.db == db {
			p.ready = append(p.ready, k)
		}
	}
}

// serveReady runs the commands of sessions whose keys have changed. What they change can make others ready in turn.
func (p *parking) serveReady() {
	for len(p.ready) > 0 {
		k := p.ready[0]
		p.ready = p.ready[:copy(p.ready, p.ready[1:])]
		for _, s := range append([]*session(nil), p.byKey[k]...) {
			p.retry(s, k)
		}
	}
}

// retry runs a waiting session's command again when the key holds something that it can use.
func (p *parking) retry(s *session, k dbKey) {
	w := s.parked
	if w == nil || !w.kinds.Has(p.x.ks.DB(k.db).Kind([]byte(k.key))) {
		return
	}
	before := len(s.w.Buf)
	p.x.call(s, w.spec, w.args, true)
	p.x.closeUnit(s)
	if len(s.w.Buf) == before {
		return
	}
	p.unpark(s)
	s.mute(before)
}

// acknowledged looks at the sessions in WAIT again.
func (p *parking) acknowledged() {
	for _, s := range append([]*session(nil), p.waiting...) {
		if s.parked.satisfied() {
			p.timeOut(s)
		}
	}
}

// timeOut answers a wait that is over and lets the session go on.
func (p *parking) timeOut(s *session) {
	w, mark := s.parked, len(s.w.Buf)
	w.onTimeout(s)
	p.unpark(s)
	s.mute(mark)
}

// unblock ends a wait for CLIENT UNBLOCK or a change of role: with the reply of a time-out, or an error.
func (p *parking) unblock(s *session, err error) {
	if err == nil {
		p.timeOut(s)
		return
	}
	s.w.Error(err.Error())
	p.unpark(s)
}

// unblockAll ends all waits for keys and acknowledgements, when this node becomes a standby under them.
func (p *parking) unblockAll(err error) {
	for _, s := range p.x.sessions {
		if w := s.parked; w != nil && (len(w.keys) > 0 || w.satisfied != nil) {
			p.unblock(s, err)
		}
	}
}

func (p *parking) setTimer() {
	if len(p.deadlines) == 0 {
		p.timer.Stop()
		return
	}
	wait := time.UnixMilli(p.deadlines[0].parked.deadlineMs + 1).Sub(p.x.now.Round(0))
	p.timer.Reset(max(wait, 0))
}

// expire answers the waits whose time is over. Deadlines are whole milliseconds made from a time that was cut to them: one is
// over when its millisecond is, so that no wait is shorter than asked. It runs on the timer's goroutine.
func (p *parking) expire() {
	x := p.x
	x.acquire(nil)
	for len(p.deadlines) > 0 && p.deadlines[0].parked.deadlineMs < x.nowMs {
		p.timeOut(p.deadlines[0])
	}
	p.setTimer()
	x.release(nil)
}

// deadlineHeap orders sessions by the end of their wait. container/heap's interface.
type deadlineHeap []*session

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].parked.deadlineMs < h[j].parked.deadlineMs }
func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].parked.heapIndex, h[j].parked.heapIndex = i, j
}
func (h *deadlineHeap) Push(v any) {
	s := v.(*session)
	s.parked.heapIndex = len(*h)
	*h = append(*h, s)
}
func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.parked.heapIndex = -1
	return s
}

func contains(keys []dbKey, k dbKey) bool {
	for _, have := range keys {
		if have == k {
			return true
		}
	}
	return false
}

func without(sessions []*session, s *session) []*session {
	rest := sessions[:0:0]
	for _, have := range sessions {
		if have != s {
			rest = append(rest, have)
		}
	}
	return rest
}

func cloneWords(args [][]byte) [][]byte {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	all := make([]byte, 0, n)
	words := make([][]byte, len(args))
	for i, a := range args {
		start := len(all)
		all = append(all, a...)
		words[i] = all[start:len(all):len(all)]
	}
	return words
}
