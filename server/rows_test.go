package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
)

const (
	rowDeadlineMs = 1 << 41
	// rowElementsMax is how many elements one row may have.
	rowElementsMax = keyspace.WholeMax
)

// newLargeValues has values of each kind that need blocks, and smaller ones.
func newLargeValues() *keyspace.Keyspace {
	ks := keyspace.New(keyspace.Options{Databases: 2})
	ks.Begin(1, keyspace.ExpiryDelete)
	defer ks.End()
	for _, n := range []int{10, 300, rowElementsMax, rowElementsMax + 1, 3 * rowElementsMax} {
		db := ks.DB(n % 2)
		hash, timed := db.ReplaceHash(fmt.Append(nil, "hash", n), ""), db.ReplaceHash(fmt.Append(nil, "timed", n), "")
		set, zset := db.ReplaceSet(fmt.Append(nil, "set", n), ""), db.ReplaceZSet(fmt.Append(nil, "zset", n), "")
		list := db.ReplaceList(fmt.Append(nil, "list", n), "")
		for i := range n {
			e := fmt.Append(nil, "element:", i)
			hash.Set(e, e)
			timed.Put(e, e, int64(i%3)*rowDeadlineMs)
			set.Add(e)
			zset.Put(e, float64(i%100))
			list.PushTail(e)
		}
		db.SetDeadline(fmt.Append(nil, "hash", n), rowDeadlineMs, "")
		db.SetDeadline(fmt.Append(nil, "list", n), rowDeadlineMs, "")
		db.PutString(fmt.Append(nil, "string", n), []byte("s"), 0, "")
	}
	return ks
}

// rowsOf is the rows of all that there is, as a checkpoint would give them back.
func rowsOf(ks *keyspace.Keyspace) (rows []persistence.Row) {
	sink := &rowSink{}
	frozen := ks.FreezeAll(sink.add)
	for !frozen.Step(16) {
	}
	for _, r := range listRows(sink) {
		rows = append(rows, persistence.Row{DB: r.db, Key: r.key, Value: r.value, IsBlock: r.kind == rowBlock, Block: r.block})
	}
	return rows
}

func loadRows(rows []persistence.Row) (*keyspace.Keyspace, error) {
	l := rowLoader{ks: keyspace.New(keyspace.Options{Databases: 2, HashSeed: 8})}
	for _, row := range rows {
		if err := l.load(row); err != nil {
			return nil, err
		}
	}
	return l.ks, l.end()
}

func TestRows_roundTrip(t *testing.T) {
	ks := newLargeValues()
	rows := rowsOf(ks)
	blocks := map[string]int{}
	for _, row := range rows {
		require.Less(t, len(row.Value), rowElementsMax*40)
		if row.IsBlock {
			require.Less(t, len(row.Value), 16<<10)
			blocks[string(row.Key)]++
		}
	}
	require.Len(t, blocks, 2*5, "what has more than %d elements", rowElementsMax)
	back, err := loadRows(rows)
	require.NoError(t, err)
	require.Equal(t, ks.Digest(), back.Digest())
}

// TestRows_stream: a long stream is cut, wherever it may be, and no step writes much.
func TestRows_stream(t *testing.T) {
	ks := keyspace.New(keyspace.Options{Databases: 2})
	ks.Begin(1, keyspace.ExpiryDelete)
	db := ks.DB(1)
	db.PutString([]byte("string"), []byte("s"), 0, "")
	s := db.ReplaceStream([]byte("stream"), "")
	require.True(t, s.CreateGroup([]byte("group"), keyspace.StreamID{}, 0))
	g, _ := s.EditGroup([]byte("group"))
	c := g.CreateConsumer([]byte("consumer"), 1)
	for i := range uint64(50_000) {
		id := keyspace.StreamID{Ms: i + 1}
		s.Append(id, [][]byte{[]byte("field"), fmt.Append(nil, "value:", i)})
		if i%1000 == 0 {
			g.Deliver(c, id, 1, 1)
		}
	}
	db.SetDeadline([]byte("stream"), rowDeadlineMs, "")
	ks.End()
	sink := &rowSink{}
	frozen := ks.FreezeAll(sink.add)
	for most := 0; !frozen.Step(16); {
		require.Less(t, len(sink.value), pieceBytes+64<<10)
		require.LessOrEqual(t, sink.rows.Len(), most+2, "a step is bounded")
		most = sink.rows.Len()
	}
	rows := rowsOf(ks)
	pieces := 0
	for _, row := range rows {
		require.Less(t, len(row.Value), pieceBytes+64<<10)
		if row.IsBlock {
			require.EqualValues(t, pieces, row.Block)
			pieces++
		}
	}
	require.Len(t, rows, 2+pieces)
	require.Greater(t, pieces, 2)
	back, err := loadRows(rows)
	require.NoError(t, err)
	require.Equal(t, ks.Digest(), back.Digest())
}

// TestRows_pendingEntries: a stream of few entries with many pending ones is put together from pieces too, as of the freeze.
func TestRows_pendingEntries(t *testing.T) {
	ks := keyspace.New(keyspace.Options{Databases: 2})
	edit := func(fn func(g keyspace.GroupEdit)) {
		ks.Begin(1, keyspace.ExpiryDelete)
		defer ks.End()
		s, err := ks.DB(1).EditStream([]byte("stream"), "")
		require.NoError(t, err)
		s.CreateGroup([]byte("group"), keyspace.StreamID{}, 0)
		g, _ := s.EditGroup([]byte("group"))
		fn(g)
	}
	edit(func(g keyspace.GroupEdit) {
		for i := range uint64(5) {
			c := g.CreateConsumer(fmt.Append(nil, "consumer", i), 1)
			for j := range uint64(4000) {
				g.Deliver(c, keyspace.StreamID{Ms: j, Seq: i}, 1, 1)
			}
		}
	})
	digest := ks.Digest()
	sink := &rowSink{}
	frozen := ks.FreezeAll(sink.add)
	last := uint64(0)
	for had := 0; !frozen.Step(16); {
		now := len(sink.value)
		for i := range sink.rows.Len() {
			now += len(sink.rows.At(uint32(i)).value)
		}
		require.Less(t, now-had, 16*64*64, "a step is bounded")
		had = now
		edit(func(g keyspace.GroupEdit) {
			for range 100 {
				g.Acknowledge(keyspace.StreamID{Ms: 4000 - last, Seq: last % 5})
				last++
			}
			g.RemoveConsumer([]byte("consumer3"))
		})
	}
	var rows []persistence.Row
	for _, r := range listRows(sink) {
		rows = append(rows, persistence.Row{DB: r.db, Key: r.key, Value: r.value, IsBlock: r.kind == rowBlock, Block: r.block})
	}
	back, err := loadRows(rows)
	require.NoError(t, err)
	require.Equal(t, digest, back.Digest())
	require.NotEqual(t, digest, ks.Digest())
}

// TestRows_wholeLargeValues: versions before blocks wrote every value as one row.
func TestRows_wholeLargeValues(t *testing.T) {
	ks := newLargeValues()
	var rows []persistence.Row
	var value []byte
	frozen := ks.FreezeAll(func(it *keyspace.Item) {
		if it.Part == 0 {
			value = binary.BigEndian.AppendUint64(nil, uint64(it.DeadlineMs))
		}
		if value = rdb.EncodeValue(value, it); it.Last {
			rows = append(rows, persistence.Row{DB: it.DB, Key: append([]byte(nil), it.Key...), Value: value})
		}
	})
	for !frozen.Step(16) {
	}
	back, err := loadRows(rows)
	require.NoError(t, err)
	require.Equal(t, ks.Digest(), back.Digest())
}

// TestRows_damagedPieces: a value in pieces is whole or refused.
func TestRows_damagedPieces(t *testing.T) {
	ks := keyspace.New(keyspace.Options{Databases: 1})
	ks.Begin(1, keyspace.ExpiryDelete)
	h := ks.DB(0).ReplaceHash([]byte("h"), "")
	for i := range 300 {
		h.Set(fmt.Append(nil, i), bytes.Repeat([]byte{byte(i)}, 10_000))
	}
	ks.End()
	rows := rowsOf(ks)
	require.Greater(t, len(rows), 8)
	back, err := loadRows(rows)
	require.NoError(t, err)
	require.Equal(t, ks.Digest(), back.Digest())
	with := func(change func(all []persistence.Row) []persistence.Row) []persistence.Row {
		return change(append([]persistence.Row(nil), rows...))
	}
	for name, c := range map[string]struct {
		rows []persistence.Row
		says string
	}{
		"one is missing":        {with(func(all []persistence.Row) []persistence.Row { return append(all[:3], all[4:]...) }), "where piece 2 of the value belongs"},
		"the last is missing":   {with(func(all []persistence.Row) []persistence.Row { return all[:len(all)-1] }), "the last is not among them"},
		"there is one too many": {with(func(all []persistence.Row) []persistence.Row { return append(all, all[len(all)-1]) }), "no more of them"},
		"one says nothing":      {with(func(all []persistence.Row) []persistence.Row { all[3].Value = nil; return all }), "a row of 0 bytes"},
		"one is of another form": {with(func(all []persistence.Row) []persistence.Row {
			all[3].Value = append([]byte{7}, all[3].Value[1:]...)
			return all
		}), "where piece 2"},
		"one is cut": {with(func(all []persistence.Row) []persistence.Row {
			all[3].Value = all[3].Value[:len(all[3].Value)-1]
			return all
		}), ""},
	} {
		_, err := loadRows(c.rows)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestRows_damage(t *testing.T) {
	rows := rowsOf(newLargeValues())
	at := 0 // of a block that has one before it and one behind it
	for !rows[at].IsBlock || !rows[at-1].IsBlock || !rows[at+1].IsBlock {
		at++
	}
	without := func(i int) []persistence.Row {
		return append(append([]persistence.Row(nil), rows[:i]...), rows[i+1:]...)
	}
	head := at
	for rows[head].IsBlock {
		head--
	}
	twice := append(append([]persistence.Row(nil), rows[:at+1]...), rows[at:]...)
	short := append([]persistence.Row(nil), rows...)
	short[head].Value = short[head].Value[:rowHeadBytes+1]
	cut := append([]persistence.Row(nil), rows...)
	cut[at].Value = cut[at].Value[:len(cut[at].Value)-1]
	for name, c := range map[string]struct {
		rows []persistence.Row
		says string
	}{
		"a block is missing":           {without(at), "elements are missing"},
		"the last one is missing":      {rows[:at], "elements are missing"},
		"the head is missing":          {without(head), "block"},
		"a block comes twice":          {twice, "twice"},
		"no number of elements":        {short, "without a number of elements"},
		"a block is cut":               {cut, "block"},
		"no value":                     {[]persistence.Row{{Key: []byte("k"), Value: make([]byte, rowHeadBytes)}}, "8 bytes"},
		"a database that is not there": {[]persistence.Row{{DB: 2, Key: []byte("k")}}, "2 databases"},
	} {
		_, err := loadRows(c.rows)
		require.ErrorContains(t, err, c.says, name)
	}
}

// TestRowRoom_keepsWhatWasAppended: what was kept stays what it was, short or longer than the room, and short ones share it.
func TestRowRoom_keepsWhatWasAppended(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	var room rowRoom
	var kept, want [][]byte
	for i := range 2000 {
		b := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, random.IntN(100))
		if i%100 == 0 {
			b = bytes.Repeat([]byte{byte(i)}, rowRoomBytes+i)
		}
		one := room.keep(append(room.next(), b...))
		require.Equal(t, len(one), cap(one), "nobody appends to it")
		kept, want = append(kept, one), append(want, b)
	}
	for i := range want {
		require.True(t, bytes.Equal(want[i], kept[i]), i)
	}
	require.Less(t, testing.AllocsPerRun(100, func() {
		for range 100 {
			room.keep(append(room.next(), "a row of some bytes"...))
		}
	}), 2.0)
}
