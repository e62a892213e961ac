package cluster

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused runs tandem-server, which has to end with code 1, and gives its output.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	p := launch(t, "refused", program("tandem-server"), args...)
	require.Equal(t, 1, p.wait(), p.text())
	return p.text()
}

func TestRefuse_badDirectives(t *testing.T) {
	dir := t.TempDir()
	conf := func(text string) string {
		path := filepath.Join(dir, "bad.conf")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"unknown in a file":             {[]string{conf("port 7000\n\nno-such-directive yes\n")}, []string{"FATAL CONFIG FILE ERROR", "at line 3", "no-such-directive"}},
		"unknown on the command line":   {[]string{"--no-such-directive", "yes"}, []string{"FATAL CONFIG FILE ERROR", "no-such-directive"}},
		"bad value on the command line": {[]string{"--appendfsync", "sometimes"}, []string{"appendfsync", "sometimes"}},
		"pair without an id":            {[]string{"--pair-peers", "127.0.0.1:1"}, []string{"pair-nodes", "node-id"}},
		"id not in the pair":            {[]string{"--node-id", "x", "--pair-nodes", "a", "b", "--dir", dir}, []string{`node-id "x" is not listed`}},
	} {
		t.Run(name, func(t *testing.T) {
			out := refused(t, c.args...)
			for _, part := range c.want {
				require.Contains(t, out, part)
			}
		})
	}
	t.Run("bad value in a file", func(t *testing.T) {
		path := conf("dir .\nappendfsync sometimes\n")
		out := refused(t, path)
		require.Contains(t, out, "at line 2")
		require.Contains(t, out, "appendfsync sometimes")
		require.Contains(t, out, filepath.Base(path), "it says which file")
	})
}

func TestRefuse_busyPort(t *testing.T) {
	port := freePort(t)
	server(t, port, t.TempDir())
	out := refused(t, serverArgs(port, t.TempDir())...)
	require.Contains(t, out, fmt.Sprintf("Failed listening on port %d", port))
}

func TestRefuse_secondProcessOnTheSameFolder(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	server(t, port, dir)
	out := refused(t, serverArgs(freePort(t), dir)...)
	require.Contains(t, out, dir)
	require.Contains(t, out, "another process")
	require.NoError(t, client(t, fmt.Sprintf("127.0.0.1:%d", port)).Set(context.Background(), "k", "v", 0).Err())
}

// largest gives the largest file below a folder whose name has a suffix.
func largest(t *testing.T, dir, suffix string) (path string, size int64) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, suffix) {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() >= size {
			path, size = p, info.Size()
		}
		return err
	}))
	require.NotEmpty(t, path, "no %s file below %s", suffix, dir)
	return path, size
}

// fill writes so much that the log has many rows, and kills the server.
func fill(t *testing.T, dir string) (keys int) {
	t.Helper()
	port := freePort(t)
	p := server(t, port, dir, "--appendfsync", "always")
	r := client(t, fmt.Sprintf("127.0.0.1:%d", port))
	keys = 300
	for i := range keys {
		require.NoError(t, r.Set(context.Background(), fmt.Sprint("k", i), strings.Repeat(fmt.Sprint(i%10), 4000), 0).Err())
	}
	p.kill()
	return keys
}

// flip changes a few bytes of the largest file with a suffix, part of its length behind its beginning.
func flip(t *testing.T, dir, suffix string, part float64) (path string) {
	t.Helper()
	path, size := largest(t, filepath.Join(dir, "tandem-data"), suffix)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("damage"), int64(float64(size)*part))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return path
}

// Flipped bytes in the middle of what is on disk stop the start: with the place, and what to do.
func TestDamage_inTheMiddle(t *testing.T) {
	for _, part := range []float64{0.1, 0.5, 0.8} {
		t.Run(fmt.Sprintf("log after a kill at %v", part), func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir)
			requireDamageSaid(t, dir, flip(t, dir, ".log", part))
		})
	}
	t.Run("table after an orderly stop", func(t *testing.T) {
		dir, port := t.TempDir(), freePort(t)
		fill(t, dir)
		p := server(t, port, dir)
		p.signal(syscall.SIGTERM) // takes a checkpoint
		require.Equal(t, 0, p.wait())
		tables, err := filepath.Glob(filepath.Join(dir, "tandem-data", "*.sst"))
		require.NoError(t, err)
		require.NotEmpty(t, tables)
		for _, table := range tables { // one of them may hold only log that the checkpoint has made superfluous
			flip(t, dir, filepath.Base(table), 0.2)
		}
		requireDamageSaid(t, dir, filepath.Join(dir, "tandem-data", ""))
	})
}

func requireDamageSaid(t *testing.T, dir, file string) {
	t.Helper()
	out := refused(t, serverArgs(freePort(t), dir)...)
	require.Regexp(t, "file "+regexp.QuoteMeta(file)+`\S* at offset \d`, out)
	require.Contains(t, out, "start again", "it says what to do")
	require.NotContains(t, out, ".go:", "no stack of the storage library")
}

// A tail that was being written when the machine died is dropped, and said; all that was acknowledged is there.
func TestDamage_tail(t *testing.T) {
	dir := t.TempDir()
	keys := fill(t, dir)
	logs, err := filepath.Glob(filepath.Join(dir, "tandem-data", "*.log")) // in order of their names
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	path := logs[len(logs)-1]
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.Write([]byte(strings.Repeat("garbage", 50)))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	port := freePort(t)
	p := server(t, port, dir)
	require.Equal(t, 1, strings.Count(p.text(), "dropped the last 350 bytes of "+path+", from offset "), p.text())
	n, err := client(t, fmt.Sprintf("127.0.0.1:%d", port)).DBSize(context.Background()).Result()
	require.NoError(t, err)
	require.Equal(t, int64(keys), n)
	p.kill()
	p = server(t, freePort(t), dir)
	require.NotContains(t, p.text(), "dropped")
	require.NotContains(t, p.text(), "stopped reading")
}

// goesOn asserts that the pair still takes writes with both its nodes.
func (c *cluster) goesOn() {
	c.t.Helper()
	master, _ := c.level()
	require.NoError(c.t, client(c.t, c.addr(master)).Set(context.Background(), "k", "v", 0).Err())
	c.level()
}

func TestStranger_sameID(t *testing.T) {
	c := newCluster(t)
	master, _ := c.up()
	// A copy of the master's configuration, on another folder and other ports.
	copyOf := newCluster(t)
	copyOf.ports["w"], copyOf.ports["b"], copyOf.ports["a"] = c.ports["w"], c.ports["b"], c.ports["a"]
	copyOf.ports[master] = []int{freePort(t), freePort(t), freePort(t), freePort(t)}
	copyOf.write(master)
	out := refused(t, copyOf.conf[master])
	require.Contains(t, out, "same id")
	c.goesOn()
}

// stranger runs a node that the others refuse; it must not reign, and the log of one of the others says why.
func stranger(t *testing.T, c *cluster, id, directive, said string) {
	t.Helper()
	c.write(id, directive)
	c.start(id)
	eventually(t, "a clear line in some log: "+said, func() bool {
		for name, n := range c.nodes {
			for line := range strings.Lines(n.text()) {
				if strings.Contains(line, said) {
					t.Logf("%s says: %s", name, line)
					return true
				}
			}
		}
		return false
	})
	require.NotEqual(t, "master", c.roleOf(id))
	other := "a"
	if id == "a" {
		other = "b"
	}
	require.Equal(t, "master", c.roleOf(other))
	require.NoError(t, client(t, c.addr(other)).Set(context.Background(), "k", "v", 0).Err())
}

func TestStranger_otherPair(t *testing.T) {
	c := newCluster(t)
	_, standby := c.up()
	c.nodes[standby].kill()
	c.master()
	stranger(t, c, standby, "pair-name another", "another")
}

func TestStranger_wrongKey(t *testing.T) {
	key := func(b byte) string {
		return "gossip-key " + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
	}
	c := newCluster(t, key('x'))
	_, standby := c.up()
	c.nodes[standby].kill()
	c.master()
	stranger(t, c, standby, key('y'), "gossip-key")
}
