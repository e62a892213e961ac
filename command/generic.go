package command

import (
	"bytes"
	"math"

	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/keyspace"
)

func genericRows() []Spec {
	const kind = CategoryKeyspace
	perShard := []string{"request_policy:multi_shard", "response_policy:agg_sum"}
	everywhere := []string{"request_policy:all_shards", "response_policy:all_succeeded"}
	return []Spec{
		{Name: "copy", Arity: -3, Flags: Write | DenyOOM, Categories: kind,
			Keys:  []KeySpec{{Index: 1, Step: 1, Flags: KeyRO | KeyAccess}, {Index: 2, Step: 1, Flags: KeyOW | KeyUpdate}},
			Group: "generic", Since: "6.2.0", Summary: "Copy a key", Handler: copyKey},
		{Name: "dbsize", Arity: 1, Flags: ReadOnly | Fast, Categories: kind,
			Tips:  []string{"request_policy:all_shards", "response_policy:agg_sum"},
			Group: "server", Since: "1.0.0", Summary: "Return the number of keys in the selected database", Handler: dbSize},
		{Name: "del", Arity: -2, Flags: Write, Keys: All(1, 1, KeyRM|KeyDelete), Categories: kind, Tips: perShard,
			Group: "generic", Since: "1.0.0", Summary: "Delete a key", Handler: del},
		{Name: "exists", Arity: -2, Flags: ReadOnly | Fast | NoTouch, Keys: All(1, 1, KeyRO), Categories: kind, Tips: perShard,
			Group: "generic", Since: "1.0.0", Summary: "Determine if a key exists", Handler: exists},
		{Name: "flushall", Arity: -1, Flags: Write, Categories: kind | CategoryDangerous, Tips: everywhere,
			Group: "server", Since: "1.0.0", Summary: "Remove all keys from all databases", Handler: flushAll},
		{Name: "flushdb", Arity: -1, Flags: Write, Categories: kind | CategoryDangerous, Tips: everywhere,
			Group: "server", Since: "1.0.0", Summary: "Remove all keys from the current database", Handler: flushDB},
		{Name: "keys", Arity: 2, Flags: ReadOnly, Categories: kind | CategoryDangerous,
			Tips:  []string{"request_policy:all_shards", "nondeterministic_output_order"},
			Group: "generic", Since: "1.0.0", Summary: "Find all keys matching the given pattern", Handler: keys},
		{Name: "move", Arity: 3, Flags: Write | Fast, Keys: One(1, KeyRW|KeyAccess|KeyUpdate), Categories: kind,
			Group: "generic", Since: "1.0.0", Summary: "Move a key to another database", Handler: move},
		objectRow(),
		{Name: "randomkey", Arity: 1, Flags: ReadOnly, Categories: kind,
			Tips:  []string{"request_policy:all_shards", "nondeterministic_output"},
			Group: "generic", Since: "1.0.0", Summary: "Return a random key from the keyspace", Handler: randomKey},
		{Name: "rename", Arity: 3, Flags: Write, Categories: kind,
			Keys:  []KeySpec{{Index: 1, Step: 1, Flags: KeyRW | KeyAccess | KeyDelete}, {Index: 2, Step: 1, Flags: KeyOW | KeyUpdate}},
			Group: "generic", Since: "1.0.0", Summary: "Rename a key", Handler: rename},
		{Name: "renamenx", Arity: 3, Flags: Write | Fast, Categories: kind,
			Keys:  []KeySpec{{Index: 1, Step: 1, Flags: KeyRW | KeyAccess | KeyDelete}, {Index: 2, Step: 1, Flags: KeyOW | KeyInsert}},
			Group: "generic", Since: "1.0.0", Summary: "Rename a key, only if the new key does not exist", Handler: renameNX},
		{Name: "scan", Arity: -2, Flags: ReadOnly, Categories: kind,
			Tips:  []string{"nondeterministic_output", "request_policy:special"},
			Group: "generic", Since: "2.8.0", Summary: "Incrementally iterate the keys space", Handler: scan},
		{Name: "swapdb", Arity: 3, Flags: Write | Fast, Categories: kind | CategoryDangerous,
			Group: "server", Since: "4.0.0", Summary: "Swaps two Redis databases", Handler: swapDB},
		{Name: "touch", Arity: -2, Flags: ReadOnly | Fast, Keys: All(1, 1, KeyRO), Categories: kind, Tips: perShard,
			Group: "generic", Since: "3.2.1", Handler: touch,
			Summary: "Alters the last access time of a key(s). Returns the number of existing keys specified."},
		{Name: "type", Arity: 2, Flags: ReadOnly | Fast | NoTouch, Keys: One(1, KeyRO), Categories: kind,
			Group: "generic", Since: "1.0.0", Summary: "Determine the type stored at key", Handler: typeOf},
		{Name: "unlink", Arity: -2, Flags: Write | Fast, Keys: All(1, 1, KeyRM|KeyDelete), Categories: kind, Tips: perShard,
			Group: "generic", Since: "4.0.0", Handler: del,
			Summary: "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking."},
	}
}

func copyKey(c *Call) error {
	dst, replace := c.DB, false
	cur := c.Cursor(3)
	for cur.More() {
		word := string(cur.Upper())
		switch {
		case word == "REPLACE":
			replace = true
		case word == "DB" && cur.Left() > 0:
			db, err := c.databaseOf(cur.Bytes())
			if err != nil {
				return err
			}
			dst = db
		default:
			cur.Fail(ErrSyntax)
		}
	}
	if err := cur.Err(); err != nil {
		return err
	}
	from, to := c.Args[1], c.Args[2]
	if dst == c.DB && bytes.Equal(from, to) {
		return ErrSameObject
	}
	if c.DB.Kind(from) == keyspace.KindNone || dst.Kind(to) != keyspace.KindNone && !replace {
		c.Reply.Int(0)
		return nil
	}
	c.DB.CopyTo(dst, from, to)
	c.Reply.Int(1)
	return nil
}

func dbSize(c *Call) error {
	c.Reply.Int(int64(c.DB.Len()))
	return nil
}

func del(c *Call) error {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.DB.Remove(key, "del") {
			n++
		}
	}
	c.Reply.Int(n)
	return nil
}

func exists(c *Call) error {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.DB.Kind(key) != keyspace.KindNone {
			n++
		}
	}
	c.Reply.Int(n)
	return nil
}

func flushAll(c *Call) error {
	if err := parseFlush(c); err != nil {
		return err
	}
	c.KS.FlushAll()
	c.Reply.OK()
	return nil
}

func flushDB(c *Call) error {
	if err := parseFlush(c); err != nil {
		return err
	}
	c.DB.Flush()
	c.Reply.OK()
	return nil
}

func keys(c *Call) error {
	pattern := c.Args[1]
	var found [][]byte
	seen := func(key []byte, _ keyspace.Kind) {
		if matchAll(pattern) || notation.Match(pattern, key, false) {
			found = append(found, key)
		}
	}
	for cursor := c.DB.Scan(0, seen); cursor != 0; {
		cursor = c.DB.Scan(cursor, seen)
	}
	c.Reply.Array(len(found))
	for _, key := range found {
		c.Reply.Bulk(key)
	}
	return nil
}

func move(c *Call) error {
	dst, err := c.databaseOf(c.Args[2])
	if err != nil {
		return err
	}
	if dst == c.DB {
		return ErrSameObject
	}
	key := c.Args[1]
	if c.DB.Kind(key) == keyspace.KindNone || dst.Kind(key) != keyspace.KindNone {
		c.Reply.Int(0)
		return nil
	}
	c.DB.MoveTo(dst, key)
	c.Reply.Int(1)
	return nil
}

func randomKey(c *Call) error {
	key, ok := c.DB.RandomKey(c.Rand)
	replyString(c, key, ok)
	return nil
}

func rename(c *Call) error {
	from, to := c.Args[1], c.Args[2]
	if c.DB.Kind(from) == keyspace.KindNone {
		return ErrNoSuchKey
	}
	if !bytes.Equal(from, to) {
		c.DB.Rename(from, to)
	}
	c.Reply.OK()
	return nil
}

func renameNX(c *Call) error {
	from, to := c.Args[1], c.Args[2]
	if c.DB.Kind(from) == keyspace.KindNone {
		return ErrNoSuchKey
	}
	if c.DB.Kind(to) != keyspace.KindNone {
		c.Reply.Int(0)
		return nil
	}
	c.DB.Rename(from, to)
	c.Reply.Int(1)
	return nil
}

func scan(c *Call) error {
	cursor, err := ParseCursor(c.Args[1])
	if err != nil {
		return err
	}
	o, err := parseScanOptions(c, 2, true)
	if err != nil {
		return err
	}
	var found [][]byte
	visited := int64(0)
	visit := func(key []byte, kind keyspace.Kind) {
		visited++
		if o.matches(key) && (o.kind == "" || o.kind == kind.String()) {
			found = append(found, key)
		}
	}
	for round := int64(0); ; round++ {
		cursor = c.DB.Scan(cursor, visit)
		if cursor == 0 || visited >= o.count || round/10 >= o.count {
			break
		}
	}
	replyScan(c, cursor, found)
	return nil
}

func swapDB(c *Call) error {
	i, err := parseDatabase(c.Args[1], ErrFirstDBIndex, ErrFirstDBIndex)
	if err != nil {
		return err
	}
	j, err := parseDatabase(c.Args[2], ErrSecondDBIndex, ErrSecondDBIndex)
	if err != nil {
		return err
	}
	a, err := c.database(i)
	if err != nil {
		return err
	}
	b, err := c.database(j)
	if err != nil {
		return err
	}
	c.KS.SwapDB(a.Index(), b.Index())
	c.Reply.OK()
	return nil
}

// touch counts as a use even of a client that leaves no traces (CLIENT NO-TOUCH), as in Redis.
func touch(c *Call) error {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.DB.Touch(key) {
			n++
		}
	}
	c.Reply.Int(n)
	return nil
}

func typeOf(c *Call) error {
	c.Reply.Status(c.DB.Kind(c.Args[1]).String())
	return nil
}

// parseDatabase reads the number of a database, which C holds in an int.
func parseDatabase(word []byte, notInt, outOfRange Error) (int64, error) {
	n, ok := ParseInt(word)
	switch {
	case !ok:
		return 0, notInt
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, outOfRange
	}
	return n, nil
}

// database finds a database by its number.
func (c *Call) database(n int64) (*keyspace.DB, error) {
	if n < 0 || n >= int64(c.KS.Databases()) {
		return nil, ErrDBIndex
	}
	return c.KS.DB(int(n)), nil
}

// databaseOf is both: what COPY and MOVE say of their other database.
func (c *Call) databaseOf(word []byte) (*keyspace.DB, error) {
	n, err := parseDatabase(word, ErrNotInteger, ErrInt32Range)
	if err != nil {
		return nil, err
	}
	return c.database(n)
}

// parseFlush reads [ASYNC|SYNC]. Both mean the same here: what is dropped is never walked.
func parseFlush(c *Call) error {
	if len(c.Args) == 1 {
		return nil
	}
	cur := c.Cursor(1)
	switch string(cur.Upper()) {
	case "ASYNC", "SYNC":
		if !cur.More() {
			return nil
		}
	}
	return ErrSyntax
}
