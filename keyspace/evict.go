package keyspace

import (
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/slab"
)

// Ranking says which of two keys goes first when memory is short.
type Ranking uint8

// The rankings of maxmemory-policy. RankNone: no key goes.
const (
	RankNone     Ranking = iota
	RankIdle             // lru: what was not used for longest, among samples
	RankRare             // lfu: what is used least often, among samples
	RankRandom           // any
	RankDeadline         // ttl: the next to expire
)

// Eviction is a maxmemory-policy.
type Eviction struct {
	By       Ranking
	Volatile bool // only keys with a deadline; always with RankDeadline
	Samples  int  // keys looked at in each database for one that goes, 1..; of RankIdle and RankRare
}

// poolSize is how many of the best candidates are kept from one eviction to the next, as in Redis: so few samples each
// time come close to looking at all keys.
const poolSize = 16

// candidate is a key that may go. It is named by its bytes: between two evictions anything may become of it.
type candidate struct {
	score uint32 // the higher, the sooner it goes
	db    int
	hash  uint64
	key   []byte
}

// evictionPool is the candidates, the best one last.
type evictionPool struct {
	all [poolSize]candidate
	n   int
	of  Eviction
}

func (p *evictionPool) clear() { p.n = 0 }

// add keeps a candidate if it is better than the worst or there is room.
func (p *evictionPool) add(c candidate) {
	for i := range p.n {
		if k := &p.all[i]; k.hash == c.hash && k.db == c.db {
			return
		}
	}
	at := 0
	for at < p.n && p.all[at].score < c.score {
		at++
	}
	var room []byte // of the key that falls out, or of an old one
	if p.n < poolSize {
		room = p.all[p.n].key
		copy(p.all[at+1:p.n+1], p.all[at:p.n])
		p.n++
	} else {
		if at == 0 {
			return
		}
		at--
		room = p.all[0].key
		copy(p.all[:at], p.all[1:at+1])
	}
	c.key = append(room[:0], c.key...)
	p.all[at] = c
}

// take gives the best candidate; its bytes are good until the next add.
func (p *evictionPool) take() (c candidate, ok bool) {
	if p.n == 0 {
		return candidate{}, false
	}
	p.n--
	return p.all[p.n], true
}

// Evict removes the key that goes first, as a change of this command (event evicted). false: there is none.
func (ks *Keyspace) Evict(how Eviction, r *rand.Rand) bool {
	var db *DB
	var ref slab.Ref
	switch how.By {
	case RankDeadline:
		db, ref = ks.nextToExpire()
	case RankRandom:
		db, ref = ks.anyKey(how.Volatile, r)
	case RankIdle, RankRare:
		db, ref = ks.bestCandidate(how, r)
	}
	if ref == 0 {
		return false
	}
	e := db.openRef(db.keys.hash(db.keys.key(ref)), ref)
	db.unlink(e, "evicted")
	ks.evictedTotal++
	return true
}

// EvictedTotal counts keys removed by Evict.
func (ks *Keyspace) EvictedTotal() int64 { return ks.evictedTotal }

// nextToExpire gives the key whose deadline comes first.
func (ks *Keyspace) nextToExpire() (first *DB, ref slab.Ref) {
	var soonest deadline
	for _, db := range ks.dbs {
		if db.deadlines.len() == 0 {
			continue
		}
		if d := db.deadlines.at(0); first == nil || d.atMs < soonest.atMs {
			first, soonest = db, d
		}
	}
	if first != nil {
		ref = first.keyOf(soonest)
	}
	return first, ref
}

// keyOf gives a key of a row of the deadlines.
func (db *DB) keyOf(d deadline) (ref slab.Ref) {
	db.due(d, func(e *entry) { ref = e.ref })
	return ref
}

// candidates is the number of keys that may go.
func (db *DB) candidates(volatile bool) int {
	if volatile {
		return db.deadlines.len()
	}
	return db.keys.count
}

// anyOf gives one of the keys that may go, each about as likely. There must be one.
func (db *DB) anyOf(volatile bool, r *rand.Rand) slab.Ref {
	if volatile {
		return db.keyOf(db.deadlines.at(r.IntN(db.deadlines.len())))
	}
	return db.keys.random(r)
}

// anyKey gives one of all keys that may go, each about as likely.
func (ks *Keyspace) anyKey(volatile bool, r *rand.Rand) (*DB, slab.Ref) {
	total := 0
	for _, db := range ks.dbs {
		total += db.candidates(volatile)
	}
	if total == 0 {
		return nil, 0
	}
	at := r.IntN(total)
	for _, db := range ks.dbs {
		n := db.candidates(volatile)
		if at < n {
			return db, db.anyOf(volatile, r)
		}
		at -= n
	}
	panic("keyspace: the databases have other sizes than a moment ago")
}

// bestCandidate adds samples to the pool and gives its best key that is still what it was.
func (ks *Keyspace) bestCandidate(how Eviction, r *rand.Rand) (*DB, slab.Ref) {
	p := &ks.pool
	if p.of != how {
		p.clear()
		p.of = how
	}
	for {
		there := false
		for _, db := range ks.dbs {
			n := db.candidates(how.Volatile)
			there = there || n > 0
			for range min(n, how.Samples) {
				ref := db.anyOf(how.Volatile, r)
				key := db.keys.key(ref)
				p.add(candidate{score: db.score(how.By, ref), db: db.number, hash: db.keys.hash(key), key: key})
			}
		}
		if !there {
			return nil, 0
		}
		for c, ok := p.take(); ok; c, ok = p.take() {
			db := ks.dbs[c.db]
			ref := db.keys.find(c.hash, c.key)
			// One that was used since it came into the pool has lost its place.
			if ref != 0 && (!how.Volatile || db.volatile(ref)) && db.score(how.By, ref) >= c.score {
				return db, ref
			}
		}
	}
}

func (db *DB) volatile(ref slab.Ref) bool {
	return db.read(ref, &db.ks.reading).deadline != 0
}

// score says how good a candidate a key is: the higher, the sooner it goes.
func (db *DB) score(by Ranking, ref slab.Ref) uint32 {
	a := &db.ks.access
	v := accessOf(db.heap.Cell(ref))
	if by == RankRare {
		return frequencyMax - a.frequency(v)
	}
	return a.idle(v)
}
