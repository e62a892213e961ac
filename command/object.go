package command

import (
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

// sharedIntegers: Redis keeps one object for each integer below this, and says so by a reference count without end.
const sharedIntegers = 10000

func objectRow() Spec {
	const kind = CategoryKeyspace
	volatile := []string{"nondeterministic_output"}
	return Spec{Name: "object", Arity: -2, Group: "generic", Since: "2.2.3",
		Summary: "A container for object introspection commands",
		Subs: []Spec{
			{Name: "encoding", Arity: 3, Flags: ReadOnly | NoTouch, Keys: One(2, KeyRO), Categories: kind, Tips: volatile,
				Group: "generic", Since: "2.2.3", Summary: "Inspect the internal encoding of a Redis object", Handler: objectEncoding},
			{Name: "freq", Arity: 3, Flags: ReadOnly | NoTouch, Keys: One(2, KeyRO), Categories: kind, Tips: volatile, Group: "generic",
				Since: "4.0.0", Summary: "Get the logarithmic access frequency counter of a Redis object", Handler: objectFreq},
			{Name: "help", Arity: 2, Flags: Loading | Stale, Categories: kind,
				Group: "generic", Since: "6.2.0", Summary: "Show helpful text about the different subcommands", Handler: objectHelp},
			{Name: "idletime", Arity: 3, Flags: ReadOnly | NoTouch, Keys: One(2, KeyRO), Categories: kind, Tips: volatile, Group: "generic",
				Since: "2.2.3", Summary: "Get the time since a Redis object was last accessed", Handler: objectIdleTime},
			{Name: "refcount", Arity: 3, Flags: ReadOnly | NoTouch, Keys: One(2, KeyRO), Categories: kind, Tips: volatile, Group: "generic",
				Since: "2.2.3", Summary: "Get the number of references to the value of the key", Handler: objectRefcount},
		}}
}

func objectEncoding(c *Call) error {
	if c.DB.Kind(c.Args[2]) == keyspace.KindNone {
		c.Reply.Null()
		return nil
	}
	c.Reply.BulkString(c.DB.Encoding(c.Args[2]))
	return nil
}

func objectFreq(c *Call) error {
	count, ok := c.DB.Frequency(c.Args[2])
	switch {
	case !ok:
		c.Reply.Null()
	case !c.KS.Tracking().Frequency:
		return ErrNotLFU
	default:
		c.Reply.Int(int64(count))
	}
	return nil
}

func objectHelp(c *Call) error {
	lines := []string{
		"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"ENCODING <key>",
		"    Return the kind of internal representation used in order to store the value",
		"    associated with a <key>.",
		"FREQ <key>",
		"    Return the access frequency index of the <key>. The returned integer is",
		"    proportional to the logarithm of the recent access frequency of the key.",
		"IDLETIME <key>",
		"    Return the idle time of the <key>, that is the approximated number of",
		"    seconds elapsed since the last access to the key.",
		"REFCOUNT <key>",
		"    Return the number of references of the value associated with the specified",
		"    <key>.",
		"HELP",
		"    Prints this help.",
	}
	c.Reply.Array(len(lines))
	for _, line := range lines {
		c.Reply.Status(line)
	}
	return nil
}

func objectIdleTime(c *Call) error {
	seconds, ok := c.DB.IdleSeconds(c.Args[2])
	switch {
	case !ok:
		c.Reply.Null()
	case c.KS.Tracking().Frequency:
		return ErrLFU
	default:
		c.Reply.Int(seconds)
	}
	return nil
}

func objectRefcount(c *Call) error {
	key := c.Args[2]
	if c.DB.Kind(key) == keyspace.KindNone {
		c.Reply.Null()
		return nil
	}
	count := int64(1)
	if c.DB.Encoding(key) == "int" {
		v, _, err := c.DB.String(key)
		if err != nil {
			return err
		}
		if n, ok := ParseInt(v); ok && n >= 0 && n < sharedIntegers {
			count = math.MaxInt32
		}
	}
	c.Reply.Int(count)
	return nil
}
