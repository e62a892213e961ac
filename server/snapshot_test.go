package server

import (
	"bytes"

	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPieces_giveWhatWasWritten writes and takes at random; what is used again does not show.
func TestPieces_giveWhatWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var p pieces
	var wrote, took []byte
	var used [][]byte
	for range 300 {
		b := make([]byte, random.IntN(3)*random.IntN(200_000))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		n, err := p.Write(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		wrote = append(wrote, b...)
		require.EqualValues(t, len(wrote)-len(took), p.bytes)
		if random.IntN(3) == 0 {
			used = p.exchange(used)
			took = append(took, bytes.Join(used, nil)...)
			require.Zero(t, p.bytes)
			require.LessOrEqual(t, len(p.spare), piecesSpare)
		}
	}
	took = append(took, bytes.Join(p.exchange(used), nil)...)
	require.True(t, bytes.Equal(wrote, took))
}

// A save says how much it had in memory at most.
func TestSnapshot_lastCowSize(t *testing.T) {
	c := dial(t, start(t))
	require.Equal(t, "0", c.info("rdb_last_cow_size"))
	c.is("+OK", "DEBUG POPULATE 1000 key 100")
	c.is("+OK", "SAVE")
	require.Greater(t, c.infoNumber("rdb_last_cow_size"), 1000)
}

// stuck takes nothing until it is let go.
type stuck struct {
	began, letGo chan struct{}
	once         bool
}

func (s *stuck) Write(p []byte) (int, error) {
	if !s.once {
		s.once = true
		close(s.began)
		<-s.letGo
	}
	return len(p), nil
}

// What changes while a reader takes nothing waits in memory, and INFO tells how much; afterwards nothing is left.
func TestSnapshot_whatWaitsShowsInInfo(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is("+OK", "DEBUG POPULATE 20000 key 100")
	require.Equal(t, "0", c.info("current_cow_size"))
	out := &stuck{began: make(chan struct{}), letGo: make(chan struct{})}
	ended := make(chan error, 1)
	snap := v.freezeAll()
	go func() { ended <- snap.Stream(out) }()
	<-out.began
	for i := range 20_000 {
		c.begin("SET key:" + strconv.Itoa(i) + " x")
	}
	c.replies(20_000)
	require.Greater(t, c.infoNumber("current_cow_size"), 100_000)
	require.GreaterOrEqual(t, c.infoNumber("current_cow_peak"), c.infoNumber("current_cow_size"))
	close(out.letGo)
	require.NoError(t, <-ended)
	require.Eventually(t, func() bool { return c.info("current_cow_size") == "0" && c.info("current_cow_peak") == "0" }, patience, time.Millisecond)
}
