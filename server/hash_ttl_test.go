package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFieldDeadlines_active(t *testing.T) {
	v := start(t, "notify-keyspace-events KEA", "enable-debug-command yes")
	s, c := dial(t, v), dial(t, v)
	c.lines("DEBUG SET-ACTIVE-EXPIRE 0", "+OK", "HSET h a 1 b 2", ":2", "HSET g a 1", ":1", "HPEXPIRE h 1 FIELDS 1 a", "*1 :1", "HEXPIRE g 100 FIELDS 1 a", "*1 :1")
	require.Contains(t, c.info("db0"), "subexpiry=2")
	s.do("PSUBSCRIBE __keyevent*__:*")
	c.is("+OK", "DEBUG SET-ACTIVE-EXPIRE 1")
	c.awaitInfo("expired_subkeys", "1")
	require.Contains(t, c.info("db0"), "subexpiry=1")
	c.lines("HPEXPIRE h 1 FIELDS 1 b", "*1 :1")
	c.awaitInfo("expired_subkeys", "2")
	require.Contains(t, c.info("db0"), "keys=1,")
	for _, want := range []string{"hexpired h", "hexpire h", "hexpired h", "del h"} {
		words := strings.Split(flat(s.reply()), " ")
		require.Equal(t, "__keyevent@0__:"+want, words[6]+" "+words[8])
	}
	c.is("+OK", "CONFIG RESETSTAT")
	require.Equal(t, "0", c.info("expired_subkeys"))
}

// TestFieldDeadlines_comeBack: from a checkpoint, and from an RDB file.
func TestFieldDeadlines_comeBack(t *testing.T) {
	v := start(t, "appendonly yes", "enable-debug-command yes")
	c := dial(t, v)
	for i := range 600 {
		c.do(fmt.Sprintf("HSET large f%d %d", i, i))
	}
	c.lines("HSET small a 1 b 2", ":2", "HEXPIRE small 100 FIELDS 1 a", "*1 :1", "HEXPIRE large 1000 FIELDS 2 f5 f6", "*2 :1 :1")
	digest := c.do("DEBUG DIGEST")
	c.is("+OK", "DEBUG RELOAD")
	require.Equal(t, digest, c.do("DEBUG DIGEST"))
	c.lines("OBJECT ENCODING small", "$10 listpackex", "OBJECT ENCODING large", "$9 hashtable")
	require.Contains(t, c.info("db0"), "subexpiry=2")
}
