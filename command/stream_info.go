package command

import "github.com/tandemkv/tandem/keyspace"

func streamInfoRows() []Spec {
	const kind = CategoryStream
	keys := func() []KeySpec { return One(2, KeyRO|KeyAccess) }
	return []Spec{{Name: "xinfo", Arity: -2, Group: "stream", Since: "5.0.0", Summary: "A container for stream introspection commands",
		Subs: []Spec{
			{Name: "consumers", Arity: 4, Flags: ReadOnly, Keys: keys(), Categories: kind, Tips: []string{"nondeterministic_output"},
				Group: "stream", Since: "5.0.0", Summary: "List the consumers in a consumer group", Handler: xinfoConsumers},
			{Name: "groups", Arity: 3, Flags: ReadOnly, Keys: keys(), Categories: kind,
				Group: "stream", Since: "5.0.0", Summary: "List the consumer groups of a stream", Handler: xinfoGroups},
			{Name: "help", Arity: 2, Flags: Loading | Stale, Categories: kind,
				Group: "stream", Since: "5.0.0", Summary: "Show helpful text about the different subcommands", Handler: xinfoHelp},
			{Name: "stream", Arity: -3, Flags: ReadOnly, Keys: keys(), Categories: kind,
				Group: "stream", Since: "5.0.0", Summary: "Get information about a stream", Handler: xinfoStream},
		}}}
}

// infoStream reads the stream at argument 2, which must exist.
func infoStream(c *Call) (keyspace.Stream, error) {
	s, err := c.DB.Stream(c.Args[2])
	if err == nil && !s.Exists() {
		err = ErrNoSuchKey
	}
	return s, err
}

func xinfoConsumers(c *Call) error {
	s, err := infoStream(c)
	if err != nil {
		return err
	}
	g, found := s.Group(c.Args[3])
	if !found {
		return NoGroupOf(c.Args[2], c.Args[3])
	}
	c.Reply.Array(g.Consumers())
	g.EachConsumer(func(one keyspace.StreamConsumer) {
		inactive := keyspace.NeverActive
		if one.ActiveMs() != keyspace.NeverActive {
			inactive = c.NowMs - one.ActiveMs()
		}
		c.Reply.Map(4)
		c.bulkField("name", one.Name())
		c.intField("pending", int64(one.Pending()))
		c.intField("idle", max(c.NowMs-one.SeenMs(), 0))
		c.intField("inactive", inactive)
	})
	return nil
}

func xinfoGroups(c *Call) error {
	s, err := infoStream(c)
	if err != nil {
		return err
	}
	c.Reply.Array(s.State().Groups)
	s.EachGroup(func(g keyspace.StreamGroup) {
		c.Reply.Map(6)
		c.bulkField("name", g.Name())
		c.intField("consumers", int64(g.Consumers()))
		c.intField("pending", int64(g.Pending()))
		c.idField("last-delivered-id", g.Delivered())
		c.replyProgress(g)
	})
	return nil
}

// replyProgress writes how far a group has come: a null where nobody knows.
func (c *Call) replyProgress(g keyspace.StreamGroup) {
	if read := g.EntriesRead(); read != keyspace.EntriesReadUnknown {
		c.intField("entries-read", read)
	} else {
		c.Reply.BulkString("entries-read")
		c.Reply.Null()
	}
	c.Reply.BulkString("lag")
	if lag, known := g.Lag(); known {
		c.Reply.Int(lag)
	} else {
		c.Reply.Null()
	}
}

func (c *Call) bulkField(name string, v []byte) {
	c.Reply.BulkString(name)
	c.Reply.Bulk(v)
}

func (c *Call) intField(name string, n int64) {
	c.Reply.BulkString(name)
	c.Reply.Int(n)
}

func (c *Call) idField(name string, id keyspace.StreamID) {
	c.Reply.BulkString(name)
	c.replyStreamID(id)
}

func xinfoHelp(c *Call) error {
	replyLines(c, []string{
		"XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"CONSUMERS <key> <groupname>",
		"    Show consumers of <groupname>.",
		"GROUPS <key>",
		"    Show the stream consumer groups.",
		"STREAM <key> [FULL [COUNT <count>]",
		"    Show information about the stream.",
		"HELP",
		"    Prints this help.",
	})
	return nil
}

// xinfoFullCount is how many entries and pending entries XINFO STREAM FULL shows by itself.
const xinfoFullCount = 10

func xinfoStream(c *Call) error {
	s, err := infoStream(c)
	if err != nil {
		return err
	}
	full, count := len(c.Args) > 3, int64(xinfoFullCount)
	if full {
		n := len(c.Args)
		if n != 4 && n != 6 || !isWord(c.Args[3], "full") || n == 6 && !isWord(c.Args[4], "count") {
			return SubSyntax("xinfo", c.Args[1])
		}
		if n == 6 {
			cur := c.Cursor(5)
			if count = cur.Int(""); cur.Err() != nil {
				return cur.Err()
			}
			if count < 0 {
				count = xinfoFullCount
			}
		}
	}
	state := s.State()
	if full {
		c.Reply.Map(9)
	} else {
		c.Reply.Map(10)
	}
	c.intField("length", int64(s.Len()))
	// Where Redis has a radix tree with a node of entries at each key, there is a tree of blocks here.
	c.intField("radix-tree-keys", int64(state.Blocks))
	c.intField("radix-tree-nodes", int64(state.Blocks)+1)
	c.idField("last-generated-id", state.Newest)
	c.idField("max-deleted-entry-id", state.MaxDeleted)
	c.intField("entries-added", int64(state.Added))
	c.idField("recorded-first-entry-id", state.First)
	if full {
		c.replyFullStream(s, count)
		return nil
	}
	c.intField("groups", int64(state.Groups))
	c.Reply.BulkString("first-entry")
	c.replyEntryOrNull(s, state.First)
	c.Reply.BulkString("last-entry")
	c.replyEntryOrNull(s, state.Last)
	return nil
}

func (c *Call) replyEntryOrNull(s keyspace.Stream, id keyspace.StreamID) {
	var e keyspace.StreamEntry
	if !s.Entry(id, &e) {
		c.Reply.Null()
		return
	}
	c.replyStreamEntry(&e)
}

// replyFullStream writes up to count entries, and of each group up to count of what is pending (0: all).
func (c *Call) replyFullStream(s keyspace.Stream, count int64) {
	c.Reply.BulkString("entries")
	c.replyStreamRange(s, keyspace.StreamID{}, keyspace.MaxStreamID(), false, count)
	c.Reply.BulkString("groups")
	c.Reply.Array(s.State().Groups)
	s.EachGroup(func(g keyspace.StreamGroup) {
		c.Reply.Map(7)
		c.bulkField("name", g.Name())
		c.idField("last-delivered-id", g.Delivered())
		c.replyProgress(g)
		c.intField("pel-count", int64(g.Pending()))
		c.Reply.BulkString("pending")
		c.replyFullPending(count, true, func(visit func(p keyspace.PendingEntry) bool) { g.EachPending(keyspace.StreamID{}, visit) })
		c.Reply.BulkString("consumers")
		c.Reply.Array(g.Consumers())
		g.EachConsumer(func(one keyspace.StreamConsumer) {
			c.Reply.Map(5)
			c.bulkField("name", one.Name())
			c.intField("seen-time", one.SeenMs())
			c.intField("active-time", one.ActiveMs())
			c.intField("pel-count", int64(one.Pending()))
			c.Reply.BulkString("pending")
			c.replyFullPending(count, false, func(visit func(p keyspace.PendingEntry) bool) { one.EachPending(keyspace.StreamID{}, visit) })
		})
	})
}

func (c *Call) replyFullPending(count int64, named bool, each func(visit func(p keyspace.PendingEntry) bool)) {
	mark, n := len(c.Reply.Buf), int64(0)
	each(func(p keyspace.PendingEntry) bool {
		if named {
			c.Reply.Array(4)
		} else {
			c.Reply.Array(3)
		}
		c.replyStreamID(p.ID)
		if named {
			c.Reply.Bulk(p.Consumer)
		}
		c.Reply.Int(p.DeliveredMs)
		c.Reply.Int(int64(p.Times))
		n++
		return n != count
	})
	c.Reply.ArrayFrom(mark, int(n))
}
