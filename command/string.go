package command

import (
	"bytes"
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

func stringRows() []Spec {
	const kind = CategoryString
	return []Spec{
		{Name: "append", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyInsert), Categories: kind,
			Group: "string", Since: "2.0.0", Summary: "Append a value to a key", Handler: appendString},
		{Name: "decr", Arity: 2, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Decrement the integer value of a key by one", Handler: decr},
		{Name: "decrby", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Decrement the integer value of a key by the given number", Handler: decrBy},
		{Name: "get", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Get the value of a key", Handler: get},
		{Name: "getdel", Arity: 2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete), Categories: kind,
			Group: "string", Since: "6.2.0", Summary: "Get the value of a key and delete the key", Handler: getDel},
		{Name: "getex", Arity: -2, Flags: Write | Fast, Categories: kind,
			Keys:  noted("RW and UPDATE because it changes the TTL", One(1, KeyRW|KeyAccess|KeyUpdate)),
			Group: "string", Since: "6.2.0", Summary: "Get the value of a key and optionally set its expiration", Handler: getEx},
		{Name: "getrange", Arity: 4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "string", Since: "2.4.0", Summary: "Get a substring of the string stored at a key", Handler: getRange},
		{Name: "getset", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Set the string value of a key and return its old value", Handler: getSet},
		{Name: "incr", Arity: 2, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Increment the integer value of a key by one", Handler: incr},
		{Name: "incrby", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Increment the integer value of a key by the given amount", Handler: incrBy},
		{Name: "incrbyfloat", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "string", Since: "2.6.0", Summary: "Increment the float value of a key by the given amount", Handler: incrByFloat},
		{Name: "mget", Arity: -2, Flags: ReadOnly | Fast, Keys: All(1, 1, KeyRO|KeyAccess), Categories: kind,
			Tips:  []string{"request_policy:multi_shard"},
			Group: "string", Since: "1.0.0", Summary: "Get the values of all the given keys", Handler: mget},
		{Name: "mset", Arity: -3, Flags: Write | DenyOOM, Keys: All(1, 2, KeyOW|KeyUpdate), Categories: kind,
			Tips:  []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
			Group: "string", Since: "1.0.1", Summary: "Set multiple keys to multiple values", Handler: mset},
		{Name: "msetnx", Arity: -3, Flags: Write | DenyOOM, Keys: All(1, 2, KeyOW|KeyInsert), Categories: kind,
			Tips:  []string{"request_policy:multi_shard", "response_policy:agg_min"},
			Group: "string", Since: "1.0.1", Summary: "Set multiple keys to multiple values, only if none of the keys exist", Handler: msetNX},
		{Name: "psetex", Arity: 4, Flags: Write | DenyOOM, Keys: One(1, KeyOW|KeyUpdate), Categories: kind,
			Group: "string", Since: "2.6.0", Summary: "Set the value and expiration in milliseconds of a key", Handler: psetEx},
		{Name: "set", Arity: -3, Flags: Write | DenyOOM, Categories: kind,
			Keys: []KeySpec{{Index: 1, Step: 1, Flags: KeyRW | KeyAccess | KeyUpdate | KeyVariableFlags, Varying: setKeyFlags,
				Notes: "RW and ACCESS due to the optional `GET` argument"}},
			Group: "string", Since: "1.0.0", Summary: "Set the string value of a key", Handler: set},
		{Name: "setex", Arity: 4, Flags: Write | DenyOOM, Keys: One(1, KeyOW|KeyUpdate), Categories: kind,
			Group: "string", Since: "2.0.0", Summary: "Set the value and expiration of a key", Handler: setEx},
		{Name: "setnx", Arity: 3, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyOW|KeyInsert), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Set the value of a key, only if the key does not exist", Handler: setNX},
		{Name: "setrange", Arity: 4, Flags: Write | DenyOOM, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "string", Since: "2.2.0", Summary: "Overwrite part of a string at key starting at the specified offset", Handler: setRange},
		{Name: "strlen", Arity: 2, Flags: ReadOnly | Fast, Keys: One(1, KeyRO), Categories: kind,
			Group: "string", Since: "2.2.0", Summary: "Get the length of the value stored in a key", Handler: strLen},
		{Name: "substr", Arity: 4, Flags: ReadOnly, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "string", Since: "1.0.0", Summary: "Get a substring of the string stored at a key", Handler: getRange},
	}
}

func appendString(c *Call) error {
	edit, err := c.DB.EditString(c.Args[1], "append")
	if err != nil {
		return err
	}
	if edit.Exists() {
		if err := c.checkLength(int64(len(edit.Value())), len(c.Args[2])); err != nil {
			return err
		}
	}
	c.Reply.Int(int64(edit.Append(c.Args[2])))
	return nil
}

func decr(c *Call) error { return addInt(c, -1) }

func decrBy(c *Call) error {
	by, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if by == math.MinInt64 {
		return ErrDecrOverflow
	}
	return addInt(c, -by)
}

func get(c *Call) error {
	v, ok, err := c.DB.String(c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, v, ok)
	return nil
}

func getDel(c *Call) error {
	v, ok, err := c.DB.String(c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, v, ok)
	if ok {
		c.DB.Remove(c.Args[1], "del")
		c.Effect(c.Text("DEL"), c.Args[1])
	}
	return nil
}

// getEx parses, then looks the key up, and only then judges the deadline: that is Redis' order.
func getEx(c *Call) error {
	o, err := parseSetOptions(c, 2, getExOptions)
	if err != nil {
		return err
	}
	key := c.Args[1]
	v, ok, err := c.DB.String(key)
	if err != nil {
		return err
	}
	if !ok {
		c.Reply.Null()
		return nil
	}
	deadline, err := o.deadlineMs(c)
	if err != nil {
		return err
	}
	c.Reply.Bulk(v)
	switch {
	case o.has(optEXAT|optPXAT) && c.passed(deadline):
		c.DB.Remove(key, "del")
		c.Effect(c.Text("DEL"), key)
	case deadline > 0:
		c.DB.SetDeadline(key, deadline, "expire")
		c.Effect(c.Text("PEXPIREAT"), key, c.Int(deadline))
	case o.has(optPersist):
		if ms, _ := c.DB.Deadline(key); ms > 0 {
			c.DB.SetDeadline(key, 0, "persist")
			c.Effect(c.Text("PERSIST"), key)
		}
	}
	return nil
}

func getRange(c *Call) error {
	start, ok1 := ParseInt(c.Args[2])
	end, ok2 := ParseInt(c.Args[3])
	if !ok1 || !ok2 {
		return ErrNotInteger
	}
	v, _, err := c.DB.String(c.Args[1])
	if err != nil {
		return err
	}
	n := int64(len(v))
	if start < 0 && end < 0 && start > end {
		n = 0
	}
	if start < 0 {
		start = max(n+start, 0)
	}
	if end < 0 {
		end = max(n+end, 0)
	}
	end = min(end, n-1)
	if start > end || n == 0 {
		c.Reply.BulkString("")
		return nil
	}
	c.Reply.Bulk(v[start : end+1])
	return nil
}

func getSet(c *Call) error {
	v, ok, err := c.DB.String(c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, v, ok)
	c.DB.PutString(c.Args[1], c.Args[2], 0, "set")
	c.Effect(c.Text("SET"), c.Args[1], c.Args[2])
	return nil
}

func incr(c *Call) error { return addInt(c, 1) }

func incrBy(c *Call) error {
	by, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	return addInt(c, by)
}

func incrByFloat(c *Call) error {
	edit, err := c.DB.EditString(c.Args[1], "incrbyfloat")
	if err != nil {
		return err
	}
	old := []byte("0")
	if edit.Exists() {
		old = edit.Value()
	}
	text, err := addLongDouble(old, c.Args[2])
	if err != nil {
		return err
	}
	word := c.Word(text)
	edit.Set(word)
	// A float sum may come out differently elsewhere: the result itself is what replicates.
	c.Effect(c.Text("SET"), c.Args[1], word, c.Text("KEEPTTL"))
	c.Reply.Bulk(word)
	return nil
}

func mget(c *Call) error {
	c.Reply.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		v, ok, err := c.DB.String(key)
		replyString(c, v, ok && err == nil)
	}
	return nil
}

func mset(c *Call) error {
	if len(c.Args)%2 == 0 {
		return WrongArity(c.Spec.FullName)
	}
	for i := 1; i < len(c.Args); i += 2 {
		c.DB.PutString(c.Args[i], c.Args[i+1], 0, "set")
	}
	c.Reply.OK()
	return nil
}

func msetNX(c *Call) error {
	if len(c.Args)%2 == 0 {
		return WrongArity(c.Spec.FullName)
	}
	for i := 1; i < len(c.Args); i += 2 {
		if c.DB.Kind(c.Args[i]) != keyspace.KindNone {
			c.Reply.Int(0)
			return nil
		}
	}
	for i := 1; i < len(c.Args); i += 2 {
		c.DB.PutString(c.Args[i], c.Args[i+1], 0, "set")
	}
	c.Reply.Int(1)
	return nil
}

func psetEx(c *Call) error { return putExpiring(c, optPX) }

func set(c *Call) error {
	if len(c.Args) == 3 {
		c.DB.PutString(c.Args[1], c.Args[2], 0, "set")
		c.Reply.OK()
		return nil
	}
	o, err := parseSetOptions(c, 3, setOptions)
	if err != nil {
		return err
	}
	deadline, err := o.deadlineMs(c)
	if err != nil {
		return err
	}
	key := c.Args[1]
	if o.has(optGet) {
		v, ok, err := c.DB.String(key)
		if err != nil {
			return err
		}
		replyString(c, v, ok)
	}
	if o.has(optNX|optXX) && (c.DB.Kind(key) != keyspace.KindNone) == o.has(optNX) {
		if !o.has(optGet) {
			c.Reply.Null()
		}
		return nil
	}
	switch {
	case deadline > 0:
		putWithDeadline(c, key, c.Args[2], deadline)
	case o.has(optKeepTTL):
		c.DB.PutString(key, c.Args[2], keyspace.KeepDeadline, "set")
	default:
		c.DB.PutString(key, c.Args[2], 0, "set")
	}
	if !o.has(optGet) {
		c.Reply.OK()
	} else if deadline == 0 {
		c.Effect(withoutGet(c.Args)...)
	}
	return nil
}

func setEx(c *Call) error { return putExpiring(c, optEX) }

func setNX(c *Call) error {
	if c.DB.Kind(c.Args[1]) != keyspace.KindNone {
		c.Reply.Int(0)
		return nil
	}
	c.DB.PutString(c.Args[1], c.Args[2], 0, "set")
	c.Reply.Int(1)
	return nil
}

func setRange(c *Call) error {
	offset, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if offset < 0 {
		return ErrOffsetRange
	}
	edit, err := c.DB.EditString(c.Args[1], "setrange")
	if err != nil {
		return err
	}
	if len(c.Args[3]) == 0 {
		n := 0
		if edit.Exists() {
			n = len(edit.Value())
		}
		c.Reply.Int(int64(n))
		return nil
	}
	if err := c.checkLength(offset, len(c.Args[3])); err != nil {
		return err
	}
	c.Reply.Int(int64(edit.SetRange(int(offset), c.Args[3])))
	return nil
}

func strLen(c *Call) error {
	v, _, err := c.DB.String(c.Args[1])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(len(v)))
	return nil
}

func addInt(c *Call, by int64) error {
	edit, err := c.DB.EditString(c.Args[1], "incrby")
	if err != nil {
		return err
	}
	v, ok := edit.Int()
	if !ok {
		return ErrNotInteger
	}
	if by > 0 && v > math.MaxInt64-by || by < 0 && v < math.MinInt64-by {
		return ErrOverflow
	}
	edit.SetInt(v + by)
	c.Reply.Int(v + by)
	return nil
}

// putExpiring is "NAME key time value".
func putExpiring(c *Call, unit setOption) error {
	o := setOptionValues{given: unit, when: c.Args[2]}
	deadline, err := o.deadlineMs(c)
	if err != nil {
		return err
	}
	putWithDeadline(c, c.Args[1], c.Args[3], deadline)
	c.Reply.OK()
	return nil
}

// putWithDeadline sets a string that expires: two events, one effect.
func putWithDeadline(c *Call, key, value []byte, deadlineMs int64) {
	c.DB.PutString(key, value, 0, "set")
	c.DB.SetDeadline(key, deadlineMs, "expire")
	c.Effect(c.Text("SET"), key, value, c.Text("PXAT"), c.Int(deadlineMs))
}

// withoutGet is a SET line without its GET options, which mean nothing to who replays it.
func withoutGet(args [][]byte) [][]byte {
	words := make([][]byte, 0, len(args))
	for i, word := range args {
		if i < 3 || !bytes.EqualFold(word, []byte("get")) {
			words = append(words, word)
		}
	}
	return words
}

// setKeyFlags: SET reads its key only with GET.
func setKeyFlags(args [][]byte) KeyFlag {
	if len(withoutGet(args)) < len(args) {
		return KeyRW | KeyAccess | KeyUpdate
	}
	return KeyOW | KeyUpdate
}

func replyString(c *Call, v []byte, ok bool) {
	if !ok {
		c.Reply.Null()
		return
	}
	c.Reply.Bulk(v)
}

// checkLength refuses a string that would grow beyond proto-max-bulk-len.
func (c *Call) checkLength(size int64, grow int) error {
	if !c.Replay && size > int64(c.BulkBytesMax)-int64(grow) {
		return ErrStringTooLong
	}
	return nil
}
