package server

import (
	"strconv"
	"time"

	"github.com/tandemkv/tandem/command"
)

func introspectRows() []row {
	admin := command.Admin | command.NoScript | command.Loading | command.Stale
	open := command.Loading | command.Stale
	sub := func(name string, arity int, since, summary string) command.Spec {
		return command.Spec{Name: name, Arity: arity, Flags: open, Categories: command.CategoryConnection, Group: "server", Since: since, Summary: summary}
	}
	shuffled := sub("info", -2, "2.8.13", "Returns information about one, multiple or all commands.")
	shuffled.Tips = []string{"nondeterministic_output_order"}
	list := sub("list", -2, "7.0.0", "Returns a list of command names.")
	list.Tips = shuffled.Tips
	docs := sub("docs", -2, "7.0.0", "Returns documentary information about one, multiple or all commands.")
	docs.Tips = shuffled.Tips
	return []row{
		{command.Spec{Name: "command", Arity: -1, Flags: open, Categories: command.CategoryConnection, Tips: shuffled.Tips, Group: "server", Since: "2.8.13",
			Summary: "Returns detailed information about all commands.", Subs: []command.Spec{
				sub("count", 2, "2.8.13", "Returns a count of commands."), docs,
				sub("getkeys", -3, "2.8.13", "Extracts the key names from an arbitrary command."),
				sub("getkeysandflags", -3, "7.0.0", "Extracts the key names and access flags for an arbitrary command."),
				sub("help", 2, "5.0.0", "Returns helpful text about the different subcommands."),
				shuffled, list,
			}}, commandCommand},
		{command.Spec{Name: "info", Arity: -1, Flags: open, Categories: command.CategoryDangerous,
			Tips:  []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Group: "server", Since: "1.0.0", Summary: "Returns information and statistics about the server."}, info},
		{command.Spec{Name: "time", Arity: 1, Flags: open | command.Fast, Tips: []string{"nondeterministic_output"}, Group: "server", Since: "2.6.0",
			Summary: "Returns the server time."}, timeCommand},
		{command.Spec{Name: "lolwut", Arity: -1, Flags: command.ReadOnly | command.Fast, Group: "server", Since: "5.0.0",
			Summary: "Displays computer art and the Redis version"}, lolwut},
		{command.Spec{Name: "debug", Arity: -2, Flags: admin, Group: "server", Since: "1.0.0", Summary: "A container for debugging commands."}, debug},
	}
}

func timeCommand(x *executor, s *session, args [][]byte) error {
	now := time.Now()
	s.w.Array(2)
	s.w.BulkString(strconv.FormatInt(now.Unix(), 10))
	s.w.BulkString(strconv.Itoa(now.Nanosecond() / 1000))
	return nil
}

func lolwut(x *executor, s *session, args [][]byte) error {
	s.w.Verbatim("txt", "Tandem "+Version+" (Redis ver. "+RedisVersion+")\n")
	return nil
}

func commandCommand(x *executor, s *session, args [][]byte) error {
	switch s.spec.Name {
	case "command":
		x.table.AppendInfo(&s.w, nil)
	case "count":
		x.table.AppendCount(&s.w)
	case "info":
		x.table.AppendInfo(&s.w, args[2:])
	case "docs":
		x.table.AppendDocs(&s.w, args[2:])
	case "list":
		return x.table.AppendList(&s.w, args[2:])
	case "getkeys":
		return x.table.AppendKeys(&s.w, args[2:], false)
	case "getkeysandflags":
		return x.table.AppendKeys(&s.w, args[2:], true)
	case "help":
		writeHelp(&s.w, "COMMAND", "(no subcommand)", "    Return details about all Redis commands.",
			"COUNT", "    Return the total number of commands in this Redis server.",
			"LIST", "    Return a list of all commands in this Redis server.",
			"INFO [<command-name> ...]", "    Return details about multiple Redis commands.", "    If no command names are given, documentation details for all", "    commands are returned.",
			"DOCS [<command-name> ...]", "    Return documentation details about multiple Redis commands.", "    If no command names are given, documentation details for all", "    commands are returned.",
			"GETKEYS <full-command>", "    Return the keys from a full Redis command.",
			"GETKEYSANDFLAGS <full-command>", "    Return the keys and the access flags from a full Redis command.")
	}
	return nil
}
