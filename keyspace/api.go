package keyspace

import "math/rand/v2"

// Kind is the type of a value. Its String is what TYPE replies.
type Kind uint8

// The kinds of value. KindNone is "no such key".
const (
	KindNone Kind = iota
	KindString
	KindList
	KindSet
	KindZSet
	KindHash
	KindStream
)

func (k Kind) String() string { panic("skeleton") }

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
}

// Options configure a keyspace.
type Options struct {
	Databases int // 1..; 16 is Redis' default
	Limits    Limits
	HashSeed  uint64 // of the index; any value
}

// Change is one key that the command changed. Key nil: the whole database was flushed.
// Key is valid until the next Begin.
type Change struct {
	DB      int
	Key     []byte
	Kind    Kind // after the change; KindNone when it is gone
	Created bool // the key did not exist before the command
}

// Event is a keyspace notification, in the order in which it happened.
type Event struct {
	Class byte // as in notify-keyspace-events: g $ l s h z x e t n ...
	Name  string
	DB    int
	Key   []byte // valid until the next Begin
}

// KeyRef names a key. Key is valid until the next Begin.
type KeyRef struct {
	DB  int
	Key []byte
}

// Keyspace is all databases. It has one owner at a time and contains no lock.
type Keyspace struct{}

func New(o Options) *Keyspace { panic("skeleton") }

func (ks *Keyspace) DB(i int) *DB        { panic("skeleton") }
func (ks *Keyspace) Databases() int      { panic("skeleton") }
func (ks *Keyspace) SetLimits(l Limits)  { panic("skeleton") }
func (ks *Keyspace) SwapDB(i, j int)     { panic("skeleton") }
func (ks *Keyspace) FlushAll()           { panic("skeleton") } // one Change with Key nil per database
func (ks *Keyspace) Digest() [20]byte    { panic("skeleton") } // order-independent; equal data, equal digest (deadlines included)
func (ks *Keyspace) Dirty() int64        { panic("skeleton") } // changes since start, only ever grows (INFO rdb_changes_since_last_save)
func (ks *Keyspace) ExpiredTotal() int64 { panic("skeleton") }
func (ks *Keyspace) MarkClean()          { panic("skeleton") } // after loading a checkpoint: nothing is dirty for FreezeDirty

// Begin starts one command at the given wall-clock time. It forgets the notes of the last one.
func (ks *Keyspace) Begin(nowMs int64, mode ExpiryMode) { panic("skeleton") }

// End closes the command: keys that were emptied are removed (event "del"), expired keys that were
// met are removed in ExpiryDelete mode (event "expired"). After it the notes below are final, until the next Begin.
func (ks *Keyspace) End() { panic("skeleton") }

func (ks *Keyspace) Changes() []Change { panic("skeleton") } // not the expired ones
func (ks *Keyspace) Events() []Event   { panic("skeleton") }
func (ks *Keyspace) Expired() []KeyRef { panic("skeleton") } // removed as expired by this command, before its own changes

// CollectExpired marks up to max keys whose deadline has passed as met, so that End removes and lists
// them. Between Begin(ExpiryDelete) and End. more: others are waiting.
func (ks *Keyspace) CollectExpired(max int) (n int, more bool) { panic("skeleton") }

// DB is one database.
type DB struct{}

func (db *DB) Index() int                              { panic("skeleton") }
func (db *DB) Len() int                                { panic("skeleton") } // DBSIZE
func (db *DB) Deadlines() int                          { panic("skeleton") } // keys with a deadline
func (db *DB) AverageTTL() int64                       { panic("skeleton") } // ms, estimated, as in INFO keyspace
func (db *DB) Kind(key []byte) Kind                    { panic("skeleton") }
func (db *DB) Deadline(key []byte) (ms int64, ok bool) { panic("skeleton") } // ok: the key exists; ms 0: no deadline
func (db *DB) Encoding(key []byte) string              { panic("skeleton") } // OBJECT ENCODING name, "" when missing
func (db *DB) Digest(key []byte) [20]byte              { panic("skeleton") } // DEBUG DIGEST-VALUE
func (db *DB) RandomKey(r *rand.Rand) ([]byte, bool)   { panic("skeleton") }

// Scan visits the keys of the next piece of the index (some 10 keys) and returns the next cursor, 0 at the end.
// A key that is there from the first call to the last is visited at least once, however the index grows or shrinks.
func (db *DB) Scan(cursor uint64, fn func(key []byte, kind Kind)) (next uint64) { panic("skeleton") }

// Remove deletes a key. The event is noted when it existed ("" = none).
func (db *DB) Remove(key []byte, event string) bool { panic("skeleton") }

// SetDeadline sets (ms > 0) or removes (0) the deadline; false when the key is missing.
func (db *DB) SetDeadline(key []byte, ms int64, event string) bool { panic("skeleton") }

// Rename moves a value with its deadline, over whatever was at to (events rename_from, rename_to). from must exist.
func (db *DB) Rename(from, to []byte) { panic("skeleton") }

// CopyTo copies a value with its deadline into another database or key, over whatever was there (event copy_to).
func (db *DB) CopyTo(dst *DB, from, to []byte) { panic("skeleton") }

// Flush drops all keys (one Change with Key nil).
func (db *DB) Flush() { panic("skeleton") }

// KeepDeadline as a deadline argument leaves the one that the key has.
const KeepDeadline int64 = -1

// String reads a string value. v is borrowed: valid until the next write or Begin. A missing key gives nil, false, nil.
func (db *DB) String(key []byte) (v []byte, ok bool, err error) { panic("skeleton") }

// PutString sets a string over whatever was there.
func (db *DB) PutString(key, value []byte, deadlineMs int64, event string) { panic("skeleton") }

// EditString opens a string for change; a missing key is created by the first change.
func (db *DB) EditString(key []byte, event string) (*StringEdit, error) { panic("skeleton") }

// Hash, List, Set and ZSet read a value. A missing key gives an empty view; all its methods work.
// What a view or a callback gives out is borrowed: valid until the next write or Begin.
func (db *DB) Hash(key []byte) (Hash, error) { panic("skeleton") }
func (db *DB) List(key []byte) (List, error) { panic("skeleton") }
func (db *DB) Set(key []byte) (Set, error)   { panic("skeleton") }
func (db *DB) ZSet(key []byte) (ZSet, error) { panic("skeleton") }

// EditHash and its like open a value for change. A missing key is created by the first change that adds something,
// and a value that is empty at End is removed. The first change of a handle notes the event ("" = none).
// A handle is valid until End, belongs to the keyspace and must not be kept.
func (db *DB) EditHash(key []byte, event string) (*HashEdit, error) { panic("skeleton") }
func (db *DB) EditList(key []byte, event string) (*ListEdit, error) { panic("skeleton") }
func (db *DB) EditSet(key []byte, event string) (*SetEdit, error)   { panic("skeleton") }
func (db *DB) EditZSet(key []byte, event string) (*ZSetEdit, error) { panic("skeleton") }

// ReplaceHash and its like drop what is at key, of any kind, and open a new value there (for ...STORE commands, loading).
// If it is still empty at End the key is gone: event "del" if there was something.
func (db *DB) ReplaceHash(key []byte, event string) *HashEdit { panic("skeleton") }
func (db *DB) ReplaceList(key []byte, event string) *ListEdit { panic("skeleton") }
func (db *DB) ReplaceSet(key []byte, event string) *SetEdit   { panic("skeleton") }
func (db *DB) ReplaceZSet(key []byte, event string) *ZSetEdit { panic("skeleton") }

// StringEdit changes one string in place.
type StringEdit struct{}

func (s *StringEdit) Exists() bool                   { panic("skeleton") }
func (s *StringEdit) Value() []byte                  { panic("skeleton") }
func (s *StringEdit) Int() (int64, bool)             { panic("skeleton") } // the value as a canonical 64-bit integer; a missing key is 0, true
func (s *StringEdit) SetInt(v int64)                 { panic("skeleton") }
func (s *StringEdit) Set(v []byte)                   { panic("skeleton") } // keeps the deadline
func (s *StringEdit) Append(v []byte) int            { panic("skeleton") } // new length
func (s *StringEdit) SetRange(off int, v []byte) int { panic("skeleton") } // pads with zero bytes; new length

// Hash is a read view.
type Hash struct{}

func (h Hash) Len() int                                                       { panic("skeleton") }
func (h Hash) Get(field []byte) (v []byte, ok bool)                           { panic("skeleton") }
func (h Hash) Each(fn func(field, value []byte) bool)                         { panic("skeleton") } // until fn returns false
func (h Hash) Scan(cursor uint64, fn func(field, value []byte)) (next uint64) { panic("skeleton") } // small encodings: all at once, next 0
func (h Hash) Random(r *rand.Rand) (field, value []byte)                      { panic("skeleton") } // must not be empty

// HashEdit changes a hash.
type HashEdit struct{ Hash }

func (h *HashEdit) Set(field, value []byte) (created bool) { panic("skeleton") } // setting an equal value is a change, as in Redis
func (h *HashEdit) Delete(field []byte) bool               { panic("skeleton") }

// List is a read view. Index 0 is the head.
type List struct{}

func (l List) Len() int                                                    { panic("skeleton") }
func (l List) At(i int) ([]byte, bool)                                     { panic("skeleton") } // 0 <= i < Len, else false
func (l List) Each(from int, backward bool, fn func(i int, v []byte) bool) { panic("skeleton") }

// ListEdit changes a list. Popped values are valid until the next Begin.
type ListEdit struct{ List }

func (l *ListEdit) PushHead(v []byte)            { panic("skeleton") }
func (l *ListEdit) PushTail(v []byte)            { panic("skeleton") }
func (l *ListEdit) PopHead() ([]byte, bool)      { panic("skeleton") }
func (l *ListEdit) PopTail() ([]byte, bool)      { panic("skeleton") }
func (l *ListEdit) SetAt(i int, v []byte)        { panic("skeleton") }
func (l *ListEdit) InsertBefore(i int, v []byte) { panic("skeleton") } // 0..Len
func (l *ListEdit) DeleteRange(from, n int)      { panic("skeleton") }

// Set is a read view.
type Set struct{}

func (s Set) Len() int                                            { panic("skeleton") }
func (s Set) Has(m []byte) bool                                   { panic("skeleton") }
func (s Set) Each(fn func(m []byte) bool)                         { panic("skeleton") }
func (s Set) Scan(cursor uint64, fn func(m []byte)) (next uint64) { panic("skeleton") }
func (s Set) Random(r *rand.Rand) []byte                          { panic("skeleton") }
func (s Set) IsIntset() bool                                      { panic("skeleton") }

// SetEdit changes a set.
type SetEdit struct{ Set }

func (s *SetEdit) Add(m []byte) bool    { panic("skeleton") }
func (s *SetEdit) Remove(m []byte) bool { panic("skeleton") }

// ZSet is a read view, ordered by (score, member bytes). Rank 0 is the lowest.
type ZSet struct{}

func (z ZSet) Len() int                          { panic("skeleton") }
func (z ZSet) Score(m []byte) (float64, bool)    { panic("skeleton") }
func (z ZSet) Rank(m []byte) (rank int, ok bool) { panic("skeleton") }

// Each visits members from a rank upwards or downwards until fn returns false.
func (z ZSet) Each(from int, backward bool, fn func(m []byte, score float64) bool) { panic("skeleton") }

// CountBelow gives the number of members with score < s (or <= s): the rank of the first one not below. O(log n).
func (z ZSet) CountBelow(s float64, inclusive bool) int { panic("skeleton") }

// CountBelowLex: the same by member bytes, for sets whose scores are all equal.
func (z ZSet) CountBelowLex(m []byte, inclusive bool) int                         { panic("skeleton") }
func (z ZSet) Scan(cursor uint64, fn func(m []byte, score float64)) (next uint64) { panic("skeleton") }
func (z ZSet) Random(r *rand.Rand) (m []byte, score float64)                      { panic("skeleton") }

// ZSetEdit changes a sorted set. Scores are never NaN.
type ZSetEdit struct{ ZSet }

func (z *ZSetEdit) Put(m []byte, score float64) (created, changed bool) { panic("skeleton") }
func (z *ZSetEdit) Remove(m []byte) bool                                { panic("skeleton") }
func (z *ZSetEdit) RemoveRanks(from, n int)                             { panic("skeleton") }

// Item is one key as of the moment of a freeze. It is valid during the sink's call only.
type Item struct {
	DB         int
	Key        []byte
	Kind       Kind  // KindNone: the key was deleted since the last FreezeDirty (Flush: the whole database, Key nil)
	Flush      bool  // comes before all other items of that database
	DeadlineMs int64 // 0: none
}

func (it *Item) Encoding() string   { panic("skeleton") }
func (it *Item) String() []byte     { panic("skeleton") }
func (it *Item) Int() (int64, bool) { panic("skeleton") } // a string stored as an integer
func (it *Item) Hash() Hash         { panic("skeleton") }
func (it *Item) List() List         { panic("skeleton") }
func (it *Item) Set() Set           { panic("skeleton") }
func (it *Item) ZSet() ZSet         { panic("skeleton") }

// Frozen is a view of the keyspace as of one moment, produced piece by piece while commands go on: a key that
// is about to change and was not given out yet is given to the sink first (copy on write by key).
type Frozen struct{}

// FreezeAll is a view of every key. Several views may be open at once. The sink runs on the owner and must be quick.
func (ks *Keyspace) FreezeAll(sink func(*Item)) *Frozen { panic("skeleton") }

// FreezeDirty is a view of what changed since the last FreezeDirty (or MarkClean). One at a time. If it is
// closed before it is done, its keys are dirty again.
func (ks *Keyspace) FreezeDirty(sink func(*Item)) *Frozen { panic("skeleton") }

// Step gives out up to n items; done: there are no more and the view is closed.
func (f *Frozen) Step(n int) (done bool)       { panic("skeleton") }
func (f *Frozen) Progress() (given, total int) { panic("skeleton") }
func (f *Frozen) Close()                       { panic("skeleton") } // gives the view up; harmless after done
