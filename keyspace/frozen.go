package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// Item is one key as of the moment of a freeze. It is valid during the sink's call only.
type Item struct {
	DB         int
	Key        []byte
	Kind       Kind  // KindNone: the key was deleted since the last FreezeDirty (Flush: the whole database, Key nil)
	Flush      bool  // comes before all other items of that database
	DeadlineMs int64 // 0: none

	v        *value
	arena    *arena
	access   uint32
	tracking *access
}

// Encoding is the name that OBJECT ENCODING gives.
func (it *Item) Encoding() string { return it.v.encoding.String() }

// String gives a string's bytes.
func (it *Item) String() []byte { return it.v.stringBytes(it.arena) }

// Int gives a string that is stored as an integer.
func (it *Item) Int() (int64, bool) { return it.v.number, it.v.encoding == encodingInt }

// Hash gives the hash.
func (it *Item) Hash() Hash { return Hash{view: view{it.v, it.arena}} }

// List gives the list.
func (it *Item) List() List { return List{view{it.v, it.arena}} }

// Set gives the set.
func (it *Item) Set() Set { return Set{view{it.v, it.arena}} }

// ZSet gives the sorted set.
func (it *Item) ZSet() ZSet { return ZSet{view{it.v, it.arena}} }

// Frozen is a view of the keyspace as of one moment, produced piece by piece while commands go on: a key that
// is about to change and was not given out yet is given to the sink first (copy on write by key).
//
// It walks each database in hash order. Two facts say whether an entry still belongs to the view: its hash is not
// behind the walk's position, and its stamp is older than the view (nothing changed it since, nor is it new).
type Frozen struct {
	ks    *Keyspace
	sink  func(*Item)
	epoch uint32 // the freeze clock at the view's opening; stamps below it are older
	dirty bool
	walks []walk
	at    int // the walk that Step is in
	given int
	total int
	done  bool
	item  Item
	entry entry // room for the one that is given
	arena arena
}

// walk is the view's way through one database. The store stays what it was at the freeze: SWAPDB moves it whole and
// FLUSHDB leaves it behind untouched, for the view to finish.
type walk struct {
	db       int // its number at the freeze
	store    *store
	keys     *index // all of the store's entries, or names of those that were marked as changed
	gone     *index // names
	whole    bool   // keys are all of the store's
	flushed  bool
	flushDue bool
	pos      uint64 // all hashes below have been given
	keysDone bool
	gonePos  uint64
	goneDone bool
}

// FreezeAll is a view of every key. Several views may be open at once. The sink runs on the owner and must be quick,
// and may not call the keyspace. A view is opened, stepped and closed between commands.
func (ks *Keyspace) FreezeAll(sink func(*Item)) *Frozen {
	f := ks.open(sink, false)
	for _, db := range ks.dbs {
		f.walks = append(f.walks, walk{db: db.number, store: db.store, keys: &db.store.keys, whole: true, goneDone: true})
		f.total += db.Len()
	}
	return f
}

// FreezeDirty is a view of what changed since the last FreezeDirty (or MarkClean). One at a time. If it is
// closed before it is done, its keys are dirty again.
func (ks *Keyspace) FreezeDirty(sink func(*Item)) *Frozen {
	for _, v := range ks.views {
		if v.dirty {
			panic("keyspace: a second dirty view")
		}
	}
	f := ks.open(sink, true)
	for _, db := range ks.dbs {
		taken := db.store.marks
		db.store.marks.init(ks.seed)
		w := walk{db: db.number, store: db.store, keys: &taken.changed, gone: &taken.gone,
			whole: taken.whole, flushed: taken.flushed, flushDue: taken.flushed}
		if w.whole {
			w.keys = &db.store.keys
		}
		f.total += w.keys.count + w.gone.count
		if w.flushDue {
			f.total++
		}
		f.walks = append(f.walks, w)
	}
	ks.dirtyClock = ks.freezeClock
	return f
}

func (ks *Keyspace) open(sink func(*Item), dirty bool) *Frozen {
	ks.freezeClock++
	f := &Frozen{ks: ks, sink: sink, epoch: ks.freezeClock, dirty: dirty}
	ks.views = append(ks.views, f)
	return f
}

// beforeChange is copy on write and the dirty mark, before an entry changes or goes.
func (db *DB) beforeChange(e *entry) {
	ks := db.ks
	e.changed = true
	if e.stamp == ks.freezeClock {
		return
	}
	for _, f := range ks.views {
		f.giveBefore(db.store, e)
	}
	if e.stamp < ks.dirtyClock {
		e.born = false
		db.marks.touched(e)
	}
	e.stamp = ks.freezeClock
}

// giveBefore gives an entry that is about to change, if the view still needs it.
func (f *Frozen) giveBefore(s *store, e *entry) {
	if e.stamp >= f.epoch {
		return
	}
	for i := f.at; i < len(f.walks); i++ {
		w := &f.walks[i]
		if w.store != s {
			continue
		}
		if w.keysDone || e.hash&hashMask < w.pos {
			return
		}
		// A listed key of that name is this entry: one made after the freeze would have a newer stamp.
		if w.whole || w.keys.find(e.hash, e.key) != 0 {
			f.give(w, e)
		}
		return
	}
}

func (f *Frozen) give(w *walk, e *entry) {
	f.giveFlush(w)
	f.item = Item{DB: w.db, Key: e.key, Kind: e.kind, DeadlineMs: e.deadline, v: &e.value, arena: &f.arena,
		access: accessOf(w.store.heap.Cell(e.ref)), tracking: &f.ks.access}
	f.handOver()
}

func (f *Frozen) giveFlush(w *walk) {
	if w.flushDue {
		w.flushDue = false
		f.item = Item{DB: w.db, Flush: true}
		f.handOver()
	}
}

func (f *Frozen) handOver() {
	f.given++
	f.sink(&f.item)
	f.item = Item{}
	f.arena.reset()
}

// Step gives out about n items: it ends with the piece of the walk (some 10 keys) in which n is reached.
// done: there are no more and the view is closed.
func (f *Frozen) Step(n int) (done bool) {
	for enough := f.given + n; !f.done && f.given < enough; {
		if f.at == len(f.walks) {
			f.close()
			f.walks = nil
			break
		}
		f.piece(&f.walks[f.at])
	}
	return f.done
}

func (f *Frozen) piece(w *walk) {
	f.giveFlush(w)
	switch {
	case !w.goneDone:
		w.gonePos = w.gone.piece(w.gonePos, func(name slab.Ref) {
			f.item = Item{DB: w.db, Key: w.gone.key(name)}
			f.handOver()
		})
		w.goneDone = w.gonePos == 0
	case !w.keysDone:
		w.pos = w.keys.piece(w.pos, func(r slab.Ref) {
			if !w.whole {
				key := w.keys.key(r)
				r = w.store.keys.find(w.keys.hash(key), key)
			}
			if r != 0 && stampOf(w.store.heap.Cell(r)) < f.epoch {
				w.store.decode(r, &f.entry)
				f.give(w, &f.entry)
			}
		})
		w.keysDone = w.pos == 0
	default:
		f.at++
	}
}

// Progress counts items.
func (f *Frozen) Progress() (given, total int) { return f.given, f.total }

// Close gives the view up; harmless after done.
func (f *Frozen) Close() {
	if f.done {
		return
	}
	f.close()
	if f.dirty {
		for i := range f.walks {
			f.ks.restore(&f.walks[i])
		}
	}
	f.walks = nil
}

func (f *Frozen) close() {
	f.done = true
	kept := f.ks.views[:0]
	for _, v := range f.ks.views {
		if v != f {
			kept = append(kept, v)
		}
	}
	clear(f.ks.views[len(kept):])
	f.ks.views = kept
	f.ks.releaseHeld()
}
