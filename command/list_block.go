package command

import "github.com/tandemkv/tandem/keyspace"

// The commands that move or pop values from one of several lists, and those that wait for one. A waiting command is its
// plain form that, finding nothing, asks Call.BlockOn; it runs again from the start when a key becomes ready.

func listMoveRows() []Spec {
	const kind = CategoryList
	return []Spec{
		{Name: "rpoplpush", Arity: 3, Flags: Write | DenyOOM, Keys: moveKeys(),
			Categories: kind, Group: "list", Since: "1.2.0",
			Summary: "Remove the last element in a list, prepend it to another list and return it", Handler: rpopLPush},
		{Name: "lmove", Arity: 5, Flags: Write | DenyOOM, Keys: moveKeys(), Categories: kind, Group: "list", Since: "6.2.0",
			Summary: "Pop an element from a list, push it to another list and return it", Handler: lmove},
		{Name: "lmpop", Arity: -4, Flags: Write, Keys: []KeySpec{Numbered(1, KeyRW|KeyAccess|KeyDelete)},
			Categories: kind, Group: "list", Since: "7.0.0",
			Summary: "Pop elements from a list", Handler: lmpop},
		{Name: "blpop", Arity: -3, Flags: Write | NoScript | Blocking, Keys: beforeTimeout(KeyRW | KeyAccess | KeyDelete),
			Categories: kind, Group: "list", Since: "2.0.0",
			Summary: "Remove and get the first element in a list, or block until one is available", Handler: blpop},
		{Name: "brpop", Arity: -3, Flags: Write | NoScript | Blocking, Keys: beforeTimeout(KeyRW | KeyAccess | KeyDelete),
			Categories: kind, Group: "list", Since: "2.0.0",
			Summary: "Remove and get the last element in a list, or block until one is available", Handler: brpop},
		{Name: "blmove", Arity: 6, Flags: Write | DenyOOM | NoScript | Blocking, Keys: moveKeys(),
			Categories: kind, Group: "list", Since: "6.2.0",
			Summary: "Pop an element from a list, push it to another list and return it; or block until one is available", Handler: blmove},
		{Name: "brpoplpush", Arity: 4, Flags: Write | DenyOOM | NoScript | Blocking, Keys: moveKeys(),
			Categories: kind, Group: "list", Since: "2.2.0",
			Summary: "Pop an element from a list, push it to another list and return it; or block until one is available", Handler: brpopLPush},
		{Name: "blmpop", Arity: -5, Flags: Write | Blocking, Keys: []KeySpec{Numbered(2, KeyRW|KeyAccess|KeyDelete)},
			Categories: kind, Group: "list", Since: "7.0.0",
			Summary: "Pop elements from a list, or block until one is available", Handler: blmpop},
	}
}

// moveKeys are "source destination" of a command that takes something from one key and adds it to another.
func moveKeys() []KeySpec {
	return []KeySpec{
		{Index: 1, Step: 1, Flags: KeyRW | KeyAccess | KeyDelete},
		{Index: 2, Step: 1, Flags: KeyRW | KeyInsert},
	}
}

// beforeTimeout are "key [key ...] timeout".
func beforeTimeout(flags KeyFlag) []KeySpec {
	return []KeySpec{{Index: 1, Last: -2, Step: 1, Flags: flags}}
}

func rpopLPush(c *Call) error {
	moved, err := moveValue(c, tail, head)
	if err != nil {
		return err
	}
	if !moved {
		c.Reply.Null()
	}
	return nil
}

func lmove(c *Call) error {
	from, to, err := parseEnds(c.Args[3], c.Args[4])
	if err != nil {
		return err
	}
	moved, err := moveValue(c, from, to)
	if err != nil {
		return err
	}
	if !moved {
		c.Reply.Null()
	}
	return nil
}

func lmpop(c *Call) error {
	o, err := parseMultiPop(c, 1, "LEFT", "RIGHT")
	if err != nil {
		return err
	}
	popped, err := popFirstList(c, o)
	if err != nil {
		return err
	}
	if !popped {
		c.Reply.NullArray()
	}
	return nil
}

func blpop(c *Call) error { return blockingPop(c, head) }

func brpop(c *Call) error { return blockingPop(c, tail) }

func blmove(c *Call) error {
	from, to, err := parseEnds(c.Args[3], c.Args[4])
	if err != nil {
		return err
	}
	deadlineMs, err := parseTimeout(c.Args[5], c.NowMs)
	if err != nil {
		return err
	}
	moved, err := moveValue(c, from, to)
	if err != nil {
		return err
	}
	if !moved {
		return blockOnSource(c, deadlineMs)
	}
	c.Effect(c.Text("LMOVE"), c.Args[1], c.Args[2], c.Args[3], c.Args[4])
	return nil
}

func brpopLPush(c *Call) error {
	deadlineMs, err := parseTimeout(c.Args[3], c.NowMs)
	if err != nil {
		return err
	}
	moved, err := moveValue(c, tail, head)
	if err != nil {
		return err
	}
	if !moved {
		return blockOnSource(c, deadlineMs)
	}
	c.Effect(c.Text("RPOPLPUSH"), c.Args[1], c.Args[2])
	return nil
}

func blmpop(c *Call) error {
	o, err := parseMultiPop(c, 2, "LEFT", "RIGHT")
	if err != nil {
		return err
	}
	deadlineMs, err := parseTimeout(c.Args[1], c.NowMs)
	if err != nil {
		return err
	}
	popped, err := popFirstList(c, o)
	if err != nil || popped {
		return err
	}
	return c.BlockOn(Block{Keys: o.keys, Kinds: KindsOf(keyspace.KindList), DeadlineMs: deadlineMs, NullArray: true})
}

// parseEnds reads LEFT or RIGHT twice.
func parseEnds(fromWord, toWord []byte) (from, to listEnd, err error) {
	for _, w := range []struct {
		word []byte
		end  *listEnd
	}{{fromWord, &from}, {toWord, &to}} {
		switch {
		case isWord(w.word, "left"):
			*w.end = head
		case isWord(w.word, "right"):
			*w.end = tail
		default:
			return 0, 0, ErrSyntax
		}
	}
	return from, to, nil
}

// moveValue moves one value from the list at argument 1 to that at argument 2 and answers it. A missing source answers
// nothing, whatever the destination is.
func moveValue(c *Call, from, to listEnd) (moved bool, err error) {
	source, err := c.DB.List(c.Args[1])
	if err != nil || source.Len() == 0 {
		return false, err
	}
	if _, err := c.DB.List(c.Args[2]); err != nil {
		return false, err
	}
	at := 0
	if from == tail {
		at = source.Len() - 1
	}
	borrowed, _ := source.At(at)
	v := c.Word(borrowed) // the push may move what was borrowed
	// Redis pushes and notifies before it pops. Both handles may be of one list.
	destination, err := c.DB.EditList(c.Args[2], to.pushEvent())
	if err != nil {
		return false, err
	}
	to.push(destination, v)
	popped, err := c.DB.EditList(c.Args[1], from.popEvent())
	if err != nil {
		return false, err
	}
	from.pop(popped)
	c.Reply.Bulk(v)
	return true, nil
}

// blockOnSource waits for a list at argument 1. Inside MULTI the answer is a null, at the end of a wait a null array: that
// is what Redis does.
func blockOnSource(c *Call, deadlineMs int64) error {
	if !c.CanBlock {
		c.Reply.Null()
		return nil
	}
	return c.BlockOn(Block{Keys: c.Args[1:2], Kinds: KindsOf(keyspace.KindList), DeadlineMs: deadlineMs, NullArray: true})
}

// blockingPop is BLPOP and BRPOP: the first key that holds a list gives one value, answered with the key's name.
func blockingPop(c *Call, end listEnd) error {
	keys := c.Args[1 : len(c.Args)-1]
	deadlineMs, err := parseTimeout(c.Args[len(c.Args)-1], c.NowMs)
	if err != nil {
		return err
	}
	for _, key := range keys {
		l, err := c.filledList(key, end)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		v, _ := end.pop(l)
		c.Reply.Array(2)
		c.Reply.Bulk(key)
		c.Reply.Bulk(v)
		c.Effect(c.Text(end.popName()), key)
		return nil
	}
	return c.BlockOn(Block{Keys: keys, Kinds: KindsOf(keyspace.KindList), DeadlineMs: deadlineMs, NullArray: true})
}

// popFirstList is LMPOP and BLMPOP: the first key that holds a list gives up to count values.
func popFirstList(c *Call, o multiPop) (popped bool, err error) {
	end := head
	if o.second {
		end = tail
	}
	for _, key := range o.keys {
		l, err := c.filledList(key, end)
		if err != nil {
			return false, err
		}
		if l == nil {
			continue
		}
		n := min(o.count, int64(l.Len()))
		c.Reply.Array(2)
		c.Reply.Bulk(key)
		replyPopped(c, l, end, n)
		c.Effect(c.Text(end.popName()), key, c.Int(n))
		return true, nil
	}
	return false, nil
}

// filledList opens a list to pop from; nil when there is nothing.
func (c *Call) filledList(key []byte, end listEnd) (*keyspace.ListEdit, error) {
	if l, err := c.DB.List(key); err != nil || l.Len() == 0 {
		return nil, err
	}
	return c.DB.EditList(key, end.popEvent())
}

func (e listEnd) popName() string {
	if e == head {
		return "LPOP"
	}
	return "RPOP"
}
