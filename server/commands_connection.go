package server

import (
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/tandemkv/tandem/command"
)

const connectionFlags = command.NoScript | command.Loading | command.Stale | command.Fast

func connectionRows() []row {
	c := command.CategoryConnection
	sub := func(name string, arity int, flags command.Flag, summary string) command.Spec {
		return command.Spec{Name: name, Arity: arity, Flags: flags, Categories: c, Group: "connection", Since: "2.4.0", Summary: summary}
	}
	tipped := func(spec command.Spec, tips ...string) command.Spec { spec.Tips = tips; return spec }
	slow := command.NoScript | command.Loading | command.Stale
	return []row{
		{command.Spec{Name: "ping", Arity: -1, Flags: command.Fast | flagSubscriber, Categories: c, Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Group: "connection", Since: "1.0.0", Summary: "Returns the server's liveliness response."}, ping},
		{command.Spec{Name: "echo", Arity: 2, Flags: command.Loading | command.Stale | command.Fast, Categories: c, Group: "connection", Since: "1.0.0", Summary: "Returns the given string."}, echo},
		{command.Spec{Name: "select", Arity: 2, Flags: command.Loading | command.Stale | command.Fast, Categories: c, Group: "connection", Since: "1.0.0", Summary: "Changes the selected database."}, selectDB},
		{command.Spec{Name: "hello", Arity: -1, Flags: connectionFlags | command.NoAuth | command.AllowBusy, Categories: c, Group: "connection", Since: "6.0.0", Summary: "Handshakes with the Redis server."}, hello},
		{command.Spec{Name: "auth", Arity: -2, Flags: connectionFlags | command.NoAuth | command.AllowBusy, Categories: c, Group: "connection", Since: "1.0.0", Summary: "Authenticates the connection."}, auth},
		{command.Spec{Name: "quit", Arity: -1, Flags: connectionFlags | command.NoAuth | command.AllowBusy | flagSubscriber | flagTransaction, Categories: c, Group: "connection", Since: "1.0.0", Summary: "Closes the connection."}, quit},
		{command.Spec{Name: "reset", Arity: 1, Flags: connectionFlags | command.NoAuth | command.AllowBusy | flagSubscriber | flagTransaction, Categories: c, Group: "connection", Since: "6.2.0", Summary: "Resets the connection."}, reset},
		{command.Spec{Name: "client", Arity: -2, Group: "connection", Since: "2.4.0", Summary: "A container for client connection commands.", Subs: []command.Spec{
			sub("getname", 2, slow, "Returns the name of the connection."),
			sub("help", 2, command.Loading|command.Stale, "Returns helpful text about the different subcommands."),
			sub("id", 2, slow, "Returns the unique client ID of the connection."),
			tipped(sub("info", 2, slow, "Returns information about the connection."), "nondeterministic_output"),
			sub("kill", -3, slow|command.Admin, "Terminates open connections."),
			tipped(sub("list", -2, slow|command.Admin, "Lists open connections."), "nondeterministic_output"),
			sub("no-evict", 3, slow|command.Admin, "Sets the client eviction mode of the connection."),
			sub("no-touch", 3, slow, "Controls whether commands sent by the client affect the LRU/LFU of accessed keys."),
			sub("pause", -3, slow|command.Admin, "Suspends commands processing."),
			sub("reply", 3, slow, "Instructs the server whether to reply to commands."),
			sub("setinfo", 4, slow, "Sets information specific to the client or connection."),
			sub("setname", 3, slow, "Sets the connection name."),
			sub("unblock", -3, slow|command.Admin, "Unblocks a client blocked by a blocking command from a different connection."),
			sub("unpause", 2, slow|command.Admin|flagPauseExempt, "Resumes processing commands from paused clients."),
		}}, client},
	}
}

func ping(x *executor, s *session, args [][]byte) error {
	if len(args) > 2 {
		return command.WrongArity("ping")
	}
	if s.w.Proto != 3 && s.subs.any() {
		s.w.Array(2)
		s.w.BulkString("pong")
		if len(args) == 2 {
			s.w.Bulk(args[1])
		} else {
			s.w.BulkString("")
		}
		return nil
	}
	if len(args) == 2 {
		s.w.Bulk(args[1])
		return nil
	}
	s.w.Status("PONG")
	return nil
}

func echo(x *executor, s *session, args [][]byte) error {
	s.w.Bulk(args[1])
	return nil
}

func selectDB(x *executor, s *session, args [][]byte) error {
	n, ok := command.ParseInt(args[1])
	if !ok {
		return errNotInteger
	}
	if n < 0 || n >= int64(x.ks.Databases()) {
		return command.ErrDBIndex
	}
	s.db = int(n)
	s.w.OK()
	return nil
}

// authenticate checks a password for the default user, in a time that does not tell where it differs.
func (x *executor) authenticate(s *session, user, password []byte) error {
	good := string(user) == "default" && (x.opts.RequirePass == "" || subtle.ConstantTimeCompare(password, []byte(x.opts.RequirePass)) == 1)
	if !good {
		x.stats.deniedAuth++
		return errWrongPass
	}
	s.authenticated = true
	s.reader.Unauthenticated = false
	s.password = string(password)
	return nil
}

func auth(x *executor, s *session, args [][]byte) error {
	if len(args) > 3 {
		return command.ErrSyntax
	}
	user := []byte("default")
	if len(args) == 3 {
		user = args[1]
	} else if x.opts.RequirePass == "" {
		return errAuthWithoutPass
	}
	if err := x.authenticate(s, user, args[len(args)-1]); err != nil {
		return err
	}
	s.w.OK()
	return nil
}

func hello(x *executor, s *session, args [][]byte) error {
	proto := s.w.Proto
	next := 1
	if len(args) > 1 {
		v, ok := command.ParseInt(args[1])
		if !ok {
			return command.Error("ERR Protocol version is not an integer or out of range")
		}
		if v < 2 || v > 3 {
			return errProtoVersion
		}
		proto, next = int(v), 2
	}
	var name []byte
	for i := next; i < len(args); i++ {
		left := len(args) - i - 1
		switch word := strings.ToUpper(string(args[i])); {
		case word == "AUTH" && left >= 2:
			if err := x.authenticate(s, args[i+1], args[i+2]); err != nil {
				return err
			}
			i += 2
		case word == "SETNAME" && left >= 1:
			if !validName(args[i+1]) {
				return errClientName
			}
			name = args[i+1]
			i++
		default:
			return command.Error(fmt.Sprintf("ERR Syntax error in HELLO option '%.128s'", args[i]))
		}
	}
	if !s.authenticated {
		return command.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if name != nil {
		s.name = string(name)
	}
	s.w.Proto = proto
	s.w.Map(7)
	s.w.BulkString("server")
	s.w.BulkString("redis")
	s.w.BulkString("version")
	s.w.BulkString(RedisVersion)
	s.w.BulkString("proto")
	s.w.Int(int64(proto))
	s.w.BulkString("id")
	s.w.Int(int64(s.id))
	s.w.BulkString("mode")
	s.w.BulkString("standalone")
	s.w.BulkString("role")
	s.w.BulkString(x.redisRole())
	s.w.BulkString("modules")
	s.w.Array(0)
	return nil
}

func quit(x *executor, s *session, args [][]byte) error {
	s.w.OK()
	s.closeAfterReply("QUIT")
	return nil
}

func reset(x *executor, s *session, args [][]byte) error {
	x.endTransaction(s)
	x.forgetSubscriptions(s)
	s.db, s.name, s.noEvict, s.noTouch = 0, "", false, false
	s.muted, s.skips = false, 0
	s.w.Proto = 2
	s.authenticated = x.opts.RequirePass == ""
	s.reader.Unauthenticated = !s.authenticated
	s.w.Status("RESET")
	return nil
}
