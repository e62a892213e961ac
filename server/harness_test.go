package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/config"
	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

// patience is how long a test waits for what must come. Nothing waits for it when all is well.
const patience = 10 * time.Second

// testLog gathers the log lines of a server.
type testLog struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// testOptions gives the defaults for a server that keeps nothing, changed by lines as in a configuration file.
func testOptions(t testing.TB, lines ...string) (*Options, *config.Set) {
	t.Helper()
	o := &Options{}
	set := config.New(o.Sections()...)
	set.AddAccepted("accepted", config.Accepted())
	set.SetDefaults()
	all := append([]string{"bind 127.0.0.1", "appendonly no", "save \"\"", "enable-debug-command yes", "dir " + strconv.Quote(t.TempDir())}, lines...)
	for i, line := range all {
		words, ok := notation.SplitWords([]byte(line))
		require.True(t, ok, line)
		args := make([]string, len(words))
		for j := range words {
			args[j] = string(words[j])
		}
		require.NoError(t, set.Apply([]config.Line{{Source: "test", Number: i + 1, Text: line, Args: args}}))
	}
	o.Port = AnyPort
	return o, set
}

// start runs a server in this process until the test is over.
func start(t testing.TB, lines ...string) *Server {
	t.Helper()
	o, set := testOptions(t, lines...)
	return startWith(t, o, Parts{Directives: set})
}

func startWith(t testing.TB, o *Options, parts Parts) *Server {
	t.Helper()
	log := &testLog{}
	parts.Log = slog.New(slog.NewTextHandler(log, nil))
	v, err := New(o, parts)
	require.NoError(t, err)
	require.NoError(t, v.Start())
	t.Cleanup(func() {
		require.NoError(t, v.Close())
		select {
		case err := <-v.Failed():
			require.NoError(t, err, log)
		default:
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return v
}

// caller is a raw connection whose reader never stops, so that no carrier ever waits for the test.
type caller struct {
	t    testing.TB
	conn net.Conn

	mu    sync.Mutex // guards what follows
	came  *sync.Cond
	buf   []byte
	ended bool
}

func newCaller(t testing.TB, conn net.Conn) *caller {
	c := &caller{t: t, conn: conn}
	c.came = sync.NewCond(&c.mu)
	go c.receive()
	t.Cleanup(func() { conn.Close() })
	return c
}

// dial connects over TCP, to a loop.
func dial(t testing.TB, v *Server) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", v.Addr(PortNode))
	require.NoError(t, err)
	return newCaller(t, conn)
}

// pipe connects to goroutines, without a socket.
func pipe(t testing.TB, v *Server) *caller {
	t.Helper()
	here, there := net.Pipe()
	c := newCaller(t, here) // reads before the server may write
	v.ServeConn(there)
	return c
}

func (c *caller) receive() {
	chunk := make([]byte, 64<<10)
	for {
		n, err := c.conn.Read(chunk)
		c.mu.Lock()
		c.buf = append(c.buf, chunk[:n]...)
		c.ended = err != nil
		c.came.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// waitFor waits until ok says so; it runs with the bytes locked.
func (c *caller) waitFor(what string, ok func() bool) {
	c.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		late = true
		c.came.Broadcast()
		c.mu.Unlock()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok() {
		if late || c.ended {
			require.FailNow(c.t, "no "+what, "ended %v, there: %.500q", c.ended, c.buf)
		}
		c.came.Wait()
	}
}

// reply waits for one whole reply, raw.
func (c *caller) reply() (raw string) {
	c.t.Helper()
	c.waitFor("reply", func() bool {
		n, whole := replyLength(c.buf)
		if !whole {
			return false
		}
		raw = string(c.buf[:n])
		c.buf = c.buf[n:]
		return true
	})
	return raw
}

// replyLength measures the first reply in b.
func replyLength(b []byte) (n int, whole bool) {
	for left := 1; left > 0; left-- {
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			return 0, false
		}
		head := b[n : n+end-1]
		n += end + 1
		count, _ := strconv.Atoi(string(head[1:])) // not a number: a status or an error
		switch head[0] {
		case '$', '=':
			if count >= 0 {
				n += count + 2
			}
		case '*', '~', '>':
			left += max(count, 0)
		case '%':
			left += 2 * count
		case '|':
			left += 2*count + 1 // and the reply itself
		}
		if n > len(b) {
			return 0, false
		}
	}
	return n, true
}

// replies waits for n of them.
func (c *caller) replies(n int) (all []string) {
	c.t.Helper()
	for range n {
		all = append(all, c.reply())
	}
	return all
}

// closed waits for the end of the connection and gives what came before it.
func (c *caller) closed() string {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := time.AfterFunc(patience, func() { c.conn.Close() })
	defer timer.Stop()
	began := time.Now()
	for !c.ended {
		c.came.Wait()
	}
	require.Less(c.t, time.Since(began), patience, "the connection stays open")
	return string(c.buf)
}

// silent makes sure that nothing has come: what another client asks later has been answered.
func (c *caller) silent() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(c.t, string(c.buf))
	require.False(c.t, c.ended)
}

func (c *caller) send(raw string) {
	c.t.Helper()
	_, err := c.conn.Write([]byte(raw))
	require.NoError(c.t, err)
}

// encode writes a line, quoted as in redis-cli, as a command.
func encode(line string) string {
	words, ok := notation.SplitWords([]byte(line))
	if !ok || len(words) == 0 {
		panic(fmt.Sprintf("quotes in %q", line))
	}
	return string(resp.AppendCommand(nil, words...))
}

// begin sends lines without waiting for replies.
func (c *caller) begin(lines ...string) {
	c.t.Helper()
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(encode(line))
	}
	c.send(b.String())
}

// do sends a line and gives the raw reply.
func (c *caller) do(line string) string {
	c.t.Helper()
	c.begin(line)
	return c.reply()
}

// is compares raw replies, with blanks for CR LF.
func (c *caller) is(want, line string) {
	c.t.Helper()
	require.Equal(c.t, want, flat(c.do(line)), line)
}

// gets waits for a reply that was not asked for just now.
func (c *caller) gets(want string) {
	c.t.Helper()
	require.Equal(c.t, want, flat(c.reply()))
}

// flat shows a reply in one line.
func flat(raw string) string { return strings.TrimSuffix(strings.ReplaceAll(raw, "\r\n", " "), " ") }

// text is a reply's bulk string.
func (c *caller) text(line string) string {
	c.t.Helper()
	v, _, err := scenario.Parse([]byte(c.do(line)))
	require.NoError(c.t, err)
	return v.Text
}

// id is the client's own.
func (c *caller) id() string {
	c.t.Helper()
	return strings.Trim(c.do("CLIENT ID"), ":\r\n")
}

// info is a field of INFO.
func (c *caller) info(name string) string {
	c.t.Helper()
	for _, line := range strings.Split(c.text("INFO everything"), "\r\n") {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return value
		}
	}
	require.Fail(c.t, "INFO has no "+name)
	return ""
}

// awaitInfo waits until a field of INFO has a value.
func (c *caller) awaitInfo(name, want string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.info(name) == want }, patience, time.Millisecond, "%s: %s", name, want)
}

// carriers runs a test over each way that bytes reach a session.
func carriers(t *testing.T, test func(t *testing.T, v *Server, connect func() *caller), lines ...string) {
	for _, c := range []struct {
		name    string
		lines   []string
		connect func(t testing.TB, v *Server) *caller
	}{
		{"a loop", nil, dial},
		{"four loops", []string{"io-threads 4"}, dial},
		{"goroutines", nil, pipe},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := start(t, append(c.lines, lines...)...)
			test(t, v, func() *caller { return c.connect(t, v) })
		})
	}
}
