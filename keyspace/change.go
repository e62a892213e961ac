package keyspace

import "bytes"

// Change is one key that the command changed. Key nil: the whole database was flushed; with Created as well, its
// content was exchanged (SWAPDB). Key is valid until the next Begin.
type Change struct {
	DB      int
	Key     []byte
	Kind    Kind // after the change; KindNone when it is gone
	Created bool // the key did not exist before the command
}

// Event is a keyspace notification, in the order in which it happened.
type Event struct {
	Class byte // as in notify-keyspace-events: g $ l s h z x e t n ...
	Name  string
	DB    int
	Key   []byte // valid until the next Begin
}

// KeyRef names a key. Key is valid until the next Begin.
type KeyRef struct {
	DB  int
	Key []byte
}

// notes are what one command did, and the memory for it, which is used again by the next command.
type notes struct {
	changes []Change
	changed []*entry // beside changes: the entry, nil when the key is gone
	gone    int      // of changed, those that are nil and have a key
	events  []Event
	expired []KeyRef
	met     []metEntry // entries that the command came across, expired or with fields that are
	// expiredFields are those of hashes that stay, or go with the last of them.
	expiredFields []ExpiredFields
	handles       []*handle
	vacant        int // of handles, those whose key is missing so far
}

type metEntry struct {
	db     *DB
	entry  *entry
	fields int // to be removed at most; 0: the entry itself is expired
}

// notesKeptMax bounds the memory that a large command leaves behind.
const notesKeptMax = 4096

func (n *notes) reset() {
	if cap(n.changes) > notesKeptMax || cap(n.events) > notesKeptMax || cap(n.met) > notesKeptMax {
		*n = notes{handles: n.handles}
	}
	n.changes = n.changes[:0]
	clear(n.changed)
	n.changed = n.changed[:0]
	n.gone = 0
	n.events = n.events[:0]
	n.expired = n.expired[:0]
	clear(n.expiredFields)
	n.expiredFields = n.expiredFields[:0]
	clear(n.met)
	n.met = n.met[:0]
	n.handles, n.vacant = n.handles[:0], 0
}

// noteChange merges all changes of one key by one command into one note.
func (ks *Keyspace) noteChange(db *DB, e *entry, created bool) {
	if e.notedAt > 0 {
		return
	}
	n := &ks.notes
	if created && n.gone > 0 {
		// The command removed the key before and makes it anew: for others that is one change of what was there.
		for i := range n.changes {
			c := &n.changes[i]
			if n.changed[i] == nil && c.Key != nil && c.DB == db.number && bytes.Equal(c.Key, e.key) {
				n.changed[i], e.notedAt = e, i+1
				n.gone--
				return
			}
		}
	}
	n.changes = append(n.changes, Change{DB: db.number, Key: ks.arena.keep(e.key), Created: created})
	n.changed = append(n.changed, e)
	e.notedAt = len(n.changes)
}

// noteGone is noteChange for an entry that goes away.
func (ks *Keyspace) noteGone(db *DB, e *entry) {
	ks.noteChange(db, e, false)
	ks.notes.changed[e.notedAt-1] = nil
	ks.notes.gone++
}

// noteWhole notes a change of a whole database.
func (ks *Keyspace) noteWhole(db *DB, exchanged bool) {
	ks.closeEntries(db.store)
	n := &ks.notes
	for i := range n.changes {
		if n.changes[i].DB == db.number && n.changed[i] != nil {
			n.changed[i] = nil
			n.gone++
		}
	}
	for _, h := range n.handles {
		if h.db == db {
			h.detach()
		}
	}
	n.changes = append(n.changes, Change{DB: db.number, Created: exchanged})
	n.changed = append(n.changed, nil)
}

// settle gives the notes their final form.
func (n *notes) settle() {
	kept := n.changes[:0]
	for i, c := range n.changes {
		if e := n.changed[i]; e != nil {
			c.Kind = e.kind
		} else if c.Created && c.Key != nil {
			continue // made and removed by one command: nobody needs to know
		}
		kept = append(kept, c)
	}
	n.changes = kept
	clear(n.changed)
	n.changed = n.changed[:0]
}

func (ks *Keyspace) noteEvent(db *DB, name string, kind Kind, key []byte) {
	if name == "" {
		return
	}
	ks.notes.events = append(ks.notes.events, Event{Class: eventClass(name, kind), Name: name, DB: db.number, Key: ks.arena.keep(key)})
}
