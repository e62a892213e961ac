package command

import (
	"math"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

func zsetRows() []Spec {
	const kind = CategorySortedSet
	return []Spec{
		{Name: "zadd", Arity: -4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Add one or more members to a sorted set, or update its score if it already exists", Handler: zadd},
		{Name: "zincrby", Arity: 4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Increment the score of a member in a sorted set", Handler: zincrBy},
		{Name: "zrem", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Remove one or more members from a sorted set", Handler: zrem},
		{Name: "zscore", Arity: 3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Get the score associated with the given member in a sorted set", Handler: zscore},
		{Name: "zmscore", Arity: -3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Get the score associated with the given members in a sorted set", Handler: zmscore},
		{Name: "zcard", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "sorted-set", Since: "1.2.0",
			Summary: "Get the number of members in a sorted set", Handler: zcard},
		{Name: "zrank", Arity: -3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Determine the index of a member in a sorted set", Handler: zrank},
		{Name: "zrevrank", Arity: -3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Determine the index of a member in a sorted set, with scores ordered from high to low", Handler: zrevRank},
		{Name: "zrandmember", Arity: -2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "6.2.0", Tips: []string{"nondeterministic_output"},
			Summary: "Get one or multiple random elements from a sorted set", Handler: zrandMember},
		{Name: "zscan", Arity: -3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "sorted-set", Since: "2.8.0", Tips: []string{"nondeterministic_output"},
			Summary: "Incrementally iterate sorted sets elements and associated scores", Handler: zscan},
	}
}

func zadd(c *Call) error { return addPairs(c, adding{}) }

// zincrBy is ZADD with INCR; as in Redis its increment may not be one of ZADD's options.
func zincrBy(c *Call) error { return addPairs(c, adding{incr: true}) }

func zrem(c *Call) error {
	z, err := c.DB.EditZSet(c.Args[1], "zrem")
	if err != nil {
		return err
	}
	removed := int64(0)
	for _, m := range c.Args[2:] {
		if z.Remove(m) {
			removed++
		}
	}
	c.Reply.Int(removed)
	return nil
}

func zscore(c *Call) error {
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	replyScore(c, z, c.Args[2])
	return nil
}

func zmscore(c *Call) error {
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		replyScore(c, z, m)
	}
	return nil
}

func zcard(c *Call) error {
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(z.Len()))
	return nil
}

func zrank(c *Call) error { return replyRank(c, false) }

func zrevRank(c *Call) error { return replyRank(c, true) }

func zrandMember(c *Call) error {
	o, err := parseSampling(c, "WITHSCORES")
	if err != nil {
		return err
	}
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	replySample(c, o, sampled{
		len:        z.Len(),
		withScores: true,
		draw: func() element {
			m, score := z.Random(c.Rand)
			return element{name: m, score: score}
		},
		each: func(fn func(element)) {
			z.Each(0, false, func(m []byte, score float64) bool {
				fn(element{name: m, score: score})
				return true
			})
		},
	})
	return nil
}

func zscan(c *Call) error {
	return scanCollection(c, func() (scanned, error) {
		z, err := c.DB.ZSet(c.Args[1])
		if err != nil {
			return scanned{}, err
		}
		// Redis shows the scores of its two encodings with different numbers of digits.
		show := resp.AppendDouble
		if c.DB.Encoding(c.Args[1]) == "skiplist" {
			show = appendLongScore
		}
		return scanned{len: z.Len(), perName: 2, scan: func(cursor uint64, visit func(name, value []byte)) uint64 {
			return z.Scan(cursor, func(m []byte, score float64) { visit(m, show(nil, score)) })
		}}, nil
	})
}

// adding is the options of ZADD.
type adding struct{ nx, xx, gt, lt, ch, incr bool }

// parse reads the options and gives the index of the first score.
func (o *adding) parse(c *Call) (first int, err error) {
	cur := c.Cursor(2)
	first = 2
options:
	for cur.More() {
		switch string(cur.Upper()) {
		case "NX":
			o.nx = true
		case "XX":
			o.xx = true
		case "GT":
			o.gt = true
		case "LT":
			o.lt = true
		case "CH":
			o.ch = true
		case "INCR":
			o.incr = true
		default:
			break options
		}
		first = cur.At()
	}
	pairs := len(c.Args) - first
	switch {
	case pairs == 0 || pairs%2 != 0:
		err = ErrSyntax
	case o.nx && o.xx:
		err = ErrAddXXandNX
	case o.gt && o.nx || o.lt && o.nx || o.gt && o.lt:
		err = ErrAddGTLTNX
	case o.incr && pairs > 2:
		err = ErrAddIncrPairs
	}
	return first, err
}

// put sets one score as the options say. touched is false when they forbid it; score is the member's after it. Minus zero
// is stored as zero, as Redis' compact form does.
func (o adding) put(z *keyspace.ZSetEdit, m []byte, by float64) (score float64, touched, created, changed bool, err error) {
	old, exists := z.Score(m)
	if exists && o.nx || !exists && o.xx {
		return 0, false, false, false, nil
	}
	score = by
	if exists {
		if o.incr {
			if score = old + by; math.IsNaN(score) {
				return 0, false, false, false, ErrScoreNaN
			}
		}
		if o.lt && score >= old || o.gt && score <= old {
			return 0, false, false, false, nil
		}
	}
	created, changed = z.Put(m, score+0)
	return score, true, created, changed, nil
}

// addPairs is ZADD and ZINCRBY. All scores are read before the first one is set.
func addPairs(c *Call, o adding) error {
	first, err := o.parse(c)
	if err != nil {
		return err
	}
	var room [16]float64 // enough for most calls without touching the heap
	scores := room[:0]
	for i := first; i < len(c.Args); i += 2 {
		score, ok := ParseFloat(c.Args[i])
		if !ok {
			return ErrNotFloat
		}
		scores = append(scores, score)
	}
	return addScores(c, o, scores, c.Args[first:])
}

// addScores sets the scores of pairs; pairs are score and member.
func addScores(c *Call, o adding, scores []float64, pairs [][]byte) error {
	event := "zadd"
	if o.incr {
		event = "zincr"
	}
	z, err := c.DB.EditZSet(c.Args[1], event)
	if err != nil {
		return err
	}
	createdTotal, changedTotal := int64(0), int64(0)
	for i, by := range scores {
		score, touched, created, changed, err := o.put(z, pairs[2*i+1], by)
		if err != nil {
			return err // only with INCR, which has one pair: nothing was changed
		}
		if o.incr {
			replyScoreIf(c, score, touched)
			return nil
		}
		if created {
			createdTotal++
		} else if changed {
			changedTotal++
		}
	}
	if o.ch {
		createdTotal += changedTotal
	}
	c.Reply.Int(createdTotal)
	return nil
}

func replyScore(c *Call, z keyspace.ZSet, m []byte) {
	score, ok := z.Score(m)
	replyScoreIf(c, score, ok)
}

func replyScoreIf(c *Call, score float64, ok bool) {
	if !ok {
		c.Reply.Null()
		return
	}
	c.Reply.Double(score)
}

// replyRank is NAME key member [WITHSCORE].
func replyRank(c *Call, reverse bool) error {
	withScore := len(c.Args) == 4
	switch {
	case len(c.Args) > 4:
		return WrongArity(c.Spec.FullName)
	case withScore && !isWord(c.Args[3], "withscore"):
		return ErrSyntax
	}
	z, err := c.DB.ZSet(c.Args[1])
	if err != nil {
		return err
	}
	rank, ok := z.Rank(c.Args[2])
	if reverse {
		rank = z.Len() - 1 - rank
	}
	switch {
	case !ok && withScore:
		c.Reply.NullArray()
	case !ok:
		c.Reply.Null()
	case withScore:
		c.Reply.Array(2)
		c.Reply.Int(int64(rank))
		replyScore(c, z, c.Args[2])
	default:
		c.Reply.Int(int64(rank))
	}
	return nil
}
