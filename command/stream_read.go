package command

import (
	"github.com/tandemkv/tandem/keyspace"
)

func streamReadRows() []Spec {
	const kind = CategoryStream
	return []Spec{
		{Name: "xread", Arity: -4, Flags: ReadOnly | Blocking, Keys: streamsKeys(1), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Return never seen elements in multiple streams, with IDs greater than the ones reported by the caller for each stream. Can block.", Handler: xread},
		{Name: "xreadgroup", Arity: -7, Flags: Write | Blocking, Keys: streamsKeys(4), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Return new entries from a stream using a consumer group, or access the history of the pending entries for a given consumer. Can block.", Handler: xreadGroup},
	}
}

// streamsKeys are "STREAMS key [key ...] id [id ...]".
func streamsKeys(from int) []KeySpec {
	return []KeySpec{{Keyword: "STREAMS", From: from, Last: -1, Step: 1, Limit: 2, Flags: KeyRO | KeyAccess}}
}

// streamRead is what XREAD and XREADGROUP are asked.
type streamRead struct {
	block      bool
	deadlineMs int64
	count      int64 // 0: all
	keys       [][]byte
	ids        []keyspace.StreamID // what was read; MaxStreamID: ">"
	idsAt      int                 // where they stand
	group      []byte              // XREADGROUP
	consumer   []byte
	noAck      bool
}

// parseStreamRead reads the options up to the ids.
func parseStreamRead(c *Call, inGroup bool) (o streamRead, err error) {
	cur := c.Cursor(1)
	for cur.More() && o.keys == nil {
		word, left := string(cur.Upper()), cur.Left()
		switch {
		case word == "BLOCK" && left > 0:
			o.block = true
			if o.deadlineMs, err = parseTimeoutMs(cur.Bytes(), c.NowMs); err != nil {
				return o, err
			}
		case word == "COUNT" && left > 0:
			o.count = max(cur.Int(""), 0)
		case word == "STREAMS" && left > 0:
			if left%2 != 0 {
				return o, ErrStreamsUnbalanced
			}
			o.keys, o.idsAt = c.Args[cur.At():cur.At()+left/2], cur.At()+left/2
		case word == "GROUP" && left >= 2:
			if !inGroup {
				return o, ErrGroupOption
			}
			o.group, o.consumer = cur.Bytes(), cur.Bytes()
		case word == "NOACK":
			if !inGroup {
				return o, ErrNoAckOption
			}
			o.noAck = true
		default:
			return o, ErrSyntax
		}
	}
	switch {
	case cur.Err() != nil:
		return o, cur.Err()
	case o.keys == nil:
		return o, ErrSyntax
	case inGroup && o.group == nil:
		return o, ErrGroupMissing
	}
	return o, nil
}

// parseTimeoutMs reads milliseconds, and gives the wall-clock time when the wait ends; 0 is for ever.
func parseTimeoutMs(word []byte, nowMs int64) (deadlineMs int64, err error) {
	ms, ok := ParseInt(word)
	if !ok {
		return 0, ErrTimeoutNotInteger
	}
	return waitEnd(ms, nowMs)
}

// parseIDs reads the ids, in which "$" is a stream's newest one.
func (o *streamRead) parseIDs(c *Call) error {
	for i, key := range o.keys {
		s, err := c.DB.Stream(key)
		if err != nil {
			return err
		}
		if o.group != nil {
			if _, found := s.Group(o.group); !found {
				return NoGroupToRead(key, o.group)
			}
		}
		id, word := keyspace.MaxStreamID(), string(c.Args[o.idsAt+i])
		switch {
		case word == "$" && o.group != nil:
			return ErrDollarInGroup
		case word == "$":
			id = s.State().Newest
		case word == ">" && o.group == nil:
			return ErrNewOutsideGroup
		case word != ">":
			if id, err = parseStreamID(c.Args[o.idsAt+i], 0); err != nil {
				return err
			}
		}
		o.ids = append(o.ids, id)
	}
	return nil
}

func xread(c *Call) error {
	o, err := parseStreamRead(c, false)
	if err != nil {
		return err
	}
	if err := o.parseIDs(c); err != nil {
		return err
	}
	var ready []int
	for i, key := range o.keys {
		s, err := c.DB.Stream(key)
		if err != nil {
			return err
		}
		if s.Len() > 0 && o.ids[i].Before(s.State().Last) {
			ready = append(ready, i)
		}
	}
	if len(ready) == 0 {
		return o.wait(c)
	}
	c.openStreams(len(ready))
	for _, i := range ready {
		s, err := c.DB.Stream(o.keys[i])
		if err != nil {
			return err
		}
		from, _ := o.ids[i].Next()
		c.openStream(o.keys[i])
		c.replyStreamRange(s, from, keyspace.MaxStreamID(), false, o.count)
	}
	return nil
}

// openStreams begins the reply of n streams: a map, or in version 2 an array of pairs.
func (c *Call) openStreams(n int) {
	if c.Reply.Proto == 3 {
		c.Reply.Map(n)
	} else {
		c.Reply.Array(n)
	}
}

func (c *Call) openStream(key []byte) {
	if c.Reply.Proto != 3 {
		c.Reply.Array(2)
	}
	c.Reply.Bulk(key)
}

// wait is for what there is to come, or the end of the command if it was not asked to wait. "$" means what it meant when
// the command was given, also when it runs again.
func (o *streamRead) wait(c *Call) error {
	if !o.block {
		c.Reply.NullArray()
		return nil
	}
	b := Block{Keys: o.keys, Kinds: KindsOf(keyspace.KindStream), DeadlineMs: o.deadlineMs, NullArray: true}
	if o.group != nil {
		b.Kinds = AnyKind // that the group is gone ends the wait, too
		return c.BlockOn(b)
	}
	b.Args = append([][]byte(nil), c.Args...)
	for i, id := range o.ids {
		if string(c.Args[o.idsAt+i]) == "$" {
			b.Args[o.idsAt+i] = id.AppendTo(nil)
		}
	}
	return c.BlockOn(b)
}

func xreadGroup(c *Call) error {
	o, err := parseStreamRead(c, true)
	if err != nil {
		return err
	}
	if err := o.parseIDs(c); err != nil {
		return err
	}
	mark, served := len(c.Reply.Buf), 0
	for i, key := range o.keys {
		r, err := o.open(c, key)
		if err != nil {
			return err
		}
		switch {
		case o.ids[i] != keyspace.MaxStreamID():
			c.openStream(key)
			r.history(o.ids[i], o.count)
			served++
		case r.group.Delivered().Before(r.s.State().Last):
			c.openStream(key)
			r.deliver(o.count, o.noAck)
			served++
		}
		r.tellConsumer()
	}
	if served == 0 {
		return o.wait(c)
	}
	c.Reply.ArrayFrom(mark, served)
	if c.Reply.Proto == 3 {
		c.Reply.Buf[mark] = '%'
	}
	return nil
}

// open readies one of the streams for reading in the group, and makes the consumer if there is none.
func (o *streamRead) open(c *Call, key []byte) (*groupCall, error) {
	r, err := c.openGroup(key, o.group, o.consumer)
	if err == nil && r.made && o.noAck {
		r.tellConsumer()
	}
	return r, err
}

// history answers what is pending with the consumer behind an id, and counts it as delivered once more.
func (r *groupCall) history(after keyspace.StreamID, count int64) {
	c, from := r.c, after
	if next, ok := after.Next(); ok {
		from = next
	}
	mark, n := len(c.Reply.Buf), int64(0)
	var again []keyspace.PendingEntry
	var room keyspace.StreamEntry
	r.consumer.EachPending(from, func(p keyspace.PendingEntry) bool {
		if r.s.Entry(p.ID, &room) {
			c.replyStreamEntry(&room)
			again = append(again, p)
		} else {
			c.Reply.Array(2)
			c.replyStreamID(p.ID)
			c.Reply.NullArray()
		}
		n++
		return n != count
	})
	c.Reply.ArrayFrom(mark, int(n))
	for _, p := range again {
		r.claim(p.ID, c.NowMs, p.Times+1)
	}
}

// deliver answers entries that the group was not given yet, and makes them pending with the consumer unless noAck.
func (r *groupCall) deliver(count int64, noAck bool) {
	c := r.c
	mark := len(c.Reply.Buf)
	var ids []keyspace.StreamID
	from, _ := r.group.Delivered().Next()
	r.s.Each(from, keyspace.MaxStreamID(), func(e *keyspace.StreamEntry) bool {
		c.replyStreamEntry(e)
		ids = append(ids, e.ID)
		return int64(len(ids)) != count
	})
	c.Reply.ArrayFrom(mark, len(ids))
	for _, id := range ids {
		r.group.Advance(id)
		if !noAck {
			r.claim(id, c.NowMs, 1)
		}
	}
	if !noAck {
		r.consumer.Active(c.NowMs)
	}
	r.tellPlace()
}
