package command

import "github.com/tandemkv/tandem/keyspace"

func streamGroupRows() []Spec {
	const kind = CategoryStream
	return []Spec{
		{Name: "xgroup", Arity: -2, Group: "stream", Since: "5.0.0", Summary: "A container for consumer groups commands",
			Subs: []Spec{
				{Name: "create", Arity: -5, Flags: Write | DenyOOM, Keys: One(2, KeyRW|KeyInsert), Categories: kind, Group: "stream", Since: "5.0.0",
					Summary: "Create a consumer group.", Handler: xgroupCreate},
				{Name: "createconsumer", Arity: 5, Flags: Write | DenyOOM, Keys: One(2, KeyRW|KeyInsert), Categories: kind, Group: "stream", Since: "6.2.0",
					Summary: "Create a consumer in a consumer group.", Handler: xgroupCreateConsumer},
				{Name: "delconsumer", Arity: 5, Flags: Write, Keys: One(2, KeyRW|KeyDelete), Categories: kind, Group: "stream", Since: "5.0.0",
					Summary: "Delete a consumer from a consumer group.", Handler: xgroupDelConsumer},
				{Name: "destroy", Arity: 4, Flags: Write, Keys: One(2, KeyRW|KeyDelete), Categories: kind, Group: "stream", Since: "5.0.0",
					Summary: "Destroy a consumer group.", Handler: xgroupDestroy},
				{Name: "help", Arity: 2, Flags: Loading | Stale, Categories: kind, Group: "stream", Since: "5.0.0",
					Summary: "Show helpful text about the different subcommands", Handler: xgroupHelp},
				{Name: "setid", Arity: -5, Flags: Write, Keys: One(2, KeyRW|KeyUpdate), Categories: kind, Group: "stream", Since: "5.0.0",
					Summary: "Set a consumer group to an arbitrary last delivered ID value.", Handler: xgroupSetID},
			}},
		{Name: "xack", Arity: -4, Flags: Write | Fast, Keys: One(1, KeyRW|KeyUpdate), Categories: kind, Group: "stream", Since: "5.0.0",
			Summary: "Marks a pending message as correctly processed, effectively removing it from the pending entries list of the consumer group. Return value of the command is the number of messages successfully acknowledged, that is, the IDs we were actually able to resolve in the PEL.",
			Handler: xack},
	}
}

// groupPlace is where a group is put, by XGROUP CREATE and SETID.
type groupPlace struct {
	makeStream bool
	read       int64
}

func parseGroupPlace(c *Call, mayMake bool) (o groupPlace, err error) {
	o.read = keyspace.EntriesReadUnknown
	cur := c.Cursor(5)
	for cur.More() {
		word := string(cur.Upper())
		switch {
		case mayMake && word == "MKSTREAM":
			o.makeStream = true
		case word == "ENTRIESREAD" && cur.Left() > 0:
			if o.read = cur.Int(""); o.read < 0 && o.read != keyspace.EntriesReadUnknown {
				cur.Fail(ErrEntriesReadNegative)
			}
		default:
			return o, SubSyntax("xgroup", c.Args[1])
		}
	}
	return o, cur.Err()
}

// openStreamOfGroup opens the stream at argument 2, which must exist unless it may be made.
func openStreamOfGroup(c *Call, mayMake bool, event string) (*keyspace.StreamEdit, error) {
	s, err := c.DB.EditStream(c.Args[2], event)
	if err == nil && !mayMake && !s.Exists() {
		err = ErrGroupNeedsKey
	}
	return s, err
}

// openXGroup opens the group at argument 3 of the stream at argument 2; both must exist.
func openXGroup(c *Call, event string) (g keyspace.GroupEdit, err error) {
	s, err := openStreamOfGroup(c, false, event)
	if err != nil {
		return g, err
	}
	g, found := s.EditGroup(c.Args[3])
	if !found {
		return g, NoGroupOf(c.Args[2], c.Args[3])
	}
	return g, nil
}

func xgroupCreate(c *Call) error {
	o, err := parseGroupPlace(c, true)
	if err != nil {
		return err
	}
	s, err := openStreamOfGroup(c, o.makeStream, "xgroup-create")
	if err != nil {
		return err
	}
	if len(c.Args) > 8 {
		return SubSyntax("xgroup", c.Args[1])
	}
	id := s.State().Newest
	if string(c.Args[4]) != "$" {
		if id, err = parseStreamID(c.Args[4], 0); err != nil {
			return err
		}
	}
	if !s.CreateGroup(c.Args[3], id, o.read) {
		return ErrBusyGroup
	}
	c.Reply.OK()
	return nil
}

func xgroupCreateConsumer(c *Call) error {
	g, err := openXGroup(c, "xgroup-createconsumer")
	if err != nil {
		return err
	}
	if _, found := g.Consumer(c.Args[4]); found {
		c.Reply.Int(0)
		return nil
	}
	g.CreateConsumer(c.Args[4], c.NowMs)
	c.Reply.Int(1)
	return nil
}

func xgroupDelConsumer(c *Call) error {
	g, err := openXGroup(c, "xgroup-delconsumer")
	if err != nil {
		return err
	}
	pending, _ := g.RemoveConsumer(c.Args[4])
	c.Reply.Int(int64(pending))
	return nil
}

func xgroupDestroy(c *Call) error {
	s, err := openStreamOfGroup(c, false, "xgroup-destroy")
	if err != nil {
		return err
	}
	gone := int64(0)
	if s.DestroyGroup(c.Args[3]) {
		gone = 1
	}
	c.Reply.Int(gone)
	return nil
}

func xgroupHelp(c *Call) error {
	replyLines(c, []string{
		"XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"CREATE <key> <groupname> <id|$> [option]",
		"    Create a new consumer group. Options are:",
		"    * MKSTREAM",
		"      Create the empty stream if it does not exist.",
		"    * ENTRIESREAD entries_read",
		"      Set the group's entries_read counter (internal use).",
		"CREATECONSUMER <key> <groupname> <consumer>",
		"    Create a new consumer in the specified group.",
		"DELCONSUMER <key> <groupname> <consumer>",
		"    Remove the specified consumer.",
		"DESTROY <key> <groupname>",
		"    Remove the specified group.",
		"SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
		"    Set the current group ID and entries_read counter.",
		"HELP",
		"    Prints this help.",
	})
	return nil
}

// replyLines answers a help text.
func replyLines(c *Call, lines []string) {
	c.Reply.Array(len(lines))
	for _, line := range lines {
		c.Reply.Status(line)
	}
}

func xgroupSetID(c *Call) error {
	o, err := parseGroupPlace(c, false)
	if err != nil {
		return err
	}
	g, err := openXGroup(c, "xgroup-setid")
	if err != nil {
		return err
	}
	if n := len(c.Args); n != 5 && n != 7 {
		return SubSyntax("xgroup", c.Args[1])
	}
	s, err := c.DB.Stream(c.Args[2])
	if err != nil {
		return err
	}
	id := s.State().Newest
	if word := string(c.Args[4]); word == "-" || word == "+" {
		id, err = parseRangeEnd(c.Args[4], 0, false)
	} else if word != "$" {
		id, err = parseStreamID(c.Args[4], 0)
	}
	if err != nil {
		return err
	}
	g.Set(id, o.read)
	c.Reply.OK()
	return nil
}

func xack(c *Call) error {
	s, err := c.DB.EditStream(c.Args[1], "")
	if err != nil {
		return err
	}
	g, found := s.EditGroup(c.Args[2])
	if !found {
		c.Reply.Int(0)
		return nil
	}
	ids, err := parseStreamIDs(c.Args[3:])
	if err != nil {
		return err
	}
	acknowledged := int64(0)
	for _, id := range ids {
		if g.Acknowledge(id) {
			acknowledged++
		}
	}
	c.Reply.Int(acknowledged)
	return nil
}
