package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

func TestChecksum_isThatOfRedis(t *testing.T) {
	require.Equal(t, uint64(0xe9c6d914c4b8d9ca), Checksum([]byte("123456789")))
	require.Equal(t, uint64(0), Checksum(nil))
	c := newChecksum()
	p := noise(10_000)
	for i := 0; i < len(p); i += 333 {
		c.add(p[i:min(i+333, len(p))])
	}
	require.Equal(t, Checksum(p), c.value, "in pieces")
}

// TestSumming_endsAnOpenFile: the file has its checksum.
func TestSumming_endsAnOpenFile(t *testing.T) {
	ks := keyspace.New(keyspace.Options{})
	ks.Begin(1000, keyspace.ExpiryDelete)
	for i := range 5000 {
		ks.DB(0).PutString([]byte(fmt.Sprint("key", i)), []byte(fmt.Sprint("value", i)), 0, "set")
	}
	ks.End()
	var file bytes.Buffer
	sum := NewSumming(&file)
	w := NewWriter(sum, WriteOptions{Open: true})
	require.NoError(t, w.Header())
	view := ks.FreezeAll(func(it *keyspace.Item) { require.NoError(t, w.Item(it)) })
	for !view.Step(100) {
	}
	require.NoError(t, w.Footer())
	require.NoError(t, sum.End())
	_, info, err := load(file.Bytes())
	require.NoError(t, err)
	require.True(t, info.Checksummed)
	require.EqualValues(t, 5000, info.Keys)
}

func TestLZF_roundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var z lzf
	shorter := 0
	for n := range 600 {
		p := make([]byte, n*n/8)
		letters := 1 + r.IntN(8)
		for i := range p {
			p[i] = byte(r.IntN(letters))
		}
		packed, ok := z.compress([]byte("before"), p)
		require.True(t, bytes.HasPrefix(packed, []byte("before")))
		if !ok {
			continue
		}
		shorter++
		packed = packed[6:]
		require.Less(t, len(packed), len(p))
		plain, err := lzfExpand(nil, packed, len(p))
		require.NoError(t, err)
		require.Equal(t, p, plain)
		_, err = lzfExpand(nil, packed, len(p)+1)
		require.Error(t, err)
		_, err = lzfExpand(nil, packed, len(p)-1)
		require.Error(t, err)
	}
	require.Greater(t, shorter, 400)
	_, ok := z.compress(nil, noise(1000))
	require.False(t, ok, "noise does not get shorter")
}

func TestRows_coverEveryKind(t *testing.T) {
	for kind := keyspace.KindString; kind <= keyspace.KindHash; kind++ {
		require.True(t, slices.ContainsFunc(kindRows[:], func(row kindRow) bool { return row.kind == kind && row.only == nil }),
			"kind %s has no row", kind)
	}
	for _, row := range kindRows {
		typ := rowOfType(row.typ)
		require.NotNil(t, typ.decode, "what is written as %s is not read", typ.name)
	}
	seen := map[byte]bool{}
	for _, row := range typeRows {
		require.False(t, seen[row.typ], "type %d has two rows", row.typ)
		seen[row.typ] = true
		require.True(t, (row.decode == nil) == (row.refusal != ""), "type %d is either read or refused", row.typ)
	}
}

func TestValue_roundTrip(t *testing.T) {
	ks, back := newKeyspace(), newKeyspace()
	fillSamples(ks)
	count := 0
	values(ks, func(it *keyspace.Item, payload []byte) {
		edit(back, func() {
			require.NoError(t, DecodeValue(back.DB(it.DB), it.Key, it.DeadlineMs, payload), "key %q", it.Key)
		})
		require.Equal(t, it.Encoding(), back.DB(it.DB).Encoding(it.Key), "key %q", it.Key)
		count++
	})
	require.Greater(t, count, 100)
	requireSame(t, describe(ks), describe(back))
	require.Equal(t, ks.Digest(), back.Digest())
}

// TestValue_partsAddUp: the parts of values, each as a value of its own, make the values again.
func TestValue_partsAddUp(t *testing.T) {
	ks, back := newKeyspace(), newKeyspace()
	fillSamples(ks)
	fillTimed(ks)
	parts := 0
	var stream []byte // so far; what EncodeValue gives of its parts adds up
	items(ks, func(it *keyspace.Item) {
		if it.Kind == keyspace.KindString {
			edit(back, func() { back.DB(it.DB).PutString(it.Key, it.String(), it.DeadlineMs, "") })
			return
		}
		if it.Kind == keyspace.KindStream {
			if stream = EncodeValue(stream, it); it.Last {
				edit(back, func() { require.NoError(t, DecodeValue(back.DB(it.DB), it.Key, it.DeadlineMs, stream)) })
				stream = nil
				parts++
			}
			return
		}
		payload := EncodePart([]byte("prefix"), it)
		require.Equal(t, "prefix", string(payload[:6]))
		edit(back, func() {
			n, err := AppendValue(back.DB(it.DB), it.Key, payload[6:])
			require.NoError(t, err, "key %q", it.Key)
			require.Positive(t, n)
			back.DB(it.DB).SetDeadline(it.Key, it.DeadlineMs, "")
		})
		parts++
	})
	require.Greater(t, parts, ks.DB(0).Len()+ks.DB(1).Len()+ks.DB(2).Len()+ks.DB(9).Len(), "some came in parts")
	require.Equal(t, ks.Digest(), back.Digest())
	edit(back, func() {
		_, err := AppendValue(back.DB(0), []byte("k"), raw(typeString, 1, "7"))
		require.ErrorContains(t, err, "a string as a part")
	})
}

func TestValue_replacesWhatWasThere(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(0), 3) })
	values(ks, func(it *keyspace.Item, payload []byte) {
		for _, over := range []string{"list3", "set3", "ints3", "zset3", "hash3", "fresh"} {
			back := newKeyspace()
			edit(back, func() { fillCollections(back.DB(0), 3) })
			edit(back, func() { require.NoError(t, DecodeValue(back.DB(0), []byte(over), 0, payload)) })
			require.Equal(t, it.Kind, back.DB(0).Kind([]byte(over)))
			require.Equal(t, ks.DB(0).Digest(it.Key), back.DB(0).Digest([]byte(over)))
		}
	})
}

func TestFile_roundTrip(t *testing.T) {
	ks := newKeyspace()
	fillSamples(ks)
	want := describe(ks)
	for _, o := range []WriteOptions{
		{}, {Version: 9, Checksum: true}, {Version: 10, Compress: true}, {Version: 11, Compress: true, Checksum: true},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			p := write(t, ks, o, Aux{"redis-ver", "7.2.4"}, Aux{"repl-offset", "12345"})
			back, info, err := load(p)
			require.NoError(t, err)
			if o.Version == 9 { // where streams have no counters
				requireSame(t, withoutCounters(want), withoutCounters(describe(back)))
			} else {
				requireSame(t, want, describe(back))
				require.Equal(t, ks.Digest(), back.Digest())
			}
			require.Equal(t, int64(len(want)), info.Keys)
			require.Equal(t, int64(len(p)), info.Bytes)
			require.Equal(t, o.Checksum, info.Checksummed)
			offset, ok := info.Field("repl-offset")
			require.True(t, ok)
			require.Equal(t, "12345", offset)
			_, ok = info.Field("no-such")
			require.False(t, ok)
		})
	}
}

func TestFile_inPiecesOfOneByte(t *testing.T) {
	ks := newKeyspace()
	fillSamples(ks)
	p := write(t, ks, WriteOptions{Checksum: true})
	back := newKeyspace()
	last, backward := int64(0), 0
	_, err := Load(iotest.OneByteReader(bytes.NewReader(p)), LoadOptions{Keyspace: back, NowMs: sampleNowMs, Progress: func(n int64) {
		if n < last {
			backward++
		}
		last = n
	}})
	require.NoError(t, err)
	require.Equal(t, int64(len(p)), last)
	require.Zero(t, backward, "progress only grows")
	require.Equal(t, ks.Digest(), back.Digest())
}

func TestFile_empty(t *testing.T) {
	back, info, err := load(write(t, newKeyspace(), WriteOptions{Checksum: true}))
	require.NoError(t, err)
	require.Zero(t, info.Keys)
	require.Equal(t, newKeyspace().Digest(), back.Digest())
}

func TestFile_functions(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, WriteOptions{})
	require.NoError(t, w.Header())
	require.NoError(t, w.Function([]byte("#!lua name=x\nreturn 1")))
	require.NoError(t, w.Footer())
	_, info, err := load(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("#!lua name=x\nreturn 1")}, info.Functions)
}

func TestFile_dropExpired(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() {
		ks.DB(0).PutString([]byte("past"), []byte("v"), sampleNowMs, "")
		ks.DB(0).PutString([]byte("future"), []byte("v"), sampleNowMs+1, "")
		ks.DB(0).PutString([]byte("always"), []byte("v"), 0, "")
	})
	p := write(t, ks, WriteOptions{})
	back, info, err := load(p)
	require.NoError(t, err)
	require.Equal(t, 3, back.DB(0).Len(), "a standby keeps them")
	require.Zero(t, info.Expired)
	back = newKeyspace()
	info, err = Load(bytes.NewReader(p), LoadOptions{Keyspace: back, NowMs: sampleNowMs, DropExpired: true})
	require.NoError(t, err)
	require.Equal(t, int64(1), info.Expired)
	require.Equal(t, int64(2), info.Keys)
	require.Equal(t, keyspace.KindNone, back.DB(0).Kind([]byte("past")))
}

func TestWriter_refusesVersions(t *testing.T) {
	for _, v := range []int{8, 13, 80, -1} {
		require.Error(t, NewWriter(io.Discard, WriteOptions{Version: v}).Header(), "version %d", v)
	}
}

func TestWriter_keepsItsFirstError(t *testing.T) {
	broken := errors.New("disk full")
	w := NewWriter(failing{broken}, WriteOptions{})
	require.NoError(t, w.Header())
	require.ErrorIs(t, w.Flush(), broken)
	require.ErrorIs(t, w.Footer(), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestLoad_everyTruncationIsAnError(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(3), 3); fillCollections(ks.DB(0), 20) })
	for _, o := range []WriteOptions{{Checksum: true}, {Checksum: true, Compress: true}} {
		p := write(t, ks, o, Aux{"redis-bits", "64"})
		for n := range p {
			_, info, err := load(p[:n])
			var short *ReadError
			require.ErrorAs(t, err, &short, "cut at %d of %d", n, len(p))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.LessOrEqual(t, short.Offset, int64(n))
			require.LessOrEqual(t, info.Bytes, int64(n))
		}
	}
}

func TestLoad_everyDamagedByteIsSeen(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(0), 3) })
	p := write(t, ks, WriteOptions{Checksum: true})
	for i := range p {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(p)
			bad[i] ^= bit
			_, info, err := load(bad)
			// The version's digits are no part of what a reader of another version could notice, but the checksum covers them.
			require.Error(t, err, "byte %d of %d, info %+v", i, len(p), info)
		}
	}
}

func TestLoad_readErrorIsNotDamage(t *testing.T) {
	broken := errors.New("connection reset")
	p := write(t, newKeyspace(), WriteOptions{})
	_, err := Load(io.MultiReader(bytes.NewReader(p[:5]), iotest.ErrReader(broken)), LoadOptions{Keyspace: newKeyspace()})
	require.ErrorIs(t, err, broken)
	var damaged *CorruptError
	require.False(t, errors.As(err, &damaged))
}

func TestLoad_emptyReadsEnd(t *testing.T) {
	_, err := Load(nothing{}, LoadOptions{Keyspace: newKeyspace()})
	require.ErrorIs(t, err, io.ErrNoProgress)
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }
