package server

import (
	"errors"
	"fmt"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/config"
)

func configRows() []row {
	admin := command.Admin | command.NoScript | command.Loading | command.Stale
	sub := func(name string, arity int, flags command.Flag, summary string) command.Spec {
		return command.Spec{Name: name, Arity: arity, Flags: flags, Group: "server", Since: "2.0.0", Summary: summary}
	}
	set := sub("set", -4, admin, "Sets configuration parameters in-flight.")
	set.Tips = []string{"request_policy:all_nodes", "response_policy:all_succeeded"}
	return []row{
		{command.Spec{Name: "config", Arity: -2, Group: "server", Since: "2.0.0", Summary: "A container for server configuration commands.", Subs: []command.Spec{
			sub("get", -3, admin, "Returns the effective values of configuration parameters."),
			sub("help", 2, command.Loading|command.Stale, "Returns helpful text about the different subcommands."),
			sub("resetstat", 2, admin, "Resets the server's statistics."),
			sub("rewrite", 2, admin, "Persists the effective configuration to file."),
			set,
		}}, configCommand},
	}
}

const errNoDirectives command.Error = "ERR this node was started without directives"

func configCommand(x *executor, s *session, args [][]byte) error {
	if x.directives == nil {
		return errNoDirectives
	}
	switch s.spec.Name {
	case "get":
		return configGet(x, s, args)
	case "set":
		return configSet(x, s, args)
	case "resetstat":
		x.resetStats()
		s.w.OK()
	case "rewrite":
		return configRewrite(x, s, false)
	case "help":
		writeHelp(&s.w, "CONFIG", "GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.",
			"SET <directive> <value>", "    Set the configuration <directive> to <value>.",
			"RESETSTAT", "    Reset statistics reported by the INFO command.",
			"REWRITE", "    Rewrite the configuration file.")
	default:
		return command.UnknownSub("config", args[1])
	}
	return nil
}

func configGet(x *executor, s *session, args [][]byte) error {
	patterns := make([]string, 0, len(args)-2)
	for _, a := range args[2:] {
		patterns = append(patterns, string(a))
	}
	pairs := x.directives.Get(patterns...)
	s.w.Map(len(pairs))
	for _, p := range pairs {
		s.w.BulkString(p.Name)
		s.w.BulkString(p.Value)
	}
	return nil
}

func configSet(x *executor, s *session, args [][]byte) error {
	if len(args)%2 != 0 {
		return command.WrongArity("config|set")
	}
	pairs := make([]config.Pair, 0, len(args)/2-1)
	for i := 2; i < len(args); i += 2 {
		pairs = append(pairs, config.Pair{Name: string(args[i]), Value: string(args[i+1])})
	}
	defer x.lookAround()
	if err := x.directives.Change(pairs, x.allowed(x.opts.ProtectedConfig, s)); err != nil {
		var refused *config.ChangeError
		if errors.As(err, &refused) {
			return refused
		}
		return command.Error("ERR " + err.Error())
	}
	s.w.OK()
	return nil
}

// configRewrite brings the file up to the present values; all: with a line for each directive, defaults too.
func configRewrite(x *executor, s *session, all bool) error {
	err := x.directives.Rewrite(all)
	switch {
	case errors.Is(err, config.ErrNoFile):
		return command.Error("ERR The server is running without a config file")
	case err != nil:
		x.log.Warn("CONFIG REWRITE failed", "error", err)
		return command.Error(fmt.Sprintf("ERR Rewriting config file: %s", err))
	}
	x.log.Info("CONFIG REWRITE executed with success.")
	s.w.OK()
	return nil
}

// allowed reads a directive of the kind "no | local | yes".
func (x *executor) allowed(word string, s *session) bool {
	return word == "yes" || word == "local" && (s.port.unix || isLoopback(s.remote))
}
