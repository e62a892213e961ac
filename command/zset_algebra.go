package command

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/tandemkv/tandem/keyspace"
)

func zsetAlgebraRows() []Spec {
	const kind = CategorySortedSet
	return []Spec{
		{Name: "zunion", Arity: -3, Flags: ReadOnly, Keys: []KeySpec{Numbered(1, KeyRO|KeyAccess)},
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Add multiple sorted sets", Handler: zunion},
		{Name: "zinter", Arity: -3, Flags: ReadOnly, Keys: []KeySpec{Numbered(1, KeyRO|KeyAccess)},
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Intersect multiple sorted sets", Handler: zinter},
		{Name: "zdiff", Arity: -3, Flags: ReadOnly, Keys: []KeySpec{Numbered(1, KeyRO|KeyAccess)},
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Subtract multiple sorted sets", Handler: zdiff},
		{Name: "zunionstore", Arity: -4, Flags: Write | DenyOOM, Keys: storeNumberedKeys(),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Add multiple sorted sets and store the resulting sorted set in a new key", Handler: zunionStore},
		{Name: "zinterstore", Arity: -4, Flags: Write | DenyOOM, Keys: storeNumberedKeys(),
			Categories: kind, Group: "sorted-set", Since: "2.0.0",
			Summary: "Intersect multiple sorted sets and store the resulting sorted set in a new key", Handler: zinterStore},
		{Name: "zdiffstore", Arity: -4, Flags: Write | DenyOOM, Keys: storeNumberedKeys(),
			Categories: kind, Group: "sorted-set", Since: "6.2.0",
			Summary: "Subtract multiple sorted sets and store the resulting sorted set in a new key", Handler: zdiffStore},
		{Name: "zintercard", Arity: -3, Flags: ReadOnly, Keys: []KeySpec{Numbered(1, KeyRO|KeyAccess)},
			Categories: kind, Group: "sorted-set", Since: "7.0.0",
			Summary: "Intersect multiple sorted sets and return the cardinality of the result", Handler: zinterCard},
	}
}

// storeNumberedKeys are "destination numkeys key [key ...]".
func storeNumberedKeys() []KeySpec {
	return []KeySpec{{Index: 1, Step: 1, Flags: KeyOW | KeyUpdate}, Numbered(2, KeyRO|KeyAccess)}
}

func zunion(c *Call) error { return answerScores(c, true, uniteScores) }

func zinter(c *Call) error { return answerScores(c, true, intersectScores) }

func zdiff(c *Call) error { return answerScores(c, false, subtractScores) }

func zunionStore(c *Call) error { return storeCombined(c, "zunionstore", true, uniteScores) }

func zinterStore(c *Call) error { return storeCombined(c, "zinterstore", true, intersectScores) }

func zdiffStore(c *Call) error { return storeCombined(c, "zdiffstore", false, subtractScores) }

func zinterCard(c *Call) error {
	line, err := openSources(c, 1)
	if err != nil {
		return err
	}
	limit, err := parseLimit(c, line.next)
	if err != nil {
		return err
	}
	n := int64(0)
	line.intersect(func([]byte, float64) bool {
		n++
		return n != limit
	})
	c.Reply.Int(n)
	return nil
}

// scored is a member of a result. The name is a copy: it outlives changes of the keyspace.
type scored struct {
	name  string
	score float64
}

// algebraLine is "numkeys key [key ...] [WEIGHTS w ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]".
type algebraLine struct {
	sources    []scoreSource
	next       int // index of the first option
	aggregate  func(a, b float64) float64
	withScores bool
}

// scoreSource is a sorted set, or a set, whose members all score 1.
type scoreSource struct {
	set    keyspace.Set
	zset   keyspace.ZSet
	isSet  bool
	weight float64
}

func (s *scoreSource) len() int {
	if s.isSet {
		return s.set.Len()
	}
	return s.zset.Len()
}

func (s *scoreSource) score(m []byte) (float64, bool) {
	if s.isSet {
		return 1, s.set.Has(m)
	}
	return s.zset.Score(m)
}

func (s *scoreSource) each(visit func(m []byte, score float64) bool) {
	if s.isSet {
		s.set.Each(func(m []byte) bool { return visit(m, 1) })
		return
	}
	s.zset.Each(0, false, visit)
}

// weigh is score times weight; infinity times 0 counts 0.
func (s *scoreSource) weigh(score float64) float64 { return numberOrZero(s.weight * score) }

func numberOrZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// sum of both infinities is 0, as in Redis.
func sum(a, b float64) float64 { return numberOrZero(a + b) }

// openSources reads numkeys at argument i and opens the keys behind it.
func openSources(c *Call, i int) (*algebraLine, error) {
	numKeys, ok := ParseInt(c.Args[i])
	switch {
	case !ok:
		return nil, ErrNotInteger
	case numKeys < 1:
		return nil, NeedsInputKey(c.Spec.FullName)
	case numKeys > int64(len(c.Args)-i-1):
		return nil, ErrSyntax
	}
	line := &algebraLine{next: i + 1 + int(numKeys), aggregate: sum}
	for _, key := range c.Args[i+1 : line.next] {
		s := scoreSource{weight: 1}
		var err error
		if s.isSet = c.DB.Kind(key) == keyspace.KindSet; s.isSet {
			s.set, err = c.DB.Set(key)
		} else {
			s.zset, err = c.DB.ZSet(key)
		}
		if err != nil {
			return nil, err
		}
		line.sources = append(line.sources, s)
	}
	return line, nil
}

// parseOptions reads what follows the keys.
func (l *algebraLine) parseOptions(c *Call, weighted, store bool) error {
	cur := c.Cursor(l.next)
	for cur.More() {
		word := string(cur.Upper())
		switch {
		case word == "WEIGHTS" && weighted && cur.Left() >= len(l.sources):
			for i := range l.sources {
				l.sources[i].weight = cur.Float(ErrWeightNotFloat)
			}
		case word == "AGGREGATE" && weighted && cur.Left() >= 1:
			if l.aggregate = aggregateNamed(string(cur.Upper())); l.aggregate == nil {
				cur.Fail(ErrSyntax)
			}
		case word == "WITHSCORES" && !store:
			l.withScores = true
		default:
			cur.Fail(ErrSyntax)
		}
	}
	return cur.Err()
}

func aggregateNamed(word string) func(a, b float64) float64 {
	switch word {
	case "SUM":
		return sum
	case "MIN":
		return lower
	case "MAX":
		return higher
	}
	return nil
}

// lower and higher keep a where b is not a number, which min and max do not.

func lower(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func higher(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// smallestFirst orders the sources by size. The order of additions decides the last digit of a sum, so it is Redis'.
func (l *algebraLine) smallestFirst() {
	slices.SortStableFunc(l.sources, func(a, b scoreSource) int { return cmp.Compare(a.len(), b.len()) })
}

// intersect visits the members that are in all sources.
func (l *algebraLine) intersect(visit func(m []byte, score float64) bool) {
	l.smallestFirst()
	first := &l.sources[0]
	first.each(func(m []byte, s float64) bool {
		total := first.weigh(s)
		for i := range l.sources[1:] {
			other := &l.sources[1+i]
			score, ok := other.score(m)
			if !ok {
				return true
			}
			total = l.aggregate(total, other.weight*score)
		}
		return visit(m, total)
	})
}

// combination makes a result, in any order.
type combination func(l *algebraLine) []scored

func intersectScores(l *algebraLine) []scored {
	var result []scored
	l.intersect(func(m []byte, score float64) bool {
		result = append(result, scored{string(m), score})
		return true
	})
	return result
}

func uniteScores(l *algebraLine) []scored {
	l.smallestFirst()
	var result []scored
	place := make(map[string]int, l.sources[len(l.sources)-1].len())
	for i := range l.sources {
		source := &l.sources[i]
		source.each(func(m []byte, s float64) bool {
			score := source.weigh(s)
			if at, again := place[string(m)]; again {
				result[at].score = l.aggregate(result[at].score, score)
				return true
			}
			name := string(m)
			place[name] = len(result)
			result = append(result, scored{name, score})
			return true
		})
	}
	return result
}

// subtractScores takes the other sources away from the first.
func subtractScores(l *algebraLine) []scored {
	var result []scored
	l.sources[0].each(func(m []byte, score float64) bool {
		for i := range l.sources[1:] {
			if _, ok := l.sources[1+i].score(m); ok {
				return true
			}
		}
		result = append(result, scored{string(m), score})
		return true
	})
	return result
}

func answerScores(c *Call, weighted bool, combine combination) error {
	line, err := openSources(c, 1)
	if err != nil {
		return err
	}
	if err := line.parseOptions(c, weighted, false); err != nil {
		return err
	}
	result := combine(line)
	slices.SortFunc(result, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.name, b.name))
	})
	openScores(c, len(result), line.withScores)
	for i := range result {
		replyScored(c, []byte(result[i].name), result[i].score, line.withScores)
	}
	return nil
}

// storeCombined puts the result at argument 1, which may be one of the sources.
func storeCombined(c *Call, event string, weighted bool, combine combination) error {
	line, err := openSources(c, 2)
	if err != nil {
		return err
	}
	if err := line.parseOptions(c, weighted, true); err != nil {
		return err
	}
	result := combine(line)
	storeScores(c, event, len(result), func(i int) ([]byte, float64) { return []byte(result[i].name), result[i].score })
	return nil
}
