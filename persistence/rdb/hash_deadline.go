package rdb

import (
	"encoding/binary"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

// A hash whose fields have deadlines is written as Redis 7.4 writes a large one: the earliest deadline, the number of
// fields, and for each the distance from that deadline plus one (0: the field has none), its name and its value. Redis makes
// its own compact form of it when it is small. The other form is a listpack of triples with absolute deadlines.

func hasFieldDeadlines(it *keyspace.Item) bool { return it.NextFieldMs != 0 }

func encodeHashTTL(e *encoder, it *keyspace.Item) {
	hash := it.Hash()
	first := it.NextFieldMs
	if it.Part == 0 || e.alone {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(first))
	}
	e.count(it, hash.Len())
	hash.EachTimed(func(field, value []byte, deadlineMs int64) bool {
		if deadlineMs == 0 {
			e.length(0)
		} else {
			e.length(uint64(deadlineMs - first + 1))
		}
		e.str(field)
		e.str(value)
		e.maybeSpill()
		return true
	})
}

func decodeHashTTL(s *source, t target) (int, error) {
	first, err := s.uint64()
	if err != nil {
		return 0, err
	}
	from, err := newPlain(s, 2)
	if err != nil {
		return 0, err
	}
	edit, err := t.hash()
	if err != nil {
		return 0, err
	}
	n := 0
	for from.left > 0 {
		distance, err := s.length()
		if err != nil {
			return n, err
		}
		field, value, _, err := nextPair(s, from)
		if err != nil {
			return n, err
		}
		deadline := uint64(0)
		if distance != 0 {
			// Beyond the limit each of them is refused as much as the sum, which they must not overflow.
			deadline = min(first, keyspace.FieldDeadlineMax+1) + min(distance, keyspace.FieldDeadlineMax+1) - 1
		}
		if err := putTimed(s, edit, field, value, deadline); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func decodeHashTTLListpack(s *source, t target) (int, error) {
	if _, err := s.uint64(); err != nil { // the earliest deadline, which the triples have too
		return 0, err
	}
	from, err := packedAs(s, newListpack)
	if err != nil {
		return 0, err
	}
	edit, err := t.hash()
	if err != nil {
		return 0, err
	}
	n := 0
	var hold []byte
	for {
		field, more, err := from.next()
		if err != nil || !more {
			return n, err
		}
		hold = append(hold[:0], field...) // two more come before it is used
		value, text, more, err := nextPair(s, from)
		if err != nil {
			return n, err
		}
		deadline, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil || !more {
			return n, errPacked
		}
		if err := putTimed(s, edit, hold, value, deadline); err != nil {
			return n, err
		}
		n++
	}
}

func putTimed(s *source, edit *keyspace.HashEdit, field, value []byte, deadline uint64) error {
	if deadline > keyspace.FieldDeadlineMax {
		return s.corrupt("field %q has the deadline %d", shown(field), deadline)
	}
	if !edit.Put(field, value, int64(deadline)) {
		return s.corrupt("field %q twice", shown(field))
	}
	return nil
}
