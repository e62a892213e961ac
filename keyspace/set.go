package keyspace

import (
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// setTable is a large set: an index of cells with a member.
type setTable struct{ members index }

func newSetTable(seed uint64, heap *slab.Heap) *setTable {
	return &setTable{newIndex(seed, cells{heap: heap})}
}

func (t *setTable) len() int { return t.members.count }

func (t *setTable) has(m []byte) bool { return t.members.find(t.members.hash(m), m) != 0 }

// add adds a member that is not there.
func (t *setTable) add(m []byte) {
	r, _ := t.members.putKey(m, 0)
	t.members.insert(t.members.hash(m), r)
}

func (t *setTable) clone(heap *slab.Heap) large {
	c := newSetTable(t.members.seed, heap)
	t.members.each(func(r slab.Ref) bool {
		c.add(t.members.key(r))
		return true
	})
	return c
}

func (t *setTable) discard(n int) (freed int, done bool) { return t.members.discard(n) }

func (t *setTable) freeze(f *Frozen, s *store) division {
	part := &setTable{}
	return freezeIndex(&t.members, f, s, value{kind: KindSet, encoding: encodingHashtable, large: part}, &part.members)
}

func (t *setTable) held() bool { return t.members.held() }

// Set is a read view.
type Set struct{ view }

// Set reads a set; see Hash.
func (db *DB) Set(key []byte) (Set, error) {
	v, err := db.lookKind(key, KindSet)
	return Set{view{v, &db.ks.arena}}, err
}

// IsIntset says that all members are integers in one sorted block.
func (s Set) IsIntset() bool { return s.v != nil && s.v.encoding == encodingIntset }

// Has says whether m is a member.
func (s Set) Has(m []byte) bool {
	if s.v == nil {
		return false
	}
	switch s.v.encoding {
	case encodingIntset:
		n, ok := parseInteger(m)
		if !ok {
			return false
		}
		_, found := integerRank(s.v.data, n)
		return found
	case encodingListpack:
		x := rowsOf(s.v)
		_, _, ok := x.find(m)
		return ok
	default:
		return s.v.large.(*setTable).has(m)
	}
}

// Each visits all members until fn returns false; an intset in rising order.
func (s Set) Each(fn func(m []byte) bool) {
	if s.v == nil {
		return
	}
	switch s.v.encoding {
	case encodingIntset:
		for i := range int(s.v.number) {
			if !fn(s.arena.integer(integerAt(s.v.data, i))) {
				return
			}
		}
	case encodingListpack:
		x := rowsOf(s.v)
		x.each(func(r row) bool { return fn(x.key(r, s.arena)) })
	default:
		members := &s.v.large.(*setTable).members
		members.each(func(r slab.Ref) bool { return fn(members.key(r)) })
	}
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (s Set) Scan(cursor uint64, fn func(m []byte)) (next uint64) {
	if s.v != nil && s.v.encoding == encodingHashtable {
		members := &s.v.large.(*setTable).members
		return members.scan(cursor, func(r slab.Ref) { fn(members.key(r)) })
	}
	s.Each(func(m []byte) bool { fn(m); return true })
	return 0
}

// Random gives one of the members; the set must not be empty.
func (s Set) Random(r *rand.Rand) []byte {
	switch s.v.encoding {
	case encodingIntset:
		return s.arena.integer(integerAt(s.v.data, r.IntN(int(s.v.number))))
	case encodingListpack:
		x := rowsOf(s.v)
		return x.key(x.at(x.place(r.IntN(int(s.v.number)))), s.arena)
	default:
		members := &s.v.large.(*setTable).members
		return members.key(members.random(r))
	}
}

// SetEdit changes a set.
type SetEdit struct {
	Set
	handle handle
}

// EditSet opens a set for change; see EditHash.
func (db *DB) EditSet(key []byte, event string) (*SetEdit, error) {
	s := db.ks.pools.sets.take()
	if err := db.edit(&s.handle, &s.view, key, KindSet, event); err != nil {
		return nil, err
	}
	return s, nil
}

// ReplaceSet opens a new set in the place of what is at key; see ReplaceHash.
func (db *DB) ReplaceSet(key []byte, event string) *SetEdit {
	s := db.ks.pools.sets.take()
	db.replaceWith(&s.handle, &s.view, key, KindSet, event)
	return s
}

// Add adds a member; false when it is one.
func (s *SetEdit) Add(m []byte) bool {
	if s.Has(m) {
		return false
	}
	v := s.handle.change()
	switch v.encoding {
	case encodingIntset:
		s.addToIntegers(v, m)
	case encodingListpack:
		limits := &s.handle.db.ks.limits
		if int(v.number) >= limits.SetMaxListpackEntries || len(m) > limits.SetMaxListpackValue {
			s.enlarge(v)
			v.large.(*setTable).add(m)
			return true
		}
		v.addRow(s.arena, m, nil)
	default:
		v.large.(*setTable).add(m)
	}
	return true
}

// addToIntegers follows Redis: too many integers make a hashtable, another kind of member makes a listpack if it may.
func (s *SetEdit) addToIntegers(v *value, m []byte) {
	limits := &s.handle.db.ks.limits
	n, isInt := parseInteger(m)
	if isInt && (v.number > 0 || limits.SetMaxIntsetEntries > 0) {
		i, _ := integerRank(v.data, n)
		v.data = integerInsert(v.data, i, n)
		v.number++
		if int(v.number) > limits.SetMaxIntsetEntries {
			s.enlarge(v)
		}
		return
	}
	longest := 0
	if count := int(v.number); count > 0 {
		longest = max(len(s.arena.integer(integerAt(v.data, 0))), len(s.arena.integer(integerAt(v.data, count-1))))
	}
	if int(v.number) >= limits.SetMaxListpackEntries || max(longest, len(m)) > limits.SetMaxListpackValue {
		s.enlarge(v)
		v.large.(*setTable).add(m)
		return
	}
	packed := value{kind: KindSet, encoding: encodingListpack}
	s.Each(func(member []byte) bool {
		packed.addRow(s.arena, member, nil)
		return true
	})
	packed.addRow(s.arena, m, nil)
	*v = packed
}

func (s *SetEdit) enlarge(v *value) {
	t := newSetTable(s.handle.db.ks.seed, s.handle.db.heap)
	s.Each(func(m []byte) bool {
		t.add(m)
		return true
	})
	*v = value{kind: KindSet, encoding: encodingHashtable, large: t}
}

// Remove takes a member out; false when it is none.
func (s *SetEdit) Remove(m []byte) bool {
	if !s.Has(m) {
		return false
	}
	v := s.handle.change()
	switch v.encoding {
	case encodingIntset:
		n, _ := parseInteger(m)
		i, _ := integerRank(v.data, n)
		v.data = integerDelete(v.data, i)
		v.number--
	case encodingListpack:
		x := rowsOf(v)
		r, _, _ := x.find(m)
		v.removeRow(r)
	default:
		members := &v.large.(*setTable).members
		s.handle.retire(members.removeKey(members.hash(m), m))
	}
	return true
}
