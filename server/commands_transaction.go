package server

import (
	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/keyspace"
)

func transactionRows() []row {
	noscript := command.NoScript | command.Loading | command.Stale | command.Fast
	return []row{
		{command.Spec{Name: "multi", Arity: 1, Flags: noscript | command.AllowBusy | flagTransaction, Categories: command.CategoryTransaction,
			Group: "transactions", Since: "1.2.0", Summary: "Starts a transaction."}, multi},
		{command.Spec{Name: "exec", Arity: 1, Flags: command.NoScript | command.Loading | command.Stale | command.SkipSlowlog | flagTransaction | flagRunsQueue,
			Categories: command.CategoryTransaction, Group: "transactions", Since: "1.2.0", Summary: "Executes all commands in a transaction."}, exec},
		{command.Spec{Name: "discard", Arity: 1, Flags: noscript | command.AllowBusy | flagTransaction, Categories: command.CategoryTransaction,
			Group: "transactions", Since: "2.0.0", Summary: "Discards a transaction."}, discard},
		{command.Spec{Name: "watch", Arity: -2, Flags: noscript | command.AllowBusy | flagTransaction, Categories: command.CategoryTransaction,
			Keys: command.All(1, 1, command.KeyRO), Group: "transactions", Since: "2.2.0",
			Summary: "Monitors changes to keys to determine the execution of a transaction."}, watch},
		{command.Spec{Name: "unwatch", Arity: 1, Flags: noscript | command.AllowBusy, Categories: command.CategoryTransaction,
			Group: "transactions", Since: "2.2.0", Summary: "Forgets about watched keys of a transaction."}, unwatch},
	}
}

// transaction is what stands between MULTI and EXEC, and what WATCH found.
type transaction struct {
	open   bool
	broken bool // a command was refused: EXEC will be too
	dirty  bool // a watched key has changed
	writes bool // a queued command may change data
	// needsMemory: a queued command does
	needsMemory bool
	queued      []queuedCommand
}

type queuedCommand struct {
	spec *command.Spec
	args [][]byte
}

// watchKey is a key under WATCH. A key that was there and has expired since breaks the transaction, whether it was
// removed yet or not; the removal of one that had expired before WATCH does not. Nor does FLUSHALL of one that was not
// there, as in Redis.
type watchKey struct {
	key     dbKey
	existed bool
}

// watchBroken tells whether EXEC must fail.
func (x *executor) watchBroken(s *session) bool {
	if s.tx.dirty {
		return true
	}
	for _, w := range s.watches {
		if w.existed != x.exists(w.key) {
			return true
		}
	}
	return false
}

// watchedWhileThere tells whether a watched key was there when WATCH came.
func (s *session) watchedWhileThere(k dbKey) bool {
	for _, w := range s.watches {
		if w.key == k {
			return w.existed
		}
	}
	return false
}

// exists looks for a key without changing anything.
func (x *executor) exists(k dbKey) bool {
	x.ks.Begin(x.nowMs, keyspace.ExpiryHide)
	defer x.ks.End()
	x.ks.NoTouch()
	return x.ks.DB(k.db).Kind([]byte(k.key)) != keyspace.KindNone
}

func (t *transaction) queue(s *session, spec *command.Spec, args [][]byte) {
	t.queued = append(t.queued, queuedCommand{spec, cloneWords(args)})
	t.writes = t.writes || spec.Flags&command.Write != 0
	t.needsMemory = t.needsMemory || spec.Flags&command.DenyOOM != 0
	s.w.Status("QUEUED")
}

// endTransaction forgets the queue and the watches.
func (x *executor) endTransaction(s *session) {
	s.tx = transaction{}
	x.unwatchAll(s)
}

func (x *executor) unwatchAll(s *session) {
	for _, w := range s.watches {
		watchers := x.watched[w.key]
		delete(watchers, s)
		if len(watchers) == 0 {
			delete(x.watched, w.key)
		}
	}
	s.watches = s.watches[:0]
	s.tx.dirty = false
}

func multi(x *executor, s *session, args [][]byte) error {
	if s.tx.open {
		return errNestedMulti
	}
	s.tx.open = true
	s.w.OK()
	return nil
}

func exec(x *executor, s *session, args [][]byte) error {
	if !s.tx.open {
		return errExecWithoutMulti
	}
	defer x.endTransaction(s)
	switch {
	case s.tx.broken:
		return errExecAbort
	case x.watchBroken(s):
		s.w.NullArray()
		return nil
	case s.tx.writes && x.writeRefusal() != nil:
		// The role has changed since the commands were queued.
		return execAbort(x.writeRefusal())
	}
	s.w.Array(len(s.tx.queued))
	for _, q := range s.tx.queued {
		x.call(s, q.spec, q.args, false)
	}
	s.spec = nil
	return nil
}

func discard(x *executor, s *session, args [][]byte) error {
	if !s.tx.open {
		return errDiscardWithoutMulti
	}
	x.endTransaction(s)
	s.w.OK()
	return nil
}

func watch(x *executor, s *session, args [][]byte) error {
	if s.tx.open {
		return errWatchInMulti
	}
	s.w.OK()
	if s.tx.dirty {
		return nil // EXEC fails already
	}
	for _, key := range args[1:] {
		k := dbKey{s.db, string(key)}
		watchers := x.watched[k]
		if _, twice := watchers[s]; twice {
			continue
		}
		if watchers == nil {
			watchers = make(map[*session]struct{})
			x.watched[k] = watchers
		}
		watchers[s] = struct{}{}
		s.watches = append(s.watches, watchKey{k, x.exists(k)})
	}
	return nil
}

func unwatch(x *executor, s *session, args [][]byte) error {
	x.unwatchAll(s)
	s.w.OK()
	return nil
}
