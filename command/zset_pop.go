package command

import "github.com/tandemkv/tandem/keyspace"

// The commands that pop the lowest or highest members, and those that wait for one; see list_block.go.

func zsetPopRows() []Spec {
	const kind = CategorySortedSet
	return []Spec{
		{Name: "zpopmin", Arity: -2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "5.0.0",
			Summary: "Remove and return members with the lowest scores in a sorted set", Handler: zpopMin},
		{Name: "zpopmax", Arity: -2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "5.0.0",
			Summary: "Remove and return members with the highest scores in a sorted set", Handler: zpopMax},
		{Name: "zmpop", Arity: -4, Flags: Write, Keys: []KeySpec{Numbered(1, KeyRW|KeyAccess|KeyDelete)},
			Categories: kind, Group: "sorted-set", Since: "7.0.0",
			Summary: "Remove and return members with scores in a sorted set", Handler: zmpop},
		{Name: "bzpopmin", Arity: -3, Flags: Write | NoScript | Blocking | Fast, Keys: beforeTimeout(KeyRW | KeyAccess | KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "5.0.0",
			Summary: "Remove and return the member with the lowest score from one or more sorted sets, or block until one is available", Handler: bzpopMin},
		{Name: "bzpopmax", Arity: -3, Flags: Write | NoScript | Blocking | Fast, Keys: beforeTimeout(KeyRW | KeyAccess | KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "5.0.0",
			Summary: "Remove and return the member with the highest score from one or more sorted sets, or block until one is available", Handler: bzpopMax},
		{Name: "bzmpop", Arity: -5, Flags: Write | Blocking, Keys: []KeySpec{Numbered(2, KeyRW|KeyAccess|KeyDelete)},
			Categories: kind, Group: "sorted-set", Since: "7.0.0",
			Summary: "Remove and return members with scores in a sorted set or block until one is available", Handler: bzmpop},
	}
}

func zpopMin(c *Call) error { return popScores(c, lowest) }

func zpopMax(c *Call) error { return popScores(c, highest) }

func zmpop(c *Call) error {
	o, err := parseMultiPop(c, 1, "MIN", "MAX")
	if err != nil {
		return err
	}
	popped, err := popFirstZSet(c, o)
	if err != nil {
		return err
	}
	if !popped {
		c.Reply.NullArray()
	}
	return nil
}

func bzpopMin(c *Call) error { return blockingPopScore(c, lowest) }

func bzpopMax(c *Call) error { return blockingPopScore(c, highest) }

func bzmpop(c *Call) error {
	o, err := parseMultiPop(c, 2, "MIN", "MAX")
	if err != nil {
		return err
	}
	deadlineMs, err := parseTimeout(c.Args[1], c.NowMs)
	if err != nil {
		return err
	}
	popped, err := popFirstZSet(c, o)
	if err != nil || popped {
		return err
	}
	return c.BlockOn(Block{Keys: o.keys, Kinds: KindsOf(keyspace.KindZSet), DeadlineMs: deadlineMs, NullArray: true})
}

// scoreEnd is one end of a sorted set.
type scoreEnd uint8

const (
	lowest scoreEnd = iota
	highest
)

func (e scoreEnd) event() string {
	if e == lowest {
		return "zpopmin"
	}
	return "zpopmax"
}

func (e scoreEnd) popName() string {
	if e == lowest {
		return "ZPOPMIN"
	}
	return "ZPOPMAX"
}

// of gives the ranks of up to n members at this end, this end first.
func (e scoreEnd) of(z keyspace.ZSet, n int64) rankRange {
	r := rankRange{n: int(min(n, int64(z.Len()))), reverse: e == highest}
	if r.reverse {
		r.from = z.Len() - r.n
	}
	return r
}

// pop removes up to n members; each is given to visit before.
func (e scoreEnd) pop(z *keyspace.ZSetEdit, n int64, visit func(m []byte, score float64)) {
	r := e.of(z.ZSet, n)
	r.each(z.ZSet, visit)
	z.RemoveRanks(r.from, r.n)
}

// popScores is ZPOPMIN and ZPOPMAX. Only version 3 with a count answers pairs.
func popScores(c *Call, end scoreEnd) error {
	if len(c.Args) > 3 {
		return ErrSyntax
	}
	count, nested := int64(1), false
	if len(c.Args) == 3 {
		var err error
		if count, err = parseNotNegative(c.Args[2], ErrNotPositive); err != nil {
			return err
		}
		nested = c.Reply.Proto == 3
	}
	z, err := c.DB.EditZSet(c.Args[1], end.event())
	if err != nil {
		return err
	}
	n := int(min(count, int64(z.Len())))
	if nested {
		c.Reply.Array(n)
	} else {
		c.Reply.Array(2 * n)
	}
	end.pop(z, count, func(m []byte, score float64) {
		if nested {
			c.Reply.Array(2)
		}
		c.Reply.Bulk(m)
		c.Reply.Double(score)
	})
	return nil
}

// blockingPopScore is BZPOPMIN and BZPOPMAX: key, member and score of the first key that holds something.
func blockingPopScore(c *Call, end scoreEnd) error {
	keys := c.Args[1 : len(c.Args)-1]
	deadlineMs, err := parseTimeout(c.Args[len(c.Args)-1], c.NowMs)
	if err != nil {
		return err
	}
	for _, key := range keys {
		z, err := c.filledZSet(key, end)
		if err != nil {
			return err
		}
		if z == nil {
			continue
		}
		c.Reply.Array(3)
		c.Reply.Bulk(key)
		end.pop(z, 1, func(m []byte, score float64) {
			c.Reply.Bulk(m)
			c.Reply.Double(score)
		})
		c.Effect(c.Text(end.popName()), key)
		return nil
	}
	return c.BlockOn(Block{Keys: keys, Kinds: KindsOf(keyspace.KindZSet), DeadlineMs: deadlineMs, NullArray: true})
}

// popFirstZSet is ZMPOP and BZMPOP: pairs of the first key that holds something, in both versions.
func popFirstZSet(c *Call, o multiPop) (popped bool, err error) {
	end := lowest
	if o.second {
		end = highest
	}
	for _, key := range o.keys {
		z, err := c.filledZSet(key, end)
		if err != nil {
			return false, err
		}
		if z == nil {
			continue
		}
		n := min(o.count, int64(z.Len()))
		c.Reply.Array(2)
		c.Reply.Bulk(key)
		c.Reply.Array(int(n))
		end.pop(z, n, func(m []byte, score float64) {
			c.Reply.Array(2)
			c.Reply.Bulk(m)
			c.Reply.Double(score)
		})
		c.Effect(c.Text(end.popName()), key, c.Int(n))
		return true, nil
	}
	return false, nil
}

// filledZSet opens a sorted set to pop from; nil when there is nothing.
func (c *Call) filledZSet(key []byte, end scoreEnd) (*keyspace.ZSetEdit, error) {
	if z, err := c.DB.ZSet(key); err != nil || z.Len() == 0 {
		return nil, err
	}
	return c.DB.EditZSet(key, end.event())
}
