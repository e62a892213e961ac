package persistence

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// killDirVariable names the store's folder to the child process of TestKill.
const killDirVariable = "TANDEM_TEST_KILL_DIR"

// TestKill_losesNothingThatWasSynced kills a real process in the middle of its work, several times on the same
// folder: every log byte and checkpoint that it had reported must be there.
func TestKill_losesNothingThatWasSynced(t *testing.T) {
	if dir := os.Getenv(killDirVariable); dir != "" {
		workUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	synced, checkpoint := int64(0), int64(0)
	for round := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^TestKill_losesNothingThatWasSynced$")
		child.Env = append(os.Environ(), killDirVariable+"="+dir)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		child.Stderr = os.Stderr
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for range 20 + 60*round {
			require.True(t, lines.Scan(), "the child reports")
			word, number, _ := strings.Cut(lines.Text(), " ")
			n, err := strconv.ParseInt(number, 10, 64)
			require.NoError(t, err, lines.Text())
			switch word {
			case "synced":
				synced = n
			case "checkpoint":
				checkpoint = n
			}
		}
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait(), "it was killed")

		s := openTest(t, Options{Dir: dir})
		require.GreaterOrEqual(t, s.Log().End(), synced)
		require.GreaterOrEqual(t, s.State().Meta.Offset, checkpoint)
		requireStream(t, s.Log(), 0)
		if s.State().HasCheckpoint {
			require.Equal(t, image{"0/offset": fmt.Sprint(s.State().Meta.Offset)}, loadImage(t, s.Store))
		}
		require.NoError(t, s.Close())
	}
	require.Positive(t, checkpoint)
}

// workUntilKilled appends and checkpoints, and reports on stdout what is durable.
func workUntilKilled(t *testing.T, dir string) {
	s, err := Open(Options{Dir: dir, Fsync: FsyncAlways, ChunkBytes: 4096})
	require.NoError(t, err)
	ctx := context.Background()
	for i := 0; ; i++ {
		from := s.log.End()
		end := s.log.Append(stream(from, from+int64(1+i*37%3000)), 1)
		s.log.Announce()
		require.NoError(t, s.log.SyncNow(ctx, end))
		fmt.Println("synced", end)
		if i%7 == 3 {
			w, err := s.NewCheckpoint(false)
			require.NoError(t, err)
			w.DeleteAll(0)
			w.Put(0, []byte("offset"), fmt.Append(nil, end))
			require.NoError(t, w.Finish(ctx, Meta{Offset: end, Keys: 1}, FinishOptions{}))
			fmt.Println("checkpoint", end)
		}
	}
}
