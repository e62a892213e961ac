package dropin

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

const patience = 20 * time.Second

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// programVariable names the environment variable that tells tests where TestMain put the program.
const programVariable = "TANDEM_DROPIN_PROGRAM"

// TestMain builds the program once for all tests.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "dropin")
	if err != nil {
		panic(err)
	}
	program := filepath.Join(folder, "tandem-server")
	build := exec.Command("go", "build", "-o", program, "github.com/tandemkv/tandem/cmd/tandem-server")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	if err := os.Setenv(programVariable, program); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

func tandemServer(t *testing.T) string {
	t.Helper()
	return os.Getenv(programVariable)
}

// process is a server that the test started.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	folder string
	port   int
	stderr *errorOutput
	ended  chan error
}

// errorOutput is what the program writes to stderr: by one goroutine, while the test reads it.
type errorOutput struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *errorOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *errorOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// run starts a program with its standard output appended to folder/stdout.
func run(t *testing.T, folder string, port int, program string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(filepath.Join(folder, "stdout"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	defer out.Close()
	p := &process{t: t, folder: folder, port: port, stderr: &errorOutput{}, ended: make(chan error, 1)}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = out, p.stderr
	require.NoError(t, p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s:\n%.4000s\n%s", program, p.log(), p.stderr)
		}
	})
	return p
}

// log is what the program has written so far.
func (p *process) log() string {
	text, err := os.ReadFile(filepath.Join(p.folder, "stdout"))
	require.NoError(p.t, err)
	return string(text)
}

// ready waits as harnesses do: for the number of lines that say so, in the whole file.
func (p *process) ready(starts int) *process {
	p.t.Helper()
	p.until("Ready to accept", func() bool { return strings.Count(p.log(), "Ready to accept") == starts })
	return p
}

func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	require.Eventually(p.t, ok, patience, 5*time.Millisecond, what)
}

func (p *process) signal(s os.Signal) { require.NoError(p.t, p.cmd.Process.Signal(s)) }

// exit waits for the end and gives the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err // for the clean-up
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		require.Fail(p.t, "the process does not end")
		return -1
	}
}

// kill ends the process at once, if it still runs.
func (p *process) kill() {
	if p.cmd.Process.Kill() == nil {
		p.ended <- <-p.ended
	}
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// harnessConf is what such harnesses write.
func harnessConf(t *testing.T, folder string, port int, more ...string) (file string) {
	t.Helper()
	lines := []string{
		"always-show-logo yes", "notify-keyspace-events KEA", "daemonize no", "pidfile " + folder + "/redis.pid",
		"port " + strconv.Itoa(port), "timeout 0", "bind 127.0.0.1", "loglevel verbose", "logfile ''", "databases 16",
		"latency-monitor-threshold 1", "repl-diskless-sync-delay 0", "save ''", "save 900 1", `save ""`, "rdbcompression yes",
		"dbfilename dump.rdb", "dir " + folder, "slave-serve-stale-data yes", "appendonly no", "appendfsync everysec",
		"no-appendfsync-on-rewrite no", "activerehashing yes", "enable-protected-configs yes", "enable-debug-command yes",
		"enable-module-command yes", "propagation-error-behavior panic", "shutdown-on-sigterm force",
		"unixsocket " + folder + "/socket",
	}
	file = filepath.Join(folder, "redis.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(lines, more...), "\n")+"\n"), 0o644))
	return file
}

// tandem starts Tandem with the file of a harness.
func tandem(t *testing.T, more ...string) *process {
	t.Helper()
	folder, port := t.TempDir(), freePort(t)
	return run(t, folder, port, tandemServer(t), harnessConf(t, folder, port, more...)).ready(1)
}

// redisServer starts the reference.
func redisServer(t *testing.T, args ...string) *process {
	t.Helper()
	folder, port := t.TempDir(), freePort(t)
	all := append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--enable-debug-command", "yes",
		"--repl-diskless-sync-delay", "0"}, args...)
	return run(t, folder, port, "redis-server", all...).ready(1)
}

// cli runs redis-cli and gives what it prints.
func (p *process) cli(args ...string) string {
	p.t.Helper()
	return tool(p.t, "", "redis-cli", append([]string{"-p", strconv.Itoa(p.port)}, args...)...)
}

func tool(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, out)
	return strings.TrimSuffix(string(out), "\n")
}

// rawClient reads byte by byte.
type rawClient struct {
	t    *testing.T
	conn net.Conn
	buf  []byte
}

func (p *process) raw() *rawClient {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr())
	require.NoError(p.t, err)
	p.t.Cleanup(func() { conn.Close() })
	require.NoError(p.t, conn.SetDeadline(time.Now().Add(patience)))
	return &rawClient{t: p.t, conn: conn}
}

func (c *rawClient) send(text string) {
	c.t.Helper()
	_, err := c.conn.Write([]byte(text))
	require.NoError(c.t, err)
}

func (c *rawClient) more() {
	c.t.Helper()
	chunk := make([]byte, 64<<10)
	n, err := c.conn.Read(chunk)
	require.NoError(c.t, err, "so far %.300q", c.buf)
	c.buf = append(c.buf, chunk[:n]...)
}

// line reads up to a line feed.
func (c *rawClient) line() string {
	c.t.Helper()
	for {
		if i := bytes.IndexByte(c.buf, '\n'); i >= 0 {
			line := string(c.buf[:i+1])
			c.buf = c.buf[i+1:]
			return strings.TrimRight(line, "\r\n")
		}
		c.more()
	}
}

func (c *rawClient) take(n int) []byte {
	c.t.Helper()
	for len(c.buf) < n {
		c.more()
	}
	taken := c.buf[:n]
	c.buf = c.buf[n:]
	return taken
}

// do sends a line, quoted as in redis-cli, and gives the raw reply.
func (c *rawClient) do(line string) string {
	c.t.Helper()
	words, ok := notation.SplitWords([]byte(line))
	require.True(c.t, ok, line)
	c.send(string(resp.AppendCommand(nil, words...)))
	for {
		if _, rest, err := scenario.Parse(c.buf); err == nil {
			raw := string(c.buf[:len(c.buf)-len(rest)])
			c.buf = rest
			return raw
		}
		c.more()
	}
}

// command reads one command of a replication stream, as redis-cli would write it; the name in lower case.
func (c *rawClient) command() string {
	c.t.Helper()
	head := c.line()
	require.Equal(c.t, byte('*'), head[0], head)
	n, err := strconv.Atoi(head[1:])
	require.NoError(c.t, err)
	words := make([]string, n)
	for i := range words {
		size, err := strconv.Atoi(strings.TrimPrefix(c.line(), "$"))
		require.NoError(c.t, err)
		words[i] = string(c.take(size))
		require.Equal(c.t, "\r\n", string(c.take(2)))
	}
	words[0] = strings.ToLower(words[0])
	return strings.Join(words, " ")
}

// field is a field of INFO, read as harnesses read it.
func (p *process) field(name string) string {
	p.t.Helper()
	for _, line := range strings.Split(p.cli("INFO", "everything"), "\r\n") {
		if value, found := strings.CutPrefix(strings.TrimPrefix(line, "\n"), name+":"); found {
			return value
		}
	}
	require.Fail(p.t, fmt.Sprintf("INFO has no %s", name))
	return ""
}

// state is the letter of the process in /proc.
func (p *process) state() string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}
