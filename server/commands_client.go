package server

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/tandemkv/tandem/command"
)

const errClientName command.Error = "ERR Client names cannot contain spaces, newlines or special characters."

// validName allows what CLIENT LIST can show in one word.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// client serves the subcommands of CLIENT.
func client(x *executor, s *session, args [][]byte) error {
	switch s.spec.Name {
	case "id":
		s.w.Int(int64(s.id))
	case "getname":
		if s.name == "" {
			s.w.Null()
			return nil
		}
		s.w.BulkString(s.name)
	case "setname":
		if !validName(args[2]) {
			return errClientName
		}
		s.name = string(args[2])
		s.w.OK()
	case "setinfo":
		return clientSetInfo(s, args)
	case "info":
		s.w.Verbatim("txt", x.describe(s)+"\n")
	case "list":
		return clientList(x, s, args)
	case "kill":
		return clientKill(x, s, args)
	case "no-evict":
		return onOff(s, args[2], &s.noEvict)
	case "no-touch":
		return onOff(s, args[2], &s.noTouch)
	case "pause":
		return clientPause(x, s, args)
	case "unpause":
		x.endClientPause(true)
		s.w.OK()
	case "unblock":
		return clientUnblock(x, s, args)
	case "reply":
		return clientReply(s, args)
	case "help":
		writeHelp(&s.w, "CLIENT", clientHelp()...)
	default:
		return command.UnknownSub("client", args[1])
	}
	return nil
}

func clientReply(s *session, args [][]byte) error {
	switch strings.ToUpper(string(args[2])) {
	case "ON":
		s.muted = false
		s.w.OK()
	case "OFF":
		s.muted = true
	case "SKIP":
		if !s.muted {
			s.skips = 2 // this command's (it has no reply) and the next one's
		}
	default:
		return command.ErrSyntax
	}
	return nil
}

func onOff(s *session, word []byte, flag *bool) error {
	switch strings.ToUpper(string(word)) {
	case "ON":
		*flag = true
	case "OFF":
		*flag = false
	default:
		return command.ErrSyntax
	}
	s.w.OK()
	return nil
}

func clientSetInfo(s *session, args [][]byte) error {
	if !validName(args[3]) {
		return command.Error(fmt.Sprintf("ERR %s cannot contain spaces, newlines or special characters.", strings.ToLower(string(args[2]))))
	}
	switch strings.ToUpper(string(args[2])) {
	case "LIB-NAME":
		s.libName = string(args[3])
	case "LIB-VER":
		s.libVer = string(args[3])
	default:
		return command.Error(fmt.Sprintf("ERR Unrecognized option '%s'", args[2]))
	}
	s.w.OK()
	return nil
}

func clientPause(x *executor, s *session, args [][]byte) error {
	ms, ok := command.ParseInt(args[2])
	if !ok {
		return errTimeoutNotInteger
	}
	if ms < 0 {
		return command.ErrTimeoutNegative
	}
	all := true
	if len(args) == 4 {
		switch strings.ToUpper(string(args[3])) {
		case "WRITE":
			all = false
		case "ALL":
		default:
			return command.Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		}
	} else if len(args) > 4 {
		return command.ErrSyntax
	}
	x.pauseClients(x.now.Add(time.Duration(ms)*time.Millisecond), all)
	s.w.OK()
	return nil
}

func clientUnblock(x *executor, s *session, args [][]byte) error {
	var cause error
	if len(args) == 4 {
		switch strings.ToUpper(string(args[3])) {
		case "TIMEOUT":
		case "ERROR":
			cause = errUnblockedClient
		default:
			return command.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		}
	} else if len(args) > 4 {
		return command.ErrSyntax
	}
	id, ok := command.ParseInt(args[2])
	if !ok {
		return errNotInteger
	}
	target := x.sessions[uint64(id)]
	if target == nil || target.parked == nil {
		s.w.Int(0)
		return nil
	}
	x.parking.unblock(target, cause)
	s.w.Int(1)
	return nil
}

// clientType is the class that CLIENT LIST TYPE and KILL TYPE select by.
func (s *session) clientType() string {
	switch {
	case s.replica.feeding:
		return "replica"
	case s.subs.any():
		return "pubsub"
	}
	return "normal"
}

func normalType(word string) (string, error) {
	switch strings.ToLower(word) {
	case "normal", "pubsub", "master":
		return strings.ToLower(word), nil
	case "replica", "slave":
		return "replica", nil
	}
	return "", command.Error(fmt.Sprintf("ERR Unknown client type '%s'", word))
}

func clientList(x *executor, s *session, args [][]byte) error {
	keep := func(*session) bool { return true }
	switch {
	case len(args) == 4 && strings.EqualFold(string(args[2]), "type"):
		want, err := normalType(string(args[3]))
		if err != nil {
			return err
		}
		keep = func(c *session) bool { return c.clientType() == want }
	case len(args) > 3 && strings.EqualFold(string(args[2]), "id"):
		ids := make(map[uint64]bool)
		for _, word := range args[3:] {
			id, ok := command.ParseInt(word)
			if !ok {
				return command.Error("ERR Invalid client ID")
			}
			ids[uint64(id)] = true
		}
		keep = func(c *session) bool { return ids[c.id] }
	case len(args) != 2:
		return command.ErrSyntax
	}
	var b strings.Builder
	for _, c := range x.sessionsByID() {
		if keep(c) {
			b.WriteString(x.describe(c))
			b.WriteByte('\n')
		}
	}
	s.w.Verbatim("txt", b.String())
	return nil
}

func (x *executor) sessionsByID() []*session {
	all := make([]*session, 0, len(x.sessions))
	for _, s := range x.sessions {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].id < all[j].id })
	return all
}

// describe is a session's line in CLIENT LIST.
func (x *executor) describe(s *session) string {
	flags, events := "", "r"
	if s.replica.feeding {
		flags += "S"
	}
	if s.subs.any() {
		flags += "P"
	}
	if s.tx.open {
		flags += "x"
	}
	if s.parked != nil {
		flags += "b"
	}
	if s.tx.dirty {
		flags += "d"
	}
	if s.closing {
		flags += "c"
	}
	if s.port.unix {
		flags += "U"
	}
	if s.noEvict {
		flags += "e"
	}
	if flags == "" {
		flags = "N"
	}
	multi := -1
	if s.tx.open {
		multi = len(s.tx.queued)
	}
	cmd := "NULL"
	if s.lastSpec != nil {
		cmd = s.lastSpec.FullName
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d tot-mem=%d events=%s cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s",
		s.id, s.remote, s.local, s.descriptor(), s.name, int(x.now.Sub(s.created).Seconds()), int(x.now.Sub(s.lastSeen).Seconds()), flags, s.db,
		len(s.subs.channels), len(s.subs.patterns), len(s.subs.shards), multi, 0, 0, 0, 0, cap(s.w.Buf), 0, len(s.w.Buf), 0, 0, cap(s.w.Buf),
		events, cmd, s.w.Proto, s.libName, s.libVer)
}

func (s *session) descriptor() int {
	if s.conn == nil {
		return -1
	}
	return s.conn.fileDescriptor()
}

// killFilter is what CLIENT KILL selects by; all that is set must agree.
type killFilter struct {
	id            uint64
	addr, laddr   string
	class, user   string
	skipMe        bool
	maxAgeSeconds int64
}

func (f *killFilter) selects(x *executor, c *session) bool {
	switch {
	case f.id != 0 && c.id != f.id, f.addr != "" && c.remote != f.addr, f.laddr != "" && c.local != f.laddr,
		f.class != "" && c.clientType() != f.class, f.user != "" && f.user != "default",
		f.maxAgeSeconds > 0 && int64(x.now.Sub(c.created).Seconds()) < f.maxAgeSeconds:
		return false
	}
	return true
}

func clientKill(x *executor, s *session, args [][]byte) error {
	var filter killFilter
	old := len(args) == 3
	if old {
		filter.addr = string(args[2])
	} else if err := filter.parse(args[2:]); err != nil {
		return err
	}
	killed := int64(0)
	for _, c := range x.sessionsByID() {
		if !filter.selects(x, c) || c == s && filter.skipMe {
			continue
		}
		killed++
		if c == s {
			c.closeAfterReply("CLIENT KILL")
			continue
		}
		x.kill(c, "CLIENT KILL")
	}
	switch {
	case !old:
		s.w.Int(killed)
	case killed == 0:
		return command.Error("ERR No such client")
	default:
		s.w.OK()
	}
	return nil
}

func (f *killFilter) parse(args [][]byte) error {
	f.skipMe = true
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return command.ErrSyntax
		}
		value := string(args[i+1])
		switch strings.ToUpper(string(args[i])) {
		case "ID":
			id, err := strconv.ParseUint(value, 10, 64)
			if err != nil || id == 0 {
				return command.Error("ERR client-id should be greater than 0")
			}
			f.id = id
		case "ADDR":
			f.addr = value
		case "LADDR":
			f.laddr = value
		case "USER":
			if value != "default" {
				return command.Error(fmt.Sprintf("ERR No such user '%s'", value))
			}
			f.user = value
		case "TYPE":
			class, err := normalType(value)
			if err != nil {
				return err
			}
			f.class = class
		case "MAXAGE":
			age, ok := command.ParseInt([]byte(value))
			if !ok || age <= 0 {
				return command.Error("ERR maxage is not an integer or out of range")
			}
			f.maxAgeSeconds = age
		case "SKIPME":
			switch strings.ToLower(value) {
			case "yes":
				f.skipMe = true
			case "no":
				f.skipMe = false
			default:
				return command.ErrSyntax
			}
		default:
			return command.ErrSyntax
		}
	}
	return nil
}

func clientHelp() []string {
	return []string{
		"GETNAME", "    Return the name of the current connection.",
		"ID", "    Return the ID of the current connection.",
		"INFO", "    Return information about the current client connection.",
		"KILL <ip:port>", "    Kill connection made from <ip:port>.",
		"KILL <option> <value> [<option> <value> [...]]", "    Kill connections. Options are:",
		"    * ADDR (<ip:port>|<unixsocket>:0)", "      Kill connections made from the specified address",
		"    * LADDR (<ip:port>|<unixsocket>:0)", "      Kill connections made to specified local address",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Kill connections by type.",
		"    * USER <username>", "      Kill connections authenticated by <username>.",
		"    * SKIPME (YES|NO)", "      Skip killing current connection (default: yes).",
		"    * ID <client-id>", "      Kill connections by client id.",
		"    * MAXAGE <maxage>", "      Kill connections older than the specified age.",
		"LIST [options ...]", "    Return information about client connections. Options:",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Return clients of specified type.",
		"UNPAUSE", "    Stop the current client pause, resuming traffic.",
		"PAUSE <timeout> [WRITE|ALL]", "    Suspend all, or just write, clients for <timeout> milliseconds.",
		"REPLY (ON|OFF|SKIP)", "    Control the replies sent to the current connection.",
		"SETNAME <name>", "    Assign the name <name> to the current connection.",
		"SETINFO <option> <value>", "    Set client meta attr. Options are:", "    * LIB-NAME: the client lib name.", "    * LIB-VER: the client lib version.",
		"UNBLOCK <clientid> [TIMEOUT|ERROR]", "    Unblock the specified blocked client.",
		"NO-EVICT (ON|OFF)", "    Protect current client connection from eviction.",
		"NO-TOUCH (ON|OFF)", "    Will not touch LRU/LFU stats when this mode is on.",
	}
}
