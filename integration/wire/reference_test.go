package wire

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

const patience = 10 * time.Second

// startReference runs redis-server on a free port until the test is over.
func startReference(t *testing.T) (address string) {
	t.Helper()
	for range 5 {
		address = freeAddress(t)
		if serve(t, address) {
			return address
		}
	}
	require.Fail(t, "redis-server does not start")
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// serve is false when the port was taken meanwhile.
func serve(t *testing.T, address string) bool {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	var output bytes.Buffer
	server := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "",
		"--appendonly", "no", "--repl-diskless-sync-delay", "0", "--logfile", "")
	server.Stdout, server.Stderr = &output, &output
	require.NoError(t, server.Start(), "redis-server of Debian's package is needed")
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-ended:
			return false
		default:
		}
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			require.NoError(t, c.Close())
			t.Cleanup(func() {
				require.NoError(t, server.Process.Kill())
				<-ended
			})
			return true
		}
	}
	require.NoError(t, server.Process.Kill())
	<-ended
	require.Fail(t, "redis-server does not answer", output.String())
	return false
}

// client is a raw connection.
type client struct {
	t    *testing.T
	conn net.Conn
	buf  []byte // received and not yet read
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it already
	return &client{t: t, conn: conn}
}

func (c *client) send(b []byte) {
	c.t.Helper()
	require.NoError(c.t, c.conn.SetDeadline(time.Now().Add(patience)))
	_, err := c.conn.Write(b)
	require.NoError(c.t, err)
}

// more waits for bytes; false at the end of the connection.
func (c *client) more() bool {
	chunk := make([]byte, 64*1024)
	n, err := c.conn.Read(chunk)
	c.buf = append(c.buf, chunk[:n]...)
	if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
		require.Fail(c.t, "no answer", "so far: %q", c.buf)
	}
	return n > 0
}

// reply reads one whole reply, raw.
func (c *client) reply() []byte {
	c.t.Helper()
	for {
		if len(c.buf) > 0 {
			if _, rest, err := scenario.Parse(c.buf); err == nil {
				raw := c.buf[:len(c.buf)-len(rest)]
				c.buf = append([]byte(nil), rest...)
				return raw
			}
		}
		require.True(c.t, c.more(), "the connection ended after %q", c.buf)
	}
}

func (c *client) ask(args ...string) []byte {
	c.t.Helper()
	c.send(resp.AppendCommandStrings(nil, args...))
	return c.reply()
}

// run answers a line, whatever it is; a command that might wait runs as inside MULTI, where it does not.
func (c *client) run(args [][]byte) []byte {
	c.t.Helper()
	if !blocking(args[0]) {
		c.send(resp.AppendCommand(nil, args...))
		return c.reply()
	}
	require.Equal(c.t, "+OK\r\n", string(c.ask("MULTI")))
	c.send(resp.AppendCommand(nil, args...))
	if queued := c.reply(); string(queued) != "+QUEUED\r\n" {
		require.Equal(c.t, "+OK\r\n", string(c.ask("DISCARD")))
		return queued
	}
	all := c.ask("EXEC")
	one, found := bytes.CutPrefix(all, []byte("*1\r\n"))
	require.True(c.t, found, "%q", all)
	return one
}

func blocking(name []byte) bool {
	switch strings.ToLower(string(name)) {
	case "blpop", "brpop", "blmove", "brpoplpush", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread", "xreadgroup":
		return true
	}
	return false
}

func (c *client) selectDB(db int) {
	c.t.Helper()
	require.Equal(c.t, "+OK\r\n", string(c.ask("SELECT", strconv.Itoa(db))))
}

func (c *client) speak(proto int) {
	c.t.Helper()
	_, rest, err := scenario.Parse(c.ask("HELLO", strconv.Itoa(proto)))
	require.NoError(c.t, err)
	require.Empty(c.t, rest)
}

func (c *client) limit(name string, n int) {
	c.t.Helper()
	require.Equal(c.t, "+OK\r\n", string(c.ask("CONFIG", "SET", name, strconv.Itoa(n))), "CONFIG SET %s", name)
}

func (c *client) clear() {
	c.t.Helper()
	require.Equal(c.t, "+OK\r\n", string(c.ask("FLUSHALL")))
	c.selectDB(0)
	c.speak(2)
	for name, n := range defaultLimits() {
		c.limit(name, n)
	}
}

// defaultLimits are the directives that scenarios change, with their defaults.
func defaultLimits() map[string]int {
	return map[string]int{
		"hash-max-listpack-entries": 128, "hash-max-listpack-value": 64, "list-max-listpack-size": -2, "set-max-intset-entries": 512,
		"zset-max-listpack-entries": 128, "zset-max-listpack-value": 64,
		"stream-node-max-bytes": 4096, "stream-node-max-entries": 100,
	}
}

func words(line string) [][]byte {
	args, ok := notation.SplitWords([]byte(line))
	if !ok || len(args) == 0 {
		panic(fmt.Sprintf("quotes in %q", line))
	}
	return args
}
