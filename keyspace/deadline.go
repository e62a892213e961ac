package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// deadline is one row of a database's deadlines, which are kept in order: the next to expire are always at the front,
// however many keys there are. It names the key by its hash, which stays what it is when the entry's cell moves. Keys that
// share hash and deadline share the row.
type deadline struct {
	atMs int64
	hash uint64
}

// byTime is the order of deadlines.
type byTime struct{}

func (byTime) before(a, b deadline) bool {
	if a.atMs != b.atMs {
		return a.atMs < b.atMs
	}
	return a.hash < b.hash
}

// due visits the keys of a row: mostly one.
func (db *DB) due(d deadline, fn func(e *entry)) {
	db.alike(d.hash, func(e *entry) {
		if e.deadline == d.atMs {
			fn(e)
		}
	})
}

// alike visits the keys with a hash: mostly one.
func (db *DB) alike(hash uint64, fn func(e *entry)) {
	db.keys.alike(hash, func(r slab.Ref) bool {
		if e := db.read(r, &db.ks.reading); db.keys.hash(e.key) == hash {
			fn(e)
		}
		return true
	})
}

// expired: the last millisecond of a key is the one of its deadline.
func (ks *Keyspace) expired(e *entry) bool { return e.deadline != 0 && ks.nowMs > e.deadline }

func (ks *Keyspace) hidden(e *entry) bool { return ks.mode != ExpiryIgnore && ks.expired(e) }

// meet notes an expired entry that a read came across, so that End removes it.
func (ks *Keyspace) meet(db *DB, e *entry) {
	if !ks.running || ks.mode != ExpiryDelete || e.met || e.notedAt > 0 {
		return
	}
	if !e.open {
		e = db.openRef(db.keys.hash(e.key), e.ref)
	}
	e.met = true
	ks.notes.met = append(ks.notes.met, metEntry{db: db, entry: e})
}

// dropExpired removes an entry because its time has come. It is listed in Expired and not among the changes.
func (db *DB) dropExpired(e *entry) {
	db.takeOut(e)
	db.ks.expiredTotal++
	db.ks.notes.expired = append(db.ks.notes.expired, KeyRef{DB: db.number, Key: db.ks.arena.keep(e.key)})
	db.ks.noteEvent(db, "expired", e.kind, e.key)
}

// setDeadline changes the deadline of an entry that was prepared for it.
func (db *DB) setDeadline(e *entry, ms int64) {
	if e.deadline == ms {
		return
	}
	if had := e.deadline; had != 0 {
		e.deadline = 0
		if !db.shared(deadline{had, e.hash}) {
			db.deadlines.remove(deadline{had, e.hash})
		}
	}
	if ms != 0 {
		if !db.shared(deadline{ms, e.hash}) {
			db.deadlines.insert(deadline{ms, e.hash})
		}
		e.deadline = ms
	}
}

// unmet says whether a key of the row was not met yet.
func (db *DB) unmet(d deadline) (found bool) {
	db.due(d, func(e *entry) { found = found || !e.met })
	return found
}

// shared says whether another key has the row.
func (db *DB) shared(d deadline) bool {
	found := false
	db.keys.alike(d.hash, func(r slab.Ref) bool {
		e := db.read(r, &db.ks.reading)
		found = e.deadline == d.atMs && db.keys.hash(e.key) == d.hash
		return !found
	})
	return found
}

// SetDeadline sets (ms > 0) or removes (0) the deadline; false when the key is missing.
func (db *DB) SetDeadline(key []byte, ms int64, event string) bool {
	e := db.lookWrite(db.keys.hash(key), key)
	if e == nil {
		return false
	}
	db.touch(e)
	db.setDeadline(e, ms)
	db.ks.dirtyTotal++
	db.ks.noteEvent(db, event, e.kind, key)
	return true
}

// Deadline gives a key's deadline. ok: the key exists; ms 0: no deadline.
func (db *DB) Deadline(key []byte) (ms int64, ok bool) {
	if e := db.look(key, &db.ks.reading); e != nil {
		return e.deadline, true
	}
	return 0, false
}

// Deadlines is the number of keys with a deadline.
func (db *DB) Deadlines() int { return db.deadlines.len() }

// Due counts the keys whose deadline has passed at a time, and all that have one; a hash with such fields counts too.
func (ks *Keyspace) Due(nowMs int64) (due, all int) {
	for _, db := range ks.dbs {
		all += db.deadlines.len() + db.fieldsDue.len()
		passed := func(d deadline) bool { return d.atMs < nowMs }
		due += db.deadlines.countWhere(passed) + db.fieldsDue.countWhere(passed)
	}
	return due, all
}

const averageTTLSamples = 16

// AverageTTL is the mean time to live in ms of the keys with a deadline, estimated from evenly spaced ranks.
func (db *DB) AverageTTL() int64 {
	n := db.deadlines.len()
	if n == 0 {
		return 0
	}
	samples := min(n, averageTTLSamples)
	var mean float64
	for i := range samples {
		d := db.deadlines.at((2*i + 1) * n / (2 * samples))
		mean += float64(max(d.atMs-db.ks.nowMs, 0)) / float64(samples)
	}
	return int64(mean)
}

// CollectExpired marks up to max keys whose deadline has passed as met, so that End removes and lists
// them. Between Begin(ExpiryDelete) and End. more: others are waiting.
func (ks *Keyspace) CollectExpired(max int) (n int, more bool) {
	for _, db := range ks.dbs {
		db.deadlines.ascend(0, func(d deadline) bool {
			switch {
			case d.atMs >= ks.nowMs:
				return false
			case n >= max:
				more = more || db.unmet(d)
				return !more
			}
			db.due(d, func(e *entry) {
				if !e.met {
					ks.meet(db, e)
					n++
				}
			})
			return true
		})
		if more {
			break
		}
	}
	return n, more
}
