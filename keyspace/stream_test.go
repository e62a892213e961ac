package keyspace

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainStream is a stream as a dumb list, in which streams are compared.
type plainStream struct {
	entries            []plainEntry
	newest, maxDeleted StreamID
	added              uint64
	groups             map[string]*plainGroup
}

type plainEntry struct {
	id    StreamID
	pairs []string
}

type plainGroup struct {
	delivered StreamID
	read      int64
	consumers map[string]bool
	pending   map[StreamID]plainPending
}

type plainPending struct {
	consumer    string
	deliveredMs int64
	times       uint64
}

func newPlainStream() *plainStream { return &plainStream{groups: map[string]*plainGroup{}} }

func (p *plainStream) clone() *plainStream {
	c := *p
	c.entries, c.groups = slices.Clone(p.entries), map[string]*plainGroup{}
	for name, g := range p.groups {
		c.groups[name] = &plainGroup{g.delivered, g.read, maps.Clone(g.consumers), maps.Clone(g.pending)}
	}
	return &c
}

// text is a canonical form.
func (p *plainStream) text() string {
	text := fmt.Sprintf("%v until %v deleted %v added %d", p.entries, p.newest, p.maxDeleted, p.added)
	for _, name := range slices.Sorted(maps.Keys(p.groups)) {
		text += fmt.Sprintf(" %s %v", name, *p.groups[name])
	}
	return text
}

// fill makes the stream.
func (p *plainStream) fill(s *StreamEdit) {
	s.Create()
	for _, e := range p.entries {
		pairs := make([][]byte, len(e.pairs))
		for i, word := range e.pairs {
			pairs[i] = []byte(word)
		}
		s.Append(e.id, pairs)
	}
	s.SetState(p.newest, p.maxDeleted, p.added)
	for name, from := range p.groups {
		s.CreateGroup([]byte(name), from.delivered, from.read)
		g, _ := s.EditGroup([]byte(name))
		for who := range from.consumers {
			g.CreateConsumer([]byte(who), 1)
		}
		for id, pending := range from.pending {
			c, _ := g.Consumer([]byte(pending.consumer))
			g.Deliver(c, id, pending.deliveredMs, pending.times)
		}
	}
}

// panicking is for readers that have no test at hand.
type panicking struct{}

func (panicking) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panicking) FailNow()                          {}

// readStream reads a stream through its views, and holds them against each other.
func readStream(t require.TestingT, s Stream) *plainStream {
	p, state := readStreamAll(t, s), s.State()
	require.Len(t, p.entries, s.Len())
	first, last := StreamID{}, StreamID{}
	if n := len(p.entries); n > 0 {
		first, last = p.entries[0].id, p.entries[n-1].id
	}
	require.Equal(t, []StreamID{first, last}, []StreamID{state.First, state.Last})
	require.Len(t, p.groups, state.Groups)
	told := groupsTold{t: t, state: state, groups: map[string]*plainGroup{}}
	s.ReadGroups(&told)
	require.Equal(t, p.groups, told.groups)
	return p
}

// groupsTold gathers what is told of groups, in one go or in parts.
type groupsTold struct {
	t        require.TestingT
	state    StreamState
	calls    int
	groups   map[string]*plainGroup
	group    *plainGroup
	consumer string
	// What is still to be told of: groups, of the group its pending entries, consumers and ids, of the consumer its ids.
	toCome, pending, consumers, ids, owned int
	last                                   StreamID
}

func (g *groupsTold) ended() { require.Zero(g.t, g.pending+g.consumers+g.ids+g.owned) }

func (g *groupsTold) Groups(n int) {
	g.calls++
	require.Equal(g.t, g.state.Groups, n)
	require.Empty(g.t, g.groups)
	g.toCome = n
}

func (g *groupsTold) Group(of StreamGroup) {
	g.calls++
	g.ended()
	require.Nil(g.t, g.groups[string(of.Name())])
	g.group = &plainGroup{of.Delivered(), of.EntriesRead(), map[string]bool{}, map[StreamID]plainPending{}}
	g.groups[string(of.Name())] = g.group
	g.pending, g.ids, g.consumers = of.Pending(), of.Pending(), of.Consumers()
	g.toCome--
	g.last = StreamID{}
	of.Lag()
}

func (g *groupsTold) Pending(p PendingEntry) {
	g.calls++
	require.True(g.t, p.ID == StreamID{} || g.last.Before(p.ID))
	g.group.pending[p.ID] = plainPending{string(p.Consumer), p.DeliveredMs, p.Times}
	g.pending--
	g.last = p.ID
}

func (g *groupsTold) Consumers(n int) {
	g.calls++
	require.Zero(g.t, g.pending)
	require.Equal(g.t, g.consumers, n)
}

func (g *groupsTold) Consumer(c StreamConsumer) {
	g.calls++
	require.Zero(g.t, g.pending+g.owned)
	g.consumer, g.owned = string(c.Name()), c.Pending()
	require.False(g.t, g.group.consumers[g.consumer])
	g.group.consumers[g.consumer] = true
	g.consumers--
	g.last = StreamID{}
}

func (g *groupsTold) Owned(id StreamID) {
	g.calls++
	require.True(g.t, id == StreamID{} || g.last.Before(id))
	require.Equal(g.t, g.consumer, g.group.pending[id].consumer)
	g.owned--
	g.ids--
	g.last = id
}

// readStreamEntries reads what a part of a stream has of its entries, and not of its groups.
func readStreamEntries(t require.TestingT, s Stream) *plainStream {
	state := s.State()
	p := &plainStream{newest: state.Newest, maxDeleted: state.MaxDeleted, added: state.Added, groups: map[string]*plainGroup{}}
	s.Each(StreamID{}, MaxStreamID(), func(e *StreamEntry) bool { p.entries = append(p.entries, readEntry(e)); return true })
	return p
}

func readStreamAll(t require.TestingT, s Stream) *plainStream {
	p := readStreamEntries(t, s)
	s.EachGroup(func(g StreamGroup) {
		into := &plainGroup{g.Delivered(), g.EntriesRead(), map[string]bool{}, map[StreamID]plainPending{}}
		g.EachPending(StreamID{}, func(e PendingEntry) bool {
			into.pending[e.ID] = plainPending{string(e.Consumer), e.DeliveredMs, e.Times}
			return true
		})
		require.Len(t, into.pending, g.Pending())
		sum := 0
		g.EachConsumer(func(c StreamConsumer) {
			into.consumers[string(c.Name())] = true
			c.EachPending(StreamID{}, func(e PendingEntry) bool {
				require.Equal(t, string(c.Name()), string(e.Consumer))
				require.Equal(t, into.pending[e.ID], plainPending{string(e.Consumer), e.DeliveredMs, e.Times})
				sum++
				return true
			})
		})
		require.Equal(t, g.Pending(), sum)
		require.Len(t, into.consumers, g.Consumers())
		p.groups[string(g.Name())] = into
	})
	return p
}

func readEntry(e *StreamEntry) plainEntry {
	p := plainEntry{id: e.ID}
	e.Each(func(name, value []byte) { p.pairs = append(p.pairs, string(name), string(value)) })
	return p
}

// streamWorld runs random commands on a stream and on its model.
type streamWorld struct {
	t     require.TestingT
	c     chooser
	ks    *Keyspace
	db    *DB
	model *plainStream
	there bool
}

func newStreamWorld(t require.TestingT, c chooser) *streamWorld {
	limits := tightLimits()
	limits.StreamNodeMaxBytes, limits.StreamNodeMaxEntries = []int{4096, 120, 0}[c.pick(3)], []int{7, 100, 0}[c.pick(3)]
	w := &streamWorld{t: t, c: c, ks: New(Options{Databases: 1, Limits: limits}), model: newPlainStream()}
	w.db = w.ks.DB(0)
	return w
}

func (w *streamWorld) pairs() (words []string, pairs [][]byte) {
	for i := range 1 + w.c.pick(3) {
		name := "field" + strconv.Itoa(i+w.c.pick(5)/4)
		value := []string{"v", "", "12345678901", "-7", "0", "007", "Hello World", strconv.Itoa(w.c.pick(200) * 1000), string(make([]byte, w.c.pick(200)))}[w.c.pick(9)]
		words = append(words, name, value)
		pairs = append(pairs, []byte(name), []byte(value))
	}
	return words, pairs
}

// id gives one of the entries' ids, or one beside it.
func (w *streamWorld) id() StreamID {
	id := StreamID{uint64(w.c.pick(40)), uint64(w.c.pick(3))}
	if n := len(w.model.entries); n > 0 && w.c.pick(4) > 0 {
		id = w.model.entries[w.c.pick(n)].id
	}
	switch w.c.pick(8) {
	case 0:
		id, _ = id.Next()
	case 1:
		id, _ = id.Prev()
	}
	return id
}

func (w *streamWorld) step() {
	w.ks.Begin(1000, ExpiryDelete)
	s, err := w.db.EditStream([]byte("s"), "x")
	require.NoError(w.t, err)
	w.change(s)
	w.ks.End()
	w.there = w.there || w.model.added > 0
	w.check()
}

// change does one thing.
func (w *streamWorld) change(s *StreamEdit) {
	switch w.c.pick(12) {
	case 0:
		w.remove(s)
	case 1:
		w.trim(s)
	case 2:
		w.setState(s)
	case 3:
		w.group(s)
	case 4, 5, 6:
		w.deliver(s)
	default:
		for range 1 + w.c.pick(20) {
			w.append(s)
		}
	}
}

func (w *streamWorld) append(s *StreamEdit) {
	m := w.model
	id := StreamID{m.newest.Ms + uint64([]int{0, 0, 1, 5, 100000}[w.c.pick(5)]), uint64(w.c.pick(4))}
	if w.c.pick(500) == 0 && m.newest.Ms < 1<<60 {
		id = StreamID{1<<60 + m.newest.Ms, math.MaxUint64 - 5}
	}
	if !m.newest.Before(id) {
		id, _ = m.newest.Next()
	}
	words, pairs := w.pairs()
	s.Append(id, pairs)
	m.entries = append(m.entries, plainEntry{id, words})
	m.newest = id
	m.added++
}

func (w *streamWorld) remove(s *StreamEdit) {
	m := w.model
	for range 1 + w.c.pick(30) {
		id := w.id()
		i := slices.IndexFunc(m.entries, func(e plainEntry) bool { return e.id == id })
		require.Equal(w.t, i >= 0, s.Delete(id))
		if i >= 0 {
			m.entries = slices.Delete(m.entries, i, i+1)
			if m.maxDeleted.Before(id) {
				m.maxDeleted = id
			}
		}
	}
}

func (w *streamWorld) trim(s *StreamEdit) {
	m := w.model
	t := StreamTrim{MaxLen: int64(max(len(m.entries)-w.c.pick(40), 0)), MinID: w.id(), ByID: w.c.pick(2) == 0, Whole: w.c.pick(3) == 0}
	if t.Whole {
		t.Limit = int64(w.c.pick(30))
	}
	exact := max(len(m.entries)-int(t.MaxLen), 0)
	if t.ByID {
		exact = len(m.entries)
		if i := slices.IndexFunc(m.entries, func(e plainEntry) bool { return !e.id.Before(t.MinID) }); i >= 0 {
			exact = i
		}
	}
	deleted := s.Trim(t)
	if t.Whole {
		require.LessOrEqual(w.t, deleted, exact)
		require.True(w.t, t.Limit == 0 || int64(deleted) <= t.Limit)
	} else {
		require.Equal(w.t, exact, deleted)
	}
	m.entries = slices.Delete(m.entries, 0, deleted)
}

func (w *streamWorld) setState(s *StreamEdit) {
	m := w.model
	m.newest.Ms += uint64(w.c.pick(3))
	m.added += uint64(w.c.pick(2))
	s.SetState(m.newest, m.maxDeleted, m.added)
	w.there = true
}

func (w *streamWorld) group(s *StreamEdit) {
	m := w.model
	name := fmt.Sprint("group", w.c.pick(3))
	if w.c.pick(3) == 0 {
		_, found := m.groups[name]
		require.Equal(w.t, found, s.DestroyGroup([]byte(name)))
		delete(m.groups, name)
		return
	}
	id := w.id()
	created := s.CreateGroup([]byte(name), id, 5)
	require.Equal(w.t, created, m.groups[name] == nil)
	if created {
		m.groups[name] = &plainGroup{id, 5, map[string]bool{}, map[StreamID]plainPending{}}
		w.there = true
		return
	}
	g, _ := s.EditGroup([]byte(name))
	g.Set(id, 9)
	m.groups[name].delivered, m.groups[name].read = id, 9
}

func (w *streamWorld) deliver(s *StreamEdit) {
	name := fmt.Sprint("group", w.c.pick(3))
	g, found := s.EditGroup([]byte(name))
	m := w.model.groups[name]
	require.Equal(w.t, found, m != nil)
	if !found {
		return
	}
	who := fmt.Sprint("consumer", w.c.pick(4))
	c, found := g.Consumer([]byte(who))
	require.Equal(w.t, found, m.consumers[who])
	if !found {
		c = g.CreateConsumer([]byte(who), 7)
		m.consumers[who] = true
	}
	for range w.c.pick(30) {
		id := w.id()
		if w.c.pick(3) == 0 {
			_, was := m.pending[id]
			require.Equal(w.t, was, g.Acknowledge(id))
			delete(m.pending, id)
			continue
		}
		p := plainPending{who, int64(w.c.pick(100)), uint64(w.c.pick(9))}
		g.Deliver(c, id, p.deliveredMs, p.times)
		m.pending[id] = p
	}
	if w.c.pick(6) == 0 {
		mine := 0
		for id, p := range m.pending {
			if p.consumer == who {
				mine++
				delete(m.pending, id)
			}
		}
		pending, found := g.RemoveConsumer([]byte(who))
		require.True(w.t, found)
		require.Equal(w.t, mine, pending)
		delete(m.consumers, who)
	}
}

func (w *streamWorld) check() {
	s, err := w.db.Stream([]byte("s"))
	require.NoError(w.t, err)
	require.Equal(w.t, w.there, s.Exists())
	if !w.there {
		return
	}
	w.same(s)
	w.checkShape(s.of())
	from, to := w.id(), w.id()
	var want, got, back []plainEntry
	for _, e := range w.model.entries {
		if !e.id.Before(from) && !to.Before(e.id) {
			want = append(want, e)
		}
	}
	s.Each(from, to, func(e *StreamEntry) bool { got = append(got, readEntry(e)); return true })
	s.EachBackward(to, from, func(e *StreamEntry) bool { back = append(back, readEntry(e)); return true })
	slices.Reverse(back)
	require.Equal(w.t, want, got)
	require.Equal(w.t, want, back)
	var room StreamEntry
	require.Equal(w.t, slices.ContainsFunc(w.model.entries, func(e plainEntry) bool { return e.id == from }), s.Entry(from, &room))
}

func (w *streamWorld) same(s Stream) {
	if len(w.model.entries) == 0 {
		w.model.entries = nil
	}
	require.Equal(w.t, w.model, readStream(w.t, s))
}

// checkShape holds the blocks against their own headers.
func (w *streamWorld) checkShape(s *stream) {
	s.blocks.ascend(0, func(row streamRow) bool {
		b := s.block(row)
		live, deleted := 0, 0
		var e StreamEntry
		for walk := b.walk(); walk.next(&e); {
			if e.deleted {
				deleted++
			} else {
				live++
			}
		}
		require.Positive(w.t, live)
		require.Equal(w.t, []int{live, deleted}, []int{b.count(blockLiveAt), b.count(blockDeletedAt)})
		if most := w.ks.limits.StreamNodeMaxEntries; most > 0 {
			require.LessOrEqual(w.t, live+deleted, most)
		}
		return true
	})
}

func TestStream_againstModel(t *testing.T) {
	for seed := range uint64(8) {
		c := newSeeded(seed, 150)
		w := newStreamWorld(t, c)
		for !c.done() {
			w.step()
		}
		w.removed()
	}
}

// removed: nothing of a stream stays in the heap when it goes, and a copy has everything.
func (w *streamWorld) removed() {
	if !w.there {
		return
	}
	w.ks.Begin(1000, ExpiryDelete)
	w.db.CopyTo(w.db, []byte("s"), []byte("copy"))
	w.db.Rename([]byte("s"), []byte("moved"))
	w.ks.End()
	for _, key := range []string{"copy", "moved"} {
		s, err := w.db.Stream([]byte(key))
		require.NoError(w.t, err)
		w.same(s)
		w.ks.Begin(1000, ExpiryDelete)
		w.db.Remove([]byte(key), "del")
		w.ks.End()
	}
	w.ks.Begin(1000, ExpiryDelete)
	w.ks.End()
	for w.ks.FreeSome() {
	}
	used, _ := w.ks.Memory()
	require.Less(w.t, used, int64(4096), "what the names of marks take")
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("a few bytes that choose what is done to a stream, one after the other"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		c := &fuzzed{bytes}
		w := newStreamWorld(t, c)
		for !c.done() {
			w.step()
		}
		w.removed()
	})
}

// TestStream_manyBlocks: what the model test's choices rarely meet.
func TestStream_manyBlocks(t *testing.T) {
	ks := New(Options{})
	r := rand.New(rand.NewPCG(1, 2))
	const n = 50000
	for i := 0; i < n; i += 100 {
		ks.Begin(1, ExpiryDelete)
		s := must(ks.DB(0).EditStream([]byte("s"), "xadd"))
		for j := range 100 {
			s.Append(StreamID{uint64(i + j + 1), 0}, [][]byte{[]byte("n"), strconv.AppendInt(nil, int64(i+j), 10)})
		}
		ks.End()
	}
	s := must(ks.DB(0).Stream([]byte("s")))
	require.Equal(t, n/100, s.State().Blocks)
	for range 1000 {
		i := uint64(1 + r.IntN(n))
		seen := 0
		s.Each(StreamID{i, 0}, MaxStreamID(), func(e *StreamEntry) bool {
			require.Equal(t, plainEntry{StreamID{i + uint64(seen), 0}, []string{"n", strconv.Itoa(int(i) + seen - 1)}}, readEntry(e))
			seen++
			return seen < 3
		})
	}
	ks.Begin(1, ExpiryDelete)
	edit := must(ks.DB(0).EditStream([]byte("s"), "xtrim"))
	require.Equal(t, n-250, edit.Trim(StreamTrim{MaxLen: 250}))
	require.Equal(t, StreamID{n - 249, 0}, edit.State().First)
	ks.End()
	require.Equal(t, 3, s.State().Blocks)
}
