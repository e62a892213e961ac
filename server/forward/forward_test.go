package forward

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
)

const soon = 20 * time.Second // a limit for waiting by condition, not a measure

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, soon, time.Millisecond)
}

func TestForward_relaysAndPassesPushes(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	c.send("GET a", "GET none", "PUSHY", "PING")
	for _, want := range []string{"$1", "1", "$-1", ">2", "+invalidate", "*1", "$1", "k", "+OK", "+OK"} {
		require.Equal(t, want, c.line())
	}
	_, err := c.conn.Write([]byte("SET inline 2\r\n"))
	require.NoError(t, err)
	require.Equal(t, "+OK", c.line())
	require.Equal(t, []string{"a=1", "inline=2"}, p.executed())
}

func TestForward_waitsForAMaster(t *testing.T) {
	p := newPair(t)
	_, dial := serve(t, p)
	c := dial()
	c.send("SET a 1")
	p.reign(1)
	require.Equal(t, "+OK", c.line())
}

func TestForward_answersWhenThereIsNoMaster(t *testing.T) {
	p := newPair(t)
	_, dial := serve(t, p, func(o *Options) { o.ForwardTimeout = 30 * time.Millisecond })
	c := dial()
	c.send("SET a 1", "SET a 2")
	require.Contains(t, c.line(), "-MASTERDOWN ")
	require.Contains(t, c.line(), "-MASTERDOWN ")
	p.reign(0)
	require.Equal(t, "+OK", c.do("SET a 3"))
	require.Equal(t, []string{"a=3"}, p.executed())
}

// A switchover under pipelined load: nothing lost, nothing twice, in order, no error.
func TestForward_switchoverUnderLoadIsAPause(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	const writes = 4000
	c := dial()
	sent := make(chan error, 1)
	go func() {
		for i := range writes {
			out := resp.AppendCommandStrings(nil, "SET", "k", fmt.Sprint(i))
			if i%3 == 0 {
				out = resp.AppendCommandStrings(out, "GET", "k")
			}
			if _, err := c.conn.Write(out); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	turn := 0
	for i := range writes {
		if i%500 == 250 {
			// A node that refused may not accept again while commands are under way to it (invariant 2).
			eventually(t, func() bool { return p.connsOf((turn+1)%2) == 0 })
			p.refuseWrites()
			turn++
			p.reign(turn % 2)
		}
		require.Equal(t, "+OK", c.line())
		if i%3 == 0 {
			require.Equal(t, fmt.Sprintf("$%d", len(fmt.Sprint(i))), c.line())
			require.Equal(t, fmt.Sprint(i), c.line(), "a read behind a write in the same pipeline sees it")
		}
	}
	require.NoError(t, <-sent)
	log := p.executed()
	require.Len(t, log, writes)
	for i, entry := range log {
		require.Equal(t, fmt.Sprintf("k=%d", i), entry)
	}
}

func TestForward_sameMasterUnfences(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	p.refuseWrites()
	c.send("SET a 2")
	eventually(t, func() bool { return len(p.saw(0)) > 2 }) // refused and tried again
	p.reign(0)
	require.Equal(t, "+OK", c.line())
	require.Equal(t, []string{"a=1", "a=2"}, p.executed())
}

func TestForward_crashWithUnansweredCommandCloses(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	p.with(func() { p.nodes[0].silent = true })
	c.send("SET a 2")
	eventually(t, func() bool { return len(p.saw(0)) == 2 })
	p.nodes[0].kill()
	p.reign(1)
	require.Empty(t, c.closed())
	require.Equal(t, []string{"a=1"}, p.executed(), "never sent again")
}

func TestForward_crashWithNothingUnansweredIsNotSeen(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	p.nodes[0].kill()
	c.send("SET a 2") // before anyone knows of the new master
	p.reign(1)
	got, err := c.r.ReadString('\n')
	if err != nil { // the command had been handed to the dying connection: its fate was unknown
		require.NotContains(t, p.executed(), "a=2")
		return
	}
	require.Equal(t, "+OK\r\n", got)
	require.Equal(t, []string{"a=1", "a=2"}, p.executed())
}

func TestForward_silentOldMasterIsLeft(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p, func(o *Options) { o.ChangeGrace = 10 * time.Millisecond })
	c := dial()
	require.Equal(t, "+OK", c.do("PING"))
	p.with(func() { p.nodes[0].silent = true })
	c.send("SET a 1")
	eventually(t, func() bool { return len(p.saw(0)) == 2 })
	p.reign(1)
	require.Empty(t, c.closed())
	require.Empty(t, p.executed())
}

func TestForward_idleLinksFollowTheTarget(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	p.reign(1)
	eventually(t, func() bool { return p.connsOf(0) == 0 })
	require.Equal(t, "+OK", c.do("SET a 2"))
	require.Equal(t, []string{"SET a 2"}, p.saw(1))
}

func TestForward_memoryIsRestored(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	for _, line := range []string{"AUTH first", "AUTH pw", "AUTH wrong", "HELLO 3", "SELECT 2", "SELECT 3", "CLIENT SETNAME me",
		"CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO LIB-VER 1", "SET a 1"} {
		c.do(line)
	}
	p.reign(1)
	require.Equal(t, "+pw/3:", c.do("WHOAMI"))
	require.Equal(t, []string{"AUTH pw", "HELLO 3", "SELECT 3", "CLIENT SETNAME me", "CLIENT SETINFO LIB-NAME lib",
		"CLIENT SETINFO LIB-VER 1", "WHOAMI"}, p.saw(1))
	require.Equal(t, "+OK", c.do("RESET"))
	p.reign(0)
	require.Equal(t, "+/", c.do("WHOAMI"))
}

func TestForward_transactionMovesAsAWhole(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(p *pair, c *client)
	}{
		{"open and idle", func(p *pair, c *client) {
			require.Equal(t, "+OK", c.do("MULTI"))
			require.Equal(t, "+QUEUED", c.do("SET a 1"))
			p.reign(1)
			require.Equal(t, "+QUEUED", c.do("SET a 2"))
		}},
		{"refused while queueing", func(p *pair, c *client) {
			require.Equal(t, "+OK", c.do("MULTI"))
			require.Equal(t, "+QUEUED", c.do("SET a 1"))
			p.refuseWrites()
			c.send("SET a 2")
			eventually(t, func() bool { return len(p.saw(0)) > 3 })
			p.reign(1)
			require.Equal(t, "+QUEUED", c.line())
		}},
		{"refused at EXEC", func(p *pair, c *client) {
			require.Equal(t, "+OK", c.do("MULTI"))
			require.Equal(t, "+QUEUED", c.do("SET a 1"))
			require.Equal(t, "+QUEUED", c.do("SET a 2"))
			p.refuseWrites()
			c.send("EXEC")
			eventually(t, func() bool { return len(p.saw(0)) > 4 })
			p.reign(1)
			for _, want := range []string{"*2", "+OK", "+OK"} {
				require.Equal(t, want, c.line())
			}
		}},
		{"in one pipeline", func(p *pair, c *client) {
			p.refuseWrites()
			c.send("MULTI", "SET a 1", "SET a 2", "EXEC")
			eventually(t, func() bool { return len(p.saw(0)) > 4 })
			p.reign(1)
			for _, want := range []string{"+OK", "+QUEUED", "+QUEUED", "*2", "+OK", "+OK"} {
				require.Equal(t, want, c.line())
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t)
			p.reign(0)
			_, dial := serve(t, p)
			c := dial()
			require.Equal(t, "+OK", c.do("PING"))
			tc.play(p, c)
			if len(p.executed()) == 0 {
				require.Equal(t, "*2", c.do("EXEC"))
			}
			require.Equal(t, []string{"a=1", "a=2"}, p.executed())
		})
	}
}

func TestForward_whatCannotBeCarriedOverCloses(t *testing.T) {
	for _, lines := range [][]string{{"WATCH k"}, {"CLIENT TRACKING ON"}, {"WATCH k", "MULTI"}} {
		p := newPair(t)
		p.reign(0)
		_, dial := serve(t, p)
		c := dial()
		for _, l := range lines {
			require.Equal(t, "+OK", c.do(l))
		}
		p.reign(1)
		require.Empty(t, c.closed(), "%v", lines)
	}
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	c.send("CLIENT REPLY OFF", "PING") // replies can no longer be counted: the bytes are only passed on
	require.Equal(t, "+OK", c.line())
	require.Equal(t, "+OK", c.line())
	p.nodes[0].dropConns()
	require.Empty(t, c.closed(), "and the link's end is the client's")

	c = dial()
	c.send("SET a 1", "SUBSCRIBE c")
	for _, want := range []string{"+OK", "*3", "$9", "subscribe", "$1", "c", ":1", "*3", "$7", "message"} {
		require.Equal(t, want, c.line())
	}
	p.reign(1)
	require.Contains(t, c.closed(), "hi")
}

func TestForward_aTransactionTooLongToMove(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p, func(o *Options) { o.UnansweredBytesMax = 100 })
	c := dial()
	play := func() {
		require.Equal(t, "+OK", c.do("MULTI"))
		for i := range 5 {
			require.Equal(t, "+QUEUED", c.do(fmt.Sprintf("SELECT %d", i+1)))
			require.Equal(t, "+QUEUED", c.do(fmt.Sprintf("SET a %d", i)))
		}
	}
	play()
	require.Equal(t, "*10", c.do("EXEC"))
	for range 10 {
		require.Equal(t, "+OK", c.line())
	}
	p.reign(1)
	require.Equal(t, "+/5:", c.do("WHOAMI"), "what it changed is remembered")
	play()
	p.reign(0)
	require.Empty(t, c.closed(), "an open one cannot be carried over")
	require.Len(t, p.executed(), 5)
}

func TestForward_watchEndsWithTheTransaction(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("WATCH k"))
	require.Equal(t, "+OK", c.do("MULTI"))
	require.Equal(t, "*0", c.do("EXEC"))
	p.reign(1)
	require.Equal(t, "+OK", c.do("SET a 1"))
}

// Invariant 2: a write behind a refused one was executed.
func TestForward_lostOrderCloses(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+OK", c.do("PING"))
	p.with(func() { p.nodes[0].fault = "-READONLY for the first only\r\n" })
	c.send("SET a 1", "DEL x")
	require.Empty(t, c.closed())
	require.Empty(t, p.executed())
}

func TestForward_quitAndHalfClose(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	require.Equal(t, "+bye", c.do("QUIT"))
	require.Empty(t, c.closed())

	c = dial()
	c.send("SET a 1")
	require.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
	require.Equal(t, "+OK\r\n", c.closed())
}

func TestForward_protocolErrorIsToldInItsTurn(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	_, err := c.conn.Write([]byte("*1\r\n$4\r\nPING\r\n*1\r\nx\r\nrest"))
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n-ERR Protocol error: expected '$', got 'x'\r\n", c.closed())
}

func TestForward_limits(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	f, dial := serve(t, p, func(o *Options) { o.ConnsMax = 1; o.UnansweredBytesMax = 100; o.StrangersLimited = true })
	c := dial()
	require.Equal(t, "+OK", c.do("PING"))
	require.Equal(t, "-ERR max number of clients reached\r\n", dial().closed())

	// A pipeline far above what may stay unanswered still gets all its replies.
	for range 50 {
		c.send("AUTH pw", "SET a "+strings.Repeat("x", 60))
	}
	for range 100 {
		require.Equal(t, "+OK", c.line())
	}
	c.conn.Close()
	eventually(t, func() bool { return f.Conns() == 0 })
	c = dial()
	_, err := c.conn.Write([]byte("*11\r\n"))
	require.NoError(t, err)
	require.Equal(t, "-ERR Protocol error: unauthenticated multibulk length\r\n", c.closed())
}

func TestForward_largeCommandsAndReplies(t *testing.T) {
	p := newPair(t)
	p.reign(0)
	_, dial := serve(t, p)
	c := dial()
	big := strings.Repeat("v", 3<<20)
	require.Equal(t, "+OK", c.do("SET a "+big))
	require.Equal(t, fmt.Sprintf("$%d", len(big)), c.do("GET a"))
	require.Equal(t, big, c.line())
}

func TestForward_fallback(t *testing.T) {
	p := newPair(t)
	p.reign(1) // the target; what it refuses goes to node 0
	fallback := p.nodes[0].listener.Addr().String()
	_, dial := serve(t, p, func(o *Options) {
		o.Fallback = TargetFunc(func() (string, <-chan struct{}) { return fallback, nil })
		o.Refusals = []string{"-LOADING "}
	})
	p.with(func() { p.nodes[0].writable = true; p.nodes[1].fault = "-LOADING soon\r\n" })
	c := dial()
	require.Equal(t, "+OK", c.do("SET a 1"))
	require.Equal(t, []string{"SET a 1"}, p.saw(0))
	p.with(func() { p.nodes[1].fault = "" })
	require.Equal(t, "+OK", c.do("SET a 2"))
	require.Len(t, p.saw(0), 2, "a connection stays until the target changes")
	p.nodes[1].kill()
	d := dial()
	require.Equal(t, "+OK", d.do("SET a 3"), "and whoever cannot reach the target goes there at once")
	p.with(func() { p.nodes[1].fault = "" })
	require.Equal(t, []string{"a=1", "a=2", "a=3"}, p.executed())
}

func TestAdopt_goesOnWhereTheMasterStopped(t *testing.T) {
	p := newPair(t)
	p.reign(1)
	f, _ := serve(t, p)
	near, far := net.Pipe()
	defer near.Close()
	f.Adopt(far, []byte("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r"), State{DB: 4, Proto: 3, Name: "n",
		Login: [][]byte{[]byte("*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n")}})
	go near.Write([]byte("\n1\r\n"))
	got := make([]byte, 5)
	_, err := near.Read(got)
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", string(got))
	require.Equal(t, []string{"4:a=1"}, p.executed())
	require.Equal(t, []string{"AUTH pw", "HELLO 3", "SELECT 4", "CLIENT SETNAME n", "SET a 1"}, p.saw(1))
}
