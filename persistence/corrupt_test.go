package persistence

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// damagedStore makes a store with rows at 0, 256, ..., 2304 (2560 bytes) and a checkpoint at 1000, lets damage
// change it behind the store's back, and opens it again.
func damagedStore(t *testing.T, damage func(db *pebble.DB)) (*testStore, error) {
	t.Helper()
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	s.appendStream(2560)
	s.checkpointOf(image{"0/a": "1"}, 1000)
	damage(s.db)
	require.NoError(t, s.Close())
	return tryOpen(t, opts)
}

func mustSet(t *testing.T, db *pebble.DB, key, value []byte) {
	t.Helper()
	require.NoError(t, db.Set(key, value, pebble.Sync))
}

func flipByte(t *testing.T, db *pebble.DB, offset int64, at int) {
	t.Helper()
	value, closer, err := db.Get(logKey(offset))
	require.NoError(t, err)
	changed := append([]byte{}, value...)
	require.NoError(t, closer.Close())
	changed[at] ^= 0x10
	mustSet(t, db, logKey(offset), changed)
}

func TestOpen_dropsAHalfWrittenLastRowAndSaysSo(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, db *pebble.DB){
		"flipped":     func(t *testing.T, db *pebble.DB) { flipByte(t, db, 2304, 100) },
		"bad header":  func(t *testing.T, db *pebble.DB) { flipByte(t, db, 2304, 5) },
		"cut short":   func(t *testing.T, db *pebble.DB) { mustSet(t, db, logKey(2304), make([]byte, 40)) },
		"header only": func(t *testing.T, db *pebble.DB) { mustSet(t, db, logKey(2304), make([]byte, 12)) },
		"empty":       func(t *testing.T, db *pebble.DB) { mustSet(t, db, logKey(2304), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := damagedStore(t, func(db *pebble.DB) { damage(t, db) })
			require.NoError(t, err)
			require.EqualValues(t, 2304, s.Log().End())
			require.Contains(t, s.said.all(), "dropped the last log row, at offset 2304")
			requireStream(t, s.Log(), 0)
			s.appendStream(500)
			require.NoError(t, s.Close())
			again := openTest(t, s.opts)
			require.EqualValues(t, 2804, again.Log().End())
			requireStream(t, again.Log(), 0)
			require.NoError(t, again.Close())
		})
	}
}

func TestOpen_refusesDamageAnywhereElse(t *testing.T) {
	cases := map[string]struct {
		offset int64
		damage func(t *testing.T, db *pebble.DB)
	}{
		"row in the middle":              {1280, func(t *testing.T, db *pebble.DB) { flipByte(t, db, 1280, 50) }},
		"row of the checkpoint's offset": {768, func(t *testing.T, db *pebble.DB) { flipByte(t, db, 768, 50) }},
		"missing row": {1280, func(t *testing.T, db *pebble.DB) {
			require.NoError(t, db.Delete(logKey(1280), pebble.Sync))
		}},
		"missing row at the checkpoint": {768, func(t *testing.T, db *pebble.DB) {
			require.NoError(t, db.Delete(logKey(768), pebble.Sync))
		}},
		"log starts late": {1000, func(t *testing.T, db *pebble.DB) {
			require.NoError(t, db.DeleteRange(logKey(0), logKey(1024), pebble.Sync))
		}},
		"row under a wrong key": {1290, func(t *testing.T, db *pebble.DB) {
			value, closer, err := db.Get(logKey(1280))
			require.NoError(t, err)
			mustSet(t, db, logKey(1290), append([]byte{}, value...))
			require.NoError(t, closer.Close())
		}},
		"checkpoint row": {-1, func(t *testing.T, db *pebble.DB) {
			mustSet(t, db, metaKey(checkpointName), []byte("\x01nonsense, but long enough for a header"))
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := damagedStore(t, func(db *pebble.DB) { c.damage(t, db) })
			var damaged *CorruptionError
			require.ErrorAs(t, err, &damaged)
			if name != "row under a wrong key" {
				require.Equal(t, c.offset, damaged.Offset)
			}
			require.ErrorContains(t, err, "data/store")
			require.ErrorContains(t, err, "start again")
		})
	}
}

func TestOpen_refusesALogWithoutItsCheckpoint(t *testing.T) {
	_, err := damagedStore(t, func(db *pebble.DB) {
		require.NoError(t, db.Delete(metaKey(checkpointName), pebble.Sync))
		require.NoError(t, db.DeleteRange(logKey(0), logKey(256), pebble.Sync))
	})
	var damaged *CorruptionError
	require.ErrorAs(t, err, &damaged)
}

func TestOpen_startsTheLogAnewWhenItEndsBeforeTheCheckpoint(t *testing.T) {
	s, err := damagedStore(t, func(db *pebble.DB) {
		require.NoError(t, db.DeleteRange(logKey(512), logKeyEnd(), pebble.Sync))
	})
	require.NoError(t, err)
	require.Contains(t, s.said.all(), "the log ends at offset 512, before the checkpoint at 1000")
	require.Equal(t, [2]int64{1000, 1000}, [2]int64{s.Log().Start(), s.Log().End()})
	require.Equal(t, image{"0/a": "1"}, loadImage(t, s.Store))
	require.NoError(t, s.Close())
}

func TestOpen_damageBelowTheCheckpointHurtsOnlyItsReader(t *testing.T) {
	s, err := damagedStore(t, func(db *pebble.DB) { flipByte(t, db, 256, 50) })
	require.NoError(t, err)
	requireStream(t, s.Log(), 1000)
	r, err := s.Log().NewReader(0)
	require.NoError(t, err)
	_, err = r.Read(make([]byte, 1000))
	var damaged *CorruptionError
	require.ErrorAs(t, err, &damaged)
	require.EqualValues(t, 256, damaged.Offset)
	r.Close()
	require.NoError(t, s.Close())
}

func TestLoadCheckpoint_reportsUnknownRowsAndTheLoadersError(t *testing.T) {
	opts := testOptions(vfs.NewMem())
	s := openTest(t, opts)
	none := func(Row) error { t.Fatal("no checkpoint, no keys"); return nil }
	require.NoError(t, s.LoadCheckpoint(none, nil))
	s.checkpointOf(image{"0/a": "1"}, 0)
	bad := errors.New("bad value")
	err := s.LoadCheckpoint(func(Row) error { return bad }, nil)
	require.ErrorIs(t, err, bad)
	block := append(rowName{key: []byte("big")}.append(nil), 0, 0, 0, 0, 0, 0, 0, 1)
	mustSet(t, s.db, block, []byte("part"))
	err = s.LoadCheckpoint(func(Row) error { return nil }, nil)
	require.ErrorIs(t, err, errNewerRow)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.LoadCheckpoint(none, nil), ErrClosed)
}

// TestOpen_damagedPebbleFilesAreAnError damages each file of a store in turn: Open or the load must say so, or
// the content must be right; nothing may end the process.
func TestOpen_damagedPebbleFilesAreAnError(t *testing.T) {
	build := func() (*vfs.MemFS, Options) {
		mem := vfs.NewMem()
		opts := testOptions(mem)
		s := openTest(t, opts)
		s.appendStream(5000)
		s.checkpointOf(image{"0/a": "1", "0/b": "2"}, 2000)
		require.NoError(t, s.db.Flush())
		s.appendStream(5000)
		require.NoError(t, s.Close())
		return mem, opts
	}
	mem, opts := build()
	names, err := mem.List(opts.Dir)
	require.NoError(t, err)
	refused := 0
	for _, name := range names {
		if strings.HasPrefix(name, "LOCK") || name == scratchName || strings.HasPrefix(name, "OPTIONS") || strings.HasPrefix(name, "marker") {
			continue
		}
		mem, opts := build()
		path := mem.PathJoin(opts.Dir, name)
		f, err := mem.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		info, err := f.Stat()
		require.NoError(t, err)
		noise := make([]byte, info.Size()/3)
		for i := range noise {
			noise[i] = byte(i * 7)
		}
		_, err = f.WriteAt(noise, info.Size()/3)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		s, err := tryOpen(t, opts)
		if err != nil {
			refused++
			continue
		}
		loadErr := s.LoadCheckpoint(func(Row) error { return nil }, nil)
		var readErr error
		if loadErr == nil {
			readErr = s.Log().ReadRange(failingWriter{}, 0, s.Log().End())
		}
		if loadErr != nil || readErr != nil {
			refused++
		}
		_ = s.Close() // a damaged store may say so again
	}
	require.Positive(t, refused)
}

func TestDecodeLogRow_rejectsWhatWasNotWritten(t *testing.T) {
	key, value := logKey(77), make([]byte, logRowHeaderBytes+3)
	putLogRow(castagnoli(), key, value, 123, []byte("abc"))
	row, err := decodeLogRow(castagnoli(), key, value)
	require.NoError(t, err)
	require.Equal(t, logRow{offset: 77, wallMs: 123, bytes: []byte("abc")}, row)
	_, err = decodeLogRow(castagnoli(), logKey(78), value)
	require.ErrorContains(t, err, "checksum")
	_, err = decodeLogRow(castagnoli(), []byte("L"), value)
	require.Error(t, err)
	binary.BigEndian.PutUint64(key[1:], 1<<63+5)
	_, err = decodeLogRow(castagnoli(), key, value)
	require.ErrorContains(t, err, "negative")
}

func FuzzLogRow(f *testing.F) {
	key, value := logKey(77), make([]byte, logRowHeaderBytes+3)
	putLogRow(castagnoli(), key, value, 123, []byte("abc"))
	f.Add(key, value)
	f.Add([]byte("L"), []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		row, err := decodeLogRow(castagnoli(), key, value)
		if err != nil {
			return
		}
		again := make([]byte, len(value))
		putLogRow(castagnoli(), logKey(row.offset), again, row.wallMs, row.bytes)
		require.Equal(t, value, again)
	})
}

func FuzzCheckpointValue(f *testing.F) {
	f.Add(0, []byte("key"), []byte("K\x00\x00\x03key\x00"))
	f.Add(maxDatabase, []byte{}, []byte("K\xff\xff\x80\x01"))
	f.Fuzz(func(t *testing.T, db int, key, row []byte) {
		db &= maxDatabase
		whole := rowName{db: db, key: key}
		for _, name := range []rowName{whole, {db, key, blockKind, 0}, {db, key, blockKind, 1<<64 - 1}} {
			encoded := name.append(nil)
			require.Len(t, encoded, name.bytes())
			got, err := decodeRowName(encoded)
			require.NoError(t, err)
			require.Equal(t, string(name.key), string(got.key))
			got.key, name.key = nil, nil
			require.Equal(t, name, got)
			require.Less(t, string(encoded), string(databaseEnd(db)))
			require.GreaterOrEqual(t, string(encoded), string(appendDatabasePrefix(nil, db)))
			blocks := blockSpan(whole.append(nil))
			inside := string(encoded) >= string(blocks.low) && string(encoded) < string(blocks.high)
			require.Equal(t, name.kind == blockKind, inside)
		}
		if name, err := decodeRowName(row); err == nil {
			again, err := decodeRowName(name.append(nil))
			require.NoError(t, err)
			require.Equal(t, name, again)
		}
		if meta, err := decodeMeta(row); err == nil {
			again, err := decodeMeta(meta.encode())
			require.NoError(t, err)
			require.Equal(t, meta, again)
		}
	})
}
