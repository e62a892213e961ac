package server

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
)

// debugging is a row of DEBUG: what tests and people who look into a node need.
type debugging struct {
	name string
	args int // after the subcommand; -n: at least n
	help string
	run  sessionHandler
}

func debuggings() []debugging {
	ok := func(x *executor, s *session, args [][]byte) error { s.w.OK(); return nil }
	return []debugging{
		{"SLEEP", 1, "SLEEP <seconds>: stop the owner of the keyspace for so long", debugSleep},
		{"DIGEST", 0, "DIGEST: of the whole data set; equal for equal data", debugDigest},
		{"DIGEST-VALUE", -1, "DIGEST-VALUE <key> ...: of values", debugDigestValue},
		{"OBJECT", 1, "OBJECT <key>: how a value is stored", debugObject},
		{"SET-ACTIVE-EXPIRE", 1, "SET-ACTIVE-EXPIRE <0|1>: let housekeeping remove expired keys or not", debugActiveExpire},
		{"POPULATE", -1, "POPULATE <count> [<prefix>] [<size>]: make keys", debugPopulate},
		{"PROTOCOL", 1, "PROTOCOL <type>: a reply of each RESP type", debugProtocol},
		{"RELOAD", -0, "RELOAD [NOSAVE] [NOFLUSH] [MERGE]: write a checkpoint and read everything back", debugReload},
		{"LOADAOF", 0, "LOADAOF: read everything back from checkpoint and log", debugReload},
		{"JMAP", 0, "JMAP: nothing", ok},
		{"CHANGE-REPL-ID", 0, "CHANGE-REPL-ID: begin a new history", debugChangeReplID},
		{"OWNER-CPU", 1, "OWNER-CPU <0|1>: let INFO owner tell the CPU time of holdings too", debugOwnerCPU},
		{"PAUSE-CRON", 1, "PAUSE-CRON <0|1>: stop housekeeping", debugPauseCron},
		{"SET-DISABLE-DENY-SCRIPTS", 1, "SET-DISABLE-DENY-SCRIPTS <0|1>: accepted", ok},
		{"REPLYBUFFER", -1, "REPLYBUFFER ...: accepted", ok},
		{"QUICKLIST-PACKED-THRESHOLD", 1, "QUICKLIST-PACKED-THRESHOLD <size>: accepted", ok},
		{"SET-SKIP-CHECKSUM-VALIDATION", 1, "SET-SKIP-CHECKSUM-VALIDATION <0|1>: accepted", ok},
		{"LOG", 1, "LOG <message>: write a line to the log", debugLog},
		{"HTSTATS", -1, "HTSTATS <dbid> [full]: how full the index of a database is", debugIndex},
		{"HTSTATS-KEY", -1, "HTSTATS-KEY <key> [full]: how full the index inside a value is", debugValueIndex},
		{"REPLICATE", -1, "REPLICATE <command> ...: put a command into the log without running it; the standby will differ", debugReplicate},
		{"CONFIG-REWRITE-FORCE-ALL", 0, "CONFIG-REWRITE-FORCE-ALL: CONFIG REWRITE with a line for every directive", debugRewriteAll},
		{"SEGFAULT", 0, "SEGFAULT: end this process by the signal SIGSEGV", debugSegfault},
	}
}

func debug(x *executor, s *session, args [][]byte) error {
	if !x.allowed(x.opts.DebugCommand, s) {
		return command.Error("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.")
	}
	rows := debuggings()
	word := strings.ToUpper(string(args[1]))
	if word == "HELP" {
		lines := make([]string, len(rows))
		for i := range rows {
			lines[i] = rows[i].help
		}
		writeHelp(&s.w, "DEBUG", lines...)
		return nil
	}
	for i := range rows {
		r := &rows[i]
		n := len(args) - 2
		if r.name == word && (r.args < 0 && n >= -r.args || n == r.args || r.name == "RELOAD") {
			return r.run(x, s, args)
		}
	}
	return command.Error(fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try DEBUG HELP.", args[1]))
}

func debugSleep(x *executor, s *session, args [][]byte) error {
	seconds, ok := command.ParseFloat(args[2])
	if !ok || seconds < 0 {
		return command.ErrNotFloat
	}
	time.Sleep(time.Duration(seconds * float64(time.Second))) // on purpose while the keyspace is owned
	x.tick()
	s.w.OK()
	return nil
}

func debugDigest(x *executor, s *session, args [][]byte) error {
	x.ks.Begin(x.nowMs, keyspace.ExpiryIgnore)
	digest := x.ks.Digest()
	x.ks.End()
	s.w.Status(hex.EncodeToString(digest[:]))
	return nil
}

func debugDigestValue(x *executor, s *session, args [][]byte) error {
	x.ks.Begin(x.nowMs, keyspace.ExpiryHide)
	defer x.ks.End()
	s.w.Array(len(args) - 2)
	for _, key := range args[2:] {
		digest := x.ks.DB(s.db).Digest(key)
		s.w.BulkString(hex.EncodeToString(digest[:]))
	}
	return nil
}

// debugObject says how a value is stored, and what it would take in an RDB file.
func debugObject(x *executor, s *session, args [][]byte) error {
	x.ks.Begin(x.nowMs, keyspace.ExpiryHide)
	defer x.ks.End()
	x.ks.NoTouch()
	it, ok := x.ks.DB(s.db).Item(args[2])
	if !ok {
		return command.ErrNoSuchKey
	}
	text := fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		it.Encoding(), len(rdb.EncodeValue(nil, &it))-1, it.Access(), it.IdleSeconds())
	if it.Kind == keyspace.KindList {
		if blocks := it.List().Blocks(); blocks > 0 {
			text += fmt.Sprintf(" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0", blocks, float64(it.Len())/float64(blocks),
				x.ks.Limits().ListMaxListpackSize)
		}
	}
	s.w.Status(text)
	return nil
}

func flag01(word []byte) (bool, error) {
	switch string(word) {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, command.ErrSyntax
}

func debugActiveExpire(x *executor, s *session, args [][]byte) error {
	on, err := flag01(args[2])
	if err != nil {
		return err
	}
	x.house.expireOff = !on
	s.w.OK()
	return nil
}

func debugPauseCron(x *executor, s *session, args [][]byte) error {
	on, err := flag01(args[2])
	if err != nil {
		return err
	}
	x.house.paused = on
	s.w.OK()
	return nil
}

// debugPopulate makes keys through the executor, so that they are logged and copied like any others.
func debugPopulate(x *executor, s *session, args [][]byte) error {
	count, ok := command.ParseInt(args[2])
	if !ok || count < 0 {
		return errNotInteger
	}
	prefix, size := "key", int64(0)
	if len(args) > 3 {
		prefix = string(args[3])
	}
	if len(args) > 4 {
		if size, ok = command.ParseInt(args[4]); !ok || size < 0 || size > int64(x.opts.BulkBytesMax) {
			return errNotInteger
		}
	}
	if err := x.writeRefusal(); err != nil {
		return err
	}
	set := x.table.Must("set")
	mark := len(s.w.Buf)
	for i := range count {
		key := fmt.Appendf(nil, "%s:%d", prefix, i)
		if x.exists(dbKey{s.db, string(key)}) {
			continue
		}
		value := fmt.Appendf(nil, "value:%d", i)
		if size > 0 {
			value = append(value, make([]byte, max(0, int(size)-len(value)))...)[:size]
		}
		x.call(s, set, [][]byte{[]byte("SET"), key, value}, false)
		x.closeUnit(s)
		s.w.Buf = s.w.Buf[:mark]
	}
	s.w.OK()
	return nil
}

func debugChangeReplID(x *executor, s *session, args [][]byte) error {
	if !x.role.writable {
		return errFenced
	}
	x.appendPending()
	if err := x.server.newReign(x.role.history.Last().Epoch); err != nil {
		return command.Error("ERR " + err.Error())
	}
	s.w.OK()
	return nil
}

// debugReload takes the whole data set through its stored form and back.
func debugReload(x *executor, s *session, args [][]byte) error {
	if s.tx.open {
		return errNotInMulti
	}
	fresh, err := x.readBack()
	if err != nil {
		return command.Error("ERR Error trying to load the data: " + err.Error())
	}
	x.useKeyspace(fresh)
	x.save.dirtyAt = fresh.Dirty()
	s.w.OK()
	return nil
}

// readBack reads checkpoint and log into a second keyspace, which then knows as well as the first what has changed, and
// what was deleted, since the checkpoint. Without a store the data go through their stored form.
func (x *executor) readBack() (*keyspace.Keyspace, error) {
	if x.server.store != nil {
		x.appendPending()
		fresh, _, err := x.server.rebuild(x.stateEnd())
		return fresh, err
	}
	sink := &rowSink{}
	frozen := x.ks.FreezeAll(sink.add)
	for !frozen.Step(1024) {
	}
	fresh := x.server.newKeyspace()
	rows := rowLoader{ks: fresh}
	for i := range sink.rows.Len() {
		r := sink.rows.At(uint32(i))
		if err := rows.load(persistence.Row{DB: r.db, Key: r.key, Value: r.value, IsBlock: r.kind == rowBlock, Block: r.block}); err != nil {
			return nil, err
		}
	}
	return fresh, rows.end()
}

func debugLog(x *executor, s *session, args [][]byte) error {
	x.log.Warn("DEBUG LOG: " + string(args[2]))
	s.w.OK()
	return nil
}

func debugProtocol(x *executor, s *session, args [][]byte) error {
	w := &s.w
	switch strings.ToLower(string(args[2])) {
	case "string":
		w.BulkString("Hello World")
	case "integer":
		w.Int(12345)
	case "double":
		w.Double(3.141)
	case "null":
		w.Null()
	case "array":
		w.Array(3)
		for i := range int64(3) {
			w.Int(i)
		}
	case "set":
		w.Set(3)
		for i := range int64(3) {
			w.Int(i)
		}
	case "map":
		w.Map(3)
		for i := range int64(3) {
			w.Int(i)
			w.Bool(i == 1)
		}
	case "attrib":
		if w.Proto == 3 {
			w.Attribute(1)
			w.BulkString("key-popularity")
			w.Array(2)
			w.BulkString("key:123")
			w.Int(90)
		}
		w.BulkString("Some real reply following the attribute")
	case "push":
		w.Push(2)
		w.BulkString("server-cpu-usage")
		w.Int(42)
	case "verbatim":
		w.Verbatim("txt", "This is a verbatim\nstring")
	case "true":
		w.Bool(true)
	case "false":
		w.Bool(false)
	case "bignum":
		w.BigNumber("1234567999999999999999999999999999999")
	default:
		return command.Error("ERR Wrong protocol type name. Please use one of the following: string|integer|double|null|array|set|map|attrib|push|verbatim|true|false")
	}
	return nil
}

func debugIndex(x *executor, s *session, args [][]byte) error {
	n, ok := command.ParseInt(args[2])
	if !ok {
		return errNotInteger
	}
	if n < 0 || n >= int64(x.ks.Databases()) {
		return command.Error("ERR Out of range database")
	}
	db := x.ks.DB(int(n))
	text := "[Dictionary HT]\n" + indexText(db.IndexStats()) + "[Expires]\n number of elements: " + strconv.Itoa(db.Deadlines()) + " (in order of time)\n"
	s.w.Verbatim("txt", text)
	return nil
}

func debugValueIndex(x *executor, s *session, args [][]byte) error {
	x.ks.Begin(x.nowMs, keyspace.ExpiryHide)
	defer x.ks.End()
	stats, exists, ok := x.ks.DB(s.db).ValueIndexStats(args[2])
	switch {
	case !exists:
		return command.ErrNoSuchKey
	case !ok:
		return command.Error("ERR The value stored at the specified key is not represented using an hash table")
	}
	s.w.Verbatim("txt", indexText(stats))
	return nil
}

// indexText is laid out as Redis' text about its tables: tests look for "table size" and "number of elements".
func indexText(st keyspace.IndexStats) string {
	var b strings.Builder
	b.WriteString("Hash table 0 stats (main hash table):\n")
	if st.Items == 0 {
		return "No stats available for empty dictionaries\n"
	}
	fmt.Fprintf(&b, " table size: %d\n number of elements: %d\n segments: %d\n longest search: %d\n Steps to find an element:\n",
		st.Slots, st.Items, st.Segments, len(st.Probes))
	for i, n := range st.Probes {
		if n > 0 {
			fmt.Fprintf(&b, "   %d: %d (%.2f%%)\n", i+1, n, 100*float64(n)/float64(st.Items))
		}
	}
	return b.String()
}

func debugReplicate(x *executor, s *session, args [][]byte) error {
	if !x.role.logsOwnWrites() {
		return errReadOnly
	}
	x.logUnit([]command.Effect{{DB: s.db, Words: args[2:]}})
	s.w.OK()
	return nil
}

func debugRewriteAll(x *executor, s *session, args [][]byte) error { return configRewrite(x, s, true) }

// debugSegfault ends the process as a fault in native code would: at once, with nothing written.
func debugSegfault(x *executor, s *session, args [][]byte) error {
	x.log.Error("crashed by signal: " + syscall.SIGSEGV.String() + " was asked for by DEBUG SEGFAULT")
	signal.Reset(syscall.SIGSEGV)
	return syscall.Kill(os.Getpid(), syscall.SIGSEGV)
}
