package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// killedStore is what a killed process leaves: 40 rows, each synced, in one WAL.
func killedStore(t *testing.T) (*vfs.MemFS, Options) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	s := openTest(t, testOptions(mem))
	for range 40 {
		s.appendStream(200)
		s.flush()
	}
	killed := crash(mem, rand.New(rand.NewPCG(1, 2)), 0)
	return killed, testOptions(killed)
}

// newestFile is the file of a store with the given prefix or suffix that sorts last.
func newestFile(t *testing.T, fs vfs.FS, part string) string {
	t.Helper()
	names, err := fs.List("data/store")
	require.NoError(t, err)
	newest := ""
	for _, name := range names {
		if (strings.HasSuffix(name, part) || strings.HasPrefix(name, part)) && name > newest {
			newest = name
		}
	}
	require.NotEmpty(t, newest)
	return fs.PathJoin("data/store", newest)
}

func readFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	require.NoError(t, err)
	content, err := io.ReadAll(f)
	require.NoError(t, errors.Join(err, f.Close()))
	return content
}

func writeFile(t *testing.T, fs vfs.FS, path string, content []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = f.Write(content)
	require.NoError(t, errors.Join(err, f.Sync(), f.Close()))
}

func flipInFile(t *testing.T, fs vfs.FS, path string, at int) {
	t.Helper()
	content := readFile(t, fs, path)
	content[at] ^= 0x40
	writeFile(t, fs, path, content)
}

// requirePlace asserts that an error names the file, an offset at or before the damage, and what to do.
func requirePlace(t *testing.T, err error, path string, at int) {
	t.Helper()
	var damaged *CorruptionError
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, path, damaged.File)
	require.GreaterOrEqual(t, damaged.FileOffset, int64(0), err)
	require.LessOrEqual(t, damaged.FileOffset, int64(at), err)
	require.ErrorContains(t, err, fmt.Sprintf("file %s at offset %d", path, damaged.FileOffset))
	require.ErrorContains(t, err, "Move data/store aside and start again")
	require.NotContains(t, err.Error(), "\n", "one line, no stack")
}

func TestDamage_inTheNewestWALStopsTheStartAndLeavesItAlone(t *testing.T) {
	_, opts := killedStore(t)
	size := len(readFile(t, opts.FS, newestFile(t, opts.FS, ".log")))
	for at := 0; at < size*9/10; at += size / 37 {
		_, opts := killedStore(t)
		path := newestFile(t, opts.FS, ".log")
		flipInFile(t, opts.FS, path, at)
		before := readFile(t, opts.FS, path)
		for range 2 { // the second start says it as well
			_, err := tryOpen(t, opts)
			requirePlace(t, err, path, at)
			require.Equal(t, before, readFile(t, opts.FS, path))
		}
	}
}

func TestDamage_inAnOlderWALIsNamed(t *testing.T) {
	_, opts := killedStore(t)
	older := newestFile(t, opts.FS, ".log")
	content := readFile(t, opts.FS, older)
	number := 0
	_, err := fmt.Sscanf(opts.FS.PathBase(older), "%06d.log", &number)
	require.NoError(t, err)
	newer := bytes.Clone(content[:0])
	writeFile(t, opts.FS, opts.FS.PathJoin(opts.Dir, fmt.Sprintf("%06d.log", number+1)), newer)
	at := len(content) - 5
	flipInFile(t, opts.FS, older, at)
	_, err = tryOpen(t, opts)
	requirePlace(t, err, older, at)
}

func TestDamage_halfWrittenTailIsDroppedAndSaidOnce(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(content []byte) []byte
		dropped int64 // bytes of the log
		said    string
	}{
		"nothing":          {func(p []byte) []byte { return p }, 0, ""},
		"zeros":            {func(p []byte) []byte { return append(p, make([]byte, 5000)...) }, 0, ""},
		"garbage":          {func(p []byte) []byte { return append(p, strings.Repeat("garbage", 50)...) }, 0, "dropped the last 350 bytes"},
		"garbage of a MB":  {func(p []byte) []byte { return append(p, bytes.Repeat([]byte("x"), 1<<20)...) }, 0, "dropped the last 1048576 bytes"},
		"row cut short":    {func(p []byte) []byte { return p[:len(p)-30] }, 200, "dropped the last "},
		"row never filled": {func(p []byte) []byte { clear(p[len(p)-100:]); return p }, 200, "dropped the last "},
	} {
		t.Run(name, func(t *testing.T) {
			_, opts := killedStore(t)
			path := newestFile(t, opts.FS, ".log")
			writeFile(t, opts.FS, path, c.change(readFile(t, opts.FS, path)))
			s := openTest(t, opts)
			require.EqualValues(t, 8000-c.dropped, s.Log().End())
			requireStream(t, s.Log(), 0)
			if c.said == "" {
				require.Empty(t, s.said.lines)
			} else {
				require.Len(t, s.said.lines, 1)
				require.Contains(t, s.said.all(), c.said)
				require.Contains(t, s.said.all(), "of "+path+", from offset ")
			}
			require.NoError(t, s.Close())
			again := openTest(t, opts)
			require.Empty(t, again.said.lines)
			require.NoError(t, again.Close())
		})
	}
}

// TestDamage_aWALWrittenOverAnOlderOne has nothing to say about what is left of the older one.
func TestDamage_aWALWrittenOverAnOlderOne(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openTest(t, testOptions(mem))
	for range 3 {
		for range 100 {
			s.appendStream(1000)
			s.flush()
		}
		require.NoError(t, s.db.Flush())
	}
	s.appendStream(300)
	s.flush()
	killed := crash(mem, rand.New(rand.NewPCG(1, 2)), 0)
	require.Greater(t, len(readFile(t, killed, newestFile(t, killed, ".log"))), 50_000, "the WAL is an older one")
	again := openTest(t, testOptions(killed))
	require.EqualValues(t, 300_300, again.Log().End())
	require.Empty(t, again.said.lines)
	require.NoError(t, again.Close())
}

func TestDamage_inATableIsNamedWithItsBlock(t *testing.T) {
	mem := vfs.NewMem()
	opts := testOptions(mem)
	s := openTest(t, opts)
	s.appendStream(20_000)
	s.flush()
	require.NoError(t, s.db.Flush())
	require.NoError(t, s.Close())
	path := newestFile(t, mem, ".sst")
	flipInFile(t, mem, path, 300)
	s, err := tryOpen(t, opts)
	requirePlace(t, err, path, 300)
	require.ErrorContains(t, err, "checksum mismatch")
	require.NotContains(t, s.said.all(), ".go:", "no stack")
}

func TestDamage_inTheManifestStopsTheStart(t *testing.T) {
	build := func() (vfs.FS, Options, string) {
		mem := vfs.NewMem()
		opts := testOptions(mem)
		s := openTest(t, opts)
		for range 3 {
			s.appendStream(5000)
			s.flush()
			require.NoError(t, s.db.Flush())
		}
		require.NoError(t, s.Close())
		return mem, opts, newestFile(t, mem, "MANIFEST")
	}
	fs, _, path := build()
	size := len(readFile(t, fs, path))
	for at := 0; at < size; at += 1 + size/41 {
		fs, opts, path := build()
		flipInFile(t, fs, path, at)
		if at >= size-60 {
			continue // the last record may be one that a crash left: see the next test
		}
		before := readFile(t, fs, path)
		_, err := tryOpen(t, opts)
		requirePlace(t, err, path, at)
		require.Equal(t, before, readFile(t, fs, path))
	}
	fs, opts, path := build()
	flipInFile(t, fs, path, size-1)
	_, err := tryOpen(t, opts)
	requirePlace(t, err, path, size-1)
}

func TestDamage_halfWrittenManifestIsWhatACrashLeaves(t *testing.T) {
	_, opts := killedStore(t)
	path := newestFile(t, opts.FS, "MANIFEST")
	content := readFile(t, opts.FS, path)
	half := append(bytes.Clone(content), 1, 2, 3, 4, 90, 0, 1, 9, 9)
	writeFile(t, opts.FS, path, half)
	s := openTest(t, opts)
	require.EqualValues(t, 8000, s.Log().End())
	require.NoError(t, s.Close())
}
