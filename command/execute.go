package command

import (
	"fmt"
	"math/rand/v2"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// Engine runs commands against one keyspace and collects what they did. Clients, start-up, a standby's stream and the
// simulator all change data through Do. It belongs to the keyspace's owner.
type Engine struct {
	KS   *keyspace.Keyspace
	Rand *rand.Rand
	Mode keyspace.ExpiryMode // of the commands that Do runs
	// BulkBytesMax bounds what a command may make of a string, as proto-max-bulk-len does.
	BulkBytesMax int

	call Call
	unit []Effect // of the commands since the last TakeUnit
	keys []byte   // backs the names of expired and evicted keys, and of fields in unit
}

// NewEngine makes an engine for a keyspace. The random source is used for SPOP and its like only.
func NewEngine(ks *keyspace.Keyspace, r *rand.Rand) *Engine {
	return &Engine{KS: ks, Rand: r, BulkBytesMax: resp.BulkBytesMax}
}

// Run is what a caller says of one command besides its words.
type Run struct {
	Spec     *Spec
	Args     [][]byte
	DB       int
	NowMs    int64
	CanBlock bool
	// NoTouch: what the command looks up counts as not used (CLIENT NO-TOUCH).
	NoTouch bool
}

// Do runs one data command whose arity was checked. The reply goes to w. The Call that is returned (for Blocked) is valid until the next Do,
// and so are the keyspace's notes.
func (e *Engine) Do(run Run, w *resp.Writer) (*Call, error) {
	c := &e.call
	c.Spec, c.Args, c.NowMs, c.CanBlock = run.Spec, run.Args, run.NowMs, run.CanBlock
	c.KS, c.DB, c.Rand, c.Reply = e.KS, e.KS.DB(run.DB), e.Rand, w
	c.BulkBytesMax, c.Replay = e.BulkBytesMax, e.Mode == keyspace.ExpiryIgnore
	c.block, c.effects, c.replaced = Block{}, c.effects[:0], false
	mark := len(w.Buf)
	e.KS.Begin(run.NowMs, e.Mode)
	if run.NoTouch || run.Spec.Flags&NoTouch != 0 {
		e.KS.NoTouch()
	}
	err := run.Spec.Handler(c)
	e.KS.End()
	if err != nil {
		w.Buf = w.Buf[:mark]
		w.Error(err.Error())
		if len(e.KS.Changes()) > 0 {
			panic(fmt.Sprintf("command %s changed %d keys and then failed: %v", run.Spec.FullName, len(e.KS.Changes()), err))
		}
	}
	e.collect(c)
	return c, err
}

// ExpireSlice removes up to max keys and fields past their deadline, as effects of the unit. Only a master calls it.
func (e *Engine) ExpireSlice(nowMs int64, max int) (n int, more bool) {
	e.KS.Begin(nowMs, keyspace.ExpiryDelete)
	n, more = e.KS.CollectExpired(max)
	fields, moreFields := e.KS.CollectExpiredFields(max - n)
	e.KS.End()
	e.collectExpired()
	return n + fields, more || moreFields
}

// EvictOne removes the key that goes first when memory is short, as an effect of the unit. Only a master calls it. false:
// there is none.
func (e *Engine) EvictOne(nowMs int64, how keyspace.Eviction) bool {
	e.KS.Begin(nowMs, keyspace.ExpiryDelete)
	e.KS.NoTouch()
	found := e.KS.Evict(how, e.Rand)
	e.KS.End()
	for i := range e.KS.Changes() {
		c := &e.KS.Changes()[i]
		e.deletion(c.DB, c.Key)
	}
	return found
}

// collect adds what the keyspace noted to the unit.
func (e *Engine) collect(c *Call) {
	e.collectExpired()
	if len(e.KS.Changes()) == 0 {
		return
	}
	if c.replaced {
		e.unit = append(e.unit, c.effects...)
		return
	}
	e.unit = append(e.unit, Effect{DB: c.DB.Index(), Words: c.Args})
}

// collectExpired adds a deletion for each expired key that was removed, and one for the fields of each hash. Redis writes
// DEL and HDEL for it. A hash goes with its last field, there as here.
func (e *Engine) collectExpired() {
	for _, ref := range e.KS.Expired() {
		e.deletion(ref.DB, ref.Key)
	}
	for _, gone := range e.KS.ExpiredFields() {
		words := [][]byte{[]byte("HDEL"), e.keep(gone.Key)}
		for _, field := range gone.Fields {
			words = append(words, e.keep(field))
		}
		e.unit = append(e.unit, Effect{DB: gone.DB, Words: words})
	}
}

// keep copies a name for the unit.
func (e *Engine) keep(name []byte) []byte {
	start := len(e.keys)
	e.keys = append(e.keys, name...)
	return e.keys[start:len(e.keys):len(e.keys)]
}

func (e *Engine) deletion(db int, key []byte) {
	e.unit = append(e.unit, Effect{DB: db, Words: [][]byte{[]byte("DEL"), e.keep(key)}})
}

// Unit is the effects since the last ResetUnit: those of one command, or of all commands of one EXEC.
func (e *Engine) Unit() []Effect { return e.unit }

// AddEffect adds what a session command did to the unit: a message for the subscribers of the standbys. The words must
// stay valid until ResetUnit.
func (e *Engine) AddEffect(f Effect) { e.unit = append(e.unit, f) }

// ResetUnit forgets the unit's effects; the words of its commands need not stay valid any longer.
func (e *Engine) ResetUnit() {
	clear(e.unit)
	e.unit = e.unit[:0]
	e.keys = e.keys[:0]
	e.call.arena = e.call.arena[:0]
	clear(e.call.words)
	e.call.words = e.call.words[:0]
}
