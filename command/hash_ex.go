package command

import "github.com/tandemkv/tandem/keyspace"

// Commands that read or write fields and see to their deadlines at once, as in Redis 8. Their options may stand in any
// order. What they do to deadlines goes into the log as HPEXPIREAT, HPERSIST and HDEL.

func hashExRows() []Spec {
	const kind = CategoryHash
	return []Spec{
		{Name: "hgetdel", Arity: -5, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyDelete), Categories: kind,
			Group: "hash", Since: "8.0.0", Handler: hgetDel,
			Summary: "Returns the value of a field and deletes it from the hash"},
		{Name: "hgetex", Arity: -5, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "hash", Since: "8.0.0", Handler: hgetEx,
			Summary: "Get the value of one or more fields of a given hash key, and optionally set their expiration"},
		{Name: "hsetex", Arity: -6, Flags: Write | DenyOOM | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind,
			Group: "hash", Since: "8.0.0", Handler: hsetEx,
			Summary: "Set the value of one or more fields of a given hash key, and optionally set their expiration"},
	}
}

func hgetDel(c *Call) error {
	h, err := c.DB.EditHash(c.Args[1], "hdel")
	if err != nil {
		return err
	}
	fields, err := parseFields(c, 2, ErrFieldsPositive)
	if err != nil {
		return err
	}
	var deleted [][]byte
	c.Reply.Array(len(fields))
	for _, field := range fields {
		v, ok := h.Get(field)
		replyString(c, v, ok)
		if ok {
			h.Delete(field)
			deleted = append(deleted, field)
		}
	}
	c.fieldsEffect(deleted, c.Text("HDEL"), c.Args[1])
	return nil
}

func hgetEx(c *Call) error {
	h, err := c.DB.EditHash(c.Args[1], "hexpire")
	if err != nil {
		return err
	}
	o, err := parseFieldOptions(c, optPersist, 1)
	if err != nil {
		return err
	}
	var set, deleted, persisted [][]byte
	past, _ := c.DB.EditHash(c.Args[1], "hdel")
	persist, _ := c.DB.EditHash(c.Args[1], "hpersist")
	c.Reply.Array(len(o.words))
	for _, field := range o.words {
		v, ok := h.Get(field)
		replyString(c, v, ok)
		ms, _ := h.Deadline(field)
		switch {
		case !ok:
		case o.has(optPersist) && ms != 0:
			persist.SetDeadline(field, 0)
			persisted = append(persisted, field)
		case !o.has(optTimes):
		case c.passed(o.whenMs):
			past.Delete(field)
			deleted = append(deleted, field)
		default:
			h.SetDeadline(field, o.whenMs)
			set = append(set, field)
		}
	}
	c.deadlineEffect(o.whenMs, set)
	c.fieldsEffect(persisted, c.Text("HPERSIST"), c.Args[1], c.Text("FIELDS"), c.Int(int64(len(persisted))))
	c.fieldsEffect(deleted, c.Text("HDEL"), c.Args[1])
	return nil
}

func hsetEx(c *Call) error {
	o, err := parseFieldOptions(c, optNX|optXX|optKeepTTL, 2)
	if err != nil {
		return err
	}
	h, err := c.DB.EditHash(c.Args[1], "hset")
	if err != nil {
		return err
	}
	for i := 0; i < len(o.words); i += 2 {
		if _, ok := h.Get(o.words[i]); o.has(optNX) && ok || o.has(optXX) && !ok {
			c.Reply.Int(0)
			return nil
		}
	}
	c.Reply.Int(1)
	timed, _ := c.DB.EditHash(c.Args[1], "hexpire")
	past, _ := c.DB.EditHash(c.Args[1], "hdel")
	var fields [][]byte
	gone := o.has(optTimes) && c.passed(o.whenMs)
	if !gone {
		c.fieldsEffect(o.words, c.Text("HSET"), c.Args[1])
	}
	for i := 0; i < len(o.words); i += 2 {
		field, value := o.words[i], o.words[i+1]
		fields = append(fields, field)
		keptMs, _ := h.Deadline(field)
		switch {
		case o.has(optKeepTTL):
			h.Put(field, value, keyspace.KeepDeadline)
			if keptMs != 0 {
				c.deadlineEffect(keptMs, [][]byte{field})
			}
		case gone:
			h.Set(field, value)
			past.Delete(field)
		default:
			h.Set(field, value)
			if o.has(optTimes) {
				timed.SetDeadline(field, o.whenMs)
			}
		}
	}
	switch {
	case gone:
		c.fieldsEffect(fields, c.Text("HDEL"), c.Args[1])
	case o.has(optTimes):
		c.deadlineEffect(o.whenMs, fields)
	}
	return nil
}

// fieldOptions is what HGETEX and HSETEX say.
type fieldOptions struct {
	setOptionValues
	whenMs int64    // the deadline, with optTimes
	words  [][]byte // behind FIELDS numfields
}

// parseFieldOptions reads the options and FIELDS numfields with so many words for each field. EX, PX, EXAT and PXAT are
// always allowed.
func parseFieldOptions(c *Call, allowed setOption, wordsEach int) (o fieldOptions, err error) {
	oneTime := ErrOneOfTimesPersist
	if allowed&optKeepTTL != 0 {
		oneTime = ErrOneOfTimesKeep
	}
	cur := c.Cursor(2)
	for cur.More() {
		word := c.Args[cur.At()]
		name := string(cur.Upper())
		if name == "FIELDS" {
			o.words = parseFieldWords(&cur, o.words != nil, wordsEach)
			continue
		}
		opt, rivals := fieldOptionWord(name)
		switch {
		case opt&(allowed|optTimes) == 0:
			cur.Fail(UnknownArgument(word))
		case o.has(opt|rivals) && opt&(optNX|optXX) != 0:
			cur.Fail(ErrOneOfFXXFNX)
		case o.has(opt | rivals):
			cur.Fail(oneTime)
		}
		o.given |= opt
		if opt&optTimes != 0 {
			o.whenMs = o.fieldDeadline(c, &cur)
		}
	}
	if o.words == nil {
		cur.Fail(ErrNoFieldsArgument)
	}
	return o, cur.Err()
}

// fieldOptionWord is setOptionWord with the conditions on fields.
func fieldOptionWord(name string) (opt, rivals setOption) {
	switch name {
	case "FNX":
		return optNX, optXX
	case "FXX":
		return optXX, optNX
	case "NX", "XX":
		return 0, 0
	}
	return setOptionWord(name)
}

// parseFieldWords reads numfields and the fields' words. twice: they were there already.
func parseFieldWords(cur *Cursor, twice bool, wordsEach int) [][]byte {
	if twice {
		cur.Fail(ErrFieldsTwice)
		return nil
	}
	n, ok := ParseInt(cur.Bytes())
	if !ok || n <= 0 {
		cur.Fail(ErrNumberOfFields)
		return nil
	}
	if n > int64(cur.Left()/wordsEach) {
		cur.Fail(ErrArguments)
		return nil
	}
	words := make([][]byte, 0, n*int64(wordsEach))
	for len(words) < cap(words) {
		words = append(words, cur.Bytes())
	}
	return words
}

// fieldDeadline reads the argument of the time option that was read last.
func (o *fieldOptions) fieldDeadline(c *Call, cur *Cursor) int64 {
	if !cur.More() {
		cur.Fail(ErrNoExpireTime)
		return 0
	}
	baseMs, unitMs := int64(0), int64(1)
	if o.has(optEX | optPX) {
		baseMs = c.NowMs
	}
	if o.has(optEX | optEXAT) {
		unitMs = 1000
	}
	whenMs, err := parseFieldDeadline(c, cur.Bytes(), baseMs, unitMs)
	if refusal, bad := err.(Error); bad {
		cur.Fail(refusal)
	}
	return max(whenMs, 1)
}
