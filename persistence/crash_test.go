package persistence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// The crash tests hold the matrix in doc.go: at any file operation the power may fail, with any part of what
// was not synced lost, and what start-up finds must be one of the states that the matrix allows.

// photographer takes crash images in the middle of the work: before every n-th file operation.
type photographer struct {
	mem     *vfs.MemFS
	rng     *rand.Rand
	every   int32
	percent int
	counter atomic.Int32

	mu     sync.Mutex
	before func() promise // reads what holds at this moment at least
	images []crashImage
}

type crashImage struct {
	fs      *vfs.MemFS
	promise promise
	op      string
}

// promise is what must be on disk at least.
type promise struct {
	synced int64 // log bytes
	state  int   // number of the newest checkpoint whose Finish returned
	vote   int   // newest row whose PutMeta returned
}

func (p *photographer) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || p.counter.Add(1)%p.every != 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.before() // first the promise, then the picture
	p.images = append(p.images, crashImage{fs: crash(p.mem, p.rng, p.percent), promise: held, op: fmt.Sprint(op.Kind, " ", op.Path)})
	return nil
}

func (p *photographer) String() string { return "photographer" }

// wrap puts the photographer before a file system. MemFS takes a read lock twice for some operations and would
// wait for itself if a clone came between, so these and pictures exclude each other.
func (p *photographer) wrap() vfs.FS { return errorfs.Wrap(linkFS{p.mem, p}, p) }

type linkFS struct {
	*vfs.MemFS
	photo *photographer
}

func (f linkFS) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f.photo.mu.Lock()
	defer f.photo.mu.Unlock()
	return f.MemFS.ReuseForWrite(from, to, category)
}

func (f linkFS) Link(from, to string) error {
	f.photo.mu.Lock()
	defer f.photo.mu.Unlock()
	return f.MemFS.Link(from, to)
}

// crashRun is one store at work, photographed, and the states that its checkpoints had.
type crashRun struct {
	store    *testStore
	states   []image // by number; 0 is empty
	offsets  []int64
	finished atomic.Int32
	voted    atomic.Int32
}

func TestCrash_logAndCheckpointsKeepTheirPromises(t *testing.T) {
	pictures := 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		mem := vfs.NewCrashableMem()
		photo := &photographer{mem: mem, rng: rand.New(rand.NewPCG(seed, 2)), every: 15 + int32(rng.IntN(40)), percent: []int{0, 0, 50, 100}[rng.IntN(4)]}
		run := &crashRun{states: []image{{}}, offsets: []int64{0}}
		photo.before = func() promise { return promise{} }
		opts := testOptions(photo.wrap())
		opts.Fsync = []Fsync{FsyncAlways, FsyncEverySec, FsyncNo}[rng.IntN(3)]
		opts.TableBytes = 300
		opts.RetainBytes = 2000
		run.store = openTest(t, opts)
		photo.mu.Lock()
		photo.images = nil // a crash while the folder is first made: see doc.go
		photo.before = run.promise
		photo.mu.Unlock()
		run.work(t, rng)
		require.NoError(t, run.store.Close())
		for _, picture := range photo.images {
			run.verify(t, fmt.Sprintf("seed %d before %s", seed, picture.op), opts, picture)
		}
		pictures += len(photo.images)
	}
	t.Log(pictures, "crashes")
	require.Greater(t, pictures, 300, "the test must see many crashes")
}

func (c *crashRun) promise() promise {
	// In this order: a checkpoint that restarts the log makes older sync offsets void.
	held := promise{synced: c.store.Log().Synced(), vote: int(c.voted.Load())}
	held.state = int(c.finished.Load())
	return held
}

func (c *crashRun) work(t *testing.T, rng *rand.Rand) {
	model := image{}
	for range 25 {
		for range rng.IntN(4) {
			c.store.appendStream(1 + rng.Int64N(700))
			c.store.Log().Announce()
		}
		switch rng.IntN(6) {
		case 0:
			c.store.flush()
		case 1:
			c.store.tick()
		case 2:
			n := int(c.voted.Load()) + 1
			require.NoError(t, c.store.PutMeta("vote", fmt.Appendf(nil, "%d", n), true))
			c.voted.Store(int32(n))
		case 3, 4:
			full := rng.IntN(4) == 0
			w, err := c.store.NewCheckpoint(full)
			require.NoError(t, err)
			next := image{}
			for k, v := range model {
				next[k] = v
			}
			mutate(rng, w, next, full)
			low := c.offsets[len(c.offsets)-1]
			offset := low + rng.Int64N(c.store.Log().End()-low+1)
			c.states, c.offsets = append(c.states, next), append(c.offsets, offset)
			require.NoError(t, w.Finish(context.Background(), Meta{Offset: offset, Keys: len(c.states) - 1}, FinishOptions{}))
			c.finished.Store(int32(len(c.states) - 1))
			model = next
		}
	}
}

func (c *crashRun) verify(t *testing.T, when string, opts Options, picture crashImage) {
	opts.FS = picture.fs
	s, err := tryOpen(t, opts)
	require.NoError(t, err, when)
	defer func() { require.NoError(t, s.Close(), when) }()
	state := s.State()
	number := state.Meta.Keys // the test numbers its checkpoints there
	require.GreaterOrEqual(t, number, picture.promise.state, when)
	require.Less(t, number, len(c.states), when)
	require.Equal(t, c.states[number], loadImage(t, s.Store), when)
	require.Equal(t, c.offsets[number], state.Meta.Offset, when)
	require.LessOrEqual(t, state.LogStart, state.Meta.Offset, when)
	require.GreaterOrEqual(t, state.LogEnd, state.Meta.Offset, when)
	require.GreaterOrEqual(t, state.LogEnd, picture.promise.synced, when)
	requireStream(t, s.Log(), state.LogStart)
	vote, err := s.Meta("vote")
	require.NoError(t, err, when)
	got := 0
	if vote != nil {
		_, err = fmt.Sscan(string(vote), &got)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, got, picture.promise.vote, when)
	require.NotContains(t, s.said.all(), "dropped the last", "Pebble leaves no half row: %s", when)
	s.appendStream(300) // it goes on from there
	s.flush()
	requireStream(t, s.Log(), state.LogStart)
}

// TestCrash_fullCopyIsAllOrNothing photographs the step in which a standby's whole content and log change.
func TestCrash_fullCopyIsAllOrNothing(t *testing.T) {
	before, after := 0, 0
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mem := vfs.NewCrashableMem()
		photo := &photographer{mem: mem, rng: rand.New(rand.NewPCG(seed, 4)), every: 1, percent: []int{0, 50, 100}[rng.IntN(3)]}
		photo.before = func() promise { return promise{} }
		opts := testOptions(photo.wrap())
		s := openTest(t, opts)
		s.appendStream(3000)
		old := image{"0/a": "1", "1/b": "2"}
		s.checkpointOf(old, 2000)
		s.appendStream(1000)
		s.flush()
		require.NoError(t, s.PutMeta("history", []byte("old"), true))
		if rng.IntN(2) == 0 {
			require.NoError(t, s.db.Flush()) // the rows are in tables, not in the memtable
		}
		photo.mu.Lock()
		photo.images = nil
		photo.mu.Unlock()

		w, err := s.NewCheckpoint(true)
		require.NoError(t, err)
		fresh := image{}
		for i := range 100 {
			w.Put(2, fmt.Appendf(nil, "k%d", i), []byte("v"))
			fresh[fmt.Sprintf("2/k%d", i)] = "v"
		}
		var done atomic.Bool
		photo.mu.Lock()
		photo.before = func() promise {
			if done.Load() {
				return promise{state: 1}
			}
			return promise{}
		}
		photo.mu.Unlock()
		rows := map[string][]byte{"history": []byte("new")}
		require.NoError(t, w.Finish(context.Background(), Meta{Offset: 50}, FinishOptions{RestartLog: true, Rows: rows}))
		done.Store(true)
		require.NoError(t, s.Close())
		for _, picture := range photo.images {
			opts.FS = picture.fs
			s := openTest(t, opts)
			state := s.State()
			history, err := s.Meta("history")
			require.NoError(t, err)
			if string(history) == "old" {
				before++
				require.Zero(t, picture.promise.state, "Finish had returned: %s", picture.op)
				require.Equal(t, old, loadImage(t, s.Store))
				require.Equal(t, [3]int64{2000, 0, 4000}, [3]int64{state.Meta.Offset, state.LogStart, state.LogEnd})
				requireStream(t, s.Log(), 0)
			} else {
				after++
				require.Equal(t, fresh, loadImage(t, s.Store))
				require.Equal(t, [3]int64{50, 50, 50}, [3]int64{state.Meta.Offset, state.LogStart, state.LogEnd})
			}
			require.NoError(t, s.Close())
		}
	}
	require.Positive(t, before)
	require.Positive(t, after)
}

// TestCrash_cutIsAllOrNothing: a rewind leaves the whole log or the cut one.
func TestCrash_cutIsAllOrNothing(t *testing.T) {
	lengths := map[int64]bool{}
	for seed := range uint64(10) {
		mem := vfs.NewCrashableMem()
		photo := &photographer{mem: mem, rng: rand.New(rand.NewPCG(seed, 5)), every: 1, percent: 50}
		photo.before = func() promise { return promise{} }
		opts := testOptions(photo.wrap())
		s := openTest(t, opts)
		s.appendStream(3000)
		s.flush()
		photo.mu.Lock()
		photo.images = nil
		photo.mu.Unlock()
		require.NoError(t, s.Log().TruncateTo(1300))
		photo.mu.Lock()
		images := append(photo.images, crashImage{fs: crash(mem, nil, 0), promise: promise{state: 1}})
		photo.mu.Unlock()
		require.NoError(t, s.Close())
		for _, picture := range images {
			opts.FS = picture.fs
			s := openTest(t, opts)
			end := s.Log().End()
			require.Contains(t, []int64{1300, 3000}, end)
			if picture.promise.state == 1 {
				require.EqualValues(t, 1300, end)
			}
			requireStream(t, s.Log(), 0)
			lengths[end] = true
			require.NoError(t, s.Close())
		}
	}
	require.Len(t, lengths, 2)
}
