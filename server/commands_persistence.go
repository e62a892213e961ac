package server

import (
	"strings"
	"time"

	"github.com/tandemkv/tandem/command"
)

func persistenceRows() []row {
	admin := command.Admin | command.NoScript | command.NoAsyncLoading
	return []row{
		{command.Spec{Name: "save", Arity: 1, Flags: admin | command.NoMulti, Group: "server", Since: "1.0.0",
			Summary: "Synchronously saves the database(s) to disk."}, save},
		{command.Spec{Name: "bgsave", Arity: -1, Flags: admin, Group: "server", Since: "1.0.0",
			Summary: "Asynchronously saves the database(s) to disk."}, bgsave},
		{command.Spec{Name: "bgrewriteaof", Arity: 1, Flags: admin, Group: "server", Since: "1.0.0",
			Summary: "Asynchronously rewrites the append-only file to disk."}, bgrewriteaof},
		{command.Spec{Name: "lastsave", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Categories: command.CategoryAdmin | command.CategoryDangerous,
			Tips: []string{"nondeterministic_output"}, Group: "server", Since: "1.0.0",
			Summary: "Returns the Unix timestamp of the last successful save to disk."}, lastsave},
		{command.Spec{Name: "shutdown", Arity: -1, Flags: command.Admin | command.NoScript | command.Loading | command.Stale | command.NoMulti | command.AllowBusy,
			Group: "server", Since: "1.0.0", Summary: "Synchronously saves the database(s) to disk and shuts down the Redis server."}, shutdown},
	}
}

const errSaveRunning command.Error = "ERR Background save already in progress"

// save exports the RDB file; the client waits, the others do not.
func save(x *executor, s *session, args [][]byte) error {
	if x.save.exporting {
		return errSaveRunning
	}
	w := &parked{onTimeout: func(s *session) {
		if x.save.lastOK {
			s.w.OK()
			return
		}
		s.w.Error("ERR the RDB file could not be written; the log says why")
	}}
	x.parking.park(s, w)
	x.beginExport(func() {
		if s.parked == w {
			x.parking.timeOut(s)
		}
	})
	return nil
}

func bgsave(x *executor, s *session, args [][]byte) error {
	if len(args) > 2 || len(args) == 2 && !strings.EqualFold(string(args[1]), "schedule") {
		return command.ErrSyntax
	}
	if x.save.exporting {
		return errSaveRunning
	}
	x.beginExport(func() {})
	s.w.Status("Background saving started")
	return nil
}

// beginExport writes the RDB file in the background; then runs with the keyspace owned.
func (x *executor) beginExport(then func()) {
	x.save.exporting = true
	v := x.server
	began, dirty := x.now, x.ks.Dirty()
	v.tasks.Go(func() {
		err := v.exportRDB()
		x.acquire(nil)
		defer x.release(nil)
		x.save.exporting = false
		x.save.lastOK = err == nil
		x.save.lastSeconds = x.now.Sub(began).Seconds()
		if err != nil {
			x.log.Error("the RDB file could not be written", "dir", x.opts.Dir, "file", x.opts.DBFilename, "error", err)
		} else {
			x.save.lastAt, x.save.dirtyAt = x.now, dirty
			x.save.exports++
			x.log.Info("DB saved on disk", "file", x.opts.DBFilename, "seconds", x.save.lastSeconds)
		}
		then()
	})
}

// bgrewriteaof has the log's counterpart: a checkpoint, after which retention may drop log.
func bgrewriteaof(x *executor, s *session, args [][]byte) error {
	offerSignal(x.save.wanted)
	x.save.asked = x.server.store != nil
	s.w.Status("Background append only file rewriting started")
	return nil
}

func offerSignal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func lastsave(x *executor, s *session, args [][]byte) error {
	s.w.Int(x.save.lastAt.Unix())
	return nil
}

// shutdown stops the node. NOSAVE leaves out the last checkpoint: the log has everything anyhow.
func shutdown(x *executor, s *session, args [][]byte) error {
	noSave, abort := false, false
	for _, a := range args[1:] {
		switch strings.ToUpper(string(a)) {
		case "NOSAVE":
			noSave = true
		case "SAVE", "NOW", "FORCE":
		case "ABORT":
			abort = true
		default:
			return command.ErrSyntax
		}
	}
	if abort {
		return command.Error("ERR No shutdown in progress.")
	}
	x.noFinalSave = noSave
	x.log.Warn("User requested shutdown...")
	x.requestShutdown()
	// As in Redis, the client sees its connection end, no reply.
	x.parking.park(s, &parked{deadlineMs: x.nowMs + (x.opts.ShutdownWay + 10*time.Second).Milliseconds(), onTimeout: func(s *session) {
		s.w.Error("ERR Errors trying to SHUTDOWN. Check logs.")
	}})
	return nil
}

// requestShutdown asks whoever runs the server to close it.
func (x *executor) requestShutdown() {
	select {
	case <-x.shutdown:
	default:
		close(x.shutdown)
	}
}
