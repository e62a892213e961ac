package keyspace

// ExpiryMode says what a key past its deadline means to the command that runs.
type ExpiryMode uint8

const (
	// ExpiryDelete is the master's mode: an expired key is invisible, and End removes those
	// that the command met and lists them in Expired.
	ExpiryDelete ExpiryMode = iota
	// ExpiryHide is a standby's mode for its own clients: invisible, but it stays.
	ExpiryHide
	// ExpiryIgnore applies a log: visible, because the log itself says when a key goes.
	ExpiryIgnore
)

// Error is a refusal that a client reads. Its text is Redis' own.
type Error string

func (e Error) Error() string { return string(e) }

// ErrWrongType: the key holds another kind of value.
const ErrWrongType Error = "WRONGTYPE Operation against a key holding the wrong kind of value"

// Limits are the thresholds of the compact encodings, as Redis' directives of the same names.
type Limits struct {
	HashMaxListpackEntries, HashMaxListpackValue int
	ListMaxListpackSize                          int // > 0 entries, -1..-5: 4..64 KB
	SetMaxIntsetEntries                          int
	SetMaxListpackEntries, SetMaxListpackValue   int
	ZSetMaxListpackEntries, ZSetMaxListpackValue int
	// What a block of a stream holds, in bytes of Redis' form and in entries; 0: no limit.
	StreamNodeMaxBytes, StreamNodeMaxEntries int
	// CompressStrings: strings are kept as code where that is shorter; see vocabulary.go.
	CompressStrings bool
}

// DefaultLimits are those of Redis 7.2.
func DefaultLimits() Limits {
	return Limits{
		HashMaxListpackEntries: 128, HashMaxListpackValue: 64,
		ListMaxListpackSize:   -2,
		SetMaxIntsetEntries:   512,
		SetMaxListpackEntries: 128, SetMaxListpackValue: 64,
		ZSetMaxListpackEntries: 128, ZSetMaxListpackValue: 64,
		StreamNodeMaxBytes: 4096, StreamNodeMaxEntries: 100,
		CompressStrings: true,
	}
}

// Options configure a keyspace. Zero limits are the defaults.
type Options struct {
	Databases int // 1..; 16 is Redis' default, also for 0
	Limits    Limits
	HashSeed  uint64 // of the index; any value
}

// Keyspace is all databases. It has one owner at a time and contains no lock.
type Keyspace struct {
	dbs    []*DB
	limits Limits
	seed   uint64

	nowMs   int64
	mode    ExpiryMode
	running bool // between Begin and End

	hits, misses int64 // of reads
	access       access
	pool         evictionPool

	notes      notes
	arena      arena
	vocabulary vocabulary
	pools      pools
	// opened are the entries that are open, at the places that their cells name. reading is room for one that is not.
	opened     []*entry
	reading    entry
	retired    retired
	compaction compaction
	filled     []*store // that ever had a key

	dirtyTotal         int64
	expiredTotal       int64
	expiredFieldsTotal int64
	evictedTotal       int64

	freezeClock uint32 // counts views opened, and MarkClean
	dirtyClock  uint32 // the freeze clock of the last FreezeDirty or MarkClean: an older stamp has no mark yet
	views       []*Frozen
	grain       grain
}

// New makes an empty keyspace.
func New(o Options) *Keyspace {
	ks := &Keyspace{limits: o.Limits, seed: o.HashSeed, access: access{hold: true}, grain: defaultGrain()}
	if o.Limits == (Limits{}) {
		ks.limits = DefaultLimits()
	}
	ks.arena.vocabulary = &ks.vocabulary
	if o.Databases <= 0 {
		o.Databases = 16
	}
	for i := range o.Databases {
		// Nothing is known to any checkpoint yet: all that comes is dirty without being listed.
		ks.dbs = append(ks.dbs, &DB{ks: ks, number: i, store: newStore(ks, false)})
	}
	return ks
}

// DB gives database i, 0 <= i < Databases.
func (ks *Keyspace) DB(i int) *DB { return ks.dbs[i] }

// Databases is their number.
func (ks *Keyspace) Databases() int { return len(ks.dbs) }

// SetLimits changes the thresholds for what is added from now on.
func (ks *Keyspace) SetLimits(l Limits) { ks.limits = l }

// Limits gives the thresholds in force.
func (ks *Keyspace) Limits() Limits { return ks.limits }

// Dirty counts changes since the start. It only ever grows.
func (ks *Keyspace) Dirty() int64 { return ks.dirtyTotal }

// ExpiredTotal counts keys removed as expired.
func (ks *Keyspace) ExpiredTotal() int64 { return ks.expiredTotal }

// NowMs is the time that was given to the last Begin.
func (ks *Keyspace) NowMs() int64 { return ks.nowMs }

// Begin starts one command at the given wall-clock time. It forgets the notes of the last one.
func (ks *Keyspace) Begin(nowMs int64, mode ExpiryMode) {
	if len(ks.opened) > 0 {
		ks.closeEntries(nil) // the last command did not reach its End
	}
	ks.sweep()
	if nowMs != ks.nowMs {
		ks.access.setClock(nowMs)
	}
	ks.access.hold = false
	ks.nowMs, ks.mode = nowMs, mode
	ks.running = true
	ks.notes.reset()
	ks.arena.reset()
	ks.pools.reset()
}

// End closes the command: keys that were emptied are removed (event "del"), expired keys that were
// met are removed in ExpiryDelete mode (event "expired"). After it the notes below are final, until the next Begin.
func (ks *Keyspace) End() {
	for _, h := range ks.notes.handles {
		if h.entry != nil && h.entry.value.len() == 0 {
			h.db.unlink(h.entry, "del")
		}
	}
	for _, m := range ks.notes.met {
		switch {
		case !m.entry.open:
		case ks.expired(m.entry):
			m.db.dropExpired(m.entry)
		case m.fields > 0:
			m.db.dropExpiredFields(m.entry, m.fields)
		}
	}
	ks.notes.settle()
	ks.closeEntries(nil)
	ks.running = false
	ks.access.hold = true
}

// Changes are the keys that the command changed, each once, without the expired ones.
func (ks *Keyspace) Changes() []Change { return ks.notes.changes }

// Events are the notifications of the command.
func (ks *Keyspace) Events() []Event { return ks.notes.events }

// Expired are the keys removed as expired by this command, before its own changes.
func (ks *Keyspace) Expired() []KeyRef { return ks.notes.expired }

// SwapDB exchanges the content of two databases. Each counts as changed as a whole.
func (ks *Keyspace) SwapDB(i, j int) {
	if i == j {
		return
	}
	a, b := ks.dbs[i], ks.dbs[j]
	ks.noteWhole(a, true)
	ks.noteWhole(b, true)
	a.store, b.store = b.store, a.store
	for _, db := range []*DB{a, b} {
		// A checkpoint has both under the other number: it drops them and takes all.
		db.store.forgetBase(true)
	}
	ks.dirtyTotal++
}

// FlushAll drops all keys of all databases (one Change with Key nil each).
func (ks *Keyspace) FlushAll() {
	for _, db := range ks.dbs {
		db.Flush()
	}
}
