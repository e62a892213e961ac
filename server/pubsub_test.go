package server

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPubsub_conversation(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		s, p := connect(), connect()
		s.begin("SUBSCRIBE a b a", "PSUBSCRIBE n?w*", "SSUBSCRIBE shard")
		for _, want := range []string{"*3 $9 subscribe $1 a :1", "*3 $9 subscribe $1 b :2", "*3 $9 subscribe $1 a :2", "*3 $10 psubscribe $4 n?w* :3", "*3 $10 ssubscribe $5 shard :1"} {
			s.gets(want)
		}
		s.lines(
			"GET a", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
			"CLIENT ID", "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
			"PING", "*2 $4 pong $0 ",
			"PING x", "*2 $4 pong $1 x",
		)
		p.lines("PUBLISH a hello", ":1", "PUBLISH news x", ":1", "PUBLISH nobody x", ":0", "SPUBLISH shard y", ":1", "PUBLISH shard y", ":0",
			"PUBSUB NUMSUB a b c", "*6 $1 a :1 $1 b :1 $1 c :0", "PUBSUB NUMPAT", ":1", "PUBSUB CHANNELS a*", "*1 $1 a",
			"PUBSUB SHARDCHANNELS", "*1 $5 shard", "PUBSUB SHARDNUMSUB shard", "*2 $5 shard :1")
		s.gets("*3 $7 message $1 a $5 hello")
		s.gets("*4 $8 pmessage $4 n?w* $4 news $1 x")
		s.gets("*3 $8 smessage $5 shard $1 y")
		s.lines("UNSUBSCRIBE a", "*3 $11 unsubscribe $1 a :2", "UNSUBSCRIBE nosuch", "*3 $11 unsubscribe $6 nosuch :2", "UNSUBSCRIBE", "*3 $11 unsubscribe $1 b :1",
			"UNSUBSCRIBE", "*3 $11 unsubscribe $-1 :1", "PUNSUBSCRIBE", "*3 $12 punsubscribe $4 n?w* :0", "SUNSUBSCRIBE", "*3 $12 sunsubscribe $5 shard :0",
			"GET a", "$-1")
		p.is("*0", "PUBSUB CHANNELS")
		s.do("SUBSCRIBE a")
		s.conn.Close()
		p.awaitInfo("pubsub_channels", "0")
	})
}

func TestPubsub_RESP3MixesWithCommands(t *testing.T) {
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		s := connect()
		s.do("HELLO 3")
		s.is(">3 $9 subscribe $1 a :1", "SUBSCRIBE a")
		s.lines("SET k v", "+OK", "GET k", "$1 v", "GET nosuch", "_", "PING", "+PONG")
		// Its own message comes before the reply of PUBLISH.
		s.is(">3 $7 message $1 a $2 hi", "PUBLISH a hi")
		s.gets(":1")
		other := connect()
		other.is(":1", "PUBLISH a again")
		s.gets(">3 $7 message $1 a $5 again")
	})
}

func TestPubsub_order(t *testing.T) {
	v := start(t, "io-threads 4")
	s, p := dial(t, v), dial(t, v)
	s.do("SUBSCRIBE c")
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "PUBLISH c %d\r\n", i)
	}
	go p.conn.Write([]byte(b.String())) // the replies are read by the caller's reader
	for i := range 2000 {
		require.Equal(t, fmt.Sprintf("*3 $7 message $1 c $%d %d", len(strconv.Itoa(i)), i), flat(s.reply()))
	}
}

func TestPubsub_keyspaceEvents(t *testing.T) {
	v := start(t, "notify-keyspace-events KEA")
	s, c := dial(t, v), dial(t, v)
	s.do("PSUBSCRIBE __key*__:*")
	c.lines("SET a 1", "+OK", "EXPIRE a 100", ":1", "DEL a", ":1", "CONFIG SET notify-keyspace-events Ex", "+OK", "SET b 1 PX 1", "+OK")
	for _, want := range []string{
		"__keyspace@0__:a set", "__keyevent@0__:set a", "__keyspace@0__:a expire", "__keyevent@0__:expire a", "__keyspace@0__:a del", "__keyevent@0__:del a",
		"__keyevent@0__:expired b",
	} {
		words := strings.Split(flat(s.reply()), " ")
		require.Equal(t, want, words[6]+" "+words[8])
	}
}

func TestPubsub_inTransaction(t *testing.T) {
	c := dial(t, start(t))
	c.lines("MULTI", "+OK", "SUBSCRIBE a", "+QUEUED", "PING", "+QUEUED")
	c.begin("EXEC")
	c.gets("*2 *3 $9 subscribe $1 a :1 *2 $4 pong $0 ")
	c.is("+RESET", "RESET")
	c.is("$-1", "GET a")
}

// TestPubsub_slowReader: a subscriber who does not read is closed at its limit, and costs nobody else anything.
func TestPubsub_slowReader(t *testing.T) {
	for _, pipes := range []bool{false, true} {
		v := start(t, "client-output-buffer-limit pubsub 1mb 0 0")
		slow := pipeOrSocket(t, v, pipes)
		_, err := slow.Write([]byte("SUBSCRIBE c\r\n"))
		require.NoError(t, err)
		c := dial(t, v)
		c.awaitInfo("pubsub_channels", "1")
		message := strings.Repeat("x", 100_000)
		sent := 0
		for ; flat(c.do("PUBLISH c "+message)) == ":1"; sent++ {
			require.Less(t, sent, 1000, "the slow reader stays")
		}
		require.Greater(t, sent, 9)
		c.awaitInfo("pubsub_channels", "0")
		require.Equal(t, "1", c.info("client_output_buffer_limit_disconnections"))
	}
}
