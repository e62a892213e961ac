package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// Item is one key as of the moment of a freeze, or a part of its value if that is large. It is valid during the sink's
// call only.
//
// The parts of a value come one after another with no other item between them. Of a part, String, Int, Hash, List, Set and
// ZSet show its own elements, and of those views only Len, Each and the look-up of an element are of use: the parts of
// hashes, sets and sorted sets come in no order, those of a list in its own. Of a stream, Each and ReadGroups show what is
// the part's, and State is that of the whole.
type Item struct {
	DB         int
	Key        []byte
	Kind       Kind  // KindNone: the key was deleted since the last FreezeDirty (Flush: the whole database, Key nil)
	Flush      bool  // comes before all other items of that database
	DeadlineMs int64 // 0: none
	Part       int   // 0, 1, ...: which part it is; 0 with Last, and not InBlocks: it is the whole value
	Last       bool
	// NextFieldMs is the earliest deadline of the whole hash's fields, ms since 1970; 0: none has one.
	NextFieldMs int64
	Block       uint64 // tells a part from the others of its value; in a list it rises

	// InBlocks: a checkpoint keeps the value in blocks, and each part is one. Their numbers mean something within a view, and
	// from one dirty view to the next as long as updates come.
	InBlocks bool
	// Update: the sink of the dirty view before this one has got this value InBlocks. Only the parts come that are to replace
	// the blocks of their numbers, or to be added; Len is that of the whole value.
	Update bool
	Gone   bool // of an update: the block, which the sink need not have, has no elements any more. In a list these come first
	// HeadOnly: of an update no block has changed. There is no part, and Block says nothing.
	HeadOnly bool

	count    int
	encoding encoding
	v        *value
	arena    *arena
	access   uint32
	tracking *access
}

// item is an entry of a database as a whole.
func (e *entry) item(db int, a *arena) Item {
	return Item{DB: db, Key: e.key, Kind: e.kind, DeadlineMs: e.deadline, NextFieldMs: e.nextFieldDeadline(), Last: true,
		count: e.value.len(), encoding: e.encoding, v: &e.value, arena: a,
		access: accessOf(e.store.heap.Cell(e.ref)), tracking: &e.store.ks.access}
}

// Item gives a key as it is now, whole; it is valid until the next write or Begin. ok: there is such a key.
func (db *DB) Item(key []byte) (it Item, ok bool) {
	e := db.look(key, db.ks.pools.entries.take())
	if e == nil {
		return Item{}, false
	}
	return e.item(db.number, &db.ks.arena), true
}

// Len is the number of elements of the whole value, 1 for a string, 0 for what is no key.
func (it *Item) Len() int { return it.count }

// Encoding is the name that OBJECT ENCODING gives.
func (it *Item) Encoding() string { return it.encoding.String() }

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

// Stream gives the stream.
func (it *Item) Stream() Stream { return Stream{view{it.v, it.arena}} }

// Frozen is a view of the keyspace as of one moment, produced piece by piece while commands go on: a key that
// is about to change and was not given out yet is given to the sink first (copy on write by key).
//
// It walks each database in hash order. Two facts say whether an entry still belongs to the view: its hash is not
// behind the walk's position, and its stamp is older than the view (nothing changed it since, nor is it new).
// Large structures are captured instead of given: see division.
type Frozen struct {
	ks    *Keyspace
	sink  func(*Item)
	epoch uint32 // the freeze clock at the view's opening; stamps below it are older
	dirty bool
	walks []walk
	at    int // the walk that Step is in
	given int
	total int
	units int // elements given, and pieces of the walk: what Step counts
	done  bool
	item  Item
	entry entry // room for the one that is given
	arena arena

	captured []*capture       // large structures that are to be given, the first of them perhaps begun
	inParts  bool             // it is: no other item may come now
	held     slab.Queue[Item] // what came meanwhile
	heap     *slab.Heap       // for copies; nil: none yet
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
	f := &Frozen{ks: ks, sink: sink, epoch: ks.freezeClock, dirty: dirty, arena: arena{vocabulary: &ks.vocabulary}}
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
	f.item = e.item(w.db, &f.arena)
	if f.capture(w.store, &f.item) {
		return
	}
	if f.dirty && e.large != nil {
		forgetBase(e.large) // the checkpoint has it in one piece from now on
	}
	f.giveOrHold()
}

func (f *Frozen) giveFlush(w *walk) {
	if w.flushDue {
		w.flushDue = false
		f.item = Item{DB: w.db, Flush: true, Last: true}
		f.giveOrHold()
	}
}

// giveOrHold gives the item, or keeps it for later where others must come first.
func (f *Frozen) giveOrHold() {
	if f.inParts || f.held.Len() > 0 {
		f.hold(&f.item)
	} else {
		f.handOver(&f.item)
	}
	f.item = Item{}
}

func (f *Frozen) handOver(it *Item) {
	f.given++
	f.units += max(it.count, it.v.streamWork(), 1)
	f.sink(it)
	f.arena.reset()
}

// Step gives out about n elements (a string is one, and so is each thing that is told of a stream's groups): it ends with the
// piece of the walk (some 10 keys), or with the part of a large value, in which n is reached. done: there are no more and
// the view is closed.
func (f *Frozen) Step(n int) (done bool) {
	for enough := f.units + n; !f.done && f.units < enough; {
		switch {
		case f.inParts || len(f.captured) > 0 && f.held.Len() == 0:
			f.givePart()
		case f.held.Len() > 0:
			f.giveHeld()
		case f.at == len(f.walks):
			f.close()
		default:
			f.piece(&f.walks[f.at])
		}
	}
	return f.done
}

func (f *Frozen) piece(w *walk) {
	f.giveFlush(w)
	f.units++
	switch {
	case !w.goneDone:
		w.gonePos = w.gone.piece(w.gonePos, func(name slab.Ref) {
			f.item = Item{DB: w.db, Key: w.gone.key(name), Last: true}
			f.giveOrHold()
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

// Progress counts keys.
func (f *Frozen) Progress() (given, total int) { return f.given, f.total }

// Close gives the view up; harmless after done.
func (f *Frozen) Close() {
	if f.done {
		return
	}
	walks := f.walks
	f.close()
	if f.dirty {
		for i := range walks {
			f.ks.restore(&walks[i])
		}
	}
}

func (f *Frozen) close() {
	f.done = true
	f.release()
	f.ks.views = without(f.ks.views, f)
	if f.dirty {
		for i := range f.walks {
			f.ks.retireHeap(f.walks[i].gone.heap, 0) // of the marks that the view took
		}
	}
	f.walks = nil
	f.ks.letGo()
}
