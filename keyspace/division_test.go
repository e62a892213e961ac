package keyspace

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// dividing is one large structure of a kind that changes at random while views take it over.
type dividing struct {
	t     *testing.T
	ks    *Keyspace
	r     *rand.Rand
	kind  Kind
	key   string
	count int
}

const (
	dividingElements = 3000
	dividingBound    = 257 // more than what one call of the sink may give
)

func newDividing(t *testing.T, kind Kind) *dividing {
	limits := DefaultLimits()
	limits.ListMaxListpackSize, limits.StreamNodeMaxEntries = 20, 20
	d := &dividing{t: t, ks: New(Options{Databases: 2, Limits: limits}), r: rand.New(rand.NewPCG(5, uint64(kind))), kind: kind, key: "large"}
	run(d.ks, func() {
		for range dividingElements {
			d.put()
		}
	})
	return d
}

// put adds an element, or changes one.
func (d *dividing) put() {
	db, k := d.ks.DB(0), []byte(d.key)
	e := []byte("element:" + strconv.Itoa(d.r.IntN(2*dividingElements)))
	v := []byte(strconv.Itoa(d.count))
	d.count++
	switch d.kind {
	case KindHash:
		must(db.EditHash(k, "")).Set(e, v)
	case KindSet:
		must(db.EditSet(k, "")).Add(e)
	case KindZSet:
		must(db.EditZSet(k, "")).Put(e, float64(d.count))
	case KindStream:
		d.putIntoStream(must(db.EditStream(k, "")), e)
	case KindList:
		l := must(db.EditList(k, ""))
		switch n := l.Len(); d.r.IntN(4) {
		case 0:
			l.PushHead(v)
		case 1:
			l.InsertBefore(d.r.IntN(n+1), e)
		default:
			l.PushTail(e)
		}
	}
}

func (d *dividing) putIntoStream(s *StreamEdit, e []byte) {
	id := StreamID{uint64(d.count), 0}
	s.Append(id, [][]byte{[]byte("f"), e})
	if d.r.IntN(2) == 0 {
		d.deliver(s, id, 1)
	}
}

// take removes elements: sometimes many, so that segments merge and blocks go.
func (d *dividing) take() {
	db, k := d.ks.DB(0), []byte(d.key)
	n := 1
	if d.r.IntN(20) == 0 {
		n = 700
	}
	for range n {
		switch d.kind {
		case KindHash:
			if h := must(db.EditHash(k, "")); h.Len() > 1 {
				f, _ := h.Random(d.r)
				h.Delete(append([]byte(nil), f...))
			}
		case KindSet:
			if s := must(db.EditSet(k, "")); s.Len() > 1 {
				s.Remove(append([]byte(nil), s.Random(d.r)...))
			}
		case KindZSet:
			if z := must(db.EditZSet(k, "")); z.Len() > 1 {
				z.RemoveRanks(d.r.IntN(z.Len()), 1)
			}
		case KindStream:
			d.takeFromStream(must(db.EditStream(k, "")))
		case KindList:
			d.takeFromList(must(db.EditList(k, "")))
		}
	}
}

func (d *dividing) takeFromStream(s *StreamEdit) {
	switch state := s.State(); {
	case d.r.IntN(2) == 0:
		d.takeFromGroup(s)
	case s.Len() < 2:
	case d.r.IntN(100) == 0:
		s.Trim(StreamTrim{MaxLen: int64(s.Len() - d.r.IntN(50))})
	case d.r.IntN(2000) == 0:
		// All entries go, and the ids of those that come are no longer behind all that there were.
		s.Trim(StreamTrim{})
		d.count /= 2
		s.SetState(StreamID{uint64(d.count), 0}, StreamID{}, state.Added)
	default:
		s.Delete(StreamID{state.First.Ms + uint64(d.r.IntN(int(state.Last.Ms-state.First.Ms)+1)), 0})
	}
}

func (d *dividing) takeFromList(l *ListEdit) {
	switch n := l.Len(); {
	case n < 2:
	case d.r.IntN(3) == 0:
		l.PopHead()
	case d.r.IntN(2) == 0:
		l.PopTail()
	default:
		l.DeleteRange(d.r.IntN(n), 1)
	}
}

// upset is what else may happen to the key.
func (d *dividing) upset() {
	db, k := d.ks.DB(0), []byte(d.key)
	switch d.r.IntN(8) {
	case 0:
		next := "large" + strconv.Itoa(d.r.IntN(3))
		db.Rename(k, []byte(next))
		d.key = next
	case 1:
		db.Remove(k, "")
	case 2:
		db.PutString(k, []byte("small"), 0, "")
		db.Remove(k, "")
	case 3:
		db.MoveTo(d.ks.DB(1), k)
		d.ks.DB(1).MoveTo(db, k)
	case 4:
		db.Flush()
	case 5:
		d.ks.SwapDB(0, 1)
		d.ks.SwapDB(1, 0)
	case 6:
		db.CopyTo(d.ks.DB(1), k, k)
	default:
		return
	}
	for db.Len() == 0 || d.length() < dividingElements/2 {
		d.put()
	}
}

func (d *dividing) length() int {
	if e := d.ks.DB(0).find([]byte(d.key), &entry{}); e != nil {
		if s, ok := e.large.(*stream); ok {
			return s.length
		}
		return e.value.len()
	}
	return 0
}

// texts is all there is.
func (d *dividing) texts() map[string]string {
	dbs := []plainDB{{}, {}}
	for i := range dbs {
		db := d.ks.DB(i)
		db.keys.each(func(r slab.Ref) bool {
			key := string(db.keys.key(r))
			dbs[i][key] = readKey(d.t, db, key)
			return true
		})
	}
	return texts(dbs, 0)
}

// entriesOf counts what an item has, also of a stream, which counts as one elsewhere.
func entriesOf(it *Item) int {
	p := readItem(it)
	if p.stream != nil {
		var told unitsTold
		it.Stream().ReadGroups(&told)
		return len(p.stream.entries) + int(told)
	}
	return p.len()
}

// unitsTold counts what a part tells of groups.
type unitsTold int

func (n *unitsTold) Groups(int)              { *n++ }
func (n *unitsTold) Group(StreamGroup)       { *n++ }
func (n *unitsTold) Pending(PendingEntry)    { *n++ }
func (n *unitsTold) Consumers(int)           { *n++ }
func (n *unitsTold) Consumer(StreamConsumer) { *n++ }
func (n *unitsTold) Owned(StreamID)          { *n++ }

type dividingView struct {
	f     *Frozen
	want  map[string]string
	got   []plainDB
	parts givenParts
	most  int // elements in one call of the sink
}

func (d *dividing) open() *dividingView {
	v := &dividingView{want: d.texts(), got: []plainDB{{}, {}}}
	v.f = d.ks.FreezeAll(func(it *Item) {
		v.most = max(v.most, entriesOf(it))
		if whole := v.parts.add(d.t, it); whole != nil {
			v.got[it.DB][string(it.Key)] = whole
		}
	})
	return v
}

func TestDivision_changesWhileViewsTakeOver(t *testing.T) {
	for _, kind := range []Kind{KindHash, KindSet, KindZSet, KindList, KindStream} {
		t.Run(kind.String(), func(t *testing.T) {
			d := newDividing(t, kind)
			var views []*dividingView
			steps := 0
			for ended := 0; ended < 25; {
				if len(views) < 3 && d.r.IntN(60) == 0 {
					views = append(views, d.open())
				}
				run(d.ks, func() {
					switch {
					case d.r.IntN(60) == 0:
						d.upset()
					case d.r.IntN(2) == 0 && d.length() > dividingElements/4:
						d.take()
					default:
						d.put()
					}
				})
				if len(views) == 0 {
					continue
				}
				i := d.r.IntN(len(views))
				v := views[i]
				steps++
				if d.r.IntN(400) == 0 {
					v.f.Close()
				} else if !v.f.Step(1) {
					continue
				} else {
					require.Equal(t, v.want, texts(v.got, 0))
					require.Less(t, v.most, dividingBound, "one call of the sink")
					ended++
				}
				views = append(views[:i:i], views[i+1:]...)
			}
			require.Greater(t, steps, 300)
			for _, v := range views {
				v.f.Close()
			}
			d.givenBack()
		})
	}
}

// givenBack: nothing is left of what views held.
func (d *dividing) givenBack() {
	for i := range 500 {
		run(d.ks, func() {
			if i == 0 {
				d.ks.DB(0).Remove([]byte(d.key), "")
				d.ks.DB(1).Remove([]byte(d.key), "")
			}
		})
	}
	require.Empty(d.t, d.ks.views)
	require.Empty(d.t, d.ks.retired.held)
	run(d.ks, func() { checkMemory(d.t, d.ks) })
}

// TestDivision_stepIsBounded: no call of Step, and no write while a view is open, has to do with many elements.
func TestDivision_stepIsBounded(t *testing.T) {
	for _, kind := range []Kind{KindHash, KindSet, KindZSet, KindList, KindStream} {
		t.Run(kind.String(), func(t *testing.T) {
			d := newDividing(t, kind)
			given, largest, calls := 0, 0, 0
			f := d.ks.FreezeAll(func(it *Item) { given += entriesOf(it) })
			for done := false; !done; calls++ {
				run(d.ks, d.put)
				before := given
				done = f.Step(1)
				largest = max(largest, given-before)
			}
			require.Less(t, largest, dividingBound)
			require.Greater(t, calls, 10)
		})
	}
}

// TestDivision_smallOnesWait: what is given by copy on write between two parts of a value comes after the last of them.
func TestDivision_smallOnesWait(t *testing.T) {
	d := newDividing(t, KindHash)
	db := d.ks.DB(0)
	run(d.ks, func() {
		for i := range 300 {
			db.PutString(fmt.Append(nil, "string", i), []byte("before"), 0, "")
		}
		must(db.EditSet([]byte("set"), "")).Add([]byte("before"))
	})
	var order []string
	f := d.ks.FreezeAll(func(it *Item) {
		order = append(order, string(it.Key))
		if it.Kind == KindString {
			require.Equal(t, "before", string(it.String()))
		}
		if it.Kind == KindSet {
			require.True(t, it.Set().Has([]byte("before")))
			require.Equal(t, 1, it.Set().Len())
		}
	})
	run(d.ks, d.put)
	require.Empty(t, order, "the hash is captured, and nothing given")
	f.Step(1)
	require.Equal(t, []string{"large"}, order)
	run(d.ks, func() {
		for i := range 300 {
			db.PutString(fmt.Append(nil, "string", i), []byte("after"), 0, "")
		}
		must(db.EditSet([]byte("set"), "")).Add([]byte("after"))
	})
	require.Equal(t, []string{"large"}, order)
	require.Positive(t, f.CopiedBytes())
	for !f.Step(1) {
	}
	parts := 0
	for parts < len(order) && order[parts] == "large" {
		parts++
	}
	require.Len(t, order, parts+301)
	require.NotContains(t, order[parts:], "large")
	given, total := f.Progress()
	require.Equal(t, 302, given)
	require.Equal(t, total, given)
	require.Zero(t, f.CopiedBytes())
}

// TestDivision_dirtyViewClosedEarly: keys that had been captured or half given are marked again.
func TestDivision_dirtyViewClosedEarly(t *testing.T) {
	for steps := range 3 {
		d := newDividing(t, KindZSet)
		d.ks.MarkClean()
		run(d.ks, d.put)
		f := d.ks.FreezeDirty(func(*Item) {})
		run(d.ks, d.put) // captures
		for range steps {
			require.False(t, f.Step(1))
		}
		f.Close()
		elements := 0
		again := d.ks.FreezeDirty(func(it *Item) { elements += it.ZSet().Len() })
		for !again.Step(100) {
		}
		run(d.ks, func() { require.Equal(t, d.length(), elements) })
	}
}

// TestDivision_streamBeginsAnew: blocks that come in the place of others, with ids that were given out before, are not the view's.
func TestDivision_streamBeginsAnew(t *testing.T) {
	d := newDividing(t, KindStream)
	v := d.open()
	run(d.ks, func() {
		s := must(d.ks.DB(0).EditStream([]byte(d.key), ""))
		s.Trim(StreamTrim{})
		s.SetState(StreamID{}, StreamID{}, 0)
		for i := range uint64(100) {
			s.Append(StreamID{i + 1, 5}, [][]byte{[]byte("f"), []byte("anew")})
		}
	})
	for !v.f.Step(1) {
	}
	require.Equal(t, v.want, texts(v.got, 0))
}

// TestDivision_largeElementsComeInSmallParts: it is bytes that take time, so few large elements come in one part, and few are
// copied before a change.
func TestDivision_largeElementsComeInSmallParts(t *testing.T) {
	const each = 50 << 10
	value := bytes.Repeat([]byte("v"), each)
	for _, n := range []int{40, 200, 2000} {
		ks := New(Options{Databases: 1})
		for i := range n {
			run(ks, func() {
				h, err := ks.DB(0).EditHash([]byte("h"), "hset")
				require.NoError(t, err)
				h.Set(fmt.Append(nil, i), value)
			})
		}
		fields, parts, most := 0, 0, 0
		view := ks.FreezeAll(func(it *Item) {
			in := 0
			it.Hash().Each(func(_, _ []byte) bool { in++; return true })
			fields, parts, most = fields+in, parts+1, max(most, in)
		})
		view.Step(1)
		run(ks, func() {
			h, err := ks.DB(0).EditHash([]byte("h"), "hset")
			require.NoError(t, err)
			h.Set(fmt.Append(nil, n-1), []byte("new"))
		})
		require.LessOrEqual(t, view.CopiedBytes(), int64(20*each), n)
		for !view.Step(1) {
		}
		require.Equal(t, n, fields)
		require.GreaterOrEqual(t, parts, n/10, n)
		require.LessOrEqual(t, most, 20, n)
	}
}
