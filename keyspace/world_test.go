package keyspace

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// A world runs random commands on a keyspace and on plain maps side by side. Where choices come from is open: a seeded
// source in tests, the fuzzer's bytes in FuzzKeyspace.

type chooser interface {
	pick(n int) int // 0..n-1
	done() bool
}

type seeded struct {
	r    *rand.Rand
	left int
}

func newSeeded(seed uint64, steps int) *seeded {
	return &seeded{rand.New(rand.NewPCG(seed, 7)), steps}
}
func (s *seeded) pick(n int) int { return s.r.IntN(n) }
func (s *seeded) done() bool     { s.left--; return s.left < 0 }

type fuzzed struct{ bytes []byte }

func (f *fuzzed) pick(n int) int {
	if len(f.bytes) == 0 {
		return 0
	}
	b := int(f.bytes[0])
	f.bytes = f.bytes[1:]
	return b % n
}
func (f *fuzzed) done() bool { return len(f.bytes) == 0 }

// plain is a value of the model. Exactly the part of its kind is used.
type plain struct {
	kind     Kind
	deadline int64
	str      string
	list     []string
	set      map[string]bool
	hash     map[string]string
	timed    map[string]int64 // of hash, the fields with a deadline
	zset     map[string]float64
	stream   *plainStream
}

func (p *plain) clone() *plain {
	c := *p
	c.list, c.set, c.hash, c.zset = slices.Clone(p.list), maps.Clone(p.set), maps.Clone(p.hash), maps.Clone(p.zset)
	c.timed = maps.Clone(p.timed)
	if p.stream != nil {
		c.stream = p.stream.clone()
	}
	return &c
}

func (p *plain) empty() bool {
	return p.kind != KindString && p.kind != KindStream && len(p.list)+len(p.set)+len(p.hash)+len(p.zset) == 0
}

func newPlain(kind Kind) *plain {
	p := &plain{kind: kind}
	switch kind {
	case KindSet:
		p.set = map[string]bool{}
	case KindHash:
		p.hash, p.timed = map[string]string{}, map[string]int64{}
	case KindZSet:
		p.zset = map[string]float64{}
	case KindStream:
		p.stream = newPlainStream()
	}
	return p
}

// text is a canonical form in which values are compared.
func (p *plain) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v @%d ", p.kind, p.deadline)
	switch p.kind {
	case KindString:
		fmt.Fprintf(&b, "%q", p.str)
	case KindList:
		fmt.Fprintf(&b, "%q", p.list)
	case KindSet:
		fmt.Fprintf(&b, "%q", slices.Sorted(maps.Keys(p.set)))
	case KindHash:
		for _, f := range slices.Sorted(maps.Keys(p.hash)) {
			fmt.Fprintf(&b, "%q=%q@%d ", f, p.hash[f], p.timed[f])
		}
	case KindStream:
		b.WriteString(p.stream.text())
	case KindZSet:
		for _, r := range p.ranking() {
			fmt.Fprintf(&b, "%q=%v ", r.member, r.score+0) // packed scores know no -0
		}
	}
	return b.String()
}

func (p *plain) ranking() []ranked {
	var all []ranked
	for m, s := range p.zset {
		all = append(all, ranked{[]byte(m), s})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return all
}

type plainDB map[string]*plain

func clonePlain(dbs []plainDB) []plainDB {
	var c []plainDB
	for _, db := range dbs {
		d := plainDB{}
		for k, p := range db {
			d[k] = p.clone()
		}
		c = append(c, d)
	}
	return c
}

// texts is the canonical form of all keys that are not expired.
func texts(dbs []plainDB, nowMs int64) map[string]string {
	out := map[string]string{}
	for i, db := range dbs {
		for k, p := range db {
			if p.deadline == 0 || nowMs <= p.deadline {
				out[fmt.Sprint(i, " ", k)] = p.text()
			}
		}
	}
	return out
}

// readValue reads a value through views; it stands for what any caller of the package sees.
func readValue(kind Kind, deadlineMs int64, str func() []byte, h Hash, l List, s Set, z ZSet) *plain {
	p := newPlain(kind)
	p.deadline = deadlineMs
	switch kind {
	case KindString:
		p.str = string(str())
	case KindList:
		l.Each(0, false, func(_ int, v []byte) bool { p.list = append(p.list, string(v)); return true })
	case KindSet:
		s.Each(func(m []byte) bool { p.set[string(m)] = true; return true })
	case KindHash:
		h.EachTimed(func(f, v []byte, deadlineMs int64) bool {
			p.hash[string(f)] = string(v)
			if deadlineMs != 0 {
				p.timed[string(f)] = deadlineMs
			}
			return true
		})
	case KindZSet:
		z.Each(0, false, func(m []byte, score float64) bool { p.zset[string(m)] = score; return true })
	}
	return p
}

func readItemStream(it *Item) *plainStream {
	if it.Part == 0 && it.Last {
		return readStream(panicking{}, it.Stream())
	}
	return readStreamEntries(panicking{}, it.Stream())
}

func readItem(it *Item) *plain {
	if it.Kind == KindStream {
		return &plain{kind: it.Kind, deadline: it.DeadlineMs, stream: readItemStream(it)}
	}
	return readValue(it.Kind, it.DeadlineMs, it.String, it.Hash(), it.List(), it.Set(), it.ZSet())
}

func readKey(t require.TestingT, db *DB, key string) *plain {
	k := []byte(key)
	kind := db.Kind(k)
	if kind == KindNone {
		return nil
	}
	ms, ok := db.Deadline(k)
	require.True(t, ok)
	p := newPlain(kind)
	switch kind {
	case KindString:
		v, ok, err := db.String(k)
		require.NoError(t, err)
		require.True(t, ok)
		p = readValue(kind, ms, func() []byte { return v }, Hash{}, List{}, Set{}, ZSet{})
	case KindHash:
		h, err := db.Hash(k)
		require.NoError(t, err)
		p = readValue(kind, ms, nil, h, List{}, Set{}, ZSet{})
		require.Len(t, p.hash, h.Visible())
	case KindList:
		l, err := db.List(k)
		require.NoError(t, err)
		p = readValue(kind, ms, nil, Hash{}, l, Set{}, ZSet{})
		require.Len(t, p.list, l.Len())
	case KindSet:
		s, err := db.Set(k)
		require.NoError(t, err)
		p = readValue(kind, ms, nil, Hash{}, List{}, s, ZSet{})
		require.Len(t, p.set, s.Len())
	case KindZSet:
		z, err := db.ZSet(k)
		require.NoError(t, err)
		p = readValue(kind, ms, nil, Hash{}, List{}, Set{}, z)
		require.Len(t, p.zset, z.Len())
	case KindStream:
		s, err := db.Stream(k)
		require.NoError(t, err)
		p.deadline, p.stream = ms, readStream(t, s)
	}
	return p
}

type world struct {
	t     require.TestingT
	c     chooser
	ks    *Keyspace
	dbs   []plainDB
	keys  int // names to choose from in each database
	nowMs int64
	// mayChange has the keys that changed by more than the command's own notes say: expired fields went.
	mayChange map[string]bool
	// advanceMs is by how much later the next command runs.
	advanceMs int64
	ballast   []ballast
}

// tightLimits bring every conversion within reach of short runs.
func tightLimits() Limits {
	return Limits{
		HashMaxListpackEntries: 6, HashMaxListpackValue: 12, ListMaxListpackSize: 5,
		SetMaxIntsetEntries: 6, SetMaxListpackEntries: 8, SetMaxListpackValue: 12,
		ZSetMaxListpackEntries: 6, ZSetMaxListpackValue: 12,
		CompressStrings: true,
	}
}

// roomyLimits keep packed bytes packed, however many and long.
func roomyLimits() Limits {
	return Limits{
		HashMaxListpackEntries: 5000, HashMaxListpackValue: 500, ListMaxListpackSize: -5,
		SetMaxIntsetEntries: 6, SetMaxListpackEntries: 5000, SetMaxListpackValue: 500,
		ZSetMaxListpackEntries: 5000, ZSetMaxListpackValue: 500,
	}
}

func newWorld(t require.TestingT, c chooser) *world {
	w := &world{t: t, c: c, keys: 12, nowMs: 1000, dbs: []plainDB{{}, {}, {}}}
	limits := tightLimits()
	if c.pick(3) == 0 {
		limits = roomyLimits()
	}
	w.ks = New(Options{Databases: 3, Limits: limits, HashSeed: 42})
	return w
}

func (w *world) key() string { return "key:" + strconv.Itoa(w.c.pick(w.keys)) }

func (w *world) element() string {
	n := w.c.pick(40)
	switch w.c.pick(9) {
	case 0:
		return strings.Repeat("x", n) + strconv.Itoa(n)
	case 4:
		return "begins:alike"[:n%13] + strings.Repeat("/", n/13) // with others' beginnings, and as a beginning of others
	case 1:
		return strconv.Itoa(-n * 1000003)
	case 2:
		return "m" + strconv.Itoa(n)
	case 3:
		return string([]byte{0, byte(n), 255})
	default:
		return strconv.Itoa(n)
	}
}

func (w *world) score() float64 {
	scores := []float64{0, 1, 1, 2.5, -3, math.Inf(1), math.Inf(-1), 1e300, math.Copysign(0, -1)}
	return scores[w.c.pick(len(scores))]
}

// live gives the model's value of a key as a command sees it.
func (w *world) live(db int, key string) *plain {
	p := w.dbs[db][key]
	if p != nil && p.deadline != 0 && w.nowMs > p.deadline {
		return nil
	}
	return p
}

// command runs one random command in both, and checks the notes.
func (w *world) command() {
	if w.ks.limits.CompressStrings && w.c.pick(50) == 0 {
		teach(w.ks, w.c.pick(2))
	}
	before := texts(w.dbs, w.nowMs)
	w.ks.Begin(w.nowMs, ExpiryDelete)
	w.mayChange = map[string]bool{}
	w.act()
	for _, db := range w.dbs {
		for k, p := range db {
			if p.empty() {
				delete(db, k)
			}
		}
	}
	w.ks.End()
	for _, ref := range w.ks.Expired() {
		p := w.dbs[ref.DB][string(ref.Key)]
		require.False(w.t, p != nil && p.deadline != 0 && w.nowMs > p.deadline && w.ks.DB(ref.DB).find(ref.Key, &entry{}) != nil)
	}
	w.dropFields()
	w.checkNotes(before, texts(w.dbs, w.nowMs))
	w.nowMs += w.advanceMs
	w.advanceMs = 0
}

func (w *world) checkNotes(before, after map[string]string) {
	noted := map[string]bool{}
	whole := map[int]bool{}
	for _, c := range w.ks.Changes() {
		if c.Key == nil {
			whole[c.DB] = true
			continue
		}
		name := fmt.Sprint(c.DB, " ", string(c.Key))
		require.False(w.t, noted[name], "two changes of %s", name)
		noted[name] = true
		_, existed := before[name]
		_, exists := after[name]
		require.Equal(w.t, !existed, c.Created, name)
		if p := w.live(c.DB, string(c.Key)); p != nil {
			require.Equal(w.t, p.kind, c.Kind, name)
		} else if _, still := w.dbs[c.DB][string(c.Key)]; !still {
			require.Equal(w.t, KindNone, c.Kind, name)
		}
		require.True(w.t, existed || exists || c.Kind != KindNone, "a note of nothing: %s", name)
	}
	for _, side := range []map[string]string{before, after} {
		for name := range side {
			if before[name] != after[name] && !noted[name] && !w.mayChange[name] {
				db, _ := strconv.Atoi(name[:1])
				require.True(w.t, whole[db], "no note of %s", name)
			}
		}
	}
}

// check compares everything.
func (w *world) check() {
	w.sink()
	w.ks.Begin(w.nowMs, ExpiryHide)
	defer w.ks.End()
	checkMemory(w.t, w.ks)
	got := make([]plainDB, len(w.dbs))
	for i := range w.dbs {
		db := w.ks.DB(i)
		got[i] = plainDB{}
		require.Equal(w.t, db.Len(), db.keys.checkShape(w.t))
		for cursor := uint64(0); ; {
			cursor = db.Scan(cursor, func(key []byte, kind Kind) {
				p := readKey(w.t, db, string(key))
				require.Equal(w.t, kind, p.kind)
				got[i][string(key)] = p
			})
			if cursor == 0 {
				break
			}
		}
		withDeadline := 0
		db.keys.each(func(r slab.Ref) bool {
			if db.read(r, &entry{}).deadline != 0 {
				withDeadline++
			}
			return true
		})
		require.Equal(w.t, withDeadline, db.Deadlines())
		checkCoded(w.t, db)
		w.checkFieldsDue(db)
	}
	require.Equal(w.t, texts(w.seen(), w.nowMs), texts(got, w.nowMs))
}

func TestKeyspace_commandsAgainstPlainMaps(t *testing.T) {
	for seed := range uint64(16) {
		w := newWorld(t, newSeeded(seed, 600))
		for !w.c.done() {
			w.command()
			if w.c.pick(20) == 0 {
				w.check()
			}
		}
		w.check()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzKeyspace(f *testing.F) {
	f.Add([]byte("a few bytes to begin with, and some more of them: 0123456789"))
	r := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		w := newFreezing(t, &fuzzed{choices[:min(len(choices), 2000)]})
		for !w.c.done() {
			w.step()
		}
		w.finish()
		w.check()
	})
}
