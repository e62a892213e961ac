package keyspace

import "strconv"

// embstrBytesMax is the longest string that OBJECT ENCODING calls embstr.
const embstrBytesMax = 44

// KeepDeadline as a deadline argument leaves the one that the key has.
const KeepDeadline int64 = -1

// String reads a string value. v is borrowed: valid until the next write or Begin. A missing key gives nil, false, nil.
func (db *DB) String(key []byte) (v []byte, ok bool, err error) {
	at := db.look(key, &db.ks.reading)
	switch {
	case at == nil:
		return nil, false, nil
	case at.kind != KindString:
		return nil, false, ErrWrongType
	}
	return at.stringBytes(&db.ks.arena), true, nil
}

// PutString sets a string over whatever was there.
func (db *DB) PutString(key, value []byte, deadlineMs int64, event string) {
	ks := db.ks
	hash := db.keys.hash(key)
	v := ks.newString(value)
	e := db.lookWrite(hash, key)
	if e == nil {
		e = db.create(hash, key, KindString, room{v.stringRoom(), deadlineMs > 0})
	} else {
		db.touch(e)
		if e.kind != KindString {
			ks.release(e)
			db.dropLarge(e)
		}
	}
	e.value = v
	ks.dirtyTotal++
	ks.noteEvent(db, event, KindString, e.key)
	if deadlineMs != KeepDeadline {
		db.setDeadline(e, deadlineMs)
	}
}

// EditString opens a string for change; a missing key is created by the first change.
func (db *DB) EditString(key []byte, event string) (*StringEdit, error) {
	s := db.ks.pools.strings.take()
	if err := db.edit(&s.handle, &s.at, key, KindString, event); err != nil {
		return nil, err
	}
	return s, nil
}

// StringEdit changes one string in place.
type StringEdit struct {
	at     view
	handle handle
}

// Exists says whether there is a string.
func (s *StringEdit) Exists() bool { return s.at.v != nil }

// Value gives the string, borrowed; nil when it is missing.
func (s *StringEdit) Value() []byte {
	if s.at.v == nil {
		return nil
	}
	return s.at.v.stringBytes(s.at.arena)
}

// Int gives the value as a canonical 64-bit integer; a missing key is 0, true.
func (s *StringEdit) Int() (int64, bool) {
	if s.at.v == nil {
		return 0, true
	}
	return s.at.v.integer()
}

// SetInt sets an integer and keeps the deadline.
func (s *StringEdit) SetInt(n int64) {
	*s.handle.changeInPlace() = value{kind: KindString, encoding: encodingInt, number: n}
}

// Set sets a string and keeps the deadline.
func (s *StringEdit) Set(b []byte) {
	v := s.handle.db.ks.newString(b)
	*s.handle.changeInPlace() = v
}

// Append adds at the end and gives the new length.
func (s *StringEdit) Append(b []byte) int {
	if s.at.v == nil {
		s.Set(b)
		return len(b)
	}
	v := s.handle.changeInPlace()
	v.makeRaw(s.at.arena, len(b))
	v.data = append(v.data, b...)
	return len(v.data)
}

// SetRange overwrites from off, after padding with zero bytes, and gives the new length. Nothing to write is no change.
func (s *StringEdit) SetRange(off int, b []byte) int {
	if len(b) == 0 {
		if s.at.v == nil {
			return 0
		}
		return s.at.v.stringLen()
	}
	v := s.handle.changeInPlace()
	v.makeRaw(s.at.arena, max(off+len(b)-len(v.data), 0))
	if need := off + len(b); need > len(v.data) {
		had := len(v.data)
		v.data = append(v.data, make([]byte, need-had)...)
	}
	copy(v.data[off:], b)
	return len(v.data)
}

// newString is a string in its smallest form. Its bytes stand in the arena, until End.
func (ks *Keyspace) newString(b []byte) value {
	v := value{kind: KindString, encoding: encodingRaw}
	if n, ok := parseInteger(b); ok {
		v.encoding, v.number = encodingInt, n
		return v
	}
	if len(b) <= embstrBytesMax {
		v.encoding = encodingEmbstr
	}
	if code, ok := ks.encode(b); ok {
		v.number, v.data = int64(len(b)), code
		v.encoding += encodingEmbstrCode - encodingEmbstr
		return v
	}
	v.data = ks.arena.keep(b)
	return v
}

// stringRoom is what a string will take in its cell, beyond an empty one.
func (v *value) stringRoom() int {
	switch {
	case v.encoding == encodingInt:
		return numberSize(v.number) - 1
	case v.encoding.isCode():
		return len(v.data) + lengthSize(int(v.number))
	}
	return len(v.data)
}

func (v *value) stringBytes(a *arena) []byte {
	switch {
	case v.encoding == encodingInt:
		return a.integer(v.number)
	case v.encoding.isCode():
		return a.plain(v.data, int(v.number))
	}
	return v.data[:len(v.data):len(v.data)]
}

func (v *value) stringLen() int {
	switch {
	case v.encoding == encodingInt:
		var room [20]byte
		return len(strconv.AppendInt(room[:0], v.number, 10))
	case v.encoding.isCode():
		return int(v.number)
	}
	return len(v.data)
}

func (v *value) integer() (int64, bool) {
	switch {
	case v.encoding == encodingInt:
		return v.number, true
	case v.encoding.isCode():
		return 0, false // it is longer than any
	}
	return parseInteger(v.data)
}

// makeRaw turns the string into bytes that can be changed in place, with room for more.
func (v *value) makeRaw(a *arena, more int) {
	if v.encoding == encodingInt || v.encoding.isCode() {
		v.data, v.fixed = a.keepWith(v.stringBytes(a), max(more, editRoomBytes)), false
		v.number = 0
	}
	v.mutable(a, more)
	v.encoding = encodingRaw
}
