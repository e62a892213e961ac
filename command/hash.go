package command

import (
	"math"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

func hashRows() []Spec {
	const kind = CategoryHash
	return []Spec{
		{Name: "hset", Arity: -4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Set the string value of a hash field", Handler: hset},
		{Name: "hsetnx", Arity: 4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Set the value of a hash field, only if the field does not exist", Handler: hsetNX},
		{Name: "hget", Arity: 3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Get the value of a hash field", Handler: hget},
		{Name: "hmset", Arity: -4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Set multiple hash fields to multiple values", Handler: hmset},
		{Name: "hmget", Arity: -3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Get the values of all the given hash fields", Handler: hmget},
		{Name: "hgetall", Arity: 2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Get all the fields and values in a hash", Handler: hgetAll},
		{Name: "hdel", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyDelete),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Delete one or more hash fields", Handler: hdel},
		{Name: "hexists", Arity: 3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Determine if a hash field exists", Handler: hexists},
		{Name: "hlen", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Get the number of fields in a hash", Handler: hlen},
		{Name: "hkeys", Arity: 2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Get all the fields in a hash", Handler: hkeys},
		{Name: "hvals", Arity: 2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.0.0", Tips: []string{"nondeterministic_output_order"},
			Summary: "Get all the values in a hash", Handler: hvals},
		{Name: "hincrby", Arity: 4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate),
			Categories: kind, Group: "hash", Since: "2.0.0",
			Summary: "Increment the integer value of a hash field by the given number", Handler: hincrBy},
		{Name: "hincrbyfloat", Arity: 4, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate),
			Categories: kind, Group: "hash", Since: "2.6.0",
			Summary: "Increment the float value of a hash field by the given amount", Handler: hincrByFloat},
		{Name: "hstrlen", Arity: 3, Flags: ReadOnly | Fast, Keys: One(1, KeyRO),
			Categories: kind, Group: "hash", Since: "3.2.0",
			Summary: "Get the length of the value of a hash field", Handler: hstrLen},
		{Name: "hscan", Arity: -3, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "2.8.0", Tips: []string{"nondeterministic_output"},
			Summary: "Incrementally iterate hash fields and associated values", Handler: hscan},
		{Name: "hrandfield", Arity: -2, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess),
			Categories: kind, Group: "hash", Since: "6.2.0", Tips: []string{"nondeterministic_output"},
			Summary: "Get one or multiple random fields from a hash", Handler: hrandField},
	}
}

func hset(c *Call) error {
	created, err := setFields(c)
	if err != nil {
		return err
	}
	c.Reply.Int(created)
	return nil
}

func hsetNX(c *Call) error {
	h, err := c.DB.EditHash(c.Args[1], "hset")
	if err != nil {
		return err
	}
	if _, ok := h.Get(c.Args[2]); ok {
		c.Reply.Int(0)
		return nil
	}
	if h.Hidden(c.Args[2]) { // but not where the log is replayed
		c.Effect(c.Text("HSET"), c.Args[1], c.Args[2], c.Args[3])
	}
	h.Set(c.Args[2], c.Args[3])
	c.Reply.Int(1)
	return nil
}

func hget(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	v, ok := h.Get(c.Args[2])
	replyString(c, v, ok)
	return nil
}

func hmset(c *Call) error {
	if _, err := setFields(c); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

func hmget(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		v, ok := h.Get(field)
		replyString(c, v, ok)
	}
	return nil
}

func hgetAll(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Map(h.Visible())
	h.Each(func(field, value []byte) bool {
		c.Reply.Bulk(field)
		c.Reply.Bulk(value)
		return true
	})
	return nil
}

func hdel(c *Call) error {
	h, err := c.DB.EditHash(c.Args[1], "hdel")
	if err != nil {
		return err
	}
	deleted := int64(0)
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			deleted++
		}
	}
	c.Reply.Int(deleted)
	return nil
}

func hexists(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	_, ok := h.Get(c.Args[2])
	c.Reply.Int(oneIf(ok))
	return nil
}

func hlen(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(h.Len()))
	return nil
}

func hkeys(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Array(h.Visible())
	h.Each(func(field, _ []byte) bool {
		c.Reply.Bulk(field)
		return true
	})
	return nil
}

func hvals(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Array(h.Visible())
	h.Each(func(_, value []byte) bool {
		c.Reply.Bulk(value)
		return true
	})
	return nil
}

func hincrBy(c *Call) error {
	by, ok := ParseInt(c.Args[3])
	if !ok {
		return ErrNotInteger
	}
	h, err := c.DB.EditHash(c.Args[1], "hincrby")
	if err != nil {
		return err
	}
	v := int64(0)
	if old, exists := h.Get(c.Args[2]); exists {
		if v, ok = ParseInt(old); !ok {
			return ErrHashNotInteger
		}
	}
	if by > 0 && v > math.MaxInt64-by || by < 0 && v < math.MinInt64-by {
		return ErrOverflow
	}
	if h.Hidden(c.Args[2]) { // but not where the log is replayed
		c.Effect(c.Text("HSET"), c.Args[1], c.Args[2], c.Int(v+by))
	}
	var digits [20]byte
	h.Put(c.Args[2], strconv.AppendInt(digits[:0], v+by, 10), keyspace.KeepDeadline)
	c.Reply.Int(v + by)
	return nil
}

func hincrByFloat(c *Call) error {
	by, ok := parseLongDouble(c.Args[3])
	if !ok {
		return ErrNotFloat
	}
	if by.IsInf() {
		return ErrNotFinite
	}
	h, err := c.DB.EditHash(c.Args[1], "hincrbyfloat")
	if err != nil {
		return err
	}
	old, exists := h.Get(c.Args[2])
	if !exists {
		old = []byte("0")
	}
	if _, ok := parseLongDouble(old); !ok {
		return ErrHashNotFloat
	}
	sum, err := addLongDouble(old, c.Args[3])
	if err != nil {
		return err
	}
	deadlineMs, _ := h.Deadline(c.Args[2])
	h.Put(c.Args[2], sum, keyspace.KeepDeadline)
	// The sum and not the increment goes into the log, so that it does not matter how another server adds.
	c.Effect(c.Text("HSET"), c.Args[1], c.Args[2], c.Word(sum))
	if deadlineMs != 0 { // which HSET removes
		c.deadlineEffect(deadlineMs, [][]byte{c.Args[2]})
	}
	c.Reply.Bulk(sum)
	return nil
}

func hstrLen(c *Call) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	v, _ := h.Get(c.Args[2])
	c.Reply.Int(int64(len(v)))
	return nil
}

func hscan(c *Call) error {
	return scanCollection(c, func() (scanned, error) {
		h, err := c.DB.Hash(c.Args[1])
		return scanned{len: h.Len(), perName: 2, scan: func(cursor uint64, visit func(name, value []byte)) uint64 {
			return h.Scan(cursor, visit)
		}}, err
	})
}

func hrandField(c *Call) error {
	o, err := parseSampling(c, "WITHVALUES")
	if err != nil {
		return err
	}
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	replySample(c, o, sampled{
		len: h.Visible(),
		draw: func() element {
			field, value := h.Random(c.Rand)
			return element{name: field, value: value}
		},
		each: func(fn func(element)) {
			h.Each(func(field, value []byte) bool {
				fn(element{name: field, value: value})
				return true
			})
		},
	})
	return nil
}

// setFields is HSET and HMSET: pairs of field and value.
func setFields(c *Call) (created int64, err error) {
	if len(c.Args)%2 != 0 {
		return 0, WrongArity(c.Spec.FullName)
	}
	h, err := c.DB.EditHash(c.Args[1], "hset")
	if err != nil {
		return 0, err
	}
	for i := 2; i < len(c.Args); i += 2 {
		if h.Set(c.Args[i], c.Args[i+1]) {
			created++
		}
	}
	return created, nil
}

// oneIf is Redis' answer to a yes-or-no question.
func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
