package command

import (
	"bytes"
	"slices"

	"github.com/tandemkv/tandem/keyspace"
)

func listRows() []Spec {
	const kind = CategoryList
	return []Spec{
		{Name: "lpush", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Prepend one or multiple elements to a list", Handler: lpush},
		{Name: "rpush", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Append one or multiple elements to a list", Handler: rpush},
		{Name: "lpushx", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "list", Since: "2.2.0",
			Summary: "Prepend an element to a list, only if the list exists", Handler: lpushX},
		{Name: "rpushx", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "list", Since: "2.2.0",
			Summary: "Append an element to a list, only if the list exists", Handler: rpushX},
		{Name: "lpop", Arity: -2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Remove and get the first elements in a list", Handler: lpop},
		{Name: "rpop", Arity: -2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Remove and get the last elements in a list", Handler: rpop},
		{Name: "llen", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Get the length of a list", Handler: llen},
		{Name: "lindex", Arity: 3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Get an element from a list by its index", Handler: lindex},
		{Name: "linsert", Arity: 5, Flags: Write | DenyOOM, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "list", Since: "2.2.0",
			Summary: "Insert an element before or after another element in a list", Handler: linsert},
		{Name: "lrange", Arity: 4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Get a range of elements from a list", Handler: lrange},
		{Name: "lrem", Arity: 4, Flags: Write, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Remove elements from a list", Handler: lrem},
		{Name: "lset", Arity: 4, Flags: Write | DenyOOM, Keys: One(1, KeyRW|KeyUpdate),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Set the value of an element in a list by its index", Handler: lset},
		{Name: "ltrim", Arity: 4, Flags: Write, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "list", Since: "1.0.0",
			Summary: "Trim a list to the specified range", Handler: ltrim},
		{Name: "lpos", Arity: -3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "list", Since: "6.0.6",
			Summary: "Return the index of matching elements on a list", Handler: lpos},
	}
}

func lpush(c *Call) error { return push(c, "lpush", (*keyspace.ListEdit).PushHead) }

func rpush(c *Call) error { return push(c, "rpush", (*keyspace.ListEdit).PushTail) }

func lpushX(c *Call) error { return pushExisting(c, lpush) }

func rpushX(c *Call) error { return pushExisting(c, rpush) }

func lpop(c *Call) error { return popOrMore(c, head) }

func rpop(c *Call) error { return popOrMore(c, tail) }

func llen(c *Call) error {
	l, err := c.DB.List(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(l.Len()))
	return nil
}

func lindex(c *Call) error {
	l, err := c.DB.List(c.Args[1])
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		c.Reply.Null()
		return nil
	}
	index, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	at, inside := positionIn(l.Len(), index)
	if !inside {
		c.Reply.Null()
		return nil
	}
	v, ok := l.At(at)
	replyString(c, v, ok)
	return nil
}

func linsert(c *Call) error {
	after := isWord(c.Args[2], "after")
	if !after && !isWord(c.Args[2], "before") {
		return ErrSyntax
	}
	l, err := c.DB.EditList(c.Args[1], "linsert")
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		c.Reply.Int(0)
		return nil
	}
	at := -1
	l.Each(0, false, func(i int, v []byte) bool {
		if bytes.Equal(v, c.Args[3]) {
			at = i
		}
		return at < 0
	})
	if at < 0 {
		c.Reply.Int(-1)
		return nil
	}
	if after {
		at++
	}
	l.InsertBefore(at, c.Args[4])
	c.Reply.Int(int64(l.Len()))
	return nil
}

func lrange(c *Call) error {
	cur := c.Cursor(2)
	first, last := cur.Int(""), cur.Int("")
	if err := cur.Err(); err != nil {
		return err
	}
	l, err := c.DB.List(c.Args[1])
	if err != nil {
		return err
	}
	from, n := rangeIn(l.Len(), first, last)
	c.Reply.Array(n)
	if n == 0 {
		return nil
	}
	l.Each(from, false, func(_ int, v []byte) bool {
		c.Reply.Bulk(v)
		n--
		return n > 0
	})
	return nil
}

func lrem(c *Call) error {
	count, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	l, err := c.DB.EditList(c.Args[1], "lrem")
	if err != nil {
		return err
	}
	at := matchingPositions(l.List, c.Args[3], count)
	slices.Sort(at)
	deletePositions(l, at)
	c.Reply.Int(int64(len(at)))
	return nil
}

func lset(c *Call) error {
	l, err := c.DB.EditList(c.Args[1], "lset")
	if err != nil {
		return err
	}
	if l.Len() == 0 {
		return ErrNoSuchKey
	}
	index, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	at, inside := positionIn(l.Len(), index)
	if !inside {
		return ErrIndexRange
	}
	l.SetAt(at, c.Args[3])
	c.Reply.OK()
	return nil
}

func ltrim(c *Call) error {
	cur := c.Cursor(2)
	first, last := cur.Int(""), cur.Int("")
	if err := cur.Err(); err != nil {
		return err
	}
	l, err := c.DB.EditList(c.Args[1], "ltrim")
	if err != nil {
		return err
	}
	from, n := rangeIn(l.Len(), first, last)
	if behind := l.Len() - from - n; behind > 0 {
		l.DeleteRange(from+n, behind)
	}
	if from > 0 {
		l.DeleteRange(0, from)
	}
	c.Reply.OK()
	return nil
}

func lpos(c *Call) error {
	o, err := parseSearch(c)
	if err != nil {
		return err
	}
	l, err := c.DB.List(c.Args[1])
	if err != nil {
		return err
	}
	found := o.positions(l, c.Args[2])
	switch {
	case o.many:
		c.Reply.Array(len(found))
		for _, at := range found {
			c.Reply.Int(int64(at))
		}
	case len(found) == 0:
		c.Reply.Null()
	default:
		c.Reply.Int(int64(found[0]))
	}
	return nil
}

// listEnd is one end of a list.
type listEnd uint8

const (
	head listEnd = iota
	tail
)

// push is LPUSH and RPUSH.
func push(c *Call, event string, add func(*keyspace.ListEdit, []byte)) error {
	l, err := c.DB.EditList(c.Args[1], event)
	if err != nil {
		return err
	}
	for _, v := range c.Args[2:] {
		add(l, v)
	}
	c.Reply.Int(int64(l.Len()))
	return nil
}

// pushExisting is LPUSHX and RPUSHX: only onto a list that is there.
func pushExisting(c *Call, push Handler) error {
	if c.DB.Kind(c.Args[1]) == keyspace.KindNone {
		c.Reply.Int(0)
		return nil
	}
	return push(c)
}

// popOrMore is LPOP and RPOP: one value as it is, or with a count an array.
func popOrMore(c *Call, end listEnd) error {
	if len(c.Args) > 3 {
		return WrongArity(c.Spec.FullName)
	}
	count, counted := int64(1), len(c.Args) == 3
	if counted {
		var ok bool
		if count, ok = ParseInt(c.Args[2]); !ok || count < 0 {
			return ErrNotPositive
		}
	}
	l, err := c.DB.EditList(c.Args[1], end.popEvent())
	switch {
	case err != nil:
		return err
	case l.Len() == 0 && counted:
		c.Reply.NullArray()
	case l.Len() == 0:
		c.Reply.Null()
	case counted:
		replyPopped(c, l, end, count)
	default:
		v, _ := end.pop(l)
		c.Reply.Bulk(v)
	}
	return nil
}

// replyPopped answers an array of up to count values popped from a list.
func replyPopped(c *Call, l *keyspace.ListEdit, end listEnd, count int64) {
	n := min(count, int64(l.Len()))
	c.Reply.Array(int(n))
	for range n {
		v, _ := end.pop(l)
		c.Reply.Bulk(v)
	}
}

func (e listEnd) popEvent() string {
	if e == head {
		return "lpop"
	}
	return "rpop"
}

func (e listEnd) pushEvent() string {
	if e == head {
		return "lpush"
	}
	return "rpush"
}

func (e listEnd) pop(l *keyspace.ListEdit) ([]byte, bool) {
	if e == head {
		return l.PopHead()
	}
	return l.PopTail()
}

func (e listEnd) push(l *keyspace.ListEdit, v []byte) {
	if e == head {
		l.PushHead(v)
		return
	}
	l.PushTail(v)
}

// positionIn turns an index, which counts from the end when it is negative, into a position of a list of n.
func positionIn(n int, index int64) (at int, inside bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n)
}

// rangeIn turns first and last, which count from the end when they are negative, into a position and a length.
func rangeIn(n int, first, last int64) (from, length int) {
	size := int64(n)
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		last += size
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last - first + 1)
}
