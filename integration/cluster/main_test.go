package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
)

// binFolder is the environment variable by which TestMain tells the tests where the programs are.
const binFolder = "TANDEM_TEST_BIN"

func TestMain(m *testing.M) {
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// build makes the programs, without cgo as they are shipped, and runs the tests.
func build(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "tandem-cluster")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "github.com/tandemkv/tandem/cmd/tandem-server", "github.com/tandemkv/tandem/cmd/tandem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	if err := os.Setenv(binFolder, dir); err != nil {
		return 1, err
	}
	redis.SetLogger(silent{})
	return m.Run(), nil
}

// silent is the client library's logger: that nodes die is the purpose here.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func program(name string) string { return filepath.Join(os.Getenv(binFolder), name) }

// rounds is how often a test repeats what has to hold each time: killing at random moments finds more the more often it is
// done. With -short once or twice is enough.
func rounds(n int) int {
	if testing.Short() {
		return min(n, 2)
	}
	return n
}
