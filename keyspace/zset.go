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
type rankedRow struct {
	score float64
	ref   slab.Ref
}

// byScore is the order of sorted sets, of rows whose cells are in a heap.
type byScore struct{ cells }

func (c byScore) before(a, b rankedRow) bool {
	if a.score != b.score {
		return a.score < b.score
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
	return rankedRow{math.Float64frombits(binary.LittleEndian.Uint64(rest)), r}
}

func (t *rankedSet) clone(heap *slab.Heap) large {
	c := newRankedSet(t.members.seed, heap)
	t.ranks.ascend(0, func(r rankedRow) bool {
		c.add(t.members.key(r.ref), r.score)
		return true
	})
	return c
}

// add adds a member that is not there.
func (t *rankedSet) add(m []byte, score float64) {
	r, rest := t.members.putKey(m, scoreBytes)
	binary.LittleEndian.PutUint64(rest, math.Float64bits(score))
	t.members.insert(t.members.hash(m), r)
	t.ranks.insert(rankedRow{score, r})
}

// move changes a member's score.
func (t *rankedSet) move(row rankedRow, score float64) {
	t.ranks.remove(row)
	_, rest := plainKey(t.members.heap.Cell(row.ref))
	binary.LittleEndian.PutUint64(rest, math.Float64bits(score))
	t.ranks.insert(rankedRow{score, row.ref})
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

// scoreBytes is what a score takes in a cell.
const scoreBytes = 8

// ZSet is a read view, ordered by (score, member bytes). Rank 0 is the lowest.
type ZSet struct{ view }

// ZSet reads a sorted set; see Hash.
func (db *DB) ZSet(key []byte) (ZSet, error) {
	v, err := db.lookKind(key, KindZSet)
	return ZSet{view{v, &db.ks.arena}}, err
}

// The packed form is a sequence of pairs in order: the member, then its score, which is 8 bytes of floating point or, if
// that is shorter, an integer.

func packedScore(b []byte) float64 {
	if len(b) == scoreBytes {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return float64(signed(b))
}

func packScore(room *[scoreBytes]byte, score float64) []byte {
	if n := int64(score); math.Abs(score) < 1<<53 && float64(n) == score && signedSize(n) < scoreBytes {
		b := room[:signedSize(n)]
		putSigned(b, n)
		return b
	}
	binary.LittleEndian.PutUint64(room[:], math.Float64bits(score))
	return room[:]
}

func packedRanked(p []byte, off int) (r ranked, next int) {
	m, off := packedNext(p, off)
	score, next := packedNext(p, off)
	return ranked{m, packedScore(score)}, next
}

// packedRank finds a member in packed pairs: its rank and place.
func packedRank(p, m []byte) (rank, from, to int, score float64, ok bool) {
	for off := 0; off < len(p); rank++ {
		r, next := packedRanked(p, off)
		if bytes.Equal(r.member, m) {
			return rank, off, next, r.score, true
		}
		off = next
	}
	return 0, 0, 0, 0, false
}

// Score gives a member's score.
func (z ZSet) Score(m []byte) (float64, bool) {
	switch {
	case z.v == nil:
		return 0, false
	case z.v.encoding == encodingListpack:
		_, _, _, score, ok := packedRank(z.v.data, m)
		return score, ok
	default:
		row, ok := z.v.large.(*rankedSet).row(m)
		return row.score, ok
	}
}

// Rank gives a member's place.
func (z ZSet) Rank(m []byte) (rank int, ok bool) {
	switch {
	case z.v == nil:
		return 0, false
	case z.v.encoding == encodingListpack:
		rank, _, _, _, ok = packedRank(z.v.data, m)
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
		visit := func(r rankedRow) bool { return fn(t.members.key(r.ref), r.score) }
		if backward {
			t.ranks.descend(from, visit)
		} else {
			t.ranks.ascend(from, visit)
		}
		return
	}
	p, count := z.v.data, int(z.v.number)
	if backward {
		for off := packedAt(p, 2*(from+1), 2*count); off > 0; {
			score, mid := packedPrev(p, off)
			m, start := packedPrev(p, mid)
			if !fn(m, packedScore(score)) {
				return
			}
			off = start
		}
		return
	}
	for off := packedAt(p, 2*from, 2*count); off < len(p); {
		r, next := packedRanked(p, off)
		if !fn(r.member, r.score) {
			return
		}
		off = next
	}
}

// countWhere gives the number of members at the beginning for which below holds.
func (z ZSet) countWhere(below func(ranked) bool) int {
	switch {
	case z.v == nil:
		return 0
	case z.v.encoding != encodingListpack:
		t := z.v.large.(*rankedSet)
		return t.ranks.countWhere(func(r rankedRow) bool { return below(ranked{t.members.key(r.ref), r.score}) })
	}
	n := 0
	for off := 0; off < len(z.v.data); n++ {
		r, next := packedRanked(z.v.data, off)
		if !below(r) {
			break
		}
		off = next
	}
	return n
}

// CountBelow gives the number of members with score < s (or <= s): the rank of the first one not below. O(log n).
func (z ZSet) CountBelow(s float64, inclusive bool) int {
	return z.countWhere(func(r ranked) bool { return r.score < s || inclusive && r.score == s })
}

// CountBelowLex is CountBelow by member bytes, for sets whose scores are all equal.
func (z ZSet) CountBelowLex(m []byte, inclusive bool) int {
	return z.countWhere(func(r ranked) bool {
		c := bytes.Compare(r.member, m)
		return c < 0 || inclusive && c == 0
	})
}

// Scan visits a piece with the guarantee of DB.Scan. Small encodings come all at once, with next 0.
func (z ZSet) Scan(cursor uint64, fn func(m []byte, score float64)) (next uint64) {
	if z.v != nil && z.v.encoding == encodingSkiplist {
		t := z.v.large.(*rankedSet)
		return t.members.scan(cursor, func(r slab.Ref) { fn(t.members.key(r), t.rowOf(r).score) })
	}
	z.Each(0, false, func(m []byte, score float64) bool { fn(m, score); return true })
	return 0
}

// Random gives one of the members; the set must not be empty.
func (z ZSet) Random(r *rand.Rand) (m []byte, score float64) {
	if z.v.encoding == encodingListpack {
		one, _ := packedRanked(z.v.data, packedAt(z.v.data, 2*r.IntN(int(z.v.number)), 2*int(z.v.number)))
		return one.member, one.score
	}
	t := z.v.large.(*rankedSet)
	row := t.rowOf(t.members.random(r))
	return t.members.key(row.ref), row.score
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
			putPacked(v, m, score, exists)
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

func putPacked(v *value, m []byte, score float64, exists bool) {
	if exists {
		_, from, to, _, _ := packedRank(v.data, m)
		v.data = packedSplice(v.data, from, to)
		v.number--
	}
	made := ranked{m, score}
	off := 0
	for off < len(v.data) {
		r, next := packedRanked(v.data, off)
		if made.before(r) {
			break
		}
		off = next
	}
	var room [scoreBytes]byte // an integer knows no -0; nor does a listpack in Redis
	v.data = packedSplice(v.data, off, off, m, packScore(&room, score))
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
	_, from, to, _, _ := packedRank(v.data, m)
	v.data = packedSplice(v.data, from, to)
	v.number--
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
		count := 2 * int(v.number)
		v.data = packedSplice(v.data, packedAt(v.data, 2*from, count), packedAt(v.data, 2*(from+n), count))
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
