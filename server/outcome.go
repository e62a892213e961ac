package server

import "github.com/tandemkv/tandem/keyspace"

// noteChanges carries what the last command changed to all who wait to know: watchers, subscribers of keyspace events,
// blocked sessions. It is the only place where they learn of it; s is the session that made the change (nil: the log).
func (x *executor) noteChanges(s *session) {
	changes := x.ks.Changes()
	if len(changes) == 0 && len(x.ks.Expired()) == 0 && len(x.ks.ExpiredFields()) == 0 {
		return
	}
	for i := range changes {
		c := &changes[i]
		if c.Key == nil {
			x.touchAllWatchers(c.DB)
			x.parking.databaseChanged(c.DB) // SWAPDB brought keys, or FLUSHALL took them, for which XREADGROUP waits, too
			continue
		}
		x.touchWatchers(c.DB, c.Key)
		x.parking.keyChanged(c.DB, c.Key, c.Kind)
	}
	for _, gone := range x.ks.Expired() {
		x.parking.keyChanged(gone.DB, gone.Key, keyspace.KindNone)
	}
	if x.opts.notifyClasses != 0 {
		x.publishEvents()
	}
}

// publishEvents sends keyspace notifications (notify-keyspace-events).
func (x *executor) publishEvents() {
	for _, e := range x.ks.Events() {
		if !x.opts.notifyClasses.has(e.Class) {
			continue
		}
		if x.opts.notifyClasses.has('K') {
			x.publishInternal(keyspaceChannel("__keyspace@", e.DB, string(e.Key)), e.Name)
		}
		if x.opts.notifyClasses.has('E') {
			x.publishInternal(keyspaceChannel("__keyevent@", e.DB, e.Name), string(e.Key))
		}
	}
}

// touchWatchers breaks the transactions that watch a key.
func (x *executor) touchWatchers(db int, key []byte) {
	if len(x.watched) == 0 {
		return
	}
	for s := range x.watched[dbKey{db, string(key)}] {
		s.tx.dirty = true
	}
}

// touchAllWatchers breaks the transactions that watch a key of a database which was emptied or exchanged, or of all
// databases (-1). A key that was not there and still is not has not changed; what an exchange brought, EXEC sees.
func (x *executor) touchAllWatchers(db int) {
	for k, sessions := range x.watched {
		if db >= 0 && k.db != db {
			continue
		}
		for s := range sessions {
			s.tx.dirty = s.tx.dirty || s.watchedWhileThere(k)
		}
	}
}
