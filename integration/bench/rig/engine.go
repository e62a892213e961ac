package rig

import (
	"math/rand/v2"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/slab"
	"github.com/tandemkv/tandem/keyspace"
)

// Engine runs commands over a keyspace in this process as a session does, without a network: look up, run, encode the
// effects, forget. It makes no garbage of its own.
type Engine struct {
	Keyspace *keyspace.Keyspace
	engine   *command.Engine
	table    *command.Table
	encoder  command.Encoder
	replies  resp.Writer
	log      []byte
	args     [][]byte
	nowMs    int64
}

// NewEngine makes an engine over an empty keyspace.
func NewEngine() *Engine {
	ks := keyspace.New(keyspace.Options{Databases: 1})
	return &Engine{
		Keyspace: ks, engine: command.NewEngine(ks, rand.New(rand.NewPCG(1, 2))),
		table: command.NewTable(command.Families()...), nowMs: time.Now().UnixMilli(),
	}
}

// Set runs SET of key i with a value of 8 bytes.
func (e *Engine) Set(i int) {
	e.begin("SET", i)
	e.args = append(e.args[:2], appendDigits(append(e.room(2), 'v'), i, 7))
	e.run()
}

// Get runs GET of key i.
func (e *Engine) Get(i int) {
	e.begin("GET", i)
	e.run()
}

// KeepHouse does what a server's housekeeping does beside the commands: memory that is needed soon is made.
func (e *Engine) KeepHouse() {
	for piece := e.Keyspace.MemoryAhead(); piece != nil; piece = e.Keyspace.MemoryAhead() {
		slab.Populate(piece)
	}
}

func (e *Engine) begin(name string, i int) {
	first, second := append(e.room(0), name...), appendDigits(append(e.room(1), "key:"...), i, 12)
	e.args = append(e.args[:0], first, second)
}

// room gives the memory of an argument of an earlier command.
func (e *Engine) room(i int) []byte {
	if i < cap(e.args) {
		return e.args[:i+1][i][:0]
	}
	return nil
}

func (e *Engine) run() {
	e.replies.Buf, e.log = e.replies.Buf[:0], e.log[:0]
	if _, err := e.engine.Do(command.Run{Spec: e.table.Lookup(e.args), Args: e.args, NowMs: e.nowMs}, &e.replies); err != nil {
		panic(err) // neither is refused here
	}
	e.log = e.encoder.Append(e.log, e.engine.Unit())
	e.engine.ResetUnit()
}

// appendDigits writes the last n digits of i.
func appendDigits(to []byte, i, n int) []byte {
	at := len(to)
	to = append(to, "000000000000"[:n]...)
	for j := at + n - 1; j >= at; j-- {
		to[j] = byte('0' + i%10)
		i /= 10
	}
	return to
}

// Key is the name of key i, for Engine and servers alike; redis-benchmark's names are the same.
func Key(i int) string { return string(appendDigits([]byte("key:"), i, 12)) }

// Value is the value that Engine sets.
func Value(i int) string { return string(appendDigits([]byte("v"), i, 7)) }
