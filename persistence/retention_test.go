package persistence

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// retaining makes a store of 10,000 log bytes in rows of 256, of which row i was written at second i.
func retaining(t *testing.T, bytes int64, age time.Duration) (*testStore, *handClock) {
	now := &handClock{}
	opts := testOptions(vfs.NewMem())
	opts.RetainBytes, opts.RetainAge = bytes, age
	opts.Now = now.read
	s := openTest(t, opts)
	for s.Log().End() < 10_000 {
		end := s.Log().End()
		s.Log().Append(stream(end, min(end+256, 10_000)), now.read().UnixMilli())
		now.seconds.Add(1)
	}
	s.flush()
	return s, now
}

// handClock stands still until it is set.
type handClock struct{ seconds atomic.Int64 }

func (c *handClock) read() time.Time { return time.Unix(c.seconds.Load(), 0) }

func TestRetention_keepsEverythingWithoutACheckpoint(t *testing.T) {
	s, _ := retaining(t, 100, 0)
	s.tick()
	require.Zero(t, s.Log().Start())
	require.NoError(t, s.Close())
}

func TestRetention_dropsBelowTheCheckpointBeyondBytes(t *testing.T) {
	s, _ := retaining(t, 3000, 0)
	s.checkpointOf(nil, 5000)
	s.tick()
	require.EqualValues(t, 4864, s.Log().Start(), "the row that holds the checkpoint's offset stays")
	s.checkpointOf(nil, 9000)
	s.tick()
	require.EqualValues(t, 6912, s.Log().Start(), "RetainBytes are kept below the end")
	requireStream(t, s.Log(), s.Log().Start())
	require.NoError(t, s.Close())
	again := openTest(t, s.opts)
	require.EqualValues(t, 6912, again.Log().Start())
	requireStream(t, again.Log(), 6912)
	require.NoError(t, again.Close())
}

func TestRetention_aSlowReaderIsOvertaken(t *testing.T) {
	s, _ := retaining(t, 3000, 0)
	r, err := s.Log().NewReader(100)
	require.NoError(t, err)
	defer r.Close()
	_, err = r.Read(make([]byte, 200))
	require.NoError(t, err)
	s.checkpointOf(nil, 9000)
	s.tick()
	r.rest = nil // what it had in hand would still be right
	_, err = r.Read(make([]byte, 200))
	var out *OutOfRangeError
	require.ErrorAs(t, err, &out)
	require.Equal(t, OutOfRangeError{Asked: 300, Start: 6912, End: 10_000}, *out)
	_, err = s.Log().NewReader(300)
	require.ErrorContains(t, err, "log offset 300 is older than the log's start 6912")
	require.NoError(t, s.Close())
}

func TestRetention_byAgeWaitsForReaders(t *testing.T) {
	s, now := retaining(t, 1<<20, 10*time.Second)
	s.SetRetention(1<<14, 10_000)
	r, err := s.Log().NewReader(2000)
	require.NoError(t, err)
	now.seconds.Store(25) // rows of seconds 0..14 are older than ten seconds
	s.checkpointOf(nil, 9000)
	s.tick()
	require.EqualValues(t, 1792, s.Log().Start(), "the reader's row stays")
	r.Close()
	s.tick()
	require.EqualValues(t, 15*256, s.Log().Start())
	now.seconds.Store(1000)
	s.tick()
	require.EqualValues(t, 8960, s.Log().Start(), "never beyond the checkpoint")
	require.NoError(t, s.Close())
}

func TestRetention_oldDamageKeepsTheLog(t *testing.T) {
	s, now := retaining(t, 1<<14, 10*time.Second)
	flipByte(t, s.db, 0, 40)
	now.seconds.Store(1000)
	s.checkpointOf(nil, 9000)
	s.tick()
	require.Zero(t, s.Log().Start())
	require.Contains(t, s.said.all(), "is kept although it is old")
	require.NoError(t, s.Err())
	require.NoError(t, s.Close())
}
