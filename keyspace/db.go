package keyspace

import "math/rand/v2"

// DB is one database.
type DB struct {
	ks     *Keyspace
	number int
	*store
}

// store is the content of a database. SWAPDB exchanges stores, and FLUSHDB puts a new one in the place of the old
// one, which then belongs to the frozen views that still need it.
type store struct {
	keys      index[*entry]
	deadlines order[deadline]
	marks     marks
}

func newStore(seed uint64, flushed bool) *store {
	s := &store{keys: newIndex[*entry](seed)}
	s.marks.init(seed)
	s.forgetBase(flushed)
	return s
}

// Index is the database's number.
func (db *DB) Index() int { return db.number }

// Len is DBSIZE.
func (db *DB) Len() int { return db.keys.count }

// Kind gives the kind of a key's value, KindNone when there is no such key.
func (db *DB) Kind(key []byte) Kind {
	if e := db.look(key); e != nil {
		return e.kind
	}
	return KindNone
}

// Encoding is the name that OBJECT ENCODING gives, "" when the key is missing.
func (db *DB) Encoding(key []byte) string {
	if e := db.look(key); e != nil {
		return e.encoding.String()
	}
	return ""
}

// find gives the entry of a key, also past its deadline.
func (db *DB) find(key []byte) *entry {
	if at := db.keys.find(db.keys.hash(key), key); at != nil {
		return *at
	}
	return nil
}

// look finds an entry for reading: what is expired is not there, and noted as met.
func (db *DB) look(key []byte) *entry {
	e := db.find(key)
	if e != nil && e.deadline != 0 && db.ks.hidden(e) {
		db.ks.meet(db, e)
		e = nil
	}
	if e == nil {
		db.ks.misses++
	} else {
		db.ks.hits++
	}
	return e
}

// Lookups counts the reads that found their key, and those that did not.
func (ks *Keyspace) Lookups() (hits, misses int64) { return ks.hits, ks.misses }

// lookKind is look for a command that wants one kind of value.
func (db *DB) lookKind(key []byte, kind Kind) (*value, error) {
	e := db.look(key)
	switch {
	case e == nil:
		return nil, nil
	case e.kind != kind:
		return nil, ErrWrongType
	default:
		return &e.value, nil
	}
}

// lookWrite finds an entry for writing: what is expired goes first.
func (db *DB) lookWrite(hash uint64, key []byte) *entry {
	at := db.keys.find(hash, key)
	if at == nil {
		return nil
	}
	e := *at
	if e.deadline == 0 || !db.ks.hidden(e) {
		return e
	}
	if db.ks.mode == ExpiryDelete {
		db.dropExpired(e)
	}
	return nil
}

// touch prepares an entry for the changes of this command: every way to change an existing entry leads through here.
func (db *DB) touch(e *entry) {
	if e.noted == db.ks.command && e.notedAt >= 0 {
		return
	}
	db.beforeChange(e)
	db.ks.noteChange(db, e, false)
}

// create adds an entry for a key that is not there, or only hidden as expired.
func (db *DB) create(hash uint64, key []byte, kind Kind) *entry {
	ks := db.ks
	if at := db.keys.find(hash, key); at != nil {
		db.takeOut(*at)
	}
	e := &entry{key: append(make([]byte, 0, len(key)), key...), hash: hash, value: newValue(kind)}
	e.stamp = ks.freezeClock
	e.dirty = ks.dirtyGeneration
	db.marks.created(e, ks.dirtyGeneration)
	db.keys.insert(hash, e)
	ks.noteChange(db, e, true)
	ks.noteEvent(db, "new", kind, e.key)
	ks.attach(db, e)
	return e
}

// unlink removes an entry as a change of the command.
func (db *DB) unlink(e *entry, event string) {
	db.takeOut(e)
	db.ks.noteGone(db, e)
	db.ks.noteEvent(db, event, e.kind, e.key)
	db.ks.dirtyTotal++
}

// takeOut takes an entry out of all structures.
func (db *DB) takeOut(e *entry) {
	db.beforeChange(e)
	db.keys.remove(e.hash, e.key)
	db.setDeadline(e, 0)
	db.marks.removed(e, db.ks.dirtyGeneration)
	db.ks.release(e)
}

// Remove deletes a key. The event is noted when it existed ("" = none).
func (db *DB) Remove(key []byte, event string) bool {
	e := db.lookWrite(db.keys.hash(key), key)
	if e == nil {
		return false
	}
	db.unlink(e, event)
	return true
}

// Rename moves a value with its deadline, over whatever was at to (events rename_from, rename_to). from must exist.
func (db *DB) Rename(from, to []byte) {
	db.move(from, db, to, "rename_from", "rename_to")
}

// MoveTo moves a value with its deadline into another database (events move_from, move_to). The key must exist here.
func (db *DB) MoveTo(dst *DB, key []byte) {
	db.move(key, dst, key, "move_from", "move_to")
}

func (db *DB) move(from []byte, dst *DB, to []byte, eventFrom, eventTo string) {
	if db == dst && string(from) == string(to) {
		return
	}
	e := db.mustLook(from)
	v, deadlineMs := e.value, e.deadline
	db.unlink(e, "")
	moved := dst.replace(to, v)
	dst.setDeadline(moved, deadlineMs)
	db.ks.noteEvent(db, eventFrom, v.kind, from)
	db.ks.noteEvent(dst, eventTo, v.kind, to)
}

// CopyTo copies a value with its deadline into another database or key, over whatever was there (event copy_to).
// from must exist.
func (db *DB) CopyTo(dst *DB, from, to []byte) {
	if db == dst && string(from) == string(to) {
		return
	}
	e := db.mustLook(from)
	made := dst.replace(to, e.value.clone())
	dst.setDeadline(made, e.deadline)
	db.ks.dirtyTotal++
	db.ks.noteEvent(dst, "copy_to", made.kind, to)
}

func (db *DB) mustLook(key []byte) *entry {
	e := db.lookWrite(db.keys.hash(key), key)
	if e == nil {
		panic("keyspace: the key to move or copy is missing: " + string(key))
	}
	return e
}

// replace puts a value at a key, as a new entry.
func (db *DB) replace(key []byte, v value) *entry {
	hash := db.keys.hash(key)
	if old := db.lookWrite(hash, key); old != nil {
		db.unlink(old, "")
	}
	e := db.create(hash, key, v.kind)
	e.value = v
	return e
}

// Flush drops all keys (one Change with Key nil).
func (db *DB) Flush() {
	db.ks.dirtyTotal += int64(db.Len()) + 1
	db.ks.noteWhole(db, false)
	db.store = newStore(db.ks.seed, true)
}

const randomTriesMax = 100

// RandomKey gives one of the keys; false when there is none.
func (db *DB) RandomKey(r *rand.Rand) ([]byte, bool) {
	for range randomTriesMax {
		if db.keys.count == 0 {
			return nil, false
		}
		e := *db.keys.random(r)
		if e.deadline == 0 || !db.ks.hidden(e) {
			return e.key, true
		}
		db.ks.meet(db, e)
	}
	// Nearly all keys are expired: the first that is not, looked for in a bounded part.
	var found []byte
	for n, cursor := 0, r.Uint64(); n < randomTriesMax && found == nil; n++ {
		cursor = db.Scan(cursor, func(key []byte, _ Kind) { found = key })
	}
	return found, found != nil
}
