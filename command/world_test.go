package command_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
	"github.com/tandemkv/tandem/keyspace"
)

// startMs is the wall clock at the start of each scenario.
const startMs = 1_000_000_000_000

// world is what a scenario runs in: an engine as a master has it, the log it writes, and a copy that lives from the log.
type world struct {
	t      *testing.T
	table  *command.Table
	master *command.Engine
	copy   *command.Applier
	reader resp.Reader

	nowMs   int64
	db      int
	proto   int
	order   scenario.Order
	block   bool
	unit    bool // between @ multi and @ exec
	limits  keyspace.Limits
	encoder command.Encoder
	events  []string
}

// sessionRows are the words of the log that no data family has.
func sessionRows() []command.Spec {
	return []command.Spec{
		{Name: "select", Arity: 2}, {Name: "multi", Arity: 1}, {Name: "exec", Arity: 1}, {Name: "ping", Arity: -1},
		{Name: "replconf", Arity: -1}, {Name: "publish", Arity: 3},
	}
}

func newWorld(t *testing.T) *world {
	table := command.NewTable(append(command.Families(), sessionRows())...)
	limits := keyspace.DefaultLimits()
	engine := func(seed uint64) *command.Engine {
		ks := keyspace.New(keyspace.Options{Databases: 16, Limits: limits, HashSeed: seed})
		return command.NewEngine(ks, rand.New(rand.NewPCG(seed, 2)))
	}
	return &world{
		t: t, table: table, limits: limits, nowMs: startMs, encoder: command.Encoder{Selected: -1},
		master: engine(1), copy: &command.Applier{Engine: engine(7), Table: table},
	}
}

func splitLine(t *testing.T, line string) [][]byte {
	t.Helper()
	words, ok := notation.SplitWords([]byte(line))
	require.True(t, ok, "quotes in %q", line)
	require.NotEmpty(t, words, line)
	return words
}

func (w *world) step(s *scenario.Step) []string {
	if s.Directive != nil {
		w.direct(s)
		return nil
	}
	out := w.run(splitLine(w.t, s.Line))
	w.order, w.block = scenario.Ordered, false
	return out
}

func (w *world) number(s *scenario.Step, i int) int {
	require.Greater(w.t, len(s.Directive), i, "line %d: %v", s.At, s.Directive)
	n, err := strconv.Atoi(s.Directive[i])
	require.NoError(w.t, err, "line %d", s.At)
	return n
}

// direct obeys a directive.
func (w *world) direct(s *scenario.Step) {
	switch s.Directive[0] {
	case "advance":
		w.nowMs += int64(w.number(s, 1))
	case "select":
		w.db = w.number(s, 1)
	case "resp":
		w.proto = w.number(s, 1)
	case "sorted":
		w.order = scenario.Sorted
	case "pairs":
		w.order = scenario.Pairs
	case "block":
		w.block = true
	case "multi":
		w.unit = true
	case "exec":
		w.unit = false
		w.log()
	case "limit":
		w.setLimit(s.Directive[1], w.number(s, 2))
	case "differs": // for the comparison with the reference server
		require.Greater(w.t, len(s.Directive), 1, "line %d: a reason is missing", s.At)
	default:
		require.Fail(w.t, "no such directive", "line %d: %v", s.At, s.Directive)
	}
}

func (w *world) setLimit(name string, n int) {
	fields := map[string]*int{
		"hash-max-listpack-entries": &w.limits.HashMaxListpackEntries, "hash-max-listpack-value": &w.limits.HashMaxListpackValue,
		"list-max-listpack-size": &w.limits.ListMaxListpackSize, "set-max-intset-entries": &w.limits.SetMaxIntsetEntries,
		"set-max-listpack-entries": &w.limits.SetMaxListpackEntries, "set-max-listpack-value": &w.limits.SetMaxListpackValue,
		"zset-max-listpack-entries": &w.limits.ZSetMaxListpackEntries, "zset-max-listpack-value": &w.limits.ZSetMaxListpackValue,
		"stream-node-max-bytes": &w.limits.StreamNodeMaxBytes, "stream-node-max-entries": &w.limits.StreamNodeMaxEntries,
	}
	require.Contains(w.t, fields, name)
	*fields[name] = n
	w.master.KS.SetLimits(w.limits)
}

// run runs one line as the server would, and renders what came of it.
func (w *world) run(args [][]byte) []string {
	reply := &resp.Writer{Proto: w.proto}
	w.events = nil
	spec := w.table.Lookup(args)
	var call *command.Call
	switch {
	case spec == nil:
		reply.Error(command.Unknown(args).Error())
	case len(spec.Subs) > 0 && len(args) > 1:
		reply.Error(command.UnknownSub(spec.Name, args[1]).Error())
	case !spec.ArityOK(len(args)):
		reply.Error(command.WrongArity(spec.FullName).Error())
	default:
		call, _ = w.master.Do(command.Run{Spec: spec, Args: args, DB: w.db, NowMs: w.nowMs, CanBlock: w.block}, reply)
		for _, e := range w.master.KS.Events() {
			w.events = append(w.events, w.inDB(e.DB, "! "+e.Name+" "+scenario.Word(string(e.Key))))
		}
	}
	var out []string
	if call != nil && call.Blocked() != nil {
		require.Empty(w.t, reply.Buf)
		out = append(out, w.waiting(call.Blocked()))
	} else {
		lines, err := scenario.Show(reply.Buf, w.order)
		require.NoError(w.t, err, "%q", args)
		out = append(out, lines...)
	}
	if !w.unit {
		out = append(out, w.log()...)
	}
	return append(out, w.events...)
}

func (w *world) waiting(b *command.Block) string {
	text := "(waits for"
	for _, key := range b.Keys {
		text += " " + scenario.Word(string(key))
	}
	if b.DeadlineMs == 0 {
		return text + ")"
	}
	return fmt.Sprintf("%s, %d ms)", text, b.DeadlineMs-w.nowMs)
}

func (w *world) inDB(db int, text string) string {
	if db == w.db {
		return text
	}
	return fmt.Sprintf("%s @%d", text, db)
}

// log closes the unit: its effects become log bytes, which the copy applies.
func (w *world) log() []string {
	var out []string
	for _, e := range w.master.Unit() {
		words := make([]string, len(e.Words))
		for i, word := range e.Words {
			words[i] = scenario.Word(string(word))
		}
		out = append(out, w.inDB(e.DB, "~ "+strings.Join(words, " ")))
	}
	buf := w.encoder.Append(nil, w.master.Unit())
	w.master.ResetUnit()
	for len(buf) > 0 {
		args, used, err := w.reader.Next(buf)
		require.NoError(w.t, err, "%q", buf)
		require.Positive(w.t, used, "%q", buf)
		// The copy's clock is far ahead: what it does must not depend on it.
		require.NoError(w.t, w.copy.Apply(args, w.nowMs+1e12))
		buf = buf[used:]
	}
	require.False(w.t, w.copy.InMulti())
	return out
}

// checkCopy compares the copy with the master.
func (w *world) checkCopy(s *scenario.Step) {
	if w.unit {
		return
	}
	require.Equal(w.t, w.master.KS.Digest(), w.copy.Engine.KS.Digest(), "line %d: %s: the copy differs", s.At, s.Line)
}

// checkFrozen loads a frozen view into an empty keyspace.
func (w *world) checkFrozen() {
	loaded := keyspace.New(keyspace.Options{Databases: w.master.KS.Databases(), HashSeed: 3})
	loaded.Begin(w.nowMs, keyspace.ExpiryIgnore)
	view := w.master.KS.FreezeAll(func(it *keyspace.Item) { load(w.t, loaded.DB(it.DB), it) })
	for !view.Step(3) {
	}
	loaded.End()
	require.Equal(w.t, w.master.KS.Digest(), loaded.Digest(), "the frozen view differs")
}

// load puts one frozen key, or a part of its value, into a database.
func load(t require.TestingT, db *keyspace.DB, it *keyspace.Item) {
	if it.Part == 0 {
		db.Remove(it.Key, "")
	}
	switch it.Kind {
	case keyspace.KindString:
		db.PutString(it.Key, it.String(), 0, "")
	case keyspace.KindHash:
		h, err := db.EditHash(it.Key, "")
		require.NoError(t, err)
		it.Hash().EachTimed(func(field, value []byte, deadlineMs int64) bool { h.Put(field, value, deadlineMs); return true })
	case keyspace.KindList:
		l, err := db.EditList(it.Key, "")
		require.NoError(t, err)
		it.List().Each(0, false, func(_ int, v []byte) bool { l.PushTail(v); return true })
	case keyspace.KindSet:
		s, err := db.EditSet(it.Key, "")
		require.NoError(t, err)
		it.Set().Each(func(m []byte) bool { s.Add(m); return true })
	case keyspace.KindZSet:
		z, err := db.EditZSet(it.Key, "")
		require.NoError(t, err)
		it.ZSet().Each(0, false, func(m []byte, score float64) bool { z.Put(m, score); return true })
	case keyspace.KindStream:
		loadStream(db.ReplaceStream(it.Key, ""), it.Stream())
	default:
		panic("a frozen key of kind " + it.Kind.String())
	}
	if it.DeadlineMs > 0 {
		db.SetDeadline(it.Key, it.DeadlineMs, "")
	}
}

func loadStream(into *keyspace.StreamEdit, from keyspace.Stream) {
	from.Each(keyspace.StreamID{}, keyspace.MaxStreamID(), func(e *keyspace.StreamEntry) bool {
		var pairs [][]byte
		e.Each(func(name, value []byte) { pairs = append(pairs, bytes.Clone(name), bytes.Clone(value)) })
		into.Append(e.ID, pairs)
		return true
	})
	state := from.State()
	into.SetState(state.Newest, state.MaxDeleted, state.Added)
	from.EachGroup(func(g keyspace.StreamGroup) {
		into.CreateGroup(g.Name(), g.Delivered(), g.EntriesRead())
		to, _ := into.EditGroup(g.Name())
		g.EachConsumer(func(c keyspace.StreamConsumer) {
			made := to.CreateConsumer(c.Name(), c.SeenMs())
			c.EachPending(keyspace.StreamID{}, func(p keyspace.PendingEntry) bool {
				to.Deliver(made, p.ID, p.DeliveredMs, p.Times)
				return true
			})
		})
	})
}
