package persistence

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// image is the model of a checkpointed state: "db/key" to value.
type image map[string]string

func imageKey(db int, key []byte) string { return fmt.Sprintf("%d/%s", db, key) }

// checkpointOf writes a full checkpoint with the given content at an offset.
func (s *testStore) checkpointOf(content image, offset int64) {
	s.t.Helper()
	w, err := s.NewCheckpoint(true)
	require.NoError(s.t, err)
	for name, value := range content {
		var db int
		var key string
		_, err := fmt.Sscanf(name, "%d/%s", &db, &key)
		require.NoError(s.t, err)
		w.Put(db, []byte(key), []byte(value))
	}
	require.NoError(s.t, w.Finish(context.Background(), Meta{Offset: offset, Keys: len(content)}, FinishOptions{}))
}

func loadImage(t testing.TB, s *Store) image {
	t.Helper()
	got := image{}
	last, block := "", int64(-1)
	require.NoError(t, s.LoadCheckpoint(func(row Row) error {
		name := imageKey(row.DB, row.Key)
		if row.IsBlock {
			require.Equal(t, last, name, "a block apart from its key")
			require.Greater(t, int64(row.Block), block, "blocks in order")
			block = int64(row.Block)
			got[name] += blockText(row.Block, row.Value)
			return nil
		}
		_, twice := got[name]
		require.False(t, twice, "key %q came twice", row.Key)
		got[name] = string(row.Value)
		last, block = name, -1
		return nil
	}, nil))
	return got
}

func blockText(block uint64, value []byte) string { return fmt.Sprintf(" %d:%s", block, value) }

// putBlocks gives a key a value in blocks, in any order.
func putBlocks(rng *rand.Rand, w *CheckpointWriter, db int, key []byte) (text string) {
	text = fmt.Sprint("head", rng.IntN(1000))
	headAt, at := rng.IntN(10), rng.Perm(10)
	values := map[uint64][]byte{}
	for i, n := range at {
		if i == headAt {
			w.Put(db, key, []byte(text))
		}
		if n < 7 {
			block := uint64(n) << (n * 8)
			values[block] = bytes.Repeat([]byte{byte('A' + rng.IntN(26))}, rng.IntN(100))
			w.PutBlock(db, key, block, values[block])
		}
	}
	for _, block := range slices.Sorted(maps.Keys(values)) {
		text += blockText(block, values[block])
	}
	return text
}

// updateBlocks changes some blocks of a value in blocks, in any order, and leaves the others.
func updateBlocks(rng *rand.Rand, w *CheckpointWriter, db int, key []byte, before string) (text string) {
	words := strings.Fields(before)
	values := map[uint64]string{}
	for _, word := range words[1:] {
		var block uint64
		var value string
		_, err := fmt.Sscanf(word, "%d:", &block)
		if err != nil {
			panic(err)
		}
		_, value, _ = strings.Cut(word, ":")
		values[block] = value
	}
	text = words[0]
	headAt, at := rng.IntN(10), rng.Perm(10)
	for i, n := range at {
		if i == headAt {
			text = fmt.Sprint("head", rng.IntN(1000))
			w.Update(db, key, []byte(text))
		}
		switch block := uint64(n) << (min(n, 7) * 8); rng.IntN(5) {
		case 0:
			w.DeleteBlock(db, key, block)
			delete(values, block)
		case 1:
			values[block] = strings.Repeat(string(rune('A'+rng.IntN(26))), rng.IntN(100))
			w.PutBlock(db, key, block, []byte(values[block]))
		}
	}
	for _, block := range slices.Sorted(maps.Keys(values)) {
		text += blockText(block, []byte(values[block]))
	}
	return text
}

// mutate makes random changes in one checkpoint and in the model. Some keys change once at most, and may be in blocks: those
// may be updated any number of times.
func mutate(rng *rand.Rand, w *CheckpointWriter, model image, full bool) {
	if full {
		clear(model)
	}
	once := map[string]bool{}
	for range rng.IntN(400) {
		if key := fmt.Appendf(nil, "once%d", rng.IntN(30)); rng.IntN(8) == 0 && !once[string(key)] {
			once[string(key)] = true
			switch name := imageKey(1, key); rng.IntN(4) {
			case 0:
				w.Delete(1, key)
				delete(model, name)
			case 1:
				w.Put(1, key, key)
				model[name] = string(key)
			default:
				model[name] = putBlocks(rng, w, 1, key)
			}
		}
		if key := fmt.Appendf(nil, "once%d", rng.IntN(30)); rng.IntN(8) == 0 {
			if text := model[imageKey(1, key)]; strings.Contains(text, ":") {
				once[string(key)] = true
				model[imageKey(1, key)] = updateBlocks(rng, w, 1, key, text)
			}
		}
		db := []int{0, 1, 2, 255, 256, maxDatabase}[rng.IntN(6)]
		key := fmt.Appendf(nil, "k%d", rng.IntN(60))
		if rng.IntN(10) == 0 {
			key = bytes.Repeat(key, 1+rng.IntN(80)) // two-byte lengths, too
		}
		switch p := rng.IntN(100); {
		case p < 2:
			w.DeleteAll(db)
			for name := range model {
				if bytes.HasPrefix([]byte(name), fmt.Appendf(nil, "%d/", db)) {
					delete(model, name)
				}
			}
		case p < 30:
			w.Delete(db, key)
			delete(model, imageKey(db, key))
		default:
			value := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, rng.IntN(200))
			w.Put(db, key, value)
			model[imageKey(db, key)] = string(value)
		}
	}
}

func TestCheckpoint_matchesTheModel(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 0))
		opts := testOptions(vfs.NewMem())
		opts.TableBytes = 1 + rng.Int64N(4000)
		opts.RunBytes = 200 + rng.IntN(20_000)
		s := openTest(t, opts)
		model := image{}
		for round := range 12 {
			full := rng.IntN(6) == 0
			w, err := s.NewCheckpoint(full)
			require.NoError(t, err)
			if rng.IntN(8) == 0 {
				mutate(rng, w, image{}, full)
				require.NoError(t, w.Abort())
				continue
			}
			mutate(rng, w, model, full)
			offset := s.appendStream(rng.Int64N(600))
			meta := Meta{Offset: offset, Keys: len(model), History: []byte{byte(round)}, Extra: map[string][]byte{"db": {1}, "f": nil}}
			require.NoError(t, w.Finish(context.Background(), meta, FinishOptions{}))
			require.Equal(t, model, loadImage(t, s.Store), "seed %d round %d", seed, round)
			if rng.IntN(4) == 0 {
				require.NoError(t, s.Close())
				s = openTest(t, opts)
				require.Equal(t, offset, s.State().Meta.Offset)
				require.Equal(t, []byte{byte(round)}, s.State().Meta.History)
				require.Equal(t, model, loadImage(t, s.Store), "seed %d round %d", seed, round)
			}
		}
		require.NoError(t, s.Close())
	}
}

// updating is a store that has a key in three blocks and one that is whole.
func updating(t *testing.T) (s *testStore, opts Options) {
	opts = testOptions(vfs.NewMem())
	s = openTest(t, opts)
	w, err := s.NewCheckpoint(false)
	require.NoError(t, err)
	w.Put(0, []byte("whole"), []byte("w"))
	w.Put(0, []byte("blocks"), []byte("head"))
	for block := range uint64(3) {
		w.PutBlock(0, []byte("blocks"), block, []byte("old"))
	}
	require.NoError(t, w.Finish(context.Background(), Meta{Keys: 2}, FinishOptions{}))
	return s, opts
}

func TestCheckpoint_updateLeavesOtherBlocks(t *testing.T) {
	s, opts := updating(t)
	for _, c := range []struct {
		change func(w *CheckpointWriter, key []byte)
		want   string
	}{
		{func(w *CheckpointWriter, key []byte) {
			w.PutBlock(0, key, 1, []byte("new"))
			w.Update(0, key, []byte("head2"))
		}, "head2 0:old 1:new 2:old"},
		{func(w *CheckpointWriter, key []byte) {
			w.Update(0, key, []byte("head3"))
			w.DeleteBlock(0, key, 0)
			w.DeleteBlock(0, key, 77)
			w.PutBlock(0, key, 9, []byte("more"))
		}, "head3 1:new 2:old 9:more"},
		{func(w *CheckpointWriter, key []byte) { w.Update(0, key, []byte("head4")) }, "head4 1:new 2:old 9:more"},
		{func(w *CheckpointWriter, key []byte) {
			w.Put(0, key, []byte("anew"))
			w.PutBlock(0, key, 5, []byte("five"))
			w.Update(0, key, []byte("later"))
			w.PutBlock(0, key, 6, []byte("six"))
		}, "later 5:five 6:six"},
		{func(w *CheckpointWriter, key []byte) { w.Put(0, key, []byte("small")) }, "small"},
	} {
		w, err := s.NewCheckpoint(false)
		require.NoError(t, err)
		c.change(w, []byte("blocks"))
		require.NoError(t, w.Finish(context.Background(), Meta{Keys: 2}, FinishOptions{}))
		require.Equal(t, image{"0/whole": "w", "0/blocks": c.want}, loadImage(t, s.Store))
		require.NoError(t, s.Close())
		s = openTest(t, opts)
		require.Equal(t, image{"0/whole": "w", "0/blocks": c.want}, loadImage(t, s.Store))
	}
	require.NoError(t, s.Close())
}

// TestCheckpoint_refusesPartsOfValues: an update of what the store does not have leaves the checkpoint that was.
func TestCheckpoint_refusesPartsOfValues(t *testing.T) {
	for name, c := range map[string]struct {
		full   bool
		change func(w *CheckpointWriter)
	}{
		"no key":        {false, func(w *CheckpointWriter) { w.Update(0, []byte("none"), nil) }},
		"a whole value": {false, func(w *CheckpointWriter) { w.Update(0, []byte("whole"), nil) }},
		"a full one":    {true, func(w *CheckpointWriter) { w.Update(0, []byte("blocks"), nil) }},
		"an emptied database": {false, func(w *CheckpointWriter) {
			w.Put(0, []byte("blocks"), nil)
			w.DeleteAll(0)
			w.Update(0, []byte("blocks"), nil)
		}},
	} {
		s, _ := updating(t)
		w, err := s.NewCheckpoint(c.full)
		require.NoError(t, err)
		c.change(w)
		w.PutBlock(0, []byte("other"), 1, []byte("x"))
		require.ErrorContains(t, w.Finish(context.Background(), Meta{}, FinishOptions{}), "has no blocks", name)
		require.Equal(t, image{"0/whole": "w", "0/blocks": "head 0:old 1:old 2:old"}, loadImage(t, s.Store), name)
		_, err = s.NewCheckpoint(false)
		require.ErrorIs(t, err, ErrFullNeeded, name)
		require.NoError(t, s.Close())
	}
}

func TestCheckpoint_flushHidesOldKeysAndKeepsNewOnes(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	opts.TableBytes = 64 // many tables share the emptied span
	s := openTest(t, opts)
	before := image{}
	for i := range 100 {
		before[fmt.Sprintf("0/old%d", i)] = "x"
		before[fmt.Sprintf("1/other%d", i)] = "y"
	}
	s.checkpointOf(before, 0)
	w, err := s.NewCheckpoint(false)
	require.NoError(t, err)
	w.Put(0, []byte("void"), []byte("x"))
	w.DeleteAll(0)
	for i := range 20 {
		w.Put(0, fmt.Appendf(nil, "new%d", i), []byte("z"))
	}
	w.Put(1, []byte("other5"), []byte("changed"))
	require.NoError(t, w.Finish(context.Background(), Meta{}, FinishOptions{}))
	got := loadImage(t, s.Store)
	require.Len(t, got, 120)
	require.NotContains(t, got, "0/void")
	require.NotContains(t, got, "0/old1")
	require.Equal(t, "z", got["0/new19"])
	require.Equal(t, "changed", got["1/other5"])

	w, err = s.NewCheckpoint(false)
	require.NoError(t, err)
	for db := range 2 {
		w.DeleteAll(db)
	}
	require.NoError(t, w.Finish(context.Background(), Meta{}, FinishOptions{}))
	require.Empty(t, loadImage(t, s.Store))
	require.NoError(t, s.Close())
}

func TestCheckpoint_restartLogReplacesAll(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	require.NoError(t, s.PutMeta("history", []byte("old"), true))
	require.NoError(t, s.PutMeta("vote", []byte("5"), true))
	s.appendStream(5000)
	s.checkpointOf(image{"0/a": "1", "3/b": "2"}, 4000)
	s.appendStream(2000)
	reader, err := s.Log().NewReader(4500)
	require.NoError(t, err)
	defer reader.Close()

	w, err := s.NewCheckpoint(true)
	require.NoError(t, err)
	w.Put(0, []byte("c"), []byte("3"))
	rows := map[string][]byte{"history": []byte("new"), "zone": []byte("z")}
	require.NoError(t, w.Finish(context.Background(), Meta{Offset: 100, Keys: 1}, FinishOptions{RestartLog: true, Rows: rows}))
	_, err = reader.Read(make([]byte, 1))
	require.ErrorIs(t, err, ErrLogReplaced)

	check := func() {
		require.Equal(t, image{"0/c": "3"}, loadImage(t, s.Store))
		require.EqualValues(t, 100, s.Log().Start())
		for name, want := range map[string]string{"history": "new", "zone": "z", "vote": "5"} {
			got, err := s.Meta(name)
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		}
	}
	check()
	require.EqualValues(t, 100, s.Log().End())
	require.NoError(t, s.Close())
	s = openTest(t, opts)
	check()
	s.appendStream(900)
	require.NoError(t, s.Close())
	s = openTest(t, opts)
	check()
	requireStream(t, s.Log(), 100)
	require.EqualValues(t, 1000, s.Log().End())
	require.NoError(t, s.Close())
}

func TestCheckpoint_refusesWhatCannotBeTrue(t *testing.T) {
	s := openTest(t, testOptions(vfs.NewMem()))
	s.appendStream(100)
	finish := func(full bool, meta Meta, opts FinishOptions) error {
		w, err := s.NewCheckpoint(full)
		require.NoError(t, err)
		_, err = s.NewCheckpoint(full)
		require.ErrorIs(t, err, ErrCheckpointRunning)
		return w.Finish(context.Background(), meta, opts)
	}
	var out *OutOfRangeError
	require.ErrorAs(t, finish(true, Meta{Offset: 101}, FinishOptions{}), &out)
	require.ErrorContains(t, finish(true, Meta{}, FinishOptions{Rows: map[string][]byte{"format": nil}}), "belongs to the store")
	_, err := s.NewCheckpoint(false)
	require.ErrorIs(t, err, ErrFullNeeded)
	require.NoError(t, finish(true, Meta{}, FinishOptions{}))
	require.ErrorContains(t, finish(false, Meta{}, FinishOptions{RestartLog: true}), "only a full checkpoint")
	require.NoError(t, finish(true, Meta{Offset: 50}, FinishOptions{}))
	require.ErrorAs(t, finish(false, Meta{Offset: 49}, FinishOptions{}), &out)
	require.NoError(t, finish(true, Meta{Offset: 50}, FinishOptions{}))
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	w, err := s.NewCheckpoint(false)
	require.NoError(t, err)
	require.ErrorIs(t, w.Finish(cancelled, Meta{Offset: 100}, FinishOptions{}), context.Canceled)
	require.ErrorContains(t, w.Finish(context.Background(), Meta{Offset: 100}, FinishOptions{}), "has ended")
	require.EqualValues(t, 50, s.State().Meta.Offset)
	require.Panics(t, func() {
		w, err := s.NewCheckpoint(true)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Abort()) }()
		w.Put(maxDatabase+1, nil, nil)
	})
	require.NoError(t, s.Close())
}

func TestCheckpoint_largeValues(t *testing.T) {
	s := openTest(t, Options{Dir: "d", FS: vfs.NewMem()})
	big := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16)
	w, err := s.NewCheckpoint(false)
	require.NoError(t, err)
	for i := range 12 {
		w.Put(0, fmt.Appendf(nil, "big%d", i), big)
		until(t, "room for another", w.Ready)
	}
	require.NoError(t, w.Finish(context.Background(), Meta{Keys: 12}, FinishOptions{}))
	calls := 0
	require.NoError(t, s.LoadCheckpoint(func(row Row) error {
		require.True(t, bytes.Equal(big, row.Value))
		return nil
	}, func(done, total int) { calls++; require.Equal(t, 12, done); require.Equal(t, 12, total) }))
	require.Equal(t, 1, calls)
	require.NoError(t, s.Close())
}

func TestMeta_roundTripAndDamage(t *testing.T) {
	m := Meta{Offset: 1 << 40, History: []byte("h"), Extra: map[string][]byte{"a": []byte("b"), "": []byte("c")}, Keys: 1e6, SavedMs: 77}
	p := m.encode()
	got, err := decodeMeta(p)
	require.NoError(t, err)
	require.Equal(t, m, got)
	for i := range p {
		bad := bytes.Clone(p)
		bad[i] ^= 1
		_, err := decodeMeta(bad)
		require.Error(t, err, "byte %d", i)
		_, err = decodeMeta(p[:i])
		require.Error(t, err, "cut at %d", i)
	}
}
