package rdb

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/keyspace"
)

// noting gives a keyspace with a key "k" that was used some time before nowMs, or so often.
func noting(frequency bool, nowMs int64) *keyspace.Keyspace {
	ks := keyspace.New(keyspace.Options{})
	ks.Track(keyspace.Tracking{Frequency: frequency, LogFactor: 10, DecayMinutes: 1, Rand: rand.New(rand.NewPCG(1, 2))})
	ks.Begin(nowMs, keyspace.ExpiryDelete)
	ks.DB(0).PutString([]byte("k"), []byte("v"), 0, "set")
	ks.DB(0).SetIdleSeconds([]byte("k"), 7000)
	ks.DB(0).SetFrequency([]byte("k"), 77)
	ks.End()
	return ks
}

// TestAccess_roundTrip: what a file says of a key's uses is kept where it means something, and only there.
func TestAccess_roundTrip(t *testing.T) {
	const nowMs = 1_700_000_000_000
	for _, c := range []struct {
		write     Access
		frequency bool // of writer, and of reader below
		reads     bool
		wantIdle  int64
		wantCount int
	}{
		{AccessIdle, false, false, 7000, 0}, {AccessFrequency, true, true, 0, 77}, {AccessNone, false, false, 0, 0},
		{AccessNone, true, true, 0, 5}, {AccessIdle, false, true, 0, 5}, {AccessFrequency, true, false, 0, 0},
	} {
		p := write(t, noting(c.frequency, nowMs), WriteOptions{Access: c.write})
		back := keyspace.New(keyspace.Options{})
		back.Track(keyspace.Tracking{Frequency: c.reads, LogFactor: 10, DecayMinutes: 1, Rand: rand.New(rand.NewPCG(1, 2))})
		_, err := Load(bytes.NewReader(p), LoadOptions{Keyspace: back, NowMs: nowMs})
		require.NoError(t, err)
		back.Begin(nowMs, keyspace.ExpiryHide)
		back.NoTouch()
		if c.reads {
			count, ok := back.DB(0).Frequency([]byte("k"))
			require.True(t, ok)
			require.Equal(t, c.wantCount, count, "%+v", c)
		} else {
			idle, ok := back.DB(0).IdleSeconds([]byte("k"))
			require.True(t, ok)
			require.Equal(t, c.wantIdle, idle, "%+v", c)
		}
		back.End()
	}
}

func TestRedis_readsOurAccess(t *testing.T) {
	for policy, access := range map[string]Access{"allkeys-lru": AccessIdle, "allkeys-lfu": AccessFrequency} {
		dir := t.TempDir()
		p := write(t, noting(access == AccessFrequency, time.Now().UnixMilli()), WriteOptions{Version: 10, Checksum: true, Access: access})
		require.NoError(t, os.WriteFile(filepath.Join(dir, "dump.rdb"), p, 0o600))
		c := startRedis(t, dir, "--maxmemory-policy", policy)
		if access == AccessIdle {
			idle, err := c.ObjectIdleTime(context.Background(), "k").Result()
			require.NoError(t, err)
			require.GreaterOrEqual(t, idle, 7000*time.Second)
			require.Less(t, idle, 7100*time.Second)
			continue
		}
		count, err := c.ObjectFreq(context.Background(), "k").Result()
		require.NoError(t, err)
		require.InDelta(t, 77, count, 1)
	}
}
