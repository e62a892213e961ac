package keyspace

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndexStats_countsEachItemOnce(t *testing.T) {
	ks := New(Options{HashSeed: 7})
	db := ks.DB(0)
	ks.Begin(1, ExpiryDelete)
	h, err := db.EditHash([]byte("hash"), "")
	require.NoError(t, err)
	for i := range 5000 {
		key := fmt.Appendf(nil, "key:%d", i)
		db.PutString(key, key, 0, "")
		h.Set(key, key)
	}
	ks.End()
	ks.Begin(1, ExpiryDelete)
	defer ks.End()
	inside, exists, ok := db.ValueIndexStats([]byte("hash"))
	require.True(t, exists && ok)
	for name, want := range map[string]struct {
		stats IndexStats
		items int
	}{"keys": {db.IndexStats(), 5001}, "fields": {inside, 5000}} {
		sum := 0
		for _, n := range want.stats.Probes {
			sum += n
		}
		require.Equal(t, want.items, sum, name)
		require.Equal(t, want.items, want.stats.Items, name)
		require.Greater(t, want.stats.Slots, want.items, name)
		require.Greater(t, want.stats.Segments, 1, name)
	}
	_, exists, _ = db.ValueIndexStats([]byte("none"))
	require.False(t, exists)
	_, exists, ok = db.ValueIndexStats([]byte("key:1"))
	require.True(t, exists && !ok)
}
