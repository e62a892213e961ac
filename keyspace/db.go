package keyspace

import (
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// DB is one database.
type DB struct {
	ks     *Keyspace
	number int
	*store
}

// store is the content of a database. SWAPDB exchanges stores, and FLUSHDB puts a new one in the place of the old
// one, which then belongs to the frozen views that still need it.
type store struct {
	ks        *Keyspace
	heap      *slab.Heap
	keys      index
	larges    larges
	deadlines order[deadline, byTime]
	fieldsDue order[deadline, byTime] // the hashes that have fields with a deadline, each with the next one
	marks     marks
	coded     coded
	basesFrom uint32 // the bases of its structures hold that began at this freeze clock or later
	flushed   bool   // no database has it any more
	filled    bool   // it stands in the keyspace's list of stores that ever had a key
}

func newStore(ks *Keyspace, flushed bool) *store {
	s := &store{ks: ks, heap: slab.New()}
	s.keys = newIndex(ks.seed, cells{s.heap, true})
	s.deadlines.heap, s.fieldsDue.heap = s.heap, s.heap
	s.marks.init(ks.seed)
	s.forgetBase(flushed)
	return s
}

// Index is the database's number.
func (db *DB) Index() int { return db.number }

// Len is DBSIZE.
func (db *DB) Len() int { return db.keys.count }

// Kind gives the kind of a key's value, KindNone when there is no such key.
func (db *DB) Kind(key []byte) Kind {
	if e := db.look(key, &db.ks.reading); e != nil {
		return e.kind
	}
	return KindNone
}

// Encoding is the name that OBJECT ENCODING gives, "" when the key is missing.
func (db *DB) Encoding(key []byte) string {
	if e := db.look(key, &db.ks.reading); e != nil {
		return e.encoding.String()
	}
	return ""
}

// find gives the entry of a key, also past its deadline, in the given room if it is not open.
func (db *DB) find(key []byte, room *entry) *entry {
	r := db.keys.find(db.keys.hash(key), key)
	if r == 0 {
		return nil
	}
	return db.read(r, room)
}

// look finds an entry for reading, in the given room: what is expired is not there, and noted as met.
func (db *DB) look(key []byte, room *entry) *entry {
	e := db.find(key, room)
	if e != nil && e.deadline != 0 && db.ks.hidden(e) {
		db.ks.meet(db, e)
		e = nil
	}
	if e == nil {
		db.ks.misses++
	} else {
		db.ks.hits++
		db.ks.access.used(db.heap.Cell(e.ref))
	}
	return e
}

// Lookups counts the reads that found their key, and those that did not.
func (ks *Keyspace) Lookups() (hits, misses int64) { return ks.hits, ks.misses }

// lookKind is look for a command that wants one kind of value.
func (db *DB) lookKind(key []byte, kind Kind) (*value, error) {
	e, err := db.lookEntry(key, kind)
	if e == nil {
		return nil, err
	}
	return &e.value, nil
}

func (db *DB) lookEntry(key []byte, kind Kind) (*entry, error) {
	e := db.look(key, db.ks.pools.entries.take())
	if e != nil && e.kind != kind {
		return nil, ErrWrongType
	}
	return e, nil
}

// lookWrite finds an entry for writing and opens it: what is expired goes first.
func (db *DB) lookWrite(hash uint64, key []byte) *entry {
	r := db.keys.find(hash, key)
	if r == 0 {
		return nil
	}
	e := db.openRef(hash, r)
	if e.deadline == 0 || !db.ks.hidden(e) {
		db.ks.access.used(db.heap.Cell(r))
		return e
	}
	if db.ks.mode == ExpiryDelete {
		db.dropExpired(e)
	}
	return nil
}

// touch prepares an entry for the changes of this command: every way to change an existing entry leads through here.
func (db *DB) touch(e *entry) {
	if e.notedAt > 0 {
		return
	}
	db.beforeChange(e)
	db.ks.noteChange(db, e, false)
}

// create adds an entry for a key that is not there, or only hidden as expired.
func (db *DB) create(hash uint64, key []byte, kind Kind, expected room) *entry {
	ks := db.ks
	if r := db.keys.find(hash, key); r != 0 {
		db.takeOut(db.openRef(hash, r))
	}
	e := db.newEntry(hash, key, newValue(kind), expected)
	e.stamp = ks.freezeClock
	db.marks.created(e)
	db.keys.insert(hash, e.ref)
	if !db.filled {
		db.filled = true
		ks.filled = append(ks.filled, db.store)
	}
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
	db.keys.remove(e.hash, e.ref)
	db.setDeadline(e, 0)
	db.settleFieldsDue(e, 0)
	db.marks.removed(e)
	db.ks.release(e)
	db.drop(e)
}

// drop gives an entry's memory back, from the next Begin on.
func (s *store) drop(e *entry) {
	s.countCode(s.heap.Cell(e.ref), -1)
	s.dropLarge(e)
	s.settleLarge(e)
	s.ks.retireCell(s, e.ref)
	e.open = false
}

// dropLarge parts an entry from its large structure, which is given back in pieces.
func (s *store) dropLarge(e *entry) {
	if e.large != nil {
		s.ks.retireLarge(s, e.large)
		e.large = nil
	}
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

// MoveTo moves a value with its deadline into another database (events move_from, move_to). The key must exist here. A
// large value is copied, which takes as long as COPY does: each database has a heap of its own.
func (db *DB) MoveTo(dst *DB, key []byte) {
	db.move(key, dst, key, "move_from", "move_to")
}

func (db *DB) move(from []byte, dst *DB, to []byte, eventFrom, eventTo string) {
	if db == dst && string(from) == string(to) {
		return
	}
	e := db.mustLook(from)
	db.beforeChange(e)
	v, deadlineMs, access := e.value, e.deadline, accessOf(db.heap.Cell(e.ref))
	switch {
	case v.large == nil:
		v.mutable(&db.ks.arena, 0)
	case db.store == dst.store:
		forgetBase(v.large)
		e.large = nil // it goes over as it is
	default:
		v.large = v.large.clone(dst.heap)
	}
	db.unlink(e, "")
	moved := dst.replace(to, v)
	dst.setDeadline(moved, deadlineMs)
	setAccess(dst.heap.Cell(moved.ref), access)
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
	made := dst.replace(to, e.value.clone(dst.heap))
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
	e := db.create(hash, key, v.kind, room{})
	e.value = v
	return e
}

// Flush drops all keys (one Change with Key nil).
func (db *DB) Flush() {
	db.ks.dirtyTotal += int64(db.Len()) + 1
	db.ks.noteWhole(db, false)
	db.ks.retireStore(db.store)
	db.store = newStore(db.ks, true)
}

const randomTriesMax = 100

// RandomKey gives one of the keys; false when there is none.
func (db *DB) RandomKey(r *rand.Rand) ([]byte, bool) {
	for range randomTriesMax {
		if db.keys.count == 0 {
			return nil, false
		}
		e := db.read(db.keys.random(r), &db.ks.reading)
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
