package keyspace

// The fields of a hash may have deadlines of their own. A hash knows its next one, and a database has the hashes in the
// order of theirs (store.fieldsDue): so what is due is found without a search, however many hashes and fields there are.
//
// A field past its deadline is hidden at once and removed later: by a master, in pieces, because a read came across the
// hash or because CollectExpiredFields did. Until then it counts in Len, as in Redis. A change that finds a hidden field
// overwrites or removes it, which comes to the same where the log is replayed and the field is still to be seen.

// FieldDeadlineMax is the latest deadline of a field, ms since 1970: the limit of Redis 7.4, which has two bits to spare
// of six bytes.
const FieldDeadlineMax = 1<<46 - 1

// metFieldsMax is how many fields of one hash a read has removed. It bounds what a read costs; the rest is for
// CollectExpiredFields.
const metFieldsMax = 32

// ExpiredFields are fields of a hash that were removed as expired. Key and Fields are valid until the next Begin.
type ExpiredFields struct {
	DB     int
	Key    []byte
	Fields [][]byte
}

// fieldsHiddenBefore is the deadline before which the command sees no field.
func (ks *Keyspace) fieldsHiddenBefore() int64 {
	if ks.mode == ExpiryIgnore {
		return 0
	}
	return ks.nowMs
}

// hides says whether a field is hidden. Its last millisecond is the one of its deadline.
func (h Hash) hides(deadlineMs int64) bool { return deadlineMs != 0 && deadlineMs < h.hiddenBefore }

// lookHash is lookKind for hashes: what has expired in there goes at End.
func (db *DB) lookHash(key []byte) (*value, error) {
	e, err := db.lookEntry(key, KindHash)
	if e == nil {
		return nil, err
	}
	if due := e.value.nextFieldDeadline(); due != 0 && due < db.ks.nowMs {
		e = db.ks.meetFields(db, e, metFieldsMax)
	}
	return &e.value, nil
}

// nextFieldDeadline is the earliest deadline of the fields, 0 when none has one.
func (v *value) nextFieldDeadline() int64 {
	if v.kind != KindHash || v.large == nil {
		return v.nextMs
	}
	if t := v.large.(*hashTable); t.deadlines.len() > 0 {
		return t.deadlines.at(0).atMs
	}
	return 0
}

// expiredFields is the number of fields with a deadline before the given time.
func (v *value) expiredFields(beforeMs int64) (n int) {
	if next := v.nextFieldDeadline(); next == 0 || next >= beforeMs {
		return 0
	}
	if v.large != nil {
		return v.large.(*hashTable).deadlines.countWhere(func(d deadline) bool { return d.atMs < beforeMs })
	}
	v.eachDeadline(func(ms int64) {
		if ms < beforeMs {
			n++
		}
	})
	return n
}

// Visible is the number of fields that are to be seen: Len without those that are hidden. O(log n).
func (h Hash) Visible() int {
	if h.v == nil {
		return 0
	}
	return h.Len() - h.v.expiredFields(h.hiddenBefore)
}

// NextDeadline is the earliest deadline of the hash's fields, ms since 1970, hidden or not; 0: no field has one.
func (h Hash) NextDeadline() int64 {
	if h.v == nil {
		return 0
	}
	return h.v.nextFieldDeadline()
}

// Deadline gives a field's deadline, ms since 1970. ok: the field is to be seen; ms 0: it has no deadline.
func (h Hash) Deadline(field []byte) (ms int64, ok bool) {
	_, ms, ok = h.get(field)
	return ms, ok
}

// Hidden says whether a field is there, but past its deadline.
func (h Hash) Hidden(field []byte) bool {
	if h.hiddenBefore == 0 || h.NextDeadline() == 0 {
		return false
	}
	_, ms, ok := h.v.field(field, h.arena)
	return ok && h.hides(ms)
}

// SetDeadline sets (ms > 0, up to FieldDeadlineMax) or removes (0) a field's deadline; false when it is not to be seen.
func (h *HashEdit) SetDeadline(field []byte, ms int64) bool {
	v, had, ok := h.get(field)
	if ok && had != ms {
		h.Put(field, v, ms)
	} else if ok {
		h.handle.changeInPlace()
	}
	return ok
}

// settleFieldsDue keeps the order of hashes in line with an entry.
func (s *store) settleFieldsDue(e *entry, nextMs int64) {
	if nextMs == e.fieldsDue {
		return
	}
	if e.fieldsDue != 0 {
		s.fieldsDue.remove(deadline{e.fieldsDue, e.hash})
	}
	if nextMs != 0 {
		s.fieldsDue.insert(deadline{nextMs, e.hash})
	}
	e.fieldsDue = nextMs
}

// meetFields notes that up to most expired fields of an entry are to be removed by End, and gives the entry as it stays
// readable until then.
func (ks *Keyspace) meetFields(db *DB, e *entry, most int) *entry {
	if !ks.running || ks.mode != ExpiryDelete || e.met || e.notedAt > 0 {
		return e
	}
	if !e.open {
		e = db.openRef(db.keys.hash(e.key), e.ref)
	}
	e.met = true
	ks.notes.met = append(ks.notes.met, metEntry{db, e, most})
	return e
}

// dropExpiredFields removes the expired fields of a hash that was met, the earliest first, and the hash with the last one.
// They are listed in ExpiredFields and the hash not among the changes.
func (db *DB) dropExpiredFields(e *entry, most int) {
	ks := db.ks
	if e.notedAt > 0 || e.nextFieldDeadline() == 0 {
		return // what the command itself changed waits for the next time: the log has removals before changes
	}
	db.beforeChange(e)
	gone := ExpiredFields{DB: db.number, Key: ks.arena.keep(e.key)}
	if e.large == nil {
		gone.Fields = e.dropPacked(ks.nowMs, most, &ks.arena)
	} else {
		t := e.large.(*hashTable)
		for len(gone.Fields) < most && t.deadlines.len() > 0 && t.deadlines.at(0).atMs < ks.nowMs {
			r := t.remove(t.first())
			field, _, _ := t.field(r)
			gone.Fields = append(gone.Fields, ks.arena.keep(field))
			ks.retireCell(db.store, r)
		}
	}
	if len(gone.Fields) == 0 {
		return
	}
	ks.expiredFieldsTotal += int64(len(gone.Fields))
	ks.notes.expiredFields = append(ks.notes.expiredFields, gone)
	ks.noteEvent(db, "hexpired", KindHash, gone.Key)
	if e.len() == 0 {
		db.takeOut(e)
		ks.noteEvent(db, "del", KindHash, gone.Key)
	}
}

// CollectExpiredFields marks up to max fields whose deadline has passed as met, so that End removes and lists them, the
// hashes with the earliest first. Between Begin(ExpiryDelete) and End, after CollectExpired. more: others are waiting.
func (ks *Keyspace) CollectExpiredFields(max int) (n int, more bool) {
	for _, db := range ks.dbs {
		db.fieldsDue.ascend(0, func(d deadline) bool {
			if d.atMs >= ks.nowMs {
				return false
			}
			db.fieldsDueAt(d, func(e *entry) {
				due := e.expiredFields(ks.nowMs)
				if take := min(due, max-n); take > 0 && !e.met {
					ks.meetFields(db, e, take)
					n, due = n+take, due-take
				}
				more = more || due > 0 && n >= max
			})
			return !more
		})
		if more {
			break
		}
	}
	return n, more
}

// fieldsDueAt visits the hashes of a row: mostly one.
func (db *DB) fieldsDueAt(d deadline, fn func(e *entry)) {
	db.alike(d.hash, func(e *entry) {
		if e.fieldsDue == d.atMs {
			fn(e)
		}
	})
}

// HashesWithDeadlines is the number of hashes that have fields with a deadline.
func (db *DB) HashesWithDeadlines() int { return db.fieldsDue.len() }

// HashesWithDeadlines is their number in all databases.
func (ks *Keyspace) HashesWithDeadlines() (n int) {
	for _, db := range ks.dbs {
		n += db.HashesWithDeadlines()
	}
	return n
}

// ExpiredFields are the fields removed as expired by this command, before its own changes.
func (ks *Keyspace) ExpiredFields() []ExpiredFields { return ks.notes.expiredFields }

// ExpiredFieldsTotal counts fields removed as expired.
func (ks *Keyspace) ExpiredFieldsTotal() int64 { return ks.expiredFieldsTotal }
