package command

import (
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

// What is pending in a group, and how it passes from one consumer to another.

func streamClaimRows() []Spec {
	const kind = CategoryStream
	volatile := []string{"nondeterministic_output"}
	return []Spec{
		{Name: "xpending", Arity: -3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Tips: volatile, Group: "stream", Since: "5.0.0",
			Summary: "Return information and entries from a stream consumer group pending entries list, that are messages fetched but never acknowledged.", Handler: xpending},
		{Name: "xclaim", Arity: -6, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind, Tips: volatile, Group: "stream", Since: "5.0.0",
			Summary: "Changes (or acquires) ownership of a message in a consumer group, as if the message was delivered to the specified consumer.", Handler: xclaim},
		{Name: "xautoclaim", Arity: -6, Flags: Write | Fast, Keys: One(1, KeyRW|KeyDelete), Categories: kind, Tips: volatile, Group: "stream", Since: "6.2.0",
			Summary: "Changes (or acquires) ownership of messages in a consumer group, as if the messages were delivered to the specified consumer.", Handler: xautoClaim},
	}
}

// pendingAsk is the long form of XPENDING.
type pendingAsk struct {
	minIdleMs int64
	from, to  keyspace.StreamID
	count     int64
	consumer  []byte // nil: all
}

func parsePending(c *Call) (o pendingAsk, err error) {
	n := len(c.Args)
	if n < 6 || n > 9 {
		return o, ErrSyntax
	}
	at := 3
	if isWord(c.Args[3], "idle") {
		cur := c.Cursor(4)
		if o.minIdleMs = cur.Int(""); cur.Err() != nil {
			return o, cur.Err()
		}
		if n < 8 {
			return o, ErrSyntax
		}
		at = 5
	}
	cur := c.Cursor(at + 2)
	if o.count = max(cur.Int(""), 0); cur.Err() != nil {
		return o, cur.Err()
	}
	if cur.More() {
		o.consumer = cur.Bytes()
	}
	o.from, o.to, err = parseStreamRange(c.Args[at], c.Args[at+1])
	return o, err
}

func xpending(c *Call) error {
	long := len(c.Args) != 3
	var o pendingAsk
	if long {
		var err error
		if o, err = parsePending(c); err != nil {
			return err
		}
	}
	s, err := c.DB.Stream(c.Args[1])
	if err != nil {
		return err
	}
	g, found := s.Group(c.Args[2])
	switch {
	case !found:
		return NoGroup(c.Args[1], c.Args[2])
	case long:
		c.replyPending(g, o)
	default:
		c.replyPendingSummary(g)
	}
	return nil
}

func (c *Call) replyPendingSummary(g keyspace.StreamGroup) {
	c.Reply.Array(4)
	c.Reply.Int(int64(g.Pending()))
	if g.Pending() == 0 {
		c.Reply.Null()
		c.Reply.Null()
		c.Reply.NullArray()
		return
	}
	g.EachPending(keyspace.StreamID{}, func(p keyspace.PendingEntry) bool {
		c.replyStreamID(p.ID)
		return false
	})
	c.replyStreamID(g.LastPending().ID)
	mark, n := len(c.Reply.Buf), 0
	g.EachConsumer(func(one keyspace.StreamConsumer) {
		if one.Pending() > 0 {
			c.Reply.Array(2)
			c.Reply.Bulk(one.Name())
			c.Reply.BulkInt(int64(one.Pending()))
			n++
		}
	})
	c.Reply.ArrayFrom(mark, n)
}

func (c *Call) replyPending(g keyspace.StreamGroup, o pendingAsk) {
	mark, n := len(c.Reply.Buf), int64(0)
	visit := func(p keyspace.PendingEntry) bool {
		if n == o.count || o.to.Before(p.ID) {
			return false
		}
		idle := c.NowMs - p.DeliveredMs
		if o.minIdleMs != 0 && idle < o.minIdleMs {
			return true
		}
		c.Reply.Array(4)
		c.replyStreamID(p.ID)
		c.Reply.Bulk(p.Consumer)
		c.Reply.Int(max(idle, 0))
		c.Reply.Int(int64(p.Times))
		n++
		return true
	}
	if o.consumer == nil {
		g.EachPending(o.from, visit)
	} else if one, found := g.Consumer(o.consumer); found {
		one.EachPending(o.from, visit)
	}
	c.Reply.ArrayFrom(mark, int(n))
}

// claimAsk is what XCLAIM is asked.
type claimAsk struct {
	minIdleMs   int64
	ids         []keyspace.StreamID
	deliveredMs int64
	times       int64 // -1: one more
	force       bool
	justID      bool
	last        keyspace.StreamID
}

// parseClaim reads from the minimum idle time on: ids up to the first word that is none, then options.
func parseClaim(c *Call) (o claimAsk, err error) {
	cur := c.Cursor(4)
	if o.minIdleMs = max(cur.Int(ErrClaimIdle), 0); cur.Err() != nil {
		return o, cur.Err()
	}
	for cur.More() {
		id, err := parseStreamID(c.Args[cur.At()], 0)
		if err != nil {
			break
		}
		o.ids = append(o.ids, id)
		cur.Bytes()
	}
	o.deliveredMs, o.times = -1, -1
	for cur.More() {
		at := cur.At()
		word, alone := string(cur.Upper()), cur.Left() == 0
		switch {
		case word == "FORCE":
			o.force = true
		case word == "JUSTID":
			o.justID = true
		case word == "IDLE" && !alone:
			o.deliveredMs = c.NowMs - cur.Int(ErrClaimIdleOption)
		case word == "TIME" && !alone:
			o.deliveredMs = cur.Int(ErrClaimTimeOption)
		case word == "RETRYCOUNT" && !alone:
			o.times = cur.Int(ErrClaimRetryOption)
		case word == "LASTID" && !alone:
			if o.last, err = parseStreamID(cur.Bytes(), 0); err != nil {
				return o, err
			}
		default:
			return o, UnknownClaimOption(c.Args[at])
		}
	}
	// A time that cannot be is now, but a log's time is what it is: its reader's clock may be behind.
	if o.deliveredMs < 0 || o.deliveredMs > c.NowMs && !c.Replay {
		o.deliveredMs = c.NowMs
	}
	return o, cur.Err()
}

func xclaim(c *Call) error {
	s, err := c.DB.Stream(c.Args[1])
	if err != nil {
		return err
	}
	if _, found := s.Group(c.Args[2]); !found {
		return NoGroup(c.Args[1], c.Args[2])
	}
	o, err := parseClaim(c)
	if err != nil {
		return err
	}
	r, err := c.openGroup(c.Args[1], c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	moved := r.group.Delivered().Before(o.last)
	if moved {
		r.group.Set(o.last, r.group.EntriesRead())
	}
	mark, n, told := len(c.Reply.Buf), 0, false
	for _, id := range o.ids {
		claimed, changed := r.claimOne(id, &o)
		if claimed {
			n++
		}
		told = told || changed
	}
	r.tellConsumer()
	if moved && !told {
		r.tellPlace()
	}
	c.Reply.ArrayFrom(mark, n)
	return nil
}

// claimOne takes one entry over and answers it, or forgets that it was pending when it is not in the stream any more.
func (r *groupCall) claimOne(id keyspace.StreamID, o *claimAsk) (claimed, changed bool) {
	p, pending := r.group.PendingAt(id)
	var e keyspace.StreamEntry
	switch there := r.s.Entry(id, &e); {
	case !there && pending:
		r.forget(p)
		return false, true
	case !there || !pending && !o.force:
		return false, false
	case pending && o.minIdleMs > 0 && r.c.NowMs-p.DeliveredMs < o.minIdleMs:
		return false, false
	}
	times := p.Times
	if !pending {
		times = 1
	}
	if o.times >= 0 {
		times = uint64(o.times)
	} else if !o.justID {
		times++
	}
	r.take(&e, o.deliveredMs, times, o.justID)
	return true, true
}

// take claims an entry and answers it.
func (r *groupCall) take(e *keyspace.StreamEntry, deliveredMs int64, times uint64, justID bool) {
	if justID {
		r.c.replyStreamID(e.ID)
	} else {
		r.c.replyStreamEntry(e)
	}
	r.claim(e.ID, deliveredMs, times)
	r.consumer.Active(r.c.NowMs)
}

// autoClaimAsk is what XAUTOCLAIM is asked.
type autoClaimAsk struct {
	minIdleMs int64
	from      keyspace.StreamID
	count     int64
	justID    bool
}

// autoClaimTries is how many pending entries are looked at for each one that may be claimed.
const autoClaimTries = 10

func parseAutoClaim(c *Call) (o autoClaimAsk, err error) {
	cur := c.Cursor(4)
	if o.minIdleMs = max(cur.Int(ErrAutoClaimIdle), 0); cur.Err() != nil {
		return o, cur.Err()
	}
	if o.from, err = parseRangeEnd(cur.Bytes(), 0, false); err != nil {
		return o, err
	}
	o.count = 100
	for cur.More() {
		switch word := string(cur.Upper()); {
		case word == "COUNT" && cur.Left() > 0:
			if o.count = cur.Int(ErrAutoClaimCount); o.count < 1 || o.count > math.MaxInt64/16 {
				cur.Fail(ErrAutoClaimCount)
			}
		case word == "JUSTID":
			o.justID = true
		default:
			return o, ErrSyntax
		}
	}
	return o, cur.Err()
}

func xautoClaim(c *Call) error {
	o, err := parseAutoClaim(c)
	if err != nil {
		return err
	}
	r, err := c.openGroup(c.Args[1], c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	// What comes first in the reply is known last: the entries are written behind it and their place is put right then.
	c.Reply.Array(3)
	mark, n := len(c.Reply.Buf), 0
	var gone []keyspace.StreamID
	next, more := o.from, true
	for tries := o.count * autoClaimTries; tries > 0 && o.count > 0 && more; tries-- {
		p, found := r.pendingFrom(next)
		if !found {
			more = false
			break
		}
		next, more = p.ID.Next()
		var e keyspace.StreamEntry
		if !r.s.Entry(p.ID, &e) {
			r.forget(p)
			gone = append(gone, p.ID)
			o.count--
			continue
		}
		if o.minIdleMs > 0 && c.NowMs-p.DeliveredMs < o.minIdleMs {
			continue
		}
		if !o.justID {
			p.Times++
		}
		r.take(&e, c.NowMs, p.Times, o.justID)
		n++
		o.count--
	}
	r.tellConsumer()
	c.Reply.ArrayFrom(mark, n)
	cursor := keyspace.StreamID{}
	if p, found := r.pendingFrom(next); more && found {
		cursor = p.ID
	}
	c.insertStreamID(mark, cursor)
	c.Reply.Array(len(gone))
	for _, id := range gone {
		c.replyStreamID(id)
	}
	return nil
}

// pendingFrom gives the first pending entry from an id on.
func (r *groupCall) pendingFrom(id keyspace.StreamID) (first keyspace.PendingEntry, found bool) {
	r.group.EachPending(id, func(p keyspace.PendingEntry) bool {
		first, found = p, true
		return false
	})
	return first, found
}

// insertStreamID writes an id before what was written since the reply had mark bytes.
func (c *Call) insertStreamID(mark int, id keyspace.StreamID) {
	end := len(c.Reply.Buf)
	c.replyStreamID(id)
	var room [64]byte
	text := append(room[:0], c.Reply.Buf[end:]...)
	copy(c.Reply.Buf[mark+len(text):], c.Reply.Buf[mark:end])
	copy(c.Reply.Buf[mark:], text)
}
