package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const noGroup = "-NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option"

// TestBlocking_streams: what ends the wait of XREAD and XREADGROUP, and with what.
func TestBlocking_streams(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		const got = "*1 *2 $1 k *1 *2 $3 2-1 *2 $1 a $1 2"
		for _, s := range []struct {
			wait string
			wake []string
			want string
		}{
			{"XREAD BLOCK 0 STREAMS k $", []string{"XADD k 2-1 a 2"}, got},
			{"XREAD COUNT 1 BLOCK 100000 STREAMS x k $ 1-1", []string{"XADD k 2-1 a 2", "XADD k 3-1 a 3"}, got},
			{"XREAD BLOCK 0 STREAMS k $", []string{"XDEL k 1-1", "XGROUP CREATE k h 0", "XTRIM k MAXLEN 0", "XADD k 2-1 a 2"}, got},
			{"XREAD BLOCK 0 STREAMS k 1-1", []string{"DEL k", "SET k x", "DEL k", "XADD k 2-1 a 2"}, got},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"XADD k 2-1 a 2"}, got},
			{"XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS k >", []string{"XADD k MAXLEN 1 2-1 a 2"}, got},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"XGROUP DELCONSUMER k g c", "XADD k 2-1 a 2"}, got},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"XGROUP SETID k g 0"}, "*1 *2 $1 k *1 *2 $3 1-1 *2 $1 a $1 1"},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"MULTI", "XADD k 2-1 a 2", "XADD k 3-1 a 3", "XDEL k 3-1", "EXEC"}, got},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"XGROUP DESTROY k g"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"DEL k"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"RENAME k z"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"FLUSHALL"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"SWAPDB 0 1"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"PEXPIRE k 1"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"SET k x"}, "-WRONGTYPE Operation against a key holding the wrong kind of value"},
			{"XREADGROUP GROUP g c BLOCK 0 STREAMS k >", []string{"MULTI", "DEL k", "XADD k 2-1 a 2", "EXEC"}, noGroup},
			{"XREADGROUP GROUP g c BLOCK 1 STREAMS k >", nil, "*-1"},
			{"XREAD BLOCK 1 STREAMS k $", nil, "*-1"},
		} {
			c.is("+OK", "FLUSHALL")
			c.lines("XADD k 1-1 a 1", "$3 1-1", "XGROUP CREATE k g $", "+OK")
			w := connect()
			w.begin(s.wait)
			if s.wake != nil {
				c.awaitInfo("blocked_clients", "1")
			}
			for _, line := range s.wake {
				require.NotEqual(t, "-", c.do(line)[:1], line)
			}
			require.Equal(t, s.want, flat(w.reply()), "%s, %q", s.wait, s.wake)
			c.awaitInfo("blocked_clients", "0")
			w.is("+PONG", "PING")
		}
	})
}

// TestBlocking_consumers: of the consumers of a group that wait, the first gets what comes, and the next what comes next.
func TestBlocking_consumers(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.lines("XGROUP CREATE k g $ MKSTREAM", "+OK")
	connect := func() *caller { return dial(t, v) }
	first := blocked(connect, c, 1, "XREADGROUP GROUP g first BLOCK 0 STREAMS k >")
	second := blocked(connect, c, 2, "XREADGROUP GROUP g second BLOCK 0 STREAMS k >")
	reader := blocked(connect, c, 3, "XREAD BLOCK 0 STREAMS k $")
	c.is("$3 1-1", "XADD k 1-1 a 1")
	first.gets("*1 *2 $1 k *1 *2 $3 1-1 *2 $1 a $1 1")
	reader.gets("*1 *2 $1 k *1 *2 $3 1-1 *2 $1 a $1 1")
	c.awaitInfo("blocked_clients", "1")
	c.is("$3 2-1", "XADD k 2-1 a 2")
	second.gets("*1 *2 $1 k *1 *2 $3 2-1 *2 $1 a $1 2")
	c.is("*4 :2 $3 1-1 $3 2-1 *2 *2 $5 first $1 1 *2 $6 second $1 1", "XPENDING k g")
}
