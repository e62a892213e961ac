package command_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write the outcomes of the scenario files anew")

func scenarioFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

// TestScenarios runs every file. Each step's effects are applied to a second keyspace, by way of the log's bytes and at
// another time of day, and both must be equal; at the end a frozen view is loaded into a third.
func TestScenarios(t *testing.T) {
	for _, name := range scenarioFiles(t) {
		t.Run(strings.TrimSuffix(filepath.ToSlash(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			file, err := scenario.Read(string(text))
			require.NoError(t, err)
			w := newWorld(t)
			for i := range file.Steps {
				step := &file.Steps[i]
				got := w.step(step)
				if step.Directive == nil && !*rewrite {
					require.Equal(t, strings.Join(step.Outcome, "\n"), strings.Join(got, "\n"), "%s:%d: %s", name, step.At, step.Line)
				}
				step.Outcome = got
				w.checkCopy(step)
			}
			w.checkFrozen()
			if *rewrite {
				require.NoError(t, os.WriteFile(name, []byte(file.Text()), 0o644))
				return
			}
			require.Equal(t, string(text), file.Text(), "the file is not as it would be written")
		})
	}
}

// TestScenarios_complete: each row of the data families occurs in some scenario.
func TestScenarios_complete(t *testing.T) {
	table := command.NewTable(command.Families()...)
	missing := map[string]bool{}
	for _, row := range table.All() {
		if row.Handler != nil {
			missing[row.FullName] = true
		}
	}
	require.NotEmpty(t, missing)
	for _, name := range scenarioFiles(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := scenario.Read(string(text))
		require.NoError(t, err)
		for i := range file.Steps {
			if file.Steps[i].Line == "" {
				continue
			}
			if row := table.Lookup(splitLine(t, file.Steps[i].Line)); row != nil {
				delete(missing, row.FullName)
			}
		}
	}
	require.Empty(t, missing, "commands without a scenario")
}
