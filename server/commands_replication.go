package server

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/replication"
	"github.com/tandemkv/tandem/replication/link"
)

func replicationRows() []row {
	admin := command.Admin | command.NoScript
	replicaof := command.Spec{Name: "replicaof", Arity: 3, Flags: admin | command.Stale | command.NoAsyncLoading, Group: "server", Since: "5.0.0",
		Summary: "Configures a server as replica of another, or promotes it to a master."}
	slaveof := replicaof
	slaveof.Name, slaveof.Since = "slaveof", "1.0.0"
	slaveof.Summary = "Sets a Redis server as a replica of another, or promotes it to being a master."
	return []row{
		{replicaof, replicaOf},
		{slaveof, replicaOf},
		{command.Spec{Name: "role", Arity: 1, Flags: command.NoScript | command.Loading | command.Stale | command.Fast,
			Categories: command.CategoryAdmin | command.CategoryDangerous, Group: "server", Since: "2.8.12", Summary: "Returns the replication role."}, role},
		{command.Spec{Name: "wait", Arity: 3, Flags: command.Blocking, Categories: command.CategoryConnection,
			Tips:  []string{"request_policy:all_shards", "response_policy:agg_min"},
			Group: "generic", Since: "3.0.0", Summary: "Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed."}, wait},
		{command.Spec{Name: "waitaof", Arity: 4, Flags: command.Blocking, Categories: command.CategoryConnection,
			Tips:  []string{"request_policy:all_shards", "response_policy:agg_min"},
			Group: "generic", Since: "7.2.0", Summary: "Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas."}, waitaof},
		{command.Spec{Name: "psync", Arity: -3, Flags: admin | command.NoAsyncLoading | command.NoMulti, Group: "server", Since: "2.8.0", Summary: "An internal command used in replication."}, psync},
		{command.Spec{Name: "sync", Arity: 1, Flags: admin | command.NoAsyncLoading | command.NoMulti, Group: "server", Since: "1.0.0", Summary: "An internal command used in replication."}, psync},
		{command.Spec{Name: "replconf", Arity: -1, Flags: admin | command.Loading | command.Stale | command.AllowBusy, Group: "server", Since: "3.0.0",
			Summary: "An internal command for configuring the replication stream."}, replconf},
	}
}

const errPairRole command.Error = "ERR REPLICAOF not allowed: the pair decides which node is the master. Use TANDEM SWITCHOVER."

// replicaOf makes the node a replica, or a master of its own. In a pair the role is not this command's to change.
func replicaOf(x *executor, s *session, args [][]byte) error {
	if x.pair != nil {
		return errPairRole
	}
	if strings.EqualFold(string(args[1]), "no") && strings.EqualFold(string(args[2]), "one") {
		return promoteSelf(x, s)
	}
	port, err := strconv.Atoi(string(args[2]))
	if err != nil || port < 0 || port > 65535 {
		return command.Error("ERR Invalid master port")
	}
	if x.role.is(RoleStandby) && x.role.masterHost == string(args[1]) && x.role.masterPort == port {
		s.w.Status("OK Already connected to specified master")
		return nil
	}
	x.server.follow(x, string(args[1]), port, "REPLICAOF by "+s.remote)
	s.w.OK()
	return nil
}

// promoteSelf is REPLICAOF NO ONE. The follower ends outside ownership, so the client waits.
func promoteSelf(x *executor, s *session) error {
	if x.role.is(RoleMaster) {
		s.w.OK()
		return nil
	}
	if s.tx.open {
		return errNotInMulti // EXEC cannot wait for it
	}
	w := &parked{onTimeout: func(*session) {}}
	x.parking.park(s, w)
	go func() {
		err := x.server.Reign(0, time.Time{}, "REPLICAOF NO ONE by "+s.remote)
		x.acquire(nil)
		defer x.release(nil)
		if s.parked != w {
			return
		}
		if err != nil {
			s.w.Error("ERR " + err.Error())
		} else {
			s.w.OK()
		}
		x.parking.unpark(s)
	}()
	return nil
}

func role(x *executor, s *session, args [][]byte) error {
	w := &s.w
	if x.role.is(RoleStandby) {
		status := x.server.link.status()
		w.Array(5)
		w.BulkString("slave")
		w.BulkString(x.role.masterHost)
		w.Int(int64(x.role.masterPort))
		w.BulkString(status.State.String())
		w.Int(x.logEnd)
		return nil
	}
	w.Array(3)
	w.BulkString("master")
	w.Int(x.logEnd)
	online := x.onlineStandbys()
	w.Array(len(online))
	for _, f := range online {
		info := f.feeder.Info()
		host, port := f.address(info)
		w.Array(3)
		w.BulkString(host)
		w.BulkString(strconv.Itoa(port))
		w.BulkString(strconv.FormatInt(max(info.Acked, 0), 10))
	}
	return nil
}

// onlineStandbys are those that follow the stream.
func (x *executor) onlineStandbys() (online []*standbyFeed) {
	for _, id := range x.standbys.sorted() {
		if f := x.standbys.feeds[id]; f.feeder.Info().State == replication.FeedOnline {
			online = append(online, f)
		}
	}
	return online
}

// address is where a standby can be reached: what it announced, or where its connection comes from.
func (f *standbyFeed) address(info link.FeederInfo) (host string, port int) {
	host, _, err := net.SplitHostPort(info.Address)
	if err != nil {
		host = info.Address
	}
	return host, info.ListeningPort
}

// wait answers when enough standbys have this session's last write, or the time is over.
func wait(x *executor, s *session, args [][]byte) error {
	if x.role.is(RoleStandby) {
		return command.Error("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.")
	}
	want, ok := command.ParseInt(args[1])
	if !ok {
		return errNotInteger
	}
	deadline, err := x.timeoutMs(args[2])
	if err != nil {
		return err
	}
	target := s.written
	enough := func() bool { return int64(x.acked(target)) >= want }
	if enough() || s.tx.open {
		s.w.Int(int64(x.acked(target)))
		return nil
	}
	x.askForAcks()
	x.parking.park(s, &parked{deadlineMs: deadline, satisfied: enough, onTimeout: func(s *session) { s.w.Int(int64(x.acked(target))) }})
	return nil
}

// timeoutMs reads a timeout in milliseconds as a deadline; 0: none.
func (x *executor) timeoutMs(word []byte) (int64, error) {
	ms, ok := command.ParseInt(word)
	if !ok {
		return 0, errTimeoutNotInteger
	}
	if ms < 0 {
		return 0, command.ErrTimeoutNegative
	}
	if ms == 0 {
		return 0, nil
	}
	return x.nowMs + ms, nil
}

// askForAcks puts REPLCONF GETACK into the log, as Redis does for WAIT.
func (x *executor) askForAcks() {
	if x.role.writable && x.standbys.any() {
		x.logWords("REPLCONF", "GETACK", "*")
	}
}

// waitaof answers when this session's last write is on the local disk and on those of enough standbys.
func waitaof(x *executor, s *session, args [][]byte) error {
	local, ok := command.ParseInt(args[1])
	standbys, ok2 := command.ParseInt(args[2])
	switch {
	case !ok || !ok2:
		return errNotInteger
	case local < 0 || local > 1 || standbys < 0:
		return command.Error("ERR value is out of range, value must between 0 and 1")
	case x.role.is(RoleStandby):
		return command.Error("ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.")
	case local == 1 && x.server.store == nil:
		return command.Error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
	}
	deadline, err := x.timeoutMs(args[3])
	if err != nil {
		return err
	}
	target := s.written
	count := func() (mine, theirs int64) {
		if x.server.store != nil && x.stream.Synced() >= target {
			mine = 1
		}
		for _, f := range x.standbys.feeds {
			if info := f.feeder.Info(); info.State == replication.FeedOnline && info.Synced >= target {
				theirs++
			}
		}
		return mine, theirs
	}
	answer := func(s *session) {
		mine, theirs := count()
		s.w.Array(2)
		s.w.Int(mine)
		s.w.Int(theirs)
	}
	enough := func() bool { mine, theirs := count(); return mine >= local && theirs >= standbys }
	if enough() || s.tx.open {
		answer(s)
		return nil
	}
	x.askForAcks()
	x.parking.park(s, &parked{deadlineMs: deadline, satisfied: enough, onTimeout: answer})
	return nil
}

// psync gives the connection to a feeder.
func psync(x *executor, s *session, args [][]byte) error {
	request, ok := link.ParseRequest(args)
	if !ok {
		return command.ErrSyntax
	}
	if x.role.is(RoleStandby) && !x.role.linkUp {
		return command.Error("NOMASTERLINK Can't SYNC while not connected with my master")
	}
	if x.role.is(RoleFenced) && x.pair != nil {
		return command.Error("NOMASTERLINK Can't SYNC: this node is fenced and does not know yet who the master is")
	}
	v, facts := x.server, s.replica.Facts
	s.replica.feeding = true
	s.detach = func(conn net.Conn, unread []byte) { v.feed(conn, unread, facts, request) }
	return nil
}

func replconf(x *executor, s *session, args [][]byte) error {
	s.replica.Replconf(args, &s.w, func() replication.Standing {
		x.appendPending()
		return x.standing()
	})
	return nil
}

// standing is what this node has to show when it meets another.
func (x *executor) standing() replication.Standing {
	floor := x.logEnd + 1
	if v := x.server; v.store != nil {
		if at := v.store.State(); at.HasCheckpoint || x.stream.Start() == 0 {
			floor = at.Meta.Offset // 0 without a checkpoint: the log has all
		}
	}
	return replication.Standing{Pair: x.pairName, History: *x.role.history, End: x.logEnd, Floor: floor}
}

func pairRows() []row {
	admin := command.Admin | command.NoScript | command.Loading | command.Stale
	sub := func(name string, arity int, summary string) command.Spec {
		return command.Spec{Name: name, Arity: arity, Flags: admin | command.NoMulti, Group: "server", Since: "7.2.4", Summary: summary}
	}
	return []row{
		{command.Spec{Name: "tandem", Arity: -2, Group: "server", Since: "7.2.4", Summary: "A container for the pair's commands.", Subs: []command.Spec{
			sub("status", 2, "Describes the pair as JSON."),
			sub("switchover", -2, "Hands the reign over to a standby."),
			sub("takeover", 2, "Makes this node the master although it may lack acknowledged writes."),
			sub("help", 2, "Returns helpful text about the different subcommands."),
		}}, tandemCommand},
		{command.Spec{Name: "failover", Arity: -1, Flags: command.Admin | command.NoScript | command.Stale, Group: "server", Since: "6.2.0",
			Summary: "Starts a coordinated failover from a server to one of its replicas."}, failover},
	}
}

const errNoPair command.Error = "ERR this node stands alone: it is not part of a pair"

func tandemCommand(x *executor, s *session, args [][]byte) error {
	switch s.spec.Name {
	case "help":
		writeHelp(&s.w, "TANDEM", "STATUS", "    Return a description of the pair as JSON.",
			"SWITCHOVER [TO <node-id>]", "    Hand the reign over to a standby, without losing a write.",
			"TAKEOVER", "    Make this node the master although it may lack acknowledged writes: when the others are lost for good.")
		return nil
	case "status":
		if x.pair == nil {
			return errNoPair
		}
		return pairStatus(x, s)
	case "takeover":
		if x.pair == nil {
			return errNoPair
		}
		go x.pair.Takeover() // it may wait for the owner
		s.w.OK()
		return nil
	case "switchover":
		to := ""
		if len(args) == 4 && strings.EqualFold(string(args[2]), "to") {
			to = string(args[3])
		} else if len(args) != 2 {
			return command.ErrSyntax
		}
		return switchover(x, s, to, 0)
	}
	return command.UnknownSub("tandem", args[1])
}

// pairStatus asks the agent outside ownership, because the agent asks the owner.
func pairStatus(x *executor, s *session) error {
	w := &parked{onTimeout: func(*session) {}}
	x.parking.park(s, w)
	go func() {
		text, err := x.pair.StatusJSON()
		x.acquire(nil)
		defer x.release(nil)
		if s.parked != w {
			return
		}
		if err != nil {
			s.w.Error("ERR " + err.Error())
		} else {
			s.w.Bulk(text)
		}
		x.parking.unpark(s)
	}()
	return nil
}

// failover is Redis' command, carried out as a switchover of the pair.
func failover(x *executor, s *session, args [][]byte) error {
	if len(args) == 2 && strings.EqualFold(string(args[1]), "abort") {
		return command.Error("ERR No failover in progress.")
	}
	if x.pair == nil && !x.standbys.any() {
		return command.Error("ERR FAILOVER requires connected replicas.")
	}
	if x.pair == nil {
		return errNoPair
	}
	timeout := time.Duration(0)
	for i := 1; i < len(args); i++ {
		switch word := strings.ToUpper(string(args[i])); {
		case word == "TIMEOUT" && i+1 < len(args):
			ms, ok := command.ParseInt(args[i+1])
			if !ok || ms <= 0 {
				return command.Error("ERR FAILOVER timeout must be greater than 0")
			}
			timeout = time.Duration(ms) * time.Millisecond
			i++
		case word == "TO" && i+2 < len(args):
			i += 2 // with one standby there is no choice; with more the best one is taken
		case word == "FORCE":
		default:
			return command.ErrSyntax
		}
	}
	return switchover(x, s, "", timeout)
}

// switchover lets the client wait until the reign is handed over, or was not.
func switchover(x *executor, s *session, to string, timeout time.Duration) error {
	if x.pair == nil {
		return errNoPair
	}
	if s.tx.open {
		return errNotInMulti
	}
	if !x.role.is(RoleMaster) {
		return command.Error(fmt.Sprintf("ERR this node is not the master (it is %s); ask the master for the switchover", x.role.role))
	}
	w := &parked{onTimeout: func(*session) {}}
	x.parking.park(s, w)
	s.staysOnDemotion = true
	go x.runSwitchover(s, w, to, timeout)
	return nil
}
