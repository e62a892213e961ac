package keyspace

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// rankedSet is a large sorted set: an index of cells with a member and its score, and their order.
type rankedSet struct {
	members index
	ranks   order[rankedRow, byScore]
}

// ranked is a member with its score.
type ranked struct {
	member []byte
	score  float64
}

func (r ranked) before(other ranked) bool {
	if r.score != other.score {
		return r.score < other.score
	}
	return bytes.Compare(r.member, other.member) < 0
}

// rankedRow is a place in the order: the score again, so that mostly no cell has to be looked at, and the member's cell.
// The score is in two halves, because 12 bytes are a row then and not 16.
type rankedRow struct {
	low, high uint32 // halves of the score's bits
	ref       slab.Ref
}

func rowFor(score float64, r slab.Ref) rankedRow {
	bits := math.Float64bits(score)
	return rankedRow{uint32(bits), uint32(bits >> 32), r}
}

func (r rankedRow) score() float64 { return math.Float64frombits(uint64(r.high)<<32 | uint64(r.low)) }

// byScore is the order of sorted sets, of rows whose cells are in a heap.
type byScore struct{ cells }

func (c byScore) before(a, b rankedRow) bool {
	if x, y := a.score(), b.score(); x != y {
		return x < y
	}
	return bytes.Compare(c.key(a.ref), c.key(b.ref)) < 0
}

func newRankedSet(seed uint64, heap *slab.Heap) *rankedSet {
	of := cells{heap: heap}
	return &rankedSet{members: newIndex(seed, of), ranks: order[rankedRow, byScore]{by: byScore{of}, heap: heap}}
}

func (t *rankedSet) len() int { return t.members.count }

// row gives the row of a member; false when it is none.
func (t *rankedSet) row(m []byte) (row rankedRow, ok bool) {
	r := t.members.find(t.members.hash(m), m)
	if r == 0 {
		return row, false
	}
	return t.rowOf(r), true
}

func (t *rankedSet) rowOf(r slab.Ref) rankedRow {
	_, rest := plainKey(t.members.heap.Cell(r))
	return rowFor(math.Float64frombits(binary.LittleEndian.Uint64(rest)), r)
}

func (t *rankedSet) clone(heap *slab.Heap) large {
	c := newRankedSet(t.members.seed, heap)
	t.ranks.ascend(0, func(r rankedRow) bool {
		c.add(t.members.key(r.ref), r.score())
		return true
	})
	return c
}

// add adds a member that is not there.
func (t *rankedSet) add(m []byte, score float64) {
	r, rest := t.members.putKey(m, scoreBytes)
	binary.LittleEndian.PutUint64(rest, math.Float64bits(score))
	t.members.insert(t.members.hash(m), r)
	t.ranks.insert(rowFor(score, r))
}

// move changes a member's score.
func (t *rankedSet) move(row rankedRow, score float64) {
	t.members.beforeChange(t.members.hash(t.members.key(row.ref)))
	t.ranks.remove(row)
	_, rest := plainKey(t.members.heap.Cell(row.ref))
	binary.LittleEndian.PutUint64(rest, math.Float64bits(score))
	t.ranks.insert(rowFor(score, row.ref))
}

func (t *rankedSet) remove(row rankedRow) {
	t.ranks.remove(row)
	t.members.remove(t.members.hash(t.members.key(row.ref)), row.ref)
}

func (t *rankedSet) discard(n int) (freed int, done bool) {
	if freed, done = t.ranks.discard(n); !done {
		return freed, false
	}
	more, done := t.members.discard(n - freed)
	return freed + more, done
}

// freeze: a part has no order. Who loads the parts finds it again.
func (t *rankedSet) freeze(f *Frozen, s *store) division {
	part := &rankedSet{}
	return freezeIndex(&t.members, f, s, value{kind: KindZSet, encoding: encodingSkiplist, large: part}, &part.members)
}

func (t *rankedSet) held() bool { return t.members.held() }

// scoreBytes is what a score takes in a cell.
const scoreBytes = 8

// ZSet is a read view, ordered by (score, member bytes). Rank 0 is the lowest.
type ZSet struct{ view }

// ZSet reads a sorted set; see Hash.
func (db *DB) ZSet(key []byte) (ZSet, error) {
	v, err := db.lookKind(key, KindZSet)
	return ZSet{view{v, &db.ks.arena}}, err
}

// Score gives a member's score.
func (z ZSet) Score(m []byte) (float64, bool) {
	switch {
	case z.v == nil:
		return 0, false
	case z.v.encoding == encodingListpack:
		x := rowsOf(z.v)
		r, _, ok := x.find(m)
		if !ok {
			return 0, false
		}
		return x.score(r), true
	default:
		row, ok := z.v.large.(*rankedSet).row(m)
		return row.score(), ok
	}
}

// Rank gives a member's place.
func (z ZSet) Rank(m []byte) (rank int, ok bool) {
	switch {
	case z.v == nil:
		return 0, false
	case z.v.encoding == encodingListpack:
		x := rowsOf(z.v)
		_, rank, ok = x.find(m)
		return rank, ok
	default:
		t := z.v.large.(*rankedSet)
		row, ok := t.row(m)
		if !ok {
			return 0, false
		}
		return t.ranks.rank(row), true
	}
}

// Each visits members from a rank upwards or downwards until fn returns false.
func (z ZSet) Each(from int, backward bool, fn func(m []byte, score float64) bool) {
	if z.v == nil || from < 0 || from >= z.Len() {
		return
	}
	if z.v.encoding != encodingListpack {
		t := z.v.large.(*rankedSet)
		visit := func(r rankedRow) bool { return fn(t.members.key(r.ref), r.score()) }
		switch {
		case t.ranks.root == nil: // a part for a view
			t.members.each(func(r slab.Ref) bool { return visit(t.rowOf(r)) })
		case backward:
			t.ranks.descend(from, visit)
		default:
			t.ranks.ascend(from, visit)
		}
		return
	}
	x := rowsOf(z.v)
	visit := func(r row) bool { return fn(x.key(r, z.arena), x.score(r)) }
	if backward {
		x.eachBackward(from, visit)
		return
	}
	x.first = x.place(from)
	x.each(visit)
}

// CountBelow gives the number of members with score < s (or <= s): the rank of the first one not below. O(log n).
func (z ZSet) CountBelow(s float64, inclusive bool) int {
	below := func(score float64) bool { return score < s || inclusive && score == s }
	switch {
	case z.v == nil:
		return 0
	case z.v.encoding == encodingListpack:
		x := rowsOf(z.v)
		return x.countWhere(func(r row) bool { return below(x.score(r)) })
	}
	t := z.v.large.(*rankedSet)
	return t.ranks.countWhere(func(r rankedRow) bool { return below(r.score()) })
}

// CountBelowLex is CountBelow by member bytes, for sets whose scores are all equal.
func (z ZSet) CountBelowLex(m []byte, inclusive bool) int {
	below := func(c int) bool { return c < 0 || inclusive && c == 0 }
	switch {
	case z.v == nil:
		return 0
	case z.v.encoding == encodingListpack:
		x := rowsOf(z.v)
		return x.countWhere(func(r row) bool { return below(x.compare(r, m)) })
	}
	t := z.v.large.(*rankedSet)
	return t.ranks.countWhere(func(r rankedRow) bool { return below(bytes.Compare(t.members.key(r.ref), m)) })
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (z ZSet) Scan(cursor uint64, fn func(m []byte, score float64)) (next uint64) {
	if z.v != nil && z.v.encoding == encodingSkiplist {
		t := z.v.large.(*rankedSet)
		return t.members.scan(cursor, func(r slab.Ref) { fn(t.members.key(r), t.rowOf(r).score()) })
	}
	z.Each(0, false, func(m []byte, score float64) bool { fn(m, score); return true })
	return 0
}

// Random gives one of the members; the set must not be empty.
func (z ZSet) Random(r *rand.Rand) (m []byte, score float64) {
	if z.v.encoding == encodingListpack {
		x := rowsOf(z.v)
		one := x.at(x.place(r.IntN(int(z.v.number))))
		return x.key(one, z.arena), x.score(one)
	}
	t := z.v.large.(*rankedSet)
	row := t.rowOf(t.members.random(r))
	return t.members.key(row.ref), row.score()
}

// ZSetEdit changes a sorted set. Scores are never NaN.
type ZSetEdit struct {
	ZSet
	handle handle
}

// EditZSet opens a sorted set for change; see EditHash.
func (db *DB) EditZSet(key []byte, event string) (*ZSetEdit, error) {
	z := db.ks.pools.zsets.take()
	if err := db.edit(&z.handle, &z.view, key, KindZSet, event); err != nil {
		return nil, err
	}
	return z, nil
}

// ReplaceZSet opens a new sorted set in the place of what is at key; see ReplaceHash.
func (db *DB) ReplaceZSet(key []byte, event string) *ZSetEdit {
	z := db.ks.pools.zsets.take()
	db.replaceWith(&z.handle, &z.view, key, KindZSet, event)
	return z
}

// Put sets a member's score. An equal score is no change.
func (z *ZSetEdit) Put(m []byte, score float64) (created, changed bool) {
	if math.IsNaN(score) {
		panic("keyspace: a score is not a number")
	}
	had, exists := z.Score(m)
	if exists && had == score {
		return false, false
	}
	v := z.handle.change()
	if v.encoding == encodingListpack {
		limits := &z.handle.db.ks.limits
		if exists || int(v.number) < limits.ZSetMaxListpackEntries && len(m) <= limits.ZSetMaxListpackValue {
			putPacked(v, z.arena, m, score, exists)
			return !exists, true
		}
		z.enlarge(v)
	}
	t := v.large.(*rankedSet)
	if !exists {
		t.add(m, score)
		return true, true
	}
	row, _ := t.row(m)
	t.move(row, score)
	return false, true
}

func putPacked(v *value, a *arena, m []byte, score float64, exists bool) {
	x := v.share(a, m, nil)
	if exists {
		r, _, _ := x.find(m)
		v.removeRow(r)
		x.p = v.data
	}
	off := x.first
	x.each(func(r row) bool {
		had := x.score(r)
		if score < had || score == had && x.compare(r, m) > 0 {
			return false
		}
		off = r.to
		return true
	})
	var room scoreRoom
	v.putRow(off, off, m[len(x.keys):], room.put(score))
	v.number++
}

func (z *ZSetEdit) enlarge(v *value) {
	t := newRankedSet(z.handle.db.ks.seed, z.handle.db.heap)
	z.Each(0, false, func(m []byte, score float64) bool {
		t.add(m, score)
		return true
	})
	*v = value{kind: KindZSet, encoding: encodingSkiplist, large: t}
}

// Remove takes a member out; false when it is none.
func (z *ZSetEdit) Remove(m []byte) bool {
	if _, ok := z.Score(m); !ok {
		return false
	}
	v := z.handle.change()
	if v.encoding != encodingListpack {
		t := v.large.(*rankedSet)
		row, _ := t.row(m)
		t.remove(row)
		z.handle.retire(row.ref)
		return true
	}
	x := rowsOf(v)
	r, _, _ := x.find(m)
	v.removeRow(r)
	return true
}

// RemoveRanks takes n members out, from a rank upwards.
func (z *ZSetEdit) RemoveRanks(from, n int) {
	from, n = max(from, 0), min(n, z.Len()-from)
	if n <= 0 {
		return
	}
	v := z.handle.change()
	if v.encoding == encodingListpack {
		x := rowsOf(v)
		first := x.place(from)
		x.first = first
		v.data = gap(v.data, first, x.place(n), 0)
		v.number -= int64(n)
		return
	}
	t := v.large.(*rankedSet)
	for range n {
		row := t.ranks.at(from)
		t.remove(row)
		z.handle.retire(row.ref)
	}
}
