package server

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pipeOrSocket gives a connection that nobody reads.
func pipeOrSocket(t *testing.T, v *Server, pipes bool) net.Conn {
	t.Helper()
	if pipes {
		here, there := net.Pipe()
		v.ServeConn(there)
		t.Cleanup(func() { here.Close() })
		return here
	}
	conn, err := net.Dial("tcp", v.Addr(PortNode))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestLimits_slowReaderOfReplies(t *testing.T) {
	for _, pipes := range []bool{false, true} {
		v := start(t, "client-output-buffer-limit normal 4mb 0 0")
		c := dial(t, v)
		c.is("+OK", "SET big "+strings.Repeat("x", 1<<20))
		slow := pipeOrSocket(t, v, pipes)
		_, err := slow.Write([]byte(strings.Repeat("GET big\r\n", 64)))
		require.NoError(t, err)
		c.awaitInfo("client_output_buffer_limit_disconnections", "1")
		c.awaitInfo("connected_clients", "1")
	}
}

func TestLimits_slowReaderWithoutLimitGetsAll(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is("+OK", "SET big "+strings.Repeat("x", 1<<20))
	slow := pipeOrSocket(t, v, false)
	_, err := slow.Write([]byte(strings.Repeat("GET big\r\n", 32)))
	require.NoError(t, err)
	c.is("+PONG", "PING")
	late := newCaller(t, slow)
	for range 32 {
		require.Len(t, late.reply(), 1<<20+len("$1048576\r\n\r\n"))
	}
}

func TestLimits_maxclients(t *testing.T) {
	v := start(t, "maxclients 2")
	a := dial(t, v)
	a.is("+PONG", "PING")
	b := pipe(t, v)
	b.is("+PONG", "PING")
	require.Equal(t, "-ERR max number of clients reached\r\n", dial(t, v).closed())
	require.Equal(t, "-ERR max number of clients reached\r\n", pipe(t, v).closed())
	require.Equal(t, "2", a.info("rejected_connections"))
	b.conn.Close()
	a.awaitInfo("connected_clients", "1")
	dial(t, v).is("+PONG", "PING")
}

// strangeConn comes from another machine, as far as the server can see.
type strangeConn struct{ net.Conn }

func (strangeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

func stranger(t *testing.T, v *Server) *caller {
	here, there := net.Pipe()
	c := newCaller(t, here)
	v.arriveConn(&port{kind: PortNode}, strangeConn{there})
	return c
}

func TestLimits_protectedMode(t *testing.T) {
	v := start(t)
	require.Equal(t, protectedModeText, stranger(t, v).closed())
	c := dial(t, v)
	c.is("+OK", "CONFIG SET requirepass secret")
	s := stranger(t, v)
	s.lines("PING", "-NOAUTH Authentication required.", "AUTH secret", "+OK", "PING", "+PONG")
	c.is("+OK", "CONFIG SET requirepass \"\" protected-mode no")
	stranger(t, v).is("+PONG", "PING")
	local := startWithLocalDebug(t)
	dial(t, local).is("+OK", "DEBUG JMAP")
	require.Contains(t, stranger(t, local).do("DEBUG JMAP"), "-ERR DEBUG command not allowed.")
}

func startWithLocalDebug(t *testing.T) *Server {
	return start(t, "enable-debug-command local", "protected-mode no")
}

func TestLimits_idle(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		idle, waiting, listening := connect(), connect(), connect()
		idle.is("+PONG", "PING")
		waiting.begin("BLPOP k 0")
		listening.do("SUBSCRIBE c")
		require.Empty(t, idle.closed())
		c := connect()
		c.is(":1", "RPUSH k a")
		waiting.gets("*2 $1 k $1 a")
		c.is(":1", "PUBLISH c x")
		listening.gets("*3 $7 message $1 c $1 x")
	}, "timeout 1", "hz 100")
}

func TestLimits_manyClients(t *testing.T) {
	v := start(t, "io-threads 4")
	var all []*caller
	for range 200 {
		all = append(all, dial(t, v))
	}
	for _, c := range all {
		c.begin("INCR n")
	}
	seen := map[string]bool{}
	for _, c := range all {
		seen[c.reply()] = true
	}
	require.Len(t, seen, 200)
}

func TestClient_listKillInfo(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c, other := connect(), connect()
		id := other.id() // it is there only when it was answered: accepting takes its time
		c.lines("CLIENT GETNAME", "$-1", "CLIENT SETNAME me", "+OK", "CLIENT GETNAME", "$2 me",
			"CLIENT SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.",
			"CLIENT SETINFO LIB-NAME redis-x", "+OK", "CLIENT SETINFO LIB-VER 1.2", "+OK", "CLIENT SETINFO x y", "-ERR Unrecognized option 'x'",
			"CLIENT NO-EVICT on", "+OK", "CLIENT NO-TOUCH maybe", "-ERR syntax error", "SELECT 3", "+OK")
		info := c.text("CLIENT INFO")
		require.Regexp(t, `^id=\d+ addr=\S+ laddr=\S+ fd=-?\d+ name=me age=\d+ idle=0 flags=\S+ db=3 sub=0 psub=0 ssub=0 multi=-1 .* cmd=client\|info user=default redir=-1 resp=2 lib-name=redis-x lib-ver=1.2\n$`, info)
		list := c.text("CLIENT LIST")
		require.Len(t, strings.Split(strings.TrimSpace(list), "\n"), 2)
		require.Contains(t, c.text("CLIENT LIST ID "+id), "id="+id+" ")
		c.lines("CLIENT LIST TYPE x", "-ERR Unknown client type 'x'", "CLIENT KILL nosuch:1", "-ERR No such client", "CLIENT KILL ID 99999", ":0",
			"CLIENT KILL ID x", "-ERR client-id should be greater than 0", "CLIENT KILL SKIPME maybe", "-ERR syntax error", "CLIENT KILL USER nobody", "-ERR No such user 'nobody'")
		c.is(":1", "CLIENT KILL ID "+id)
		require.Empty(t, other.closed())
		third := connect()
		third.do("SUBSCRIBE x")
		c.is(":1", "CLIENT KILL TYPE pubsub")
		require.Empty(t, third.closed())
		c.send(encode("CLIENT KILL SKIPME no TYPE normal") + encode("PING"))
		require.Equal(t, ":1\r\n", c.closed())
	})
}

func TestClient_reply(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c, other := connect(), connect()
		c.begin("CLIENT REPLY OFF", "SET a 1", "nosuch", "GET", "MULTI", "SET a 2", "EXEC", "BLPOP k 0", "INCR a", "CLIENT REPLY ON", "PING")
		other.awaitInfo("blocked_clients", "1")
		other.is(":1", "RPUSH k x")
		c.gets("+OK")
		c.gets("+PONG")
		c.is("$1 3", "GET a")
		c.begin("CLIENT REPLY SKIP", "nosuch", "PING", "CLIENT REPLY SKIP", "BLPOP k 0", "ECHO x")
		c.gets("+PONG")
		other.awaitInfo("blocked_clients", "1")
		other.is(":1", "RPUSH k x")
		c.gets("$1 x")
		c.begin("CLIENT REPLY OFF", "PING", "RESET", "PING")
		c.gets("+RESET")
		c.gets("+PONG")
	})
}

func TestClient_pause(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c, w, r := connect(), connect(), connect()
		c.is("+OK", "SET soon x PX 30")
		c.is("+OK", "CLIENT PAUSE 100000 WRITE")
		from := v.x.stream.End()
		w.begin("SET a 1", "GET a")
		c.awaitInfo("blocked_clients", "1")
		r.lines("GET a", "$-1", "MULTI", "+OK", "INCR n", "+QUEUED")
		r.begin("EXEC")
		c.awaitInfo("blocked_clients", "2")
		require.Eventually(t, func() bool { return flat(c.do("PTTL soon")) == ":-2" }, patience, time.Millisecond)
		c.is(":1", "DBSIZE") // expired, and not removed while writes are held
		require.Equal(t, from, v.x.stream.End())
		c.is("+OK", "CLIENT UNPAUSE")
		w.gets("+OK")
		w.gets("$1 1")
		r.gets("*1 :1")
		c.is("+OK", "CLIENT PAUSE 20")
		c.is("+PONG", "PING")
		c.lines("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range", "CLIENT PAUSE -1", "-ERR timeout is negative", "CLIENT PAUSE 1 x", "-ERR CLIENT PAUSE mode must be WRITE or ALL")
	})
}

func TestSession_hello(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		require.Regexp(t, `^\*14 \$6 server \$5 redis \$7 version \$5 7\.2\.4 \$5 proto :2 \$2 id :\d+ \$4 mode \$10 standalone \$4 role \$6 master \$7 modules \*0$`, flat(c.do("HELLO")))
		require.Equal(t, "%7\r\n", c.do("HELLO 3 SETNAME x")[:4])
		c.lines("CLIENT GETNAME", "$1 x", "GET nosuch", "_", "HELLO 4", "-NOPROTO unsupported protocol version",
			"HELLO x", "-ERR Protocol version is not an integer or out of range", "HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'",
			"HELLO 2 AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled.", "GET nosuch", "_",
			"RESET", "+RESET", "GET nosuch", "$-1", "CLIENT GETNAME", "$-1", "QUIT", "+OK")
		require.Empty(t, c.closed())
	})
}

func TestSession_quitIsTheLast(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c := connect()
		c.begin("SET a 1", "QUIT", "SET a 2")
		require.Equal(t, "+OK\r\n+OK\r\n", c.closed())
		connect().is("$1 1", "GET a")
	})
}

func TestSession_closeLeavesNothing(t *testing.T) {
	for _, threads := range []int{1, 4} {
		v := start(t, fmt.Sprintf("io-threads %d", threads))
		a, b, c := dial(t, v), pipe(t, v), dial(t, v)
		a.is("+PONG", "PING")
		b.begin("BLPOP k 0")
		c.do("SUBSCRIBE x")
		a.awaitInfo("blocked_clients", "1")
		require.NoError(t, v.Close())
		for _, each := range []*caller{a, b, c} {
			require.Empty(t, each.closed())
		}
	}
}
