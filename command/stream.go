package command

import (
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

func streamRows() []Spec {
	const kind = CategoryStream
	trimmed := []string{"nondeterministic_output"}
	return []Spec{
		{Name: "xadd", Arity: -5, Flags: Write | DenyOOM | Fast, Categories: kind, Tips: trimmed, Group: "stream", Since: "5.0.0",
			Keys:    noted("UPDATE instead of INSERT because of the optional trimming feature", One(1, KeyRW|KeyUpdate)),
			Summary: "Appends a new entry to a stream", Handler: xadd},
		{Name: "xlen", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Return the number of entries in a stream", Handler: xlen},
		{Name: "xrange", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Return a range of elements in a stream, with IDs matching the specified IDs interval", Handler: xrange},
		{Name: "xrevrange", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Return a range of elements in a stream, with IDs matching the specified IDs interval, in reverse order (from greater to smaller IDs) compared to XRANGE",
			Handler: xrevrange},
		{Name: "xdel", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyDelete), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Removes the specified entries from the stream. Returns the number of items actually deleted, that may be different from the number of IDs passed in case certain IDs do not exist.",
			Handler: xdel},
		{Name: "xtrim", Arity: -4, Flags: Write, Keys: One(1, KeyRW|KeyDelete), Categories: kind, Tips: trimmed, Group: "stream", Since: "5.0.0",
			Summary: "Trims the stream to (approximately if '~' is passed) a certain size", Handler: xtrim},
		{Name: "xsetid", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "An internal command for replicating stream values", Handler: xsetid},
	}
}

// streamEntryBytesMax is what Redis lets the names and values of one entry take.
const streamEntryBytesMax = 1 << 30

func xadd(c *Call) error {
	o, err := parseStreamAdd(c, true)
	if err != nil {
		return err
	}
	pairs := c.Args[min(o.at+1, len(c.Args)):]
	if len(pairs) < 2 || len(pairs)%2 == 1 {
		return WrongArity(c.Spec.FullName)
	}
	if o.idGiven && o.seqGiven && o.id == (keyspace.StreamID{}) {
		return ErrStreamIDZero
	}
	s, err := c.DB.EditStream(c.Args[1], "xadd")
	if err != nil {
		return err
	}
	if o.noCreate && !s.Exists() {
		c.Reply.Null()
		return nil
	}
	id, err := o.nextID(s.State().Newest, c.NowMs)
	if err != nil {
		return err
	}
	size := 0
	for _, b := range pairs {
		size += len(b)
	}
	if size > streamEntryBytesMax {
		return ErrStreamEntrySize
	}
	s.Append(id, pairs)
	if err := c.trimAdded(&o); err != nil {
		return err
	}
	if !o.idGiven || !o.seqGiven || o.trim.Whole {
		words := c.rewritten()
		if !o.idGiven || !o.seqGiven {
			words[o.at] = c.streamID(id)
		}
		o.trim.rewriteTrim(c, words, s.Stream)
	}
	c.replyStreamID(id)
	return nil
}

// trimAdded is a handle of its own, for its event.
func (c *Call) trimAdded(o *streamAdd) error {
	if !o.trim.given {
		return nil
	}
	s, err := c.DB.EditStream(c.Args[1], "xtrim")
	if err == nil {
		s.Trim(o.trim.StreamTrim)
	}
	return err
}

// nextID is the id that an entry gets behind the newest one.
func (o *streamAdd) nextID(newest keyspace.StreamID, nowMs int64) (id keyspace.StreamID, err error) {
	next, ok := newest.Next()
	if !ok {
		return id, ErrStreamExhausted
	}
	id = o.id
	switch {
	case !o.idGiven && newest.Ms < uint64(nowMs):
		id = keyspace.StreamID{Ms: uint64(nowMs)}
	case !o.idGiven:
		id = next
	case !o.seqGiven && id.Ms == newest.Ms:
		if newest.Seq == math.MaxUint64 {
			return id, ErrStreamIDOld
		}
		id.Seq = newest.Seq + 1
	}
	if !newest.Before(id) {
		return id, ErrStreamIDOld
	}
	return id, nil
}

func xlen(c *Call) error {
	s, err := c.DB.Stream(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(s.Len()))
	return nil
}

func xrange(c *Call) error { return streamRange(c, c.Args[2], c.Args[3], false) }

func xrevrange(c *Call) error { return streamRange(c, c.Args[3], c.Args[2], true) }

func streamRange(c *Call, start, end []byte, backward bool) error {
	from, to, err := parseStreamRange(start, end)
	if err != nil {
		return err
	}
	count := int64(-1)
	cur := c.Cursor(4)
	for cur.More() {
		if string(cur.Upper()) != "COUNT" || cur.Left() == 0 {
			return ErrSyntax
		}
		count = max(cur.Int(""), 0)
	}
	if err := cur.Err(); err != nil {
		return err
	}
	s, err := c.DB.Stream(c.Args[1])
	switch {
	case err != nil:
		return err
	case !s.Exists():
		c.Reply.Array(0)
	case count == 0:
		c.Reply.NullArray()
	default:
		c.replyStreamRange(s, from, to, backward, max(count, 0))
	}
	return nil
}

func xdel(c *Call) error {
	s, err := c.DB.EditStream(c.Args[1], "xdel")
	if err != nil {
		return err
	}
	if !s.Exists() {
		c.Reply.Int(0)
		return nil
	}
	ids, err := parseStreamIDs(c.Args[2:])
	if err != nil {
		return err
	}
	deleted := int64(0)
	for _, id := range ids {
		if s.Delete(id) {
			deleted++
		}
	}
	c.Reply.Int(deleted)
	return nil
}

func xtrim(c *Call) error {
	o, err := parseStreamAdd(c, false)
	if err != nil {
		return err
	}
	s, err := c.DB.EditStream(c.Args[1], "xtrim")
	if err != nil {
		return err
	}
	deleted := s.Trim(o.trim.StreamTrim)
	if deleted > 0 && o.trim.Whole {
		o.trim.rewriteTrim(c, c.rewritten(), s.Stream)
	}
	c.Reply.Int(int64(deleted))
	return nil
}

func xsetid(c *Call) error {
	id, err := parseStreamID(c.Args[2], 0)
	if err != nil {
		return err
	}
	added, deleted := int64(-1), keyspace.StreamID{}
	cur := c.Cursor(3)
	for cur.More() {
		word, alone := string(cur.Upper()), cur.Left() == 0
		switch {
		case word == "ENTRIESADDED" && !alone:
			if added = cur.Int(""); added < 0 {
				cur.Fail(ErrEntriesAddedNegative)
			}
		case word == "MAXDELETEDID" && !alone:
			if deleted, err = parseStreamID(cur.Bytes(), 0); err != nil {
				return err
			}
			if id.Before(deleted) {
				return ErrSetIDDeletedGiven
			}
		default:
			return ErrSyntax
		}
	}
	if err := cur.Err(); err != nil {
		return err
	}
	s, err := c.DB.EditStream(c.Args[1], "xsetid")
	if err != nil {
		return err
	}
	state := s.State()
	switch {
	case !s.Exists():
		return ErrNoSuchKey
	case id.Before(state.MaxDeleted):
		return ErrSetIDDeleted
	case s.Len() > 0 && id.Before(state.Last):
		return ErrSetIDTop
	case added >= 0 && int64(s.Len()) > added:
		return ErrSetIDLength
	}
	if added >= 0 {
		state.Added = uint64(added)
	}
	if deleted != (keyspace.StreamID{}) {
		state.MaxDeleted = deleted
	}
	s.SetState(id, state.MaxDeleted, state.Added)
	c.Reply.OK()
	return nil
}
