package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// blocked starts a command that waits, and sees that it does.
func blocked(connect func() *caller, c *caller, waiting int, lines ...string) *caller {
	c.t.Helper()
	w := connect()
	w.begin(lines...)
	c.awaitInfo("blocked_clients", fmt.Sprint(waiting))
	return w
}

func TestBlocking_wakes(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		for _, s := range []struct {
			wait string
			wake []string
			want string
		}{
			{"BLPOP k 0", []string{"RPUSH k a"}, "*2 $1 k $1 a"},
			{"BLPOP x k 0", []string{"RPUSH k a"}, "*2 $1 k $1 a"},
			{"BRPOP k 0", []string{"RPUSH k a b"}, "*2 $1 k $1 b"},
			{"BLMOVE k d LEFT RIGHT 0", []string{"RPUSH k a"}, "$1 a"},
			{"BRPOPLPUSH k d 0", []string{"RPUSH k a"}, "$1 a"},
			{"BLMPOP 0 2 x k LEFT COUNT 2", []string{"RPUSH k a b c"}, "*2 $1 k *2 $1 a $1 b"},
			{"BZPOPMIN k 0", []string{"ZADD k 1 a"}, "*3 $1 k $1 a $1 1"},
			{"BZPOPMAX k 0", []string{"ZADD k 1 a 2 b"}, "*3 $1 k $1 b $1 2"},
			{"BZMPOP 0 1 k MIN", []string{"ZADD k 1 a"}, "*2 $1 k *1 *2 $1 a $1 1"},
			{"BLPOP k 0", []string{"RPUSH l a", "RENAME l k"}, "*2 $1 k $1 a"},
			{"BLPOP k 0", []string{"RPUSH l a", "COPY l k"}, "*2 $1 k $1 a"},
			{"BLPOP k 0", []string{"SELECT 1", "RPUSH k a", "MOVE k 0", "SELECT 0"}, "*2 $1 k $1 a"},
			{"BLPOP k 0", []string{"SELECT 1", "RPUSH k a", "SWAPDB 0 1", "SELECT 0"}, "*2 $1 k $1 a"},
			{"BLPOP k 0", []string{"ZADD k 1 a", "SET k x", "DEL k", "RPUSH k a"}, "*2 $1 k $1 a"},
			{"BZPOPMIN k 0", []string{"RPUSH k a", "DEL k", "ZADD k 1 a"}, "*3 $1 k $1 a $1 1"},
			{"BLPOP k 0", []string{"MULTI", "RPUSH k a", "DEL k", "RPUSH k b", "EXEC"}, "*2 $1 k $1 b"},
		} {
			c.is("+OK", "FLUSHALL")
			w := blocked(connect, c, 1, s.wait)
			for _, line := range s.wake {
				require.NotEqual(t, "-", c.do(line)[:1], line)
			}
			require.Equal(t, s.want, flat(w.reply()), "%s, %q", s.wait, s.wake)
			c.awaitInfo("blocked_clients", "0")
			w.is("+PONG", "PING")
		}
	})
}

func TestBlocking_doesNotWake(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	w := blocked(func() *caller { return dial(t, v) }, c, 1, "BLPOP k 0")
	c.lines("SET k x", "+OK", "DEL k", ":1", "ZADD k 1 a", ":1", "DEL k", ":1", "MULTI", "+OK", "RPUSH k a", "+QUEUED", "DEL k", "+QUEUED", "EXEC", "*2 :1 :1")
	c.is(":1", "RPUSH other a")
	c.awaitInfo("blocked_clients", "1")
	w.silent()
}

func TestBlocking_inTheOrderOfTheClients(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		var waiting []*caller
		for i := range 5 {
			waiting = append(waiting, blocked(connect, c, i+1, "BLPOP a b 0"))
		}
		c.is(":3", "RPUSH b 1 2 3")
		for i := range 3 {
			waiting[i].gets(fmt.Sprintf("*2 $1 b $1 %d", i+1))
		}
		c.awaitInfo("blocked_clients", "2")
		c.is(":1", "RPUSH a 4")
		waiting[3].gets("*2 $1 a $1 4")
		c.is(":1", "RPUSH a 5")
		waiting[4].gets("*2 $1 a $1 5")
	})
}

func TestBlocking_chainOfMoves(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		from := v.x.stream.End()
		last := blocked(connect, c, 1, "BLPOP c 0")
		second := blocked(connect, c, 2, "BLMOVE b c LEFT LEFT 0")
		first := blocked(connect, c, 3, "BLMOVE a b LEFT LEFT 0")
		c.is(":1", "RPUSH a x")
		first.gets("$1 x")
		second.gets("$1 x")
		last.gets("*2 $1 c $1 x")
		c.is(":0", "EXISTS a b c")
		require.Equal(t, "SELECT 0|RPUSH a x|LMOVE a b LEFT LEFT|LMOVE b c LEFT LEFT|LPOP c", logLines(t, v, from))
	})
}

func TestBlocking_timeouts(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		began := time.Now()
		c.is("*-1", "BLPOP k 0.05")
		require.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond)
		c.is("*-1", "BLMOVE k l LEFT LEFT 0.001") // as in Redis, though it would answer with a string
		c.is("-ERR timeout is negative", "BLPOP k -1")
		c.is("-ERR timeout is not a float or out of range", "BLPOP k x")
		long := blocked(connect, c, 1, "BLPOP k 100")
		short := connect()
		short.is("*-1", "BLPOP k 0.01")
		c.is(":1", "RPUSH k a")
		long.gets("*2 $1 k $1 a")
		c3 := connect()
		c3.do("HELLO 3")
		c3.is("_", "BLPOP k 0.001")
	})
}

func TestBlocking_pipelineBehind(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		w := blocked(connect, c, 1, "SET a 1", "BLPOP k 0", "INCR a", "BLPOP k 0", "INCR a")
		w.gets("+OK")
		c.is("$1 1", "GET a")
		w.begin("INCR a", "PING") // arrives while it waits
		c.is(":1", "RPUSH k x")
		w.gets("*2 $1 k $1 x")
		w.gets(":2")
		c.awaitInfo("blocked_clients", "1")
		c.is(":1", "RPUSH k y")
		require.Equal(t, "*2 $1 k $1 y :3 :4 +PONG", flat(strings.Join(w.replies(4), "")))
	})
}

func TestBlocking_endsWithTheConnection(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		w := blocked(connect, c, 1, "BLPOP k 0")
		w.conn.Close()
		c.awaitInfo("blocked_clients", "0")
		c.is(":1", "RPUSH k a")
		c.is(":1", "LLEN k")
	})
}

func TestBlocking_clientUnblock(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		w := connect()
		id := w.id()
		c.is(":0", "CLIENT UNBLOCK "+id)
		w.begin("BLPOP k 0", "PING")
		c.awaitInfo("blocked_clients", "1")
		c.is(":1", "CLIENT UNBLOCK "+id)
		w.gets("*-1")
		w.gets("+PONG")
		w.begin("BZPOPMIN k 0")
		c.awaitInfo("blocked_clients", "1")
		c.is(":1", "CLIENT UNBLOCK "+id+" ERROR")
		w.gets("-UNBLOCKED client unblocked via CLIENT UNBLOCK")
		c.is("-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR", "CLIENT UNBLOCK "+id+" x")
		c.is("-ERR value is not an integer or out of range", "CLIENT UNBLOCK x")
	})
}

func TestBlocking_killedWhileItWaits(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c, w := connect(), connect()
		id := w.id()
		w.begin("BLPOP k 0")
		c.awaitInfo("blocked_clients", "1")
		c.is(":1", "CLIENT KILL ID "+id)
		require.Empty(t, w.closed())
		c.awaitInfo("blocked_clients", "0")
	})
}
