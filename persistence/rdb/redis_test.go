package rdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

// startRedis runs the installed redis-server on dir until the test ends.
func startRedis(t *testing.T, dir string, args ...string) *redis.Client {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	require.NoError(t, l.Close())
	var output bytes.Buffer
	cmd := exec.Command("redis-server", append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--enable-debug-command", "yes", "--dbfilename", "dump.rdb"}, args...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start(), "redis-server 7.0 must be installed (make test does)")
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // says "killed"
		if t.Failed() {
			t.Log(output.String())
		}
	})
	require.Eventually(t, func() bool { return client.Ping(context.Background()).Err() == nil }, 10*time.Second, 10*time.Millisecond)
	return client
}

// describeRedis is describe for a running server.
func describeRedis(t *testing.T, c *redis.Client) map[string]string {
	ctx := context.Background()
	out := map[string]string{}
	for db := range 16 {
		conn := c.Conn()
		require.NoError(t, conn.Select(ctx, db).Err())
		keys, err := conn.Keys(ctx, "*").Result()
		require.NoError(t, err)
		for _, key := range keys {
			kind, body := describeRedisKey(t, conn, key)
			until, err := conn.Do(ctx, "PEXPIRETIME", key).Int64()
			require.NoError(t, err)
			out[fmt.Sprintf("%d/%s", db, key)] = fmt.Sprintf("%s until %d: %s", kind, max(until, 0), body)
		}
		require.NoError(t, conn.Close())
	}
	return out
}

func describeRedisKey(t *testing.T, conn *redis.Conn, key string) (kind, body string) {
	ctx := context.Background()
	kind, err := conn.Type(ctx, key).Result()
	require.NoError(t, err)
	var b strings.Builder
	var words []string
	switch kind {
	case "string":
		v, err := conn.Get(ctx, key).Result()
		require.NoError(t, err)
		fmt.Fprintf(&b, "%q", v)
	case "list":
		vs, err := conn.LRange(ctx, key, 0, -1).Result()
		require.NoError(t, err)
		for _, v := range vs {
			fmt.Fprintf(&b, "%q ", v)
		}
	case "set":
		vs, err := conn.SMembers(ctx, key).Result()
		require.NoError(t, err)
		for _, v := range vs {
			words = append(words, strconv.Quote(v))
		}
		b.WriteString(sorted(words))
	case "zset":
		vs, err := conn.ZRangeWithScores(ctx, key, 0, -1).Result()
		require.NoError(t, err)
		for _, z := range vs {
			fmt.Fprintf(&b, "%q=%v ", z.Member, z.Score)
		}
	case "hash":
		vs, err := conn.HGetAll(ctx, key).Result()
		require.NoError(t, err)
		for f, v := range vs {
			words = append(words, fmt.Sprintf("%q=%q", f, v))
		}
		b.WriteString(sorted(words))
	}
	if kind == "stream" {
		describeRedisStream(t, conn, &b, key)
	}
	return kind, b.String()
}

func encodingsOf(t *testing.T, c *redis.Client) []string {
	seen := map[string]bool{}
	keys, err := c.Keys(context.Background(), "*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		name, err := c.ObjectEncoding(context.Background(), key).Result()
		require.NoError(t, err)
		seen[name] = true
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// fillRedis writes the samples through a client.
func fillRedis(t *testing.T, c *redis.Client) {
	ctx := context.Background()
	for _, db := range []int{0, 9} {
		conn := c.Conn()
		require.NoError(t, conn.Select(ctx, db).Err())
		_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, v := range sampleStrings() {
				p.Set(ctx, fmt.Sprintf("string%d", i), v, 0)
				p.RPush(ctx, "oddlist", v)
				p.SAdd(ctx, "oddset", v)
				p.HSet(ctx, "oddhash", v, v)
				p.ZAdd(ctx, "oddzset", redis.Z{Score: []float64{0, math.Inf(1), math.Inf(-1), 1e308, 5e-324, 0.1}[i%6], Member: v})
			}
			for _, n := range []int{1, 3, 128, 129, 513, 3000} {
				fillRedisCollections(ctx, p, n)
			}
			fillRedisStreams(ctx, p)
			for i := range 20 {
				p.Do(ctx, "PEXPIREAT", fmt.Sprintf("string%d", i), sampleNowMs*2+i)
			}
			p.Do(ctx, "PEXPIREAT", "hash129", sampleNowMs*3)
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}

func fillRedisCollections(ctx context.Context, p redis.Pipeliner, n int) {
	for i := range n {
		word := "word:" + strconv.Itoa(i)
		p.RPush(ctx, "list"+strconv.Itoa(n), word)
		p.SAdd(ctx, "set"+strconv.Itoa(n), word)
		p.SAdd(ctx, "ints"+strconv.Itoa(n), i*i*i*i*i-70_000)
		p.ZAdd(ctx, "zset"+strconv.Itoa(n), redis.Z{Score: float64(i) / 3, Member: word})
		p.HSet(ctx, "hash"+strconv.Itoa(n), word, i*7919)
	}
}

func TestRedis_itsFilesAreRead(t *testing.T) {
	for name, args := range map[string][]string{
		"compressed": {"--rdbcompression", "yes"},
		"plain":      {"--rdbcompression", "no", "--rdbchecksum", "no", "--list-max-listpack-size", "10"},
		"frequency":  {"--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"},
		"idle":       {"--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := startRedis(t, dir, args...)
			fillRedis(t, c)
			require.NoError(t, c.FunctionLoad(context.Background(), "#!lua name=lib\nredis.register_function('f', function() return 1 end)").Err())
			require.Equal(t, []string{"embstr", "hashtable", "int", "intset", "listpack", "quicklist", "raw", "skiplist", "stream"}, encodingsOf(t, c))
			want := describeRedis(t, c)
			require.NoError(t, c.Save(context.Background()).Err())
			p, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
			require.NoError(t, err)
			back, info, err := load(p)
			require.NoError(t, err)
			requireSame(t, want, describe(back))
			require.Equal(t, 10, info.Version)
			require.Equal(t, name != "plain", info.Checksummed)
			require.Len(t, info.Functions, 1)
			version, _ := info.Field("redis-ver")
			require.Contains(t, version, "7.0.")
		})
	}
}

func TestRedis_readsOurFiles(t *testing.T) {
	ks := newKeyspace()
	fillSamples(ks)
	want := describe(ks)
	for _, o := range []WriteOptions{{Version: 9, Checksum: true}, {Version: 10, Compress: true, Checksum: true}, {Version: 10},
		{Version: 10, Access: AccessIdle}, {Version: 10, Access: AccessFrequency}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "dump.rdb")
			p := write(t, ks, o, Aux{"redis-ver", "7.2.4"}, Aux{"redis-bits", "64"}, Aux{"ctime", "1700000000"}, Aux{"used-mem", "1000000"}, Aux{"aof-base", "0"})
			require.NoError(t, os.WriteFile(name, p, 0o600))
			output, err := exec.Command("redis-check-rdb", name).CombinedOutput()
			require.NoError(t, err, string(output))
			require.Contains(t, string(output), "RDB looks OK")
			if o.Checksum {
				require.Contains(t, string(output), "Checksum OK")
			}
			c := startRedis(t, dir)
			back, _, err := load(p) // where streams have no counters, both make the same of it
			require.NoError(t, err)
			requireSame(t, describe(back), describeRedis(t, c))
			if o.Version > 9 {
				requireSame(t, want, describe(back))
			}
		})
	}
}

// RESTORE takes a value with a footer: the form that DUMP payloads will have.
func TestRedis_restoresOurValues(t *testing.T) {
	ks := newKeyspace()
	edit(ks, func() { fillCollections(ks.DB(0), 130); fillOdd(ks.DB(0)) })
	c := startRedis(t, t.TempDir())
	restore(t, c, ks)
	requireSame(t, describe(ks), describeRedis(t, c))
}

func restore(t *testing.T, c *redis.Client, ks *keyspace.Keyspace) {
	values(ks, func(it *keyspace.Item, p []byte) {
		p = binary.LittleEndian.AppendUint16(p, VersionDefault)
		p = binary.LittleEndian.AppendUint64(p, Checksum(p))
		require.NoError(t, c.Restore(context.Background(), string(it.Key), 0, string(p)).Err(), "key %q", it.Key)
	})
}
