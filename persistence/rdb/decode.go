package rdb

import (
	"math"
	"slices"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

// target is where a value goes.
type target struct {
	db         *keyspace.DB
	key        []byte
	deadlineMs int64
	more       bool // the elements are added to what is there
}

func (t target) hash() (*keyspace.HashEdit, error) {
	if t.more {
		return t.db.EditHash(t.key, "")
	}
	return t.db.ReplaceHash(t.key, ""), nil
}

func (t target) list() (*keyspace.ListEdit, error) {
	if t.more {
		return t.db.EditList(t.key, "")
	}
	return t.db.ReplaceList(t.key, ""), nil
}

func (t target) set() (*keyspace.SetEdit, error) {
	if t.more {
		return t.db.EditSet(t.key, "")
	}
	return t.db.ReplaceSet(t.key, ""), nil
}

func (t target) zset() (*keyspace.ZSetEdit, error) {
	if t.more {
		return t.db.EditZSet(t.key, "")
	}
	return t.db.ReplaceZSet(t.key, ""), nil
}

// DecodeValue puts the value that EncodeValue wrote (or any value without its key, as in a DUMP payload) at key, over
// whatever was there. It is called between Begin and End of the keyspace, and copies what it keeps. After an error
// the key may hold a part of the value: the caller removes it or gives the keyspace up.
func DecodeValue(db *keyspace.DB, key []byte, deadlineMs int64, payload []byte) error {
	_, err := decodePayload(target{db: db, key: key, deadlineMs: deadlineMs}, payload)
	return err
}

// AppendValue adds the elements that EncodePart wrote to the collection at key, or makes it, and gives their number. Else
// it is as DecodeValue; the key keeps the deadline that it has.
func AppendValue(db *keyspace.DB, key []byte, payload []byte) (elements int, err error) {
	return decodePayload(target{db: db, key: key, more: true}, payload)
}

func decodePayload(t target, payload []byte) (elements int, err error) {
	s := source{buf: payload, end: len(payload), key: t.key}
	typ, err := s.byte()
	if err != nil {
		return 0, err
	}
	if t.more && typ == typeString {
		return 0, s.corrupt("a string as a part of a value")
	}
	if t.more && slices.Contains([]byte{typeStream, typeStream2, typeStream3}, typ) {
		return 0, s.corrupt("a stream as a part of a value")
	}
	n, err := decodeValue(&s, typ, t)
	if err != nil {
		return n, err
	}
	if n == 0 {
		return n, s.corrupt("a value without elements")
	}
	if s.pos != s.end {
		return n, s.corrupt("%d bytes behind the value", s.end-s.pos)
	}
	return n, nil
}

// decodeValue gives back the number of elements: 0 says that the key must not exist, and it does not.
func decodeValue(s *source, typ byte, t target) (int, error) {
	row := rowOfType(typ)
	if row == nil {
		return 0, s.corrupt("value of type %d, which does not exist", typ)
	}
	if row.decode == nil {
		return 0, s.unsupported(row.refusal)
	}
	n, err := row.decode(s, t)
	if err == errPacked {
		return 0, s.corrupt("%s: %v", row.name, err)
	}
	if err == nil && n > 0 && t.deadlineMs != 0 && typ != typeString {
		t.db.SetDeadline(t.key, t.deadlineMs, "")
	}
	return n, err
}

func decodeString(s *source, t target) (int, error) {
	v, err := s.str()
	if err != nil {
		return 0, err
	}
	t.db.PutString(t.key, v, t.deadlineMs, "")
	return 1, nil
}

// plain is the elements of a type without packing: strings one after another. It is a part of the source, for a value
// has one at most.
type plain struct {
	s    *source
	left uint64
	hold [2][]byte
	turn int
}

func newPlain(s *source, perElement uint64) (*plain, error) {
	n, err := s.length()
	if err != nil {
		return nil, err
	}
	if n > math.MaxInt64/perElement {
		return nil, s.corrupt("a value of %d elements", n)
	}
	p := &s.members
	p.s, p.left = s, n*perElement
	return p, nil
}

func (p *plain) next() (v []byte, more bool, err error) {
	if p.left == 0 {
		return nil, false, nil
	}
	p.left--
	if v, err = p.s.str(); err != nil {
		return nil, false, err
	}
	if p.s.lasting {
		return v, true, nil
	}
	p.turn ^= 1
	hold := append(p.hold[p.turn][:0], v...)
	p.hold[p.turn] = hold
	if cap(hold) > keepBytesMax {
		p.hold[p.turn] = nil
	}
	return hold, true, nil
}

func decodeList(s *source, t target) (int, error) {
	p, err := newPlain(s, 1)
	if err != nil {
		return 0, err
	}
	return fillList(s, t, p)
}

func decodeSet(s *source, t target) (int, error) {
	p, err := newPlain(s, 1)
	if err != nil {
		return 0, err
	}
	return fillSet(s, t, p)
}

func decodeHash(s *source, t target) (int, error) {
	p, err := newPlain(s, 2)
	if err != nil {
		return 0, err
	}
	return fillHash(s, t, p)
}

func decodeZSet(s *source, t target) (int, error) {
	return decodeScored(s, t, func() (float64, error) {
		bits, err := s.uint64()
		return math.Float64frombits(bits), err
	})
}

// decodeZSetText reads scores of a length byte and text; three lengths stand for what has no digits.
func decodeZSetText(s *source, t target) (int, error) {
	return decodeScored(s, t, func() (float64, error) {
		n, err := s.byte()
		if err != nil {
			return 0, err
		}
		switch n {
		case 253:
			return math.NaN(), nil
		case 254:
			return math.Inf(1), nil
		case 255:
			return math.Inf(-1), nil
		}
		text, err := s.take(int(n))
		if err != nil {
			return 0, err
		}
		return parseScore(s, text)
	})
}

func decodeScored(s *source, t target, score func() (float64, error)) (int, error) {
	members, err := newPlain(s, 1)
	if err != nil {
		return 0, err
	}
	edit, err := t.zset()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		m, more, err := members.next()
		if err != nil || !more {
			return n, err
		}
		f, err := score()
		if err != nil {
			return n, err
		}
		if err := putScored(s, edit, m, f); err != nil {
			return n, err
		}
		n++
	}
}

func putScored(s *source, edit *keyspace.ZSetEdit, m []byte, score float64) error {
	if math.IsNaN(score) {
		return s.corrupt("a score that is not a number")
	}
	if created, _ := edit.Put(m, score); !created {
		return s.corrupt("member %q twice", shown(m))
	}
	return nil
}

func parseScore(s *source, text []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !math.IsInf(f, 0) { // out of range is infinity, as strtod has it
		return 0, s.corrupt("score %q", shown(text))
	}
	return f, nil
}

func fillList(s *source, t target, from elements) (int, error) {
	edit, err := t.list()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		v, more, err := from.next()
		if err != nil || !more {
			return n, err
		}
		edit.PushTail(v)
		n++
	}
}

func fillSet(s *source, t target, from elements) (int, error) {
	edit, err := t.set()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		m, more, err := from.next()
		if err != nil || !more {
			return n, err
		}
		if !edit.Add(m) {
			return n, s.corrupt("member %q twice", shown(m))
		}
		n++
	}
}

func fillZSet(s *source, t target, from elements) (int, error) {
	edit, err := t.zset()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		m, text, more, err := nextPair(s, from)
		if err != nil || !more {
			return n, err
		}
		f, err := parseScore(s, text)
		if err != nil {
			return n, err
		}
		if err := putScored(s, edit, m, f); err != nil {
			return n, err
		}
		n++
	}
}

func fillHash(s *source, t target, from elements) (int, error) {
	edit, err := t.hash()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		field, value, more, err := nextPair(s, from)
		if err != nil || !more {
			return n, err
		}
		if !edit.Set(field, value) {
			return n, s.corrupt("field %q twice", shown(field))
		}
		n++
	}
}

func nextPair(s *source, from elements) (a, b []byte, more bool, err error) {
	if a, more, err = from.next(); err != nil || !more {
		return nil, nil, false, err
	}
	if b, more, err = from.next(); err != nil {
		return nil, nil, false, err
	}
	if !more {
		return nil, nil, false, s.corrupt("an odd number of elements, where pairs belong")
	}
	return a, b, true, nil
}

// shown keeps an error readable.
func shown(v []byte) []byte { return v[:min(len(v), keyShownBytes)] }

// packedAs opens the string that holds a packed value.
func packedAs[E elements](s *source, open func([]byte) (E, error)) (E, error) {
	var none E
	p, err := s.str()
	if err != nil {
		return none, err
	}
	return open(p)
}

func decodeSetIntset(s *source, t target) (int, error) {
	from, err := packedAs(s, newIntset)
	if err != nil {
		return 0, err
	}
	return fillSet(s, t, from)
}

func decodeSetListpack(s *source, t target) (int, error) {
	from, err := packedAs(s, newListpack)
	if err != nil {
		return 0, err
	}
	return fillSet(s, t, from)
}

func decodeHashZipmap(s *source, t target) (int, error) {
	from, err := packedAs(s, newZipmap)
	if err != nil {
		return 0, err
	}
	return fillHash(s, t, from)
}

func decodeHashZiplist(s *source, t target) (int, error) {
	from, err := packedAs(s, newZiplist)
	if err != nil {
		return 0, err
	}
	return fillHash(s, t, from)
}

func decodeHashListpack(s *source, t target) (int, error) {
	from, err := packedAs(s, newListpack)
	if err != nil {
		return 0, err
	}
	return fillHash(s, t, from)
}

func decodeZSetZiplist(s *source, t target) (int, error) {
	from, err := packedAs(s, newZiplist)
	if err != nil {
		return 0, err
	}
	return fillZSet(s, t, from)
}

func decodeZSetListpack(s *source, t target) (int, error) {
	from, err := packedAs(s, newListpack)
	if err != nil {
		return 0, err
	}
	return fillZSet(s, t, from)
}

func decodeListZiplist(s *source, t target) (int, error) {
	from, err := packedAs(s, newZiplist)
	if err != nil {
		return 0, err
	}
	return fillList(s, t, from)
}

// quicklist is a count and that many nodes, each a packed list, or (in the second form) a single large element.
type quicklist struct {
	s      *source
	left   uint64
	open   func(s *source) (elements, error)
	inside elements // of the node that is read; nil between nodes
}

func (q *quicklist) next() (v []byte, more bool, err error) {
	for {
		if q.inside != nil {
			if v, more, err = q.inside.next(); err != nil || more {
				return v, more, err
			}
			q.inside = nil
		}
		if q.left == 0 {
			return nil, false, nil
		}
		q.left--
		if q.inside, err = q.open(q.s); err != nil {
			return nil, false, err
		}
	}
}

func decodeListQuicklist(s *source, t target) (int, error) {
	return decodeNodes(s, t, func(s *source) (elements, error) { return packedAs(s, newZiplist) })
}

// Containers of a node in the second form.
const (
	nodePlain  = 1
	nodePacked = 2
)

func decodeListQuicklist2(s *source, t target) (int, error) {
	return decodeNodes(s, t, func(s *source) (elements, error) {
		container, err := s.length()
		if err != nil {
			return nil, err
		}
		switch container {
		case nodePlain:
			v, err := s.str()
			return &single{v: v}, err
		case nodePacked:
			return packedAs(s, newListpack)
		}
		return nil, s.corrupt("a list node of container %d", container)
	})
}

func decodeNodes(s *source, t target, open func(*source) (elements, error)) (int, error) {
	nodes, err := s.length()
	if err != nil {
		return 0, err
	}
	return fillList(s, t, &quicklist{s: s, left: nodes, open: open})
}

// single is one element.
type single struct {
	v    []byte
	done bool
}

func (e *single) next() ([]byte, bool, error) {
	if e.done {
		return nil, false, nil
	}
	e.done = true
	return e.v, true, nil
}
