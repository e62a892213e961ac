package integration

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// room is one row of the import table: what the packages of a folder may import
// besides the standard library. A pattern ending in /... covers what is below.
type room struct {
	folder  string
	ours    []string // folders of this module
	others  []string // modules and packages from outside
	pure    bool     // no net, os, sync; no clock, chance or goroutines
	core    bool     // pure, and no context either: one event in, actions out
	threads bool     // may lock and start goroutines
}

// rooms is the import table. Arrows run one way, down. A folder takes the first
// row that fits it; a folder without a row fails the test.
func rooms() []room {
	return []room{
		// Floor 1.
		{folder: "internal/notation"},
		{folder: "internal/config", ours: []string{"internal/notation"}},
		{folder: "internal/resp", ours: []string{"internal/notation"}, others: []string{"github.com/tidwall/redcon"}},
		{folder: "internal/slab", others: []string{"golang.org/x/sys/..."}},
		{folder: "internal/..."},
		{folder: "keyspace", ours: []string{"internal/fsst", "internal/slab"}, pure: true},
		// Floor 2.
		{folder: "command", ours: []string{"keyspace", "internal/notation", "internal/resp"}, pure: true},
		{folder: "persistence/rdb", ours: []string{"keyspace", "internal/..."}},
		{
			folder: "persistence", ours: []string{"keyspace", "internal/..."},
			others: []string{"github.com/cockroachdb/pebble/v2/..."}, threads: true,
		},
		{folder: "replication", ours: []string{"internal/config"}, core: true},
		{folder: "failover", ours: []string{"replication", "internal/config"}, core: true},
		// Floor 3.
		{folder: "replication/link", ours: []string{"replication", "internal/resp"}, threads: true},
		{
			folder: "failover/agent", ours: []string{"failover", "replication", "internal/..."},
			others: []string{"github.com/hashicorp/memberlist"}, threads: true,
		},
		{folder: "server/forward", ours: []string{"internal/resp"}, threads: true},
		{
			folder: "server/...",
			ours: []string{
				"command", "keyspace", "persistence", "persistence/rdb", "replication", "replication/link", "internal/...", "server/...",
			},
			others: []string{"golang.org/x/sys/..."}, threads: true,
		},
		// Floor 4: the only places that know all parts.
		{folder: ".", ours: []string{
			"command", "keyspace", "persistence/...", "replication/...", "failover/...", "server/...", "internal/...",
		}, threads: true},
		{folder: "tandemtest", ours: []string{
			".", "command", "keyspace", "persistence/...", "replication/...", "failover/...", "server/...", "internal/...",
		}, threads: true},
		// Floor 5.
		{folder: "cmd/...", ours: []string{".", "internal/..."}, threads: true},
		{folder: "integration/...", ours: []string{"..."}, others: []string{"..."}, threads: true},
	}
}

func roomOf(folder string) (room, bool) {
	for _, r := range rooms() {
		if matches(r.folder, folder) {
			return r, true
		}
	}
	return room{}, false
}

// matches tells whether a folder or an import path falls under a pattern.
func matches(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	base, below := strings.CutSuffix(pattern, "/...")
	return name == base || below && strings.HasPrefix(name, base+"/")
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

func TestArchitecture_arrowsRunDown(t *testing.T) {
	for _, file := range project(t) {
		r, ok := roomOf(file.folder)
		if !ok {
			t.Errorf("%s: the folder has no row in the import table", file.path)
			continue
		}
		if file.test {
			continue // tests may use what they like of lower floors; see below
		}
		for _, imported := range file.imports() {
			if reason := r.refuses(imported); reason != "" {
				t.Errorf("%s imports %s: %s", file.path, imported, reason)
			}
		}
	}
}

// TestArchitecture_testsLookDown keeps the tests of the lower floors from needing
// a server: what they need is what the package itself may use.
func TestArchitecture_testsLookDown(t *testing.T) {
	upper := []string{".", "tandemtest", "server/...", "cmd/..."}
	for _, file := range project(t) {
		r, _ := roomOf(file.folder)
		if !file.test || matchesAny(upper, file.folder) || matches("integration/...", file.folder) {
			continue
		}
		for _, imported := range file.imports() {
			if folder, ours := inModule(imported); ours && matchesAny(upper, folder) && !matchesAny(r.ours, folder) {
				t.Errorf("%s imports %s: a test below the server must not need it", file.path, imported)
			}
		}
	}
}

// refuses returns why a package of the room may not import a path, or "".
func (r room) refuses(imported string) string {
	if folder, ours := inModule(imported); ours {
		if !matchesAny(r.ours, folder) {
			return "the arrow is not in the import table"
		}
		return ""
	}
	if strings.Contains(strings.Split(imported, "/")[0], ".") {
		if !matchesAny(r.others, imported) {
			return "this dependency is not in the import table"
		}
		return ""
	}
	if (r.pure || r.core) && matchesAny([]string{"net/...", "os/...", "sync/...", "log/...", "runtime/..."}, imported) {
		return "the package does no I/O and takes no locks"
	}
	if r.core && matchesAny([]string{"context", "math/rand/...", "crypto/rand"}, imported) {
		return "the core takes events and ticks only; randomness is handed in"
	}
	if !r.threads && matches("sync/...", imported) {
		return "locks live in the server, the drivers and persistence only"
	}
	return ""
}

func inModule(imported string) (folder string, ours bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func TestArchitecture_pureCodeHasNoClockChanceOrThread(t *testing.T) {
	for _, file := range project(t) {
		r, _ := roomOf(file.folder)
		if file.test || r.threads {
			continue
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			if _, isGo := node.(*ast.GoStmt); isGo {
				t.Errorf("%s: a goroutine outside the server, the drivers and persistence", file.at(node))
			}
			if reason := impurity(node); reason != "" && (r.pure || r.core) {
				t.Errorf("%s: %s", file.at(node), reason)
			}
			return true
		})
	}
}

// impurity names a use of the clock, of timers or of the shared random source.
func impurity(node ast.Node) string {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	if name, ok := calledOn(node, "time"); ok && slices.Contains(clock, name) {
		return "time." + name + ": time is handed in"
	}
	sources := []string{"New", "NewSource", "NewPCG", "NewChaCha8", "Rand", "Source", "PCG", "ChaCha8"}
	if name, ok := calledOn(node, "rand"); ok && !slices.Contains(sources, name) {
		return "rand." + name + ": randomness is handed in"
	}
	return ""
}

// TestArchitecture_tableCanRefuse shows that the table says no.
func TestArchitecture_tableCanRefuse(t *testing.T) {
	for _, c := range []struct{ folder, imported string }{
		{"keyspace", module + "/command"},
		{"keyspace", "sync"},
		{"keyspace", "net/netip"},
		{"command", module + "/server"},
		{"command", "os"},
		{"command", "github.com/tidwall/redcon"},
		{"persistence", module + "/command"},
		{"replication", "context"},
		{"replication", "math/rand/v2"},
		{"failover", "sync/atomic"},
		{"failover", module + "/failover/agent"},
		{"failover/agent", module + "/server"},
		{"replication/link", module + "/keyspace"},
		{"server", module + "/failover"},
		{"server/forward", module + "/server"},
		{"internal/config", module + "/internal/resp"},
		{"internal/config", "sync"},
		{"cmd/tandem", module + "/server"},
		{"server", "github.com/stretchr/testify/require"},
	} {
		r, ok := roomOf(c.folder)
		require.True(t, ok, c.folder)
		require.NotEmpty(t, r.refuses(c.imported), "%s may import %s", c.folder, path.Base(c.imported))
	}
	_, ok := roomOf("newfolder")
	require.False(t, ok)
}
