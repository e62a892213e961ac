package command

import "math"

func expireRows() []Spec {
	const kind = CategoryKeyspace
	volatile := []string{"nondeterministic_output"}
	return []Spec{
		{Name: "expire", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "generic", Since: "1.0.0", Summary: "Set a key's time to live in seconds", Handler: expire},
		{Name: "expireat", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "generic", Since: "1.2.0", Summary: "Set the expiration for a key as a UNIX timestamp", Handler: expireAt},
		{Name: "expiretime", Arity: 2, Flags: ReadOnly | Fast | NoTouch, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "generic", Since: "7.0.0", Summary: "Get the expiration Unix timestamp for a key", Handler: expireTime},
		{Name: "persist", Arity: 2, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "generic", Since: "2.2.0", Summary: "Remove the expiration from a key", Handler: persist},
		{Name: "pexpire", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "generic", Since: "2.6.0", Summary: "Set a key's time to live in milliseconds", Handler: pexpire},
		{Name: "pexpireat", Arity: -3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "generic", Since: "2.6.0", Handler: pexpireAt,
			Summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds"},
		{Name: "pexpiretime", Arity: 2, Flags: ReadOnly | Fast | NoTouch, Keys: One(1, KeyRO|KeyAccess), Categories: kind,
			Group: "generic", Since: "7.0.0", Handler: pexpireTime,
			Summary: "Get the expiration Unix timestamp for a key in milliseconds"},
		{Name: "pttl", Arity: 2, Flags: ReadOnly | Fast | NoTouch, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Tips: volatile,
			Group: "generic", Since: "2.6.0", Summary: "Get the time to live for a key in milliseconds", Handler: pttl},
		{Name: "ttl", Arity: 2, Flags: ReadOnly | Fast | NoTouch, Keys: One(1, KeyRO|KeyAccess), Categories: kind, Tips: volatile,
			Group: "generic", Since: "1.0.0", Summary: "Get the time to live for a key in seconds", Handler: ttl},
	}
}

func expire(c *Call) error { return setDeadline(c, c.NowMs, true) }

func expireAt(c *Call) error { return setDeadline(c, 0, true) }

func expireTime(c *Call) error {
	replyDeadline(c, inSeconds)
	return nil
}

func persist(c *Call) error {
	ms, ok := c.DB.Deadline(c.Args[1])
	if !ok || ms == 0 {
		c.Reply.Int(0)
		return nil
	}
	c.DB.SetDeadline(c.Args[1], 0, "persist")
	c.Reply.Int(1)
	return nil
}

func pexpire(c *Call) error { return setDeadline(c, c.NowMs, false) }

func pexpireAt(c *Call) error { return setDeadline(c, 0, false) }

func pexpireTime(c *Call) error {
	replyDeadline(c, func(ms int64) int64 { return ms })
	return nil
}

func pttl(c *Call) error {
	replyDeadline(c, func(ms int64) int64 { return max(ms-c.NowMs, 0) })
	return nil
}

func ttl(c *Call) error {
	replyDeadline(c, func(ms int64) int64 { return inSeconds(max(ms-c.NowMs, 0)) })
	return nil
}

// setDeadline is EXPIRE and its like: "NAME key when [NX|XX|GT|LT ...]", when counted from baseMs.
func setDeadline(c *Call, baseMs int64, seconds bool) error {
	condition, err := parseCondition(c)
	if err != nil {
		return err
	}
	when, ok := ParseInt(c.Args[2])
	if !ok {
		return ErrNotInteger
	}
	if seconds {
		if when > math.MaxInt64/1000 || when < math.MinInt64/1000 {
			return InvalidExpire(c.Spec.FullName)
		}
		when *= 1000
	}
	if when > math.MaxInt64-baseMs {
		return InvalidExpire(c.Spec.FullName)
	}
	when += baseMs
	key := c.Args[1]
	old, ok := c.DB.Deadline(key)
	if !ok || !condition.allows(old, when) {
		c.Reply.Int(0)
		return nil
	}
	c.Reply.Int(1)
	if c.passed(when) {
		c.DB.Remove(key, "del")
		c.Effect(c.Text("DEL"), key)
		return nil
	}
	c.DB.SetDeadline(key, max(when, 1), "expire")
	if seconds || baseMs != 0 {
		c.Effect(absoluteLine(c, when)...)
	}
	return nil
}

// absoluteLine is the line as PEXPIREAT, with its conditions: they hold again where it is replayed.
func absoluteLine(c *Call, whenMs int64) [][]byte {
	words := append([][]byte(nil), c.Args...)
	words[0], words[2] = c.Text("PEXPIREAT"), c.Int(whenMs)
	return words
}

// passed tells whether a deadline has passed already, so that setting it means deleting the key.
func (c *Call) passed(deadlineMs int64) bool { return !c.Replay && deadlineMs <= c.NowMs }

// expireCondition is what NX, XX, GT and LT ask of the deadline that the key has.
type expireCondition struct{ nx, xx, gt, lt bool }

func parseCondition(c *Call) (e expireCondition, err error) {
	cur := c.Cursor(3)
	for cur.More() {
		word := c.Args[cur.At()]
		switch string(cur.Upper()) {
		case "NX":
			e.nx = true
		case "XX":
			e.xx = true
		case "GT":
			e.gt = true
		case "LT":
			e.lt = true
		default:
			cur.Fail(UnsupportedOption(word))
		}
	}
	if e.nx && (e.xx || e.gt || e.lt) {
		cur.Fail(ErrExpireNXMixed)
	}
	if e.gt && e.lt {
		cur.Fail(ErrExpireGTLT)
	}
	return e, cur.Err()
}

// allows compares the old deadline, 0 when there is none, with the new one. No deadline counts as infinitely late.
func (e expireCondition) allows(old, when int64) bool {
	switch {
	case e.nx && old != 0:
		return false
	case e.xx && old == 0:
		return false
	case e.gt && (old == 0 || when <= old):
		return false
	case e.lt && old != 0 && when >= old:
		return false
	}
	return true
}

// inSeconds rounds to the nearest second.
func inSeconds(ms int64) int64 { return ms/1000 + (ms%1000+500)/1000 }

// replyDeadline answers -2 for a missing key, -1 for one without a deadline, or else the deadline as shown.
func replyDeadline(c *Call, show func(ms int64) int64) {
	ms, ok := c.DB.Deadline(c.Args[1])
	switch {
	case !ok:
		c.Reply.Int(-2)
	case ms == 0:
		c.Reply.Int(-1)
	default:
		c.Reply.Int(show(ms))
	}
}
