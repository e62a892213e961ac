package keyspace

import "bytes"

// deadline is one row of a database's deadlines, which are kept in order: the next to expire are always at the front,
// however many keys there are.
type deadline struct {
	atMs  int64
	entry *entry
}

func (d deadline) before(other deadline) bool {
	switch {
	case d.atMs != other.atMs:
		return d.atMs < other.atMs
	case d.entry.hash != other.entry.hash:
		return d.entry.hash < other.entry.hash
	default:
		return bytes.Compare(d.entry.key, other.entry.key) < 0
	}
}

// expired: the last millisecond of a key is the one of its deadline.
func (ks *Keyspace) expired(e *entry) bool { return e.deadline != 0 && ks.nowMs > e.deadline }

func (ks *Keyspace) hidden(e *entry) bool { return ks.mode != ExpiryIgnore && ks.expired(e) }

// meet notes an expired entry that a read came across, so that End removes it.
func (ks *Keyspace) meet(db *DB, e *entry) {
	if !ks.running || ks.mode != ExpiryDelete || e.noted == ks.command {
		return
	}
	e.noted, e.notedAt = ks.command, -1
	ks.notes.met = append(ks.notes.met, metEntry{db, e})
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
	if e.deadline != 0 {
		db.deadlines.remove(deadline{e.deadline, e})
	}
	e.deadline = ms
	if ms != 0 {
		db.deadlines.insert(deadline{ms, e})
	}
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
	if e := db.look(key); e != nil {
		return e.deadline, true
	}
	return 0, false
}

// Deadlines is the number of keys with a deadline.
func (db *DB) Deadlines() int { return db.deadlines.len() }

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
			case d.entry.noted == ks.command:
				return true // met before
			case n == max:
				more = true
				return false
			}
			ks.meet(db, d.entry)
			n++
			return true
		})
		if more {
			break
		}
	}
	return n, more
}
