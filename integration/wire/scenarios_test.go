package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/scenario"
)

func readScenarios(t *testing.T) map[string]*scenario.File {
	t.Helper()
	names, err := filepath.Glob("../../command/testdata/*/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	files := map[string]*scenario.File{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		family := filepath.Base(filepath.Dir(name))
		files[family+"/"+filepath.Base(name)], err = scenario.Read(string(text))
		require.NoError(t, err, name)
	}
	return files
}

// TestScenarios runs command's scenario files on both. What comes after "@ advance" depends on a clock that the
// reference does not let us set; it is command's own test that holds it.
func TestScenarios(t *testing.T) {
	for side, start := range sides() {
		t.Run(side, func(t *testing.T) { runScenarios(t, start(t)) })
	}
}

func runScenarios(t *testing.T, tandem target) {
	reference := dial(t, startReference(t))
	for name, file := range readScenarios(t) {
		t.Run(name, func(t *testing.T) {
			lines := 0
			eachLine(t, file, []target{tandem, reference}, func(step *scenario.Step, order scenario.Order, compared bool) {
				args := words(step.Line)
				got, want := tandem.run(args), reference.run(args)
				if compared {
					same(t, args, got, want, order, fmt.Sprintf("%s:%d", name, step.At))
					lines++
				}
			})
			require.Positive(t, lines, "nothing was compared")
		})
	}
}

// eachLine obeys the directives on all targets and calls fn for each command line.
func eachLine(t *testing.T, file *scenario.File, targets []target, fn func(step *scenario.Step, order scenario.Order, compared bool)) {
	t.Helper()
	for _, one := range targets {
		one.clear()
	}
	order, compared := scenario.Ordered, true
	for i := range file.Steps {
		step := &file.Steps[i]
		if step.Directive == nil {
			fn(step, order, compared)
			order, compared = scenario.Ordered, true
			continue
		}
		switch step.Directive[0] {
		case "advance":
			return
		case "sorted":
			order = scenario.Sorted
		case "pairs":
			order = scenario.Pairs
		case "differs":
			compared = false
		case "select", "resp", "limit":
			for _, one := range targets {
				tell(t, one, step.Directive)
			}
		}
	}
}

func tell(t *testing.T, one target, directive []string) {
	t.Helper()
	n, err := strconv.Atoi(directive[len(directive)-1])
	require.NoError(t, err)
	switch directive[0] {
	case "select":
		one.selectDB(n)
	case "resp":
		one.speak(n)
	case "limit":
		if _, known := defaultLimits()[directive[1]]; known {
			one.limit(directive[1], n)
		}
	}
}
