package dropin

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestStart_asHarnessesDo: dropin.md's numbered list, on one process and its restarts.
func TestStart_asHarnessesDo(t *testing.T) {
	p := tandem(t)
	t.Run("log", func(t *testing.T) {
		log := p.log()
		require.Regexp(t, regexp.MustCompile(fmt.Sprintf(`(?s) PID: %d.*Server initialized.*Ready to accept`, p.cmd.Process.Pid)), log)
		require.Equal(t, 1, strings.Count(log, "Ready to accept"))
		require.NotContains(t, strings.SplitN(log, "\n", 2)[0], "already in use")
		require.Empty(t, p.stderr.String())
	})
	t.Run("inline", func(t *testing.T) {
		c := p.raw()
		c.send("PING\r\n\r\n")
		require.Equal(t, "+PONG", c.line())
		require.Equal(t, "+OK\r\n", c.do("SELECT 9"))
	})
	t.Run("directives", func(t *testing.T) {
		c := p.raw()
		for name, want := range map[string]string{
			"always-show-logo": "yes", "databases": "16", "loglevel": "verbose", "appendonly": "no", "save": "", "dir": p.folder, "logfile": "",
			"enable-debug-command": "yes", "propagation-error-behavior": "panic", "shutdown-on-sigterm": "force", "slave-serve-stale-data": "yes",
			"latency-monitor-threshold": "1", "notify-keyspace-events": "AKE", "unixsocket": p.folder + "/socket", "no-appendfsync-on-rewrite": "no",
		} {
			require.Equal(t, fmt.Sprintf("*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(name), name, len(want), want), c.do("CONFIG GET "+name))
		}
		require.Equal(t, "+OK\r\n", c.do("CONFIG SET timeout 300 loglevel notice"))
		require.Equal(t, "*4\r\n", c.do("CONFIG GET timeout loglevel")[:4])
		require.Equal(t, "+OK\r\n", c.do("CONFIG RESETSTAT"))
		require.Equal(t, "+OK\r\n", c.do("CONFIG SET activedefrag yes"))
	})
	t.Run("unix socket", func(t *testing.T) {
		client := redis.NewClient(&redis.Options{Network: "unix", Addr: p.folder + "/socket"})
		defer client.Close()
		require.NoError(t, client.Ping(t.Context()).Err())
	})
	t.Run("pid file", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(p.folder, "redis.pid"))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d\n", p.cmd.Process.Pid), string(text))
	})
	t.Run("frozen", func(t *testing.T) {
		p.signal(syscall.SIGSTOP)
		p.until("state T", func() bool { return p.state() == "T" })
		p.signal(syscall.SIGCONT)
		require.Equal(t, "PONG", p.cli("PING"))
		p.signal(syscall.SIGCONT)
		require.Equal(t, "PONG", p.cli("PING"))
	})
	t.Run("SIGTERM", func(t *testing.T) {
		began := time.Now()
		p.signal(syscall.SIGTERM)
		require.Zero(t, p.exit())
		require.Less(t, time.Since(began), 10*time.Second)
		require.NoFileExists(t, filepath.Join(p.folder, "redis.pid"))
		require.NoFileExists(t, filepath.Join(p.folder, "socket"))
		require.Empty(t, p.stderr.String())
	})
	t.Run("again, into the same log", func(t *testing.T) {
		again := run(t, p.folder, p.port, p.cmd.Path, p.cmd.Args[1:]...).ready(2)
		require.Equal(t, "PONG", again.cli("PING"))
		again.signal(syscall.SIGINT)
		require.Zero(t, again.exit())
	})
}

func TestStart_busyPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	folder, port := t.TempDir(), ln.Addr().(*net.TCPAddr).Port
	p := run(t, folder, port, tandemServer(t), harnessConf(t, folder, port))
	require.Equal(t, 1, p.exit())
	require.Contains(t, p.log(), fmt.Sprintf("Failed listening on port %d", port))
	require.NotContains(t, strings.SplitN(p.log(), "\n", 2)[0], "already in use")
	require.NotContains(t, p.log(), "Ready to accept")
}

func TestStart_badConfiguration(t *testing.T) {
	folder := t.TempDir()
	program := tandemServer(t)
	for _, c := range []struct{ line, want string }{
		{"no-such-directive yes", "Bad directive"},
		{"port many", "argument"},
		{"save 1", "save"},
		{`dir "unbalanced`, "nbalanced"},
	} {
		file := filepath.Join(folder, "bad.conf")
		require.NoError(t, os.WriteFile(file, []byte("# first\n"+c.line+"\n"), 0o644))
		p := run(t, folder, 0, program, file)
		require.Equal(t, 1, p.exit(), c.line)
		require.Contains(t, p.stderr.String(), "FATAL CONFIG FILE ERROR", c.line)
		require.Contains(t, p.stderr.String(), "line 2", c.line)
		require.Contains(t, p.stderr.String(), c.line)
		require.Contains(t, p.stderr.String(), c.want, c.line)
	}
}

func TestStart_quotesAndCommandLine(t *testing.T) {
	folder, port := filepath.Join(t.TempDir(), "with a blank"), freePort(t)
	require.NoError(t, os.Mkdir(folder, 0o755))
	file := filepath.Join(folder, "a b.conf")
	text := fmt.Sprintf("port 1\nport %d\nbind 127.0.0.1\ndir %q\nrequirepass \"a\\x20\\\"b\\n\"\nrequirepass 'it''s'\n", port, folder)
	text = strings.ReplaceAll(text, "requirepass 'it''s'\n", "requirepass 'it\\'s'\n")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	p := run(t, folder, port, tandemServer(t), file, "--databases", "4", "--save", "", "--appendonly", "no", "--maxclients", "77").ready(1)
	c := p.raw()
	require.Equal(t, "+OK\r\n", c.do(`AUTH "it's"`))
	require.Equal(t, "+OK\r\n", c.do("SELECT 3"))
	require.Equal(t, "-ERR DB index is out of range\r\n", c.do("SELECT 4"))
	require.Contains(t, c.do("CONFIG GET maxclients"), "77")
}

func TestStart_configRewriteThenRestart(t *testing.T) {
	p := tandem(t)
	c := p.raw()
	for _, line := range []string{"CONFIG SET maxclients 321", `CONFIG SET requirepass "a b\"c"`, `CONFIG SET save "900 1 300 10"`, "CONFIG REWRITE"} {
		require.Equal(t, "+OK\r\n", c.do(line), line)
	}
	p.signal(syscall.SIGTERM)
	require.Zero(t, p.exit())
	again := run(t, p.folder, p.port, p.cmd.Path, p.cmd.Args[1:]...).ready(2)
	c = again.raw()
	require.Equal(t, "+OK\r\n", c.do(`AUTH "a b\"c"`))
	require.Contains(t, c.do("CONFIG GET maxclients"), "321")
	require.Contains(t, c.do("CONFIG GET save"), "900 1 300 10")
	text, err := os.ReadFile(filepath.Join(p.folder, "redis.conf"))
	require.NoError(t, err)
	require.Contains(t, string(text), "always-show-logo yes")
}

// Files that are named without a folder lie in dir, and dir itself may be relative to where the process was started.
func TestStart_relativeFiles(t *testing.T) {
	folder, port := t.TempDir(), freePort(t)
	dir := filepath.Join(folder, "data")
	here, err := os.Getwd()
	require.NoError(t, err)
	relative, err := filepath.Rel(here, dir)
	require.NoError(t, err)
	for _, program := range []string{"redis-server", tandemServer(t)} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		p := run(t, folder, port, program, "--dir", relative, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "",
			"--logfile", "node.log", "--pidfile", "node.pid", "--unixsocket", "node.sock")
		p.until("ready", func() bool {
			log, _ := os.ReadFile(filepath.Join(dir, "node.log")) // not there yet
			return strings.Contains(string(log), "Ready to accept")
		})
		require.Equal(t, "PONG", tool(t, "", "redis-cli", "-s", filepath.Join(dir, "node.sock"), "PING"))
		require.Equal(t, "dir\n"+dir, p.cli("CONFIG", "GET", "dir"))
		require.FileExists(t, filepath.Join(dir, "node.pid"))
		p.signal(syscall.SIGTERM)
		require.Zero(t, p.exit())
		require.NoFileExists(t, filepath.Join(dir, "node.pid"))
		require.NoError(t, os.RemoveAll(dir))
	}
}

func TestStart_daemonize(t *testing.T) {
	folder, port := t.TempDir(), freePort(t)
	file := harnessConf(t, folder, port, "daemonize yes", "logfile "+folder+"/log")
	parent := run(t, folder, port, tandemServer(t), file)
	require.Zero(t, parent.exit())
	pidFile := filepath.Join(folder, "redis.pid")
	log := func() string {
		text, _ := os.ReadFile(filepath.Join(folder, "log")) // not there yet
		return string(text)
	}
	require.Eventually(t, func() bool { return strings.Contains(log(), "Ready to accept") }, patience, 5*time.Millisecond)
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.NotEqual(t, parent.cmd.Process.Pid, pid)
	require.Equal(t, strconv.Itoa(pid), parent.field("process_id"))
	require.Contains(t, log(), fmt.Sprintf(" PID: %d", pid))
	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	require.Eventually(t, func() bool { _, err := os.Stat(pidFile); return os.IsNotExist(err) }, patience, 5*time.Millisecond)
}

func TestStart_killedAndRestarted(t *testing.T) {
	p := tandem(t, "appendonly yes", "appendfsync always")
	c := p.raw()
	for i := range 200 {
		require.Equal(t, "+OK\r\n", c.do(fmt.Sprintf("SET key:%d %d", i, i)))
	}
	before := p.cli("DEBUG", "DIGEST")
	offset := p.field("master_repl_offset")
	p.signal(syscall.SIGKILL)
	p.exit()
	again := run(t, p.folder, p.port, p.cmd.Path, p.cmd.Args[1:]...).ready(2)
	require.Equal(t, "200", again.cli("DBSIZE"))
	require.Equal(t, before, again.cli("DEBUG", "DIGEST"))
	require.Equal(t, offset, again.field("master_repl_offset"))
	require.Empty(t, again.stderr.String())
}

func TestStart_secondProcessOnTheSameFolder(t *testing.T) {
	p := tandem(t, "appendonly yes")
	port := freePort(t)
	other := run(t, t.TempDir(), port, p.cmd.Path, filepath.Join(p.folder, "redis.conf"), "--port", strconv.Itoa(port), "--unixsocket", "")
	require.Equal(t, 1, other.exit())
	require.Equal(t, "PONG", p.cli("PING"))
}

func TestStart_version(t *testing.T) {
	require.Regexp(t, `^Tandem server v=\S+ sha=`, tool(t, "", tandemServer(t), "--version"))
}
