package forward

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
)

// randomSession makes commands, and the replies that one node that is always the master would give.
func randomSession(r *rand.Rand, commands int) (sent [][]byte, replies string) {
	oracle := &node{p: &pair{}, writable: true}
	st := &connState{}
	var want strings.Builder
	multi := false
	for i := range commands {
		var line string
		switch n := r.IntN(10); {
		case n < 4:
			line = fmt.Sprintf("SET k%d %d", r.IntN(3), i)
		case n < 6:
			line = fmt.Sprintf("GET k%d", r.IntN(3))
		case n == 6 && !multi:
			line, multi = "MULTI", true
		case n <= 7 && multi:
			line, multi = "EXEC", false
		case n == 8:
			line = fmt.Sprintf("SELECT %d", r.IntN(4))
		case n == 9 && !multi:
			line = "WHOAMI"
		default:
			line = "PING"
		}
		words := strings.Fields(line)
		want.WriteString(oracle.answer(st, words))
		sent = append(sent, resp.AppendCommandStrings(nil, words...))
	}
	return sent, want.String()
}

// TestForward_randomSessionsSeeOneMaster plays sessions in pipelines of random size while the reign goes to and fro: the
// bytes that come back are those of a single master, and the writes are executed once, in order.
func TestForward_randomSessionsSeeOneMaster(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			p := newPair(t)
			p.reign(0)
			_, dial := serve(t, p, func(o *Options) { o.UnansweredBytesMax = 1 << (12 + seed%6) })
			sent, want := randomSession(r, 3000)
			c := dial()
			written := make(chan error, 1)
			go func() {
				for len(sent) > 0 {
					n := min(1+r.IntN(40), len(sent))
					var batch []byte
					for _, one := range sent[:n] {
						batch = append(batch, one...)
					}
					if _, err := c.conn.Write(batch); err != nil {
						written <- err
						return
					}
					sent = sent[n:]
				}
				written <- nil
			}()
			got := make(chan string, 1)
			go func() {
				buf := make([]byte, len(want))
				if err := c.conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
					t.Error(err)
				}
				n, err := io.ReadFull(c.conn, buf)
				if err != nil {
					t.Errorf("after %d of %d bytes: %v", n, len(want), err)
				}
				got <- string(buf[:n])
			}()
			require.Equal(t, want, switchWhile(t, p, got))
			require.NoError(t, <-written)
		})
	}
}

// switchWhile moves the reign until the answer is there. A node that refused does not accept again while commands may
// be under way to it.
func switchWhile(t *testing.T, p *pair, got <-chan string) string {
	for turn := 1; ; turn++ {
		before := len(p.executed())
		eventually(t, func() bool { return p.connsOf(turn%2) == 0 })
		p.reign(turn % 2)
		progress := func() bool { return len(p.executed()) > before+20 || len(got) > 0 }
		eventually(t, progress)
		if len(got) > 0 {
			return <-got
		}
	}
}
