package command

import "github.com/tandemkv/tandem/keyspace"

// The commands for deadlines of single fields have one tail: FIELDS numfields field [field ...], and one reply: an
// integer for each field.

// Replies for a field.
const (
	fieldMissing    = -2 // or hidden as expired; or there is no such key
	fieldUntimed    = -1
	fieldUnaffected = 0 // the condition was not met
	fieldAffected   = 1
	fieldDeleted    = 2 // the deadline has passed already
)

func hashDeadlineRows() []Spec {
	const kind = CategoryHash
	volatile := []string{"nondeterministic_output"}
	return []Spec{
		{Name: "hexpire", Arity: -6, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hexpire,
			Summary: "Set expiry for hash field using relative time to expire (seconds)"},
		{Name: "hexpireat", Arity: -6, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hexpireAt,
			Summary: "Set expiry for hash field using an absolute Unix timestamp (seconds)"},
		{Name: "hexpiretime", Arity: -5, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hexpireTime,
			Summary: "Returns the expiration time of a hash field as a Unix timestamp, in seconds"},
		{Name: "hpersist", Arity: -5, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hpersist,
			Summary: "Removes the expiration time for each specified field"},
		{Name: "hpexpire", Arity: -6, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hpexpire,
			Summary: "Set expiry for hash field using relative time to expire (milliseconds)"},
		{Name: "hpexpireat", Arity: -6, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hpexpireAt,
			Summary: "Set expiry for hash field using an absolute Unix timestamp (milliseconds)"},
		{Name: "hpexpiretime", Arity: -5, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "hash", Since: "7.4.0", Handler: hpexpireTime,
			Summary: "Returns the expiration time of a hash field as a Unix timestamp, in msec"},
		{Name: "hpttl", Arity: -5, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Tips: volatile,
			Group: "hash", Since: "7.4.0", Summary: "Returns the TTL in milliseconds of a hash field", Handler: hpttl},
		{Name: "httl", Arity: -5, Flags: ReadOnly | Fast, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Tips: volatile,
			Group: "hash", Since: "7.4.0", Summary: "Returns the TTL in seconds of a hash field", Handler: httl},
	}
}

func hexpire(c *Call) error { return setFieldDeadlines(c, c.NowMs, 1000) }

func hexpireAt(c *Call) error { return setFieldDeadlines(c, 0, 1000) }

func hexpireTime(c *Call) error { return replyFieldDeadlines(c, 0, 1000) }

func hpersist(c *Call) error {
	h, err := c.DB.EditHash(c.Args[1], "hpersist")
	if err != nil {
		return err
	}
	fields, err := parseFields(c, 2, ErrFieldsPositive)
	if err != nil {
		return err
	}
	persisted := make([][]byte, 0, len(fields))
	c.Reply.Array(len(fields))
	for _, field := range fields {
		switch ms, ok := h.Deadline(field); {
		case !ok:
			c.Reply.Int(fieldMissing)
		case ms == 0:
			c.Reply.Int(fieldUntimed)
		default:
			h.SetDeadline(field, 0)
			persisted = append(persisted, field)
			c.Reply.Int(fieldAffected)
		}
	}
	// Where the log is replayed a field that is hidden here is still to be seen: only those that were meant go into it.
	c.fieldsEffect(persisted, c.Text("HPERSIST"), c.Args[1], c.Text("FIELDS"), c.Int(int64(len(persisted))))
	return nil
}

func hpexpire(c *Call) error { return setFieldDeadlines(c, c.NowMs, 1) }

func hpexpireAt(c *Call) error { return setFieldDeadlines(c, 0, 1) }

func hpexpireTime(c *Call) error { return replyFieldDeadlines(c, 0, 1) }

func hpttl(c *Call) error { return replyFieldDeadlines(c, c.NowMs, 1) }

func httl(c *Call) error { return replyFieldDeadlines(c, c.NowMs, 1000) }

// setFieldDeadlines is HEXPIRE and its like: "NAME key when [NX|XX|GT|LT] FIELDS numfields field ...", when in units of
// unitMs, counted from baseMs.
func setFieldDeadlines(c *Call, baseMs, unitMs int64) error {
	h, err := c.DB.EditHash(c.Args[1], "hexpire")
	if err != nil {
		return err
	}
	whenMs, err := parseFieldDeadline(c, c.Args[2], baseMs, unitMs)
	if err != nil {
		return err
	}
	condition, at := parseFieldCondition(c.Args[3]), 3
	if condition != (expireCondition{}) {
		at++
	}
	fields, err := parseFields(c, at, ErrNumFieldsPositive)
	if err != nil {
		return err
	}
	past, err := c.DB.EditHash(c.Args[1], "hdel")
	if err != nil {
		return err
	}
	var set, deleted [][]byte
	c.Reply.Array(len(fields))
	for _, field := range fields {
		switch old, ok := h.Deadline(field); {
		case !ok:
			c.Reply.Int(fieldMissing)
		case !condition.allows(old, whenMs):
			c.Reply.Int(fieldUnaffected)
		case c.passed(whenMs):
			past.Delete(field)
			deleted = append(deleted, field)
			c.Reply.Int(fieldDeleted)
		default:
			h.SetDeadline(field, max(whenMs, 1))
			set = append(set, field)
			c.Reply.Int(fieldAffected)
		}
	}
	c.deadlineEffect(max(whenMs, 1), set)
	c.fieldsEffect(deleted, c.Text("HDEL"), c.Args[1])
	return nil
}

// deadlineEffect is Effect with a deadline for the given fields, if there are any.
func (c *Call) deadlineEffect(whenMs int64, fields [][]byte) {
	c.fieldsEffect(fields, c.Text("HPEXPIREAT"), c.Args[1], c.Int(whenMs), c.Text("FIELDS"), c.Int(int64(len(fields))))
}

// fieldsEffect is Effect with the given fields behind the words, if there are any.
func (c *Call) fieldsEffect(fields [][]byte, words ...[]byte) {
	if len(fields) > 0 {
		c.Effect(append(words, fields...)...)
	}
}

// parseFieldDeadline reads a deadline, or a time to live when it is counted from now.
func parseFieldDeadline(c *Call, word []byte, baseMs, unitMs int64) (whenMs int64, err error) {
	when, ok := ParseInt(word)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case when < 0:
		return 0, ErrExpireNegative
	case when > keyspace.FieldDeadlineMax/unitMs || when*unitMs > keyspace.FieldDeadlineMax-baseMs:
		return 0, InvalidExpire(c.Spec.FullName)
	}
	return baseMs + when*unitMs, nil
}

// parseFieldCondition reads the one condition that may stand before FIELDS.
func parseFieldCondition(word []byte) expireCondition {
	return expireCondition{nx: isWord(word, "nx"), xx: isWord(word, "xx"), gt: isWord(word, "gt"), lt: isWord(word, "lt")}
}

// parseFields reads FIELDS numfields field [field ...] up to the end of the line, from an argument on.
func parseFields(c *Call, at int, notPositive Error) ([][]byte, error) {
	if at+1 >= len(c.Args) || !isWord(c.Args[at], "fields") {
		return nil, ErrFieldsMissing
	}
	n, ok := ParseInt(c.Args[at+1])
	fields := c.Args[at+2:]
	switch {
	case !ok || n <= 0:
		return nil, notPositive
	case n != int64(len(fields)):
		return nil, ErrFieldsMismatch
	}
	return fields, nil
}

// replyFieldDeadlines answers each field's deadline as counted from baseMs, rounded up to the unit.
func replyFieldDeadlines(c *Call, baseMs, unitMs int64) error {
	h, err := c.DB.Hash(c.Args[1])
	if err != nil {
		return err
	}
	fields, err := parseFields(c, 2, ErrFieldsPositive)
	if err != nil {
		return err
	}
	c.Reply.Array(len(fields))
	for _, field := range fields {
		switch ms, ok := h.Deadline(field); {
		case !ok:
			c.Reply.Int(fieldMissing)
		case ms == 0:
			c.Reply.Int(fieldUntimed)
		default:
			c.Reply.Int((ms - baseMs + unitMs - 1) / unitMs)
		}
	}
	return nil
}
