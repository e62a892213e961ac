package command

import (
	"math/rand/v2"
	"strconv"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// Call is one run of a command. It is reused from one run to the next: a handler keeps nothing of it.
type Call struct {
	Spec  *Spec
	Args  [][]byte // with the name; valid during the call only
	KS    *keyspace.Keyspace
	DB    *keyspace.DB // the session's database
	NowMs int64        // wall clock of this command, Unix milliseconds
	Rand  *rand.Rand
	Reply *resp.Writer

	// Replay: the log is being applied. A deadline in the past is then set and not acted on, because the log itself says
	// when a key goes, and limits do not apply: the master has decided.
	Replay bool
	// CanBlock: a client waits behind this call, outside MULTI. Otherwise BlockOn answers at once.
	CanBlock bool
	// Limits that handlers obey.
	BulkBytesMax int

	block    Block
	effects  []Effect
	replaced bool
	arena    []byte   // backs the bytes of words that handlers build,
	words    [][]byte // and these the words of effects, until the end of the unit
}

// Block is a wait that a handler asked for.
type Block struct {
	Keys       [][]byte // valid during the call
	Kinds      KindSet  // the command can go on when one of Keys holds one of these
	DeadlineMs int64    // wall clock, 0: for ever
	NullArray  bool     // what is answered when time is over: a null array, else a null
	Args       [][]byte // the words with which the command runs again, where they are not those given; valid during the call
}

// KindSet is a set of keyspace.Kind.
type KindSet uint16

// KindsOf makes a set.
func KindsOf(kinds ...keyspace.Kind) KindSet {
	var s KindSet
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// AnyKind is all kinds, and that a key is gone.
const AnyKind KindSet = 1<<16 - 1

// Has tells whether k is in the set.
func (s KindSet) Has(k keyspace.Kind) bool { return s&(1<<k) != 0 }

// BlockOn makes the client wait until one of the keys changes; then the command runs again from the start.
// A call that cannot block answers what the end of the wait would have answered. The handler has written nothing and returns at once.
func (c *Call) BlockOn(b Block) error {
	if !c.CanBlock {
		b.AppendTimeout(c.Reply)
		return nil
	}
	c.block = b
	return nil
}

// Blocked gives the wait that the handler asked for; nil when there is none.
func (c *Call) Blocked() *Block {
	if len(c.block.Keys) == 0 {
		return nil
	}
	return &c.block
}

// AppendTimeout writes the reply to a wait that ended without a value.
func (b *Block) AppendTimeout(w *resp.Writer) {
	if b.NullArray {
		w.NullArray()
		return
	}
	w.Null()
}

// Effect replaces the default effect, the command as given: the first time it takes its place, then it adds. The words are
// used as they are: they must stay valid until the end of the unit (arguments do; for built ones use Word, Int and Text).
// It has no consequence when the command changed nothing.
func (c *Call) Effect(words ...[]byte) { c.EffectIn(c.DB.Index(), words...) }

// EffectIn is Effect for another database than the session's.
func (c *Call) EffectIn(db int, words ...[]byte) {
	c.replaced = true
	start := len(c.words)
	c.words = append(c.words, words...)
	c.effects = append(c.effects, Effect{DB: db, Words: c.words[start:len(c.words):len(c.words)]})
}

// Word copies bytes that would not live until the end of the unit.
func (c *Call) Word(b []byte) []byte {
	start := len(c.arena)
	c.arena = append(c.arena, b...)
	return c.arena[start:len(c.arena):len(c.arena)]
}

// Text is Word for a string.
func (c *Call) Text(s string) []byte {
	start := len(c.arena)
	c.arena = append(c.arena, s...)
	return c.arena[start:len(c.arena):len(c.arena)]
}

// Int is Word for the decimal digits of n.
func (c *Call) Int(n int64) []byte {
	start := len(c.arena)
	c.arena = strconv.AppendInt(c.arena, n, 10)
	return c.arena[start:len(c.arena):len(c.arena)]
}
