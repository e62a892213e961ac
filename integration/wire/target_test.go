package wire

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// target answers command lines.
type target interface {
	run(args [][]byte) []byte // the raw reply
	selectDB(db int)
	speak(proto int)
	limit(name string, n int)
	clear()
}

// engine is Tandem's command engine in this process, as a target.
type engine struct {
	t     *testing.T
	table *command.Table
	do    *command.Engine
	db    int
	proto int
	// unit receives the effects of each line; may be nil.
	unit   func([]command.Effect)
	limits keyspace.Limits
}

func newEngine(t *testing.T) *engine {
	ks := keyspace.New(keyspace.Options{})
	return &engine{
		t: t, table: command.NewTable(command.Families()...), do: command.NewEngine(ks, rand.New(rand.NewPCG(1, 2))),
		limits: keyspace.DefaultLimits(),
	}
}

func (e *engine) run(args [][]byte) []byte {
	w := &resp.Writer{Proto: e.proto}
	spec := e.table.Lookup(args)
	switch {
	case spec == nil:
		w.Error(command.Unknown(args).Error())
	case len(spec.Subs) > 0 && len(args) > 1:
		w.Error(command.UnknownSub(spec.Name, args[1]).Error())
	case !spec.ArityOK(len(args)):
		w.Error(command.WrongArity(spec.FullName).Error())
	default:
		// A refusal is in the reply already.
		_, _ = e.do.Do(command.Run{Spec: spec, Args: args, DB: e.db, NowMs: time.Now().UnixMilli()}, w)
		if e.unit != nil {
			e.unit(e.do.Unit())
		}
		e.do.ResetUnit()
	}
	return w.Buf
}

func (e *engine) selectDB(db int) { e.db = db }
func (e *engine) speak(proto int) { e.proto = proto }

func (e *engine) limit(name string, n int) {
	fields := map[string]*int{
		"hash-max-listpack-entries": &e.limits.HashMaxListpackEntries, "hash-max-listpack-value": &e.limits.HashMaxListpackValue,
		"list-max-listpack-size": &e.limits.ListMaxListpackSize, "set-max-intset-entries": &e.limits.SetMaxIntsetEntries,
		"set-max-listpack-entries": &e.limits.SetMaxListpackEntries, "set-max-listpack-value": &e.limits.SetMaxListpackValue,
		"zset-max-listpack-entries": &e.limits.ZSetMaxListpackEntries, "zset-max-listpack-value": &e.limits.ZSetMaxListpackValue,
		"stream-node-max-bytes": &e.limits.StreamNodeMaxBytes, "stream-node-max-entries": &e.limits.StreamNodeMaxEntries,
	}
	require.Contains(e.t, fields, name)
	*fields[name] = n
	e.do.KS.SetLimits(e.limits)
}

func (e *engine) clear() {
	e.run(words("FLUSHALL"))
	e.db, e.proto, e.limits = 0, 2, keyspace.DefaultLimits()
	e.do.KS.SetLimits(e.limits)
}
