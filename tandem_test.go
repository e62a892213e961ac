package tandem

import (
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/config"
)

var update = flag.Bool("update", false, "write tandem.conf anew")

const confHeader = "Every directive of tandem-server with its default.\n\n" +
	"Written by `make conf` from the directives' rows; a test compares. The syntax is redis.conf's: a name and its values, " +
	"quotes where a value has blanks, 1k = 1000 and 1kb = 1024 bytes, later lines win, include reads another file. " +
	"On the command line a directive is --name value."

func TestTandemConf(t *testing.T) {
	text := NewOptions().Directives().Render(confHeader)
	if *update {
		require.NoError(t, os.WriteFile("tandem.conf", []byte(text), 0o644))
	}
	have, err := os.ReadFile("tandem.conf")
	require.NoError(t, err)
	require.Equal(t, text, string(have), "run `make conf`")
}

// TestTandemConf_loadsToDefaults: the file says nothing but the defaults.
func TestTandemConf_loadsToDefaults(t *testing.T) {
	o, err := Load([]string{"tandem.conf"}, nil)
	require.NoError(t, err)
	require.Equal(t, NewOptions().Directives().Get("*"), o.Directives().Get("*"))
}

func TestDirectives_selfCheck(t *testing.T) {
	o := NewOptions()
	require.NoError(t, o.Directives().SelfCheck())
	shadowed := config.New(append([]config.Section{{Title: "Pair", Rows: o.pairRows()}}, o.Server.Sections()...)...).
		AddAccepted("accepted", config.Accepted())
	require.Empty(t, shadowed, "these have a row of their own and stand in the list of accepted ones too")
}

func TestDeploy_loopbackLoads(t *testing.T) {
	files, err := filepath.Glob("deploy/loopback/*.conf")
	require.NoError(t, err)
	require.Len(t, files, 3)
	ports := map[int]string{}
	for _, file := range files {
		o, err := Load([]string{file}, nil)
		require.NoError(t, err, file)
		require.True(t, o.paired(), file)
		require.Equal(t, "loopback", o.PairName, file)
		require.Equal(t, strings.TrimSuffix(filepath.Base(file), ".conf"), o.NodeID, file)
		used := []int{o.Server.RWPort, o.Server.ROPort, o.GossipPort}
		if !o.Witness {
			used = append(used, o.Server.Port)
		}
		for _, port := range used {
			require.NotZero(t, port, file)
			require.Empty(t, ports[port], "port %d of %s is also that of %s", port, file, ports[port])
			ports[port] = file
		}
		for _, peer := range o.PairPeers {
			host, _, err := net.SplitHostPort(peer)
			require.NoError(t, err, file)
			require.Equal(t, "127.0.0.1", host, file)
		}
	}
}

// intended lists the directives whose default is not that of Redis 7.0.15, and why.
func intended() map[string]string {
	return map[string]string{
		"activedefrag": "it costs nothing while there is nothing to gain",
		"appendonly":   "the log is the storage: a node without it keeps nothing",
		"dir":          "the reference's own folder",
		"port":         "the reference's own port",
	}
}

func TestDefaults_againstRedis(t *testing.T) {
	redisDefaults := referenceConfig(t)
	require.Greater(t, len(redisDefaults), 180)
	o := NewOptions()
	differ := map[string]string{}
	for name, value := range redisDefaults {
		_, known := o.Directives().Lookup(name)
		require.True(t, known, "redis-server has %s", name)
		for _, pair := range o.Directives().Get(name) {
			if pair.Name == name && pair.Value != value {
				differ[name] = pair.Value + " | " + value
			}
		}
	}
	for name, values := range differ {
		require.Contains(t, intended(), name, values)
	}
	for name := range intended() {
		require.Contains(t, differ, name, "it is listed as different and is not")
	}
}

// referenceConfig is what Debian's redis-server answers to CONFIG GET *.
func referenceConfig(t *testing.T) map[string]string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := ln.Addr().(*net.TCPAddr).Port
	require.NoError(t, ln.Close())
	reference := exec.Command("redis-server", "--port", strconv.Itoa(port), "--dir", t.TempDir())
	require.NoError(t, reference.Start(), "redis-server of Debian's package is needed")
	t.Cleanup(func() {
		require.NoError(t, reference.Process.Kill())
		_ = reference.Wait() // killed
	})
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
	defer client.Close()
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, 10*time.Second, 10*time.Millisecond)
	all, err := client.ConfigGet(t.Context(), "*").Result()
	require.NoError(t, err)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	require.False(t, slices.Contains(names, ""))
	return all
}
