package command

import (
	"bytes"

	"github.com/tandemkv/tandem/keyspace"
)

func setRows() []Spec {
	const kind = CategorySet
	return []Spec{
		{Name: "sadd", Arity: -3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Add one or more members to a set", Handler: sadd},
		{Name: "srem", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Remove one or more members from a set", Handler: srem},
		{Name: "sismember", Arity: 3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Determine if a given value is a member of a set", Handler: sisMember},
		{Name: "smismember", Arity: -3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "6.2.0",
			Summary: "Returns the membership associated with the given elements for a set", Handler: smisMember},
		{Name: "smembers", Arity: 2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Get all the members in a set", Handler: smembers},
		{Name: "scard", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Get the number of members in a set", Handler: scard},
		{Name: "spop", Arity: -2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output"},
			Summary: "Remove and return one or multiple random members from a set", Handler: spop},
		{Name: "srandmember", Arity: -2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "1.0.0", Tips: []string{"nondeterministic_output"},
			Summary: "Get one or multiple random members from a set", Handler: srandMember},
		{Name: "smove", Arity: 4, Flags: Write | Fast, Keys: moveKeys(), Categories: kind, Group: "set", Since: "1.0.0",
			Summary: "Move a member from one set to another", Handler: smove},
		{Name: "sscan", Arity: -3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "set", Since: "2.8.0", Tips: []string{"nondeterministic_output"},
			Summary: "Incrementally iterate Set elements", Handler: sscan},
	}
}

func sadd(c *Call) error {
	s, err := c.DB.EditSet(c.Args[1], "sadd")
	if err != nil {
		return err
	}
	added := int64(0)
	for _, m := range c.Args[2:] {
		if s.Add(m) {
			added++
		}
	}
	c.Reply.Int(added)
	return nil
}

func srem(c *Call) error {
	s, err := c.DB.EditSet(c.Args[1], "srem")
	if err != nil {
		return err
	}
	removed := int64(0)
	for _, m := range c.Args[2:] {
		if s.Remove(m) {
			removed++
		}
	}
	c.Reply.Int(removed)
	return nil
}

func sisMember(c *Call) error {
	s, err := c.DB.Set(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(oneIf(s.Has(c.Args[2])))
	return nil
}

func smisMember(c *Call) error {
	s, err := c.DB.Set(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		c.Reply.Int(oneIf(s.Has(m)))
	}
	return nil
}

func smembers(c *Call) error {
	s, err := c.DB.Set(c.Args[1])
	if err != nil {
		return err
	}
	replyAllMembers(c, s)
	return nil
}

func scard(c *Call) error {
	s, err := c.DB.Set(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(s.Len()))
	return nil
}

func spop(c *Call) error {
	if len(c.Args) > 3 {
		return ErrSyntax
	}
	if len(c.Args) == 3 {
		return spopCount(c)
	}
	s, err := c.DB.EditSet(c.Args[1], "spop")
	if err != nil {
		return err
	}
	if s.Len() == 0 {
		c.Reply.Null()
		return nil
	}
	m := c.Word(s.Random(c.Rand))
	s.Remove(m)
	c.Effect(c.Text("SREM"), c.Args[1], m)
	c.Reply.Bulk(m)
	return nil
}

func srandMember(c *Call) error {
	o, err := parseSampling(c, "")
	if err != nil {
		return err
	}
	s, err := c.DB.Set(c.Args[1])
	if err != nil {
		return err
	}
	replySample(c, o, sampledSet(c, s))
	return nil
}

func smove(c *Call) error {
	if c.DB.Kind(c.Args[1]) == keyspace.KindNone {
		c.Reply.Int(0)
		return nil
	}
	source, err := c.DB.EditSet(c.Args[1], "srem")
	if err != nil {
		return err
	}
	destination, err := c.DB.EditSet(c.Args[2], "sadd")
	if err != nil {
		return err
	}
	if bytes.Equal(c.Args[1], c.Args[2]) {
		c.Reply.Int(oneIf(source.Has(c.Args[3])))
		return nil
	}
	if !source.Remove(c.Args[3]) {
		c.Reply.Int(0)
		return nil
	}
	// Redis notifies the deletion of an emptied source before it adds.
	if source.Len() == 0 {
		c.DB.Remove(c.Args[1], "del")
	}
	destination.Add(c.Args[3])
	c.Reply.Int(1)
	return nil
}

func sscan(c *Call) error {
	return scanCollection(c, func() (scanned, error) {
		s, err := c.DB.Set(c.Args[1])
		return scanned{len: s.Len(), perName: 1, scan: func(cursor uint64, visit func(name, value []byte)) uint64 {
			return s.Scan(cursor, func(m []byte) { visit(m, nil) })
		}}, err
	})
}

// spopMembersMax is how many members one SREM in the log names, as in Redis 7.2.
const spopMembersMax = 1024

// spopCount is SPOP with a count.
func spopCount(c *Call) error {
	count, err := parseNotNegative(c.Args[2], ErrNotPositive)
	if err != nil {
		return err
	}
	s, err := c.DB.EditSet(c.Args[1], "spop")
	if err != nil {
		return err
	}
	if count == 0 {
		c.Reply.Set(0)
		return nil
	}
	if count >= int64(s.Len()) {
		return spopAll(c, s)
	}
	picked := pickDifferent(c, sampledSet(c, s.Set), count)
	c.Reply.Set(len(picked))
	names := make([][]byte, 0, len(picked))
	for _, e := range picked {
		c.Reply.Bulk(e.name)
		names = append(names, c.Word(e.name)) // removing one may move the others
	}
	for _, m := range names {
		s.Remove(m)
	}
	for len(names) > 0 {
		n := min(len(names), spopMembersMax)
		c.Effect(append([][]byte{c.Text("SREM"), c.Args[1]}, names[:n]...)...)
		names = names[n:]
	}
	return nil
}

// spopAll pops what is there; the log then holds a deletion.
func spopAll(c *Call, s *keyspace.SetEdit) error {
	replyAllMembers(c, s.Set)
	if s.Len() == 0 {
		return nil
	}
	// One member by the handle, for its event; the others go with the key.
	s.Remove(c.Word(s.Random(c.Rand)))
	c.DB.Remove(c.Args[1], "del")
	c.Effect(c.Text("DEL"), c.Args[1])
	return nil
}

func sampledSet(c *Call, s keyspace.Set) sampled {
	return sampled{
		len:  s.Len(),
		draw: func() element { return element{name: s.Random(c.Rand)} },
		each: func(fn func(element)) {
			s.Each(func(m []byte) bool {
				fn(element{name: m})
				return true
			})
		},
	}
}

func replyAllMembers(c *Call, s keyspace.Set) {
	c.Reply.Set(s.Len())
	s.Each(func(m []byte) bool {
		c.Reply.Bulk(m)
		return true
	})
}
