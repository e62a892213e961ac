package keyspace

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	for n, size := range map[int64]int{
		0: 1, 15: 1, -16: 1, 16: 2, -17: 2, 4095: 2, -4096: 2, 4096: 3, 1<<20 - 1: 3, 1 << 20: 4, 1<<28 - 1: 4, -1 << 28: 4, 1 << 28: 5,
		1<<36 - 1: 5, 1 << 36: 6, 1<<44 - 1: 6, -1 << 44: 6, 1 << 44: 9, math.MaxInt64: 9, math.MinInt64: 9,
	} {
		require.Equal(t, size, numberSize(n), n)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n") >> rapid.IntRange(0, 63).Draw(t, "shift")
		var p [wideNumber]byte
		require.Equal(t, numberSize(n), putNumber(p[:], n))
		got, size := numberAt(p[:])
		require.Equal(t, n, got)
		require.Equal(t, numberSize(n), size)
	})
}

func TestForms_eachHasItsPlace(t *testing.T) {
	seen := 0
	for i, of := range forms {
		if of.kind != KindNone {
			require.EqualValues(t, i, formOf(of.kind, of.encoding))
			seen++
		}
	}
	require.GreaterOrEqual(t, seen, 12)
}

// TestAccess_staysInTheCell: through all changes of the value, moves of the cell and while the entry is open.
func TestAccess_staysInTheCell(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	k := []byte("key")
	cell := func() []byte { return db.heap.Cell(db.keys.find(db.keys.hash(k), k)) }
	run(ks, func() { db.PutString(k, []byte("v"), 0, "") })
	require.Equal(t, ks.access.fresh(), accessOf(cell()))
	setAccess(cell(), 0xfa123456)
	require.Equal(t, uint32(0x123456), accessOf(cell()))
	for _, change := range []func(){
		func() { db.PutString(k, make([]byte, 5000), 0, "") },
		func() { db.PutString(k, []byte("12"), 77777, "") },
		func() { must(db.EditString(k, "")).Append(make([]byte, 300)) },
		func() { db.ReplaceHash(k, "").Set(k, k) },
		func() { db.SetDeadline(k, 0, "") },
	} {
		run(ks, func() {
			ks.NoTouch()
			change()
			require.Equal(t, uint32(0x123456), accessOf(cell()))
		})
		require.Equal(t, uint32(0x123456), accessOf(cell()))
		ks.FreezeAll(func(*Item) {}).Close()
	}
	run(ks, func() {
		must(db.EditHash(k, "")).Set(k, k)
		setAccess(cell(), 7)
	})
	require.Equal(t, uint32(7), accessOf(cell()))
	run(ks, func() { ks.NoTouch(); db.PutString([]byte("n"), []byte("1"), 0, ""); db.EditHash(k, "") })
	require.Equal(t, uint32(7), accessOf(cell()))
}
