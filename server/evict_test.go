package server

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// number is a field of INFO that is a whole number.
func (c *caller) number(name string) int64 {
	c.t.Helper()
	n, err := strconv.ParseInt(c.info(name), 10, 64)
	require.NoError(c.t, err, name)
	return n
}

// pipeline sends lines together and gives the replies in one line each.
func (c *caller) pipeline(lines []string) (replies []string) {
	c.t.Helper()
	c.begin(lines...)
	for _, raw := range c.replies(len(lines)) {
		replies = append(replies, flat(raw))
	}
	return replies
}

// collect lets go of the garbage of other tests, and has the server see that.
func collect(v *Server) {
	runtime.GC()
	v.x.acquire(nil)
	v.x.lookAtMemory()
	v.x.release(nil)
}

// limitMemory sets maxmemory so far above what is in use now.
func (c *caller) limitMemory(v *Server, above int64) (limit int64) {
	c.t.Helper()
	collect(v)
	limit = c.number("used_memory") + above
	c.is("+OK", fmt.Sprintf("CONFIG SET maxmemory %d", limit))
	return limit
}

// digest waits until the standby has all and gives the data's digest on both.
func sameDigest(t *testing.T, master, standby *Server) {
	t.Helper()
	m, s := dial(t, master), dial(t, standby)
	m.is("+OK", "DEBUG PAUSE-CRON 1") // nothing expires and goes from here on
	require.Eventually(t, func() bool { return m.info("master_repl_offset") == s.info("master_repl_offset") }, patience, time.Millisecond)
	require.Equal(t, m.do("DEBUG DIGEST"), s.do("DEBUG DIGEST"))
	m.is("+OK", "DEBUG PAUSE-CRON 0")
}

// With each policy memory stays below the limit while far more is written, the right keys go, and a standby that has no limit
// of its own ends with the same data.
func TestEvict_policies(t *testing.T) {
	value := strings.Repeat("x", 4000)
	for _, p := range policies() {
		if p.name == "noeviction" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			v := start(t, "maxmemory-policy "+p.name, "hz 100")
			standby := follow(t, v, "maxmemory 1", "maxmemory-policy "+p.name)
			c := dial(t, v)
			var lines []string
			for i := range 300 {
				lines = append(lines, fmt.Sprintf("SET keep:%d %s", i, value), fmt.Sprintf("SET soon:%d %s EX %d", i, value, 1000+i))
			}
			c.pipeline(lines)
			limit := c.limitMemory(v, 16<<20)
			const rounds, batch = 100, 100
			for round := range rounds {
				lines = lines[:0]
				for i := range batch {
					lines = append(lines, fmt.Sprintf("SET new:%d:%d %s EX 100000", round, i, value))
				}
				for i, reply := range c.pipeline(lines) {
					require.Equal(t, "+OK", reply, "%.20s", lines[i])
				}
			}
			require.Eventually(t, func() bool {
				return c.number("used_memory")-c.number("mem_not_counted_for_evict") <= limit && c.info("current_eviction_exceeded_time") == "0"
			}, patience, time.Millisecond)
			require.Greater(t, c.number("evicted_keys"), int64(5000))
			require.Zero(t, c.number("expired_keys"))
			require.Eventually(t, func() bool { // more may go between the two questions
				return rounds*batch+600-c.number("evicted_keys") == mustInt(t, c.do("DBSIZE"))
			}, patience, time.Millisecond)
			if p.how.Volatile {
				keep := "EXISTS"
				for i := range 300 {
					keep += fmt.Sprintf(" keep:%d", i)
				}
				c.is(":300", keep)
			}
			if p.name == "volatile-ttl" {
				for i := range 300 {
					c.is(":0", fmt.Sprintf("EXISTS soon:%d", i))
				}
			}
			require.Zero(t, dial(t, standby).number("evicted_keys"))
			sameDigest(t, v, standby)
		})
	}
}

func mustInt(t *testing.T, raw string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Trim(raw, ":\r\n"), 10, 64)
	require.NoError(t, err)
	return n
}

// What is used often stays when a policy goes by frequency.
func TestEvict_frequentKeysStay(t *testing.T) {
	v := start(t, "maxmemory-policy allkeys-lfu", "string-compression no")
	c := dial(t, v)
	value := strings.Repeat("x", 1000)
	for i := range 100 {
		c.is("+OK", fmt.Sprintf("SET hot:%d %s", i, value))
		for range 30 {
			c.do("STRLEN hot:" + strconv.Itoa(i))
		}
	}
	c.limitMemory(v, 8<<20)
	for i := 0; i < 30_000; i += 100 {
		var lines []string
		for j := range 100 {
			lines = append(lines, fmt.Sprintf("SET cold:%d %s", i+j, value))
		}
		c.pipeline(lines)
	}
	require.Greater(t, c.number("evicted_keys"), int64(10_000))
	stayed := 0
	for i := range 100 {
		if flat(c.do(fmt.Sprintf("EXISTS hot:%d", i))) == ":1" {
			stayed++
		}
	}
	require.Greater(t, stayed, 90)
}

// A lower limit is met at once, without a command, in slices of housekeeping; large values count as gone when they are
// deleted.
func TestEvict_lowerLimit(t *testing.T) {
	v := start(t, "maxmemory-policy allkeys-random")
	c := dial(t, v)
	c.is("+OK", "DEBUG POPULATE 50000 key 100")
	for i := range 4 {
		line := fmt.Sprintf("SADD large:%d", i)
		for j := range 20_000 {
			line += fmt.Sprintf(" member:%d", j)
		}
		c.is(":20000", line)
	}
	collect(v)
	before := c.number("used_memory")
	c.is("+OK", "CONFIG SET maxmemory "+strconv.FormatInt(before-3<<20, 10))
	require.Eventually(t, func() bool { return c.number("evicted_keys") > 0 && c.info("current_eviction_exceeded_time") == "0" }, patience, time.Millisecond)
	require.LessOrEqual(t, c.number("used_memory")-c.number("mem_not_counted_for_evict"), before-3<<20)
	require.Greater(t, mustInt(t, c.do("DBSIZE")), int64(5000), "no more than asked for")
	c.is("+OK", "CONFIG SET maxmemory 1")
	require.Eventually(t, func() bool { return flat(c.do("DBSIZE")) == ":0" }, patience, time.Millisecond)
	c.is("-OOM command not allowed when used memory > 'maxmemory'.", "SET k v")
	require.Positive(t, c.number("current_eviction_exceeded_time")+1)
	c.lines("CONFIG SET maxmemory 0", "+OK", "SET k v", "+OK")
	c.awaitInfo("current_eviction_exceeded_time", "0")
}

func TestEvict_noeviction(t *testing.T) {
	const oom = "-OOM command not allowed when used memory > 'maxmemory'."
	carriers(t, func(t *testing.T, v *Server, connect func() *caller) {
		c, other := connect(), connect()
		c.lines("SET k v", "+OK", "MULTI", "+OK", "SET a 1", "+QUEUED")
		other.lines("MULTI", "+OK", "GET k", "+QUEUED")
		connect().is("+OK", "CONFIG SET maxmemory 1")
		c.lines("EXEC", "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.")
		other.lines("EXEC", "*1 $1 v")
		c.lines("SET k 1", oom, "APPEND k 1", oom, "LPUSH l 1", oom, "GET k", "$1 v", "EXISTS k", ":1", "PING", "+PONG", "DEL none", ":0", "EXPIRE k 100", ":1")
		c.lines("MULTI", "+OK", "GET k", oom, "EXEC", "-EXECABORT Transaction discarded because of previous errors.")
		c.lines("MULTI", "+OK", "DISCARD", "+OK", "CONFIG SET maxmemory-policy volatile-ttl", "+OK", "SET n 1", oom, "EXISTS k", ":0",
			"CONFIG SET maxmemory 0", "+OK", "INCR n", ":1")
	})
}

// Each evicted key is a DEL in the log before the command that needed its room, an event and a change for who watches it.
func TestEvict_isSeen(t *testing.T) {
	v := start(t, "maxmemory-policy allkeys-random", "notify-keyspace-events Ee")
	c, w, s := dial(t, v), dial(t, v), dial(t, v)
	c.is("+OK", "SET k v")
	s.is("*3 $9 subscribe $22 __keyevent@0__:evicted :1", "SUBSCRIBE __keyevent@0__:evicted")
	w.lines("WATCH k", "+OK", "MULTI", "+OK", "PING", "+QUEUED")
	standby := follow(t, v)
	c.lines("CONFIG SET maxmemory 1", "+OK")
	s.gets("*3 $7 message $22 __keyevent@0__:evicted $1 k")
	c.is("+OK", "CONFIG SET maxmemory 0")
	w.is("*-1", "EXEC")
	c.lines("EXISTS k", ":0", "SET k2 v", "+OK")
	sameDigest(t, v, standby)
}

// While writes are held, and on a standby, nothing is evicted and nothing refused.
func TestEvict_paused(t *testing.T) {
	v := start(t, "maxmemory-policy allkeys-random")
	c := dial(t, v)
	c.lines("SET k v", "+OK", "CLIENT PAUSE 100000 WRITE", "+OK", "CONFIG SET maxmemory 1", "+OK", "GET k", "$1 v")
	c.is("+OK", "CLIENT UNPAUSE")
	require.Eventually(t, func() bool { return flat(c.do("DBSIZE")) == ":0" }, patience, time.Millisecond)
}

func TestTenacity(t *testing.T) {
	for tenacity, want := range map[int]time.Duration{0: 0, 1: 50 * time.Microsecond, 10: 500 * time.Microsecond, 11: 575 * time.Microsecond} {
		require.InDelta(t, want, tenacityLimit(tenacity), 10)
	}
	require.Greater(t, tenacityLimit(99), 2*time.Minute)
	require.Greater(t, tenacityLimit(100), 24*time.Hour)
}

func TestAccess_noTouch(t *testing.T) {
	v := start(t)
	c := dial(t, v)
	c.is("+OK", "SET k v")
	idle := func() int64 { return mustInt(t, c.do("OBJECT IDLETIME k")) }
	require.Eventually(t, func() bool { return idle() >= 2 }, patience, time.Millisecond)
	c.lines("CLIENT NO-TOUCH ON", "+OK", "GET k", "$1 v", "STRLEN k", ":1")
	require.GreaterOrEqual(t, idle(), int64(2))
	c.is(":1", "TOUCH k")
	require.Less(t, idle(), int64(2))
	require.Eventually(t, func() bool { return idle() >= 2 }, patience, time.Millisecond)
	c.lines("CLIENT NO-TOUCH OFF", "+OK", "GET k", "$1 v")
	require.Less(t, idle(), int64(2), "a second may have begun")
	c.lines("CONFIG SET maxmemory-policy allkeys-lfu", "+OK", "SET l v", "+OK", "OBJECT FREQ l", ":5",
		"OBJECT IDLETIME l", "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	for range 100 {
		c.do("GET l")
	}
	require.Greater(t, mustInt(t, c.do("OBJECT FREQ l")), int64(5))
}
