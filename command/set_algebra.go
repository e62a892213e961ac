package command

import (
	"cmp"
	"slices"

	"github.com/tandemkv/tandem/keyspace"
)

func setAlgebraRows() []Spec {
	const kind = CategorySet
	return []Spec{
		{Name: "sinter", Arity: -2, Flags: ReadOnly, Keys: All(1, 1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Intersect multiple sets", Handler: sinter},
		{Name: "sintercard", Arity: -3, Flags: ReadOnly, Keys: []KeySpec{Numbered(1, KeyRO|KeyAccess)},
			Categories: kind, Group: "set", Since: "7.0.0",
			Summary: "Intersect multiple sets and return the cardinality of the result", Handler: sinterCard},
		{Name: "sinterstore", Arity: -3, Flags: Write | DenyOOM, Keys: storeKeys(KeyRW | KeyUpdate),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Intersect multiple sets and store the resulting set in a key", Handler: sinterStore},
		{Name: "sunion", Arity: -2, Flags: ReadOnly, Keys: All(1, 1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Add multiple sets", Handler: sunion},
		{Name: "sunionstore", Arity: -3, Flags: Write | DenyOOM, Keys: storeKeys(KeyOW | KeyUpdate),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Add multiple sets and store the resulting set in a key", Handler: sunionStore},
		{Name: "sdiff", Arity: -2, Flags: ReadOnly, Keys: All(1, 1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Subtract multiple sets", Handler: sdiff},
		{Name: "sdiffstore", Arity: -3, Flags: Write | DenyOOM, Keys: storeKeys(KeyOW | KeyUpdate),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Subtract multiple sets and store the resulting set in a key", Handler: sdiffStore},
	}
}

// storeKeys are "destination key [key ...]".
func storeKeys(destination KeyFlag) []KeySpec {
	return []KeySpec{
		{Index: 1, Step: 1, Flags: destination},
		{Index: 2, Last: -1, Step: 1, Flags: KeyRO | KeyAccess},
	}
}

func sinter(c *Call) error { return answerSets(c, intersect) }

func sinterCard(c *Call) error {
	numKeys, ok := ParseInt(c.Args[1])
	if !ok || numKeys < 1 {
		return ErrNumKeysPositive
	}
	if numKeys > int64(len(c.Args)-2) {
		return ErrTooFewKeys
	}
	limit, err := parseLimit(c, 2+int(numKeys))
	if err != nil {
		return err
	}
	sets, err := c.openSets(c.Args[2 : 2+numKeys])
	if err != nil {
		return err
	}
	n := int64(0)
	intersect(sets, func([]byte) bool {
		n++
		return n != limit
	})
	c.Reply.Int(n)
	return nil
}

func sinterStore(c *Call) error { return storeSets(c, "sinterstore", intersect) }

func sunion(c *Call) error { return answerSets(c, unite) }

func sunionStore(c *Call) error { return storeSets(c, "sunionstore", visitAll) }

func sdiff(c *Call) error { return answerSets(c, subtract) }

func sdiffStore(c *Call) error { return storeSets(c, "sdiffstore", subtract) }

// setOperation visits the members of the result until visit returns false.
type setOperation func(sets []keyspace.Set, visit func(m []byte) bool)

// intersect walks through the smallest set and asks the others.
func intersect(sets []keyspace.Set, visit func(m []byte) bool) {
	slices.SortStableFunc(sets, func(a, b keyspace.Set) int { return cmp.Compare(a.Len(), b.Len()) })
	if sets[0].Len() == 0 {
		return
	}
	sets[0].Each(func(m []byte) bool {
		for _, other := range sets[1:] {
			if !other.Has(m) {
				return true
			}
		}
		return visit(m)
	})
}

func unite(sets []keyspace.Set, visit func(m []byte) bool) {
	if len(sets) == 1 {
		sets[0].Each(visit)
		return
	}
	seen := make(map[string]struct{}, sets[0].Len())
	for _, s := range sets {
		s.Each(func(m []byte) bool {
			if _, again := seen[string(m)]; again {
				return true
			}
			seen[string(m)] = struct{}{}
			return visit(m)
		})
	}
}

// visitAll is unite for who does not mind to see a member again.
func visitAll(sets []keyspace.Set, visit func(m []byte) bool) {
	for _, s := range sets {
		s.Each(visit)
	}
}

// subtract takes the other sets away from the first.
func subtract(sets []keyspace.Set, visit func(m []byte) bool) {
	sets[0].Each(func(m []byte) bool {
		for _, other := range sets[1:] {
			if other.Has(m) {
				return true
			}
		}
		return visit(m)
	})
}

// openSets opens all keys; one of another kind is refused, whichever it is.
func (c *Call) openSets(keys [][]byte) ([]keyspace.Set, error) {
	sets := make([]keyspace.Set, len(keys))
	for i, key := range keys {
		var err error
		if sets[i], err = c.DB.Set(key); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func answerSets(c *Call, operation setOperation) error {
	sets, err := c.openSets(c.Args[1:])
	if err != nil {
		return err
	}
	var members [][]byte
	operation(sets, func(m []byte) bool {
		members = append(members, m)
		return true
	})
	c.Reply.Set(len(members))
	for _, m := range members {
		c.Reply.Bulk(m)
	}
	return nil
}

// storeSets puts the result at argument 1, which may be one of the sources.
func storeSets(c *Call, event string, operation setOperation) error {
	sets, err := c.openSets(c.Args[2:])
	if err != nil {
		return err
	}
	var members memberList
	operation(sets, func(m []byte) bool {
		members.add(m)
		return true
	})
	if members.len() == 0 {
		c.DB.Remove(c.Args[1], "del")
		c.Reply.Int(0)
		return nil
	}
	s := c.DB.ReplaceSet(c.Args[1], event)
	for i := range members.len() {
		s.Add(members.at(i))
	}
	c.Reply.Int(int64(s.Len()))
	return nil
}

// parseLimit reads [LIMIT n], the end of a line, from argument i on; 0 is no limit.
func parseLimit(c *Call, i int) (limit int64, err error) {
	cur := c.Cursor(i)
	for cur.More() {
		if string(cur.Upper()) != "LIMIT" || cur.Left() == 0 {
			return 0, ErrSyntax
		}
		if limit, err = parseNotNegative(cur.Bytes(), ErrLimitNegative); err != nil {
			return 0, err
		}
	}
	return limit, nil
}

// memberList keeps members beyond the next change of the keyspace.
type memberList struct {
	bytes []byte
	ends  []int
}

func (l *memberList) add(m []byte) {
	l.bytes = append(l.bytes, m...)
	l.ends = append(l.ends, len(l.bytes))
}

func (l *memberList) len() int { return len(l.ends) }

func (l *memberList) at(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.bytes[start:l.ends[i]]
}
