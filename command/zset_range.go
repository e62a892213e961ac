package command

import "github.com/tandemkv/tandem/keyspace"

// Every command here turns its range into ranks first (zset_interval.go), and then reads, counts, stores or removes
// the members with these ranks.

func zsetRangeRows() []Spec {
	const kind = CategorySortedSet
	return []Spec{
		{Name: "zrange", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Return a range of members in a sorted set", Handler: zrange},
		{Name: "zrangestore", Arity: -5, Flags: Write | DenyOOM, Keys: []KeySpec{
			{Index: 1, Step: 1, Flags: KeyOW | KeyUpdate}, {Index: 2, Step: 1, Flags: KeyRO | KeyAccess}},
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Store a range of members from sorted set into another key", Handler: zrangeStore},
		{Name: "zrevrange", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Return a range of members in a sorted set, by index, with scores ordered from high to low", Handler: zrevRange},
		{Name: "zrangebyscore", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "1.0.5",
			Summary: "Return a range of members in a sorted set, by score", Handler: zrangeByScore},
		{Name: "zrevrangebyscore", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.2.0",
			Summary: "Return a range of members in a sorted set, by score, with scores ordered from high to low", Handler: zrevRangeByScore},
		{Name: "zrangebylex", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.8.9",
			Summary: "Return a range of members in a sorted set, by lexicographical range", Handler: zrangeByLex},
		{Name: "zrevrangebylex", Arity: -4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.8.9",
			Summary: "Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower strings.", Handler: zrevRangeByLex},
		{Name: "zcount", Arity: 4, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Count the members in a sorted set with scores within the given values", Handler: zcount},
		{Name: "zlexcount", Arity: 4, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.8.9",
			Summary: "Count the number of members in a sorted set between a given lexicographical range", Handler: zlexCount},
		{Name: "zremrangebyrank", Arity: 4, Flags: Write, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Remove all members in a sorted set within the given indexes", Handler: zremRangeByRank},
		{Name: "zremrangebyscore", Arity: 4, Flags: Write, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Remove all members in a sorted set within the given scores", Handler: zremRangeByScore},
		{Name: "zremrangebylex", Arity: 4, Flags: Write, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "2.8.9",
			Summary: "Remove all members in a sorted set between the given lexicographical range", Handler: zremRangeByLex},
	}
}

func zrange(c *Call) error { return answerRange(c, zrangeLine{free: true}) }

func zrangeStore(c *Call) error {
	line := zrangeLine{free: true, store: true}
	ranks, z, err := line.read(c, 2)
	if err != nil {
		return err
	}
	var members memberList
	scores := make([]float64, 0, ranks.n)
	ranks.each(z, func(m []byte, score float64) {
		members.add(m)
		scores = append(scores, score)
	})
	storeScores(c, "zrangestore", len(scores), func(i int) ([]byte, float64) { return members.at(i), scores[i] })
	return nil
}

func zrevRange(c *Call) error { return answerRange(c, zrangeLine{reverse: true}) }

func zrangeByScore(c *Call) error { return answerRange(c, zrangeLine{by: byScore}) }

func zrevRangeByScore(c *Call) error { return answerRange(c, zrangeLine{by: byScore, reverse: true}) }

func zrangeByLex(c *Call) error { return answerRange(c, zrangeLine{by: byLex}) }

func zrevRangeByLex(c *Call) error { return answerRange(c, zrangeLine{by: byLex, reverse: true}) }

func zcount(c *Call) error { return countRange(c, byScore) }

func zlexCount(c *Call) error { return countRange(c, byLex) }

func zremRangeByRank(c *Call) error { return removeRange(c, byRank, "zremrangebyrank") }

func zremRangeByScore(c *Call) error { return removeRange(c, byScore, "zremrangebyscore") }

func zremRangeByLex(c *Call) error { return removeRange(c, byLex, "zremrangebylex") }

// zrangeLine is what a reading command says of its range: "key first last [options]".
type zrangeLine struct {
	free    bool // BYSCORE, BYLEX and REV are options; otherwise the command's name has said it
	store   bool
	by      rangeBy
	reverse bool

	withScores    bool
	offset, limit int64 // limit below 0: none
}

// parse reads the options from argument i on and checks that they go together.
func (l *zrangeLine) parse(c *Call, i int) error {
	l.limit = -1
	chosen := !l.free
	cur := c.Cursor(i)
	for cur.More() {
		word := string(cur.Upper())
		switch {
		case word == "WITHSCORES" && !l.store:
			l.withScores = true
		case word == "LIMIT" && cur.Left() >= 2:
			l.offset, l.limit = cur.Int(""), cur.Int("")
		case word == "REV" && l.free && !l.reverse:
			l.reverse = true
		case word == "BYSCORE" && !chosen:
			l.by, chosen = byScore, true
		case word == "BYLEX" && !chosen:
			l.by, chosen = byLex, true
		default:
			cur.Fail(ErrSyntax)
		}
	}
	if l.limit != -1 && l.by == byRank {
		cur.Fail(ErrLimitByRank)
	}
	if l.withScores && l.by == byLex {
		cur.Fail(ErrScoresByLex)
	}
	return cur.Err()
}

// read parses the line with its key at argument i and finds the ranks in the sorted set.
func (l *zrangeLine) read(c *Call, i int) (ranks rankRange, z keyspace.ZSet, err error) {
	if err := l.parse(c, i+3); err != nil {
		return ranks, z, err
	}
	first, last := c.Args[i+1], c.Args[i+2]
	if l.reverse && l.by != byRank {
		first, last = last, first // the range is given as max, min
	}
	in, err := parseInterval(l.by, first, last)
	if err != nil {
		return ranks, z, err
	}
	if z, err = c.DB.ZSet(c.Args[i]); err != nil {
		return ranks, z, err
	}
	ranks = in.ranks(z, l.reverse)
	if l.by != byRank {
		ranks.skip(l.offset, l.limit)
	}
	return ranks, z, nil
}

func answerRange(c *Call, line zrangeLine) error {
	ranks, z, err := line.read(c, 1)
	if err != nil {
		return err
	}
	openScores(c, ranks.n, line.withScores)
	ranks.each(z, func(m []byte, score float64) { replyScored(c, m, score, line.withScores) })
	return nil
}

// openScores opens an array of members, with their scores if wanted: flat in version 2, pairs in version 3.
func openScores(c *Call, n int, withScores bool) {
	if withScores && c.Reply.Proto != 3 {
		n *= 2
	}
	c.Reply.Array(n)
}

func replyScored(c *Call, m []byte, score float64, withScore bool) {
	if withScore && c.Reply.Proto == 3 {
		c.Reply.Array(2)
	}
	c.Reply.Bulk(m)
	if withScore {
		c.Reply.Double(score)
	}
}

// storeScores puts n members at argument 1, in the place of what is there, and answers how many.
func storeScores(c *Call, event string, n int, at func(i int) (m []byte, score float64)) {
	if n == 0 {
		c.DB.Remove(c.Args[1], "del")
		c.Reply.Int(0)
		return
	}
	z := c.DB.ReplaceZSet(c.Args[1], event)
	for i := range n {
		m, score := at(i)
		z.Put(m, score+0) // minus zero is zero
	}
	c.Reply.Int(int64(n))
}

func countRange(c *Call, by rangeBy) error {
	in, err := parseInterval(by, c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(in.ranks(z, false).n))
	return nil
}

func removeRange(c *Call, by rangeBy, event string) error {
	in, err := parseInterval(by, c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	z, err := c.DB.EditZSet(c.Args[1], event)
	if err != nil {
		return err
	}
	ranks := in.ranks(z.ZSet, false)
	z.RemoveRanks(ranks.from, ranks.n)
	c.Reply.Int(int64(ranks.n))
	return nil
}
