package command

import "math"

// HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have one shape: NAME key [count [WITHSOMETHING]]. Without a count they
// answer one name; a positive count asks for that many different ones, a negative one for draws that may repeat.

// element is one piece of a collection. What it holds is borrowed from the keyspace.
type element struct {
	name  []byte
	value []byte  // of a hash
	score float64 // of a sorted set
}

// sampling is what the caller asked for.
type sampling struct {
	single     bool
	count      int64 // 0 and more: different ones; below: with repetition
	withValues bool
}

// sampled is the collection to draw from. withScores: the second part of an element is its score.
type sampled struct {
	len        int
	withScores bool
	draw       func() element
	each       func(fn func(element))
}

// parseSampling reads the arguments behind the key; with is the option's word, empty when there is none.
func parseSampling(c *Call, with string) (o sampling, err error) {
	if len(c.Args) == 2 {
		return sampling{single: true}, nil
	}
	if with == "" && len(c.Args) > 3 {
		return o, ErrSyntax
	}
	if o.count, err = parseCountOfEitherSign(c.Args[2]); err != nil {
		return o, err
	}
	cur := c.Cursor(3)
	if cur.More() {
		if string(cur.Upper()) != with || cur.More() {
			return o, ErrSyntax
		}
		o.withValues = true
		if o.count < -math.MaxInt64/2 || o.count > math.MaxInt64/2 {
			return o, ErrOutOfRange
		}
	}
	return o, nil
}

func parseCountOfEitherSign(word []byte) (int64, error) {
	n, ok := ParseInt(word)
	if !ok {
		return 0, ErrNotInteger
	}
	if n == math.MinInt64 {
		return 0, ErrBeyondLong
	}
	return n, nil
}

// replySample draws and answers.
func replySample(c *Call, o sampling, from sampled) {
	switch {
	case o.single && from.len == 0:
		c.Reply.Null()
	case o.single:
		c.Reply.Bulk(from.draw().name)
	case from.len == 0 || o.count == 0:
		c.Reply.Array(0)
	case o.count < 0:
		openSample(c, o, int(-o.count))
		for n := o.count; n < 0; n++ {
			replyElement(c, o, from.draw(), from.withScores)
		}
	default:
		picked := pickDifferent(c, from, o.count)
		openSample(c, o, len(picked))
		for _, e := range picked {
			replyElement(c, o, e, from.withScores)
		}
	}
}

func openSample(c *Call, o sampling, n int) {
	if o.withValues && c.Reply.Proto != 3 {
		n *= 2
	}
	c.Reply.Array(n)
}

func replyElement(c *Call, o sampling, e element, withScores bool) {
	if o.withValues && c.Reply.Proto == 3 {
		c.Reply.Array(2)
	}
	c.Reply.Bulk(e.name)
	switch {
	case !o.withValues:
	case withScores:
		c.Reply.Double(e.score)
	default:
		c.Reply.Bulk(e.value)
	}
}

// pickDifferent gives count different elements, or all when there are no more. A large share of the collection is
// drawn from a list of all; a small one by trying until enough different ones came up.
func pickDifferent(c *Call, from sampled, count int64) []element {
	if count >= int64(from.len) || count*3 > int64(from.len) {
		all := make([]element, 0, from.len)
		from.each(func(e element) { all = append(all, e) })
		if count >= int64(len(all)) {
			return all
		}
		for i := range int(count) {
			j := i + c.Rand.IntN(len(all)-i)
			all[i], all[j] = all[j], all[i]
		}
		return all[:count]
	}
	seen := make(map[string]struct{}, count)
	picked := make([]element, 0, count)
	for int64(len(picked)) < count {
		e := from.draw()
		if _, again := seen[string(e.name)]; !again {
			seen[string(e.name)] = struct{}{}
			picked = append(picked, e)
		}
	}
	return picked
}
