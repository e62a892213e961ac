package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/tandemkv/tandem"

// sourceFile is one parsed Go file of the project.
type sourceFile struct {
	path   string // relative to the root, with slashes
	folder string // "." for the root package
	test   bool
	lines  int
	syntax *ast.File
	set    *token.FileSet
}

// imports returns the import paths of the file.
func (f sourceFile) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, name)
		}
	}
	return paths
}

// at names a place in the file for a message.
func (f sourceFile) at(node ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.set.Position(node.Pos()).Line)
}

// span counts the lines that a node covers.
func (f sourceFile) span(node ast.Node) int {
	return f.set.Position(node.End()).Line - f.set.Position(node.Pos()).Line + 1
}

// project parses every Go file below the root.
func project(t *testing.T) []sourceFile {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	var files []sourceFile
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "run") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parse(root, name)
		files = append(files, file)
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func parse(root, name string) (sourceFile, error) {
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return sourceFile{}, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return sourceFile{}, err
	}
	f := sourceFile{path: filepath.ToSlash(relative), set: token.NewFileSet()}
	f.folder = path.Dir(f.path)
	f.test = strings.HasSuffix(f.path, "_test.go")
	f.lines = strings.Count(string(text), "\n")
	f.syntax, err = parser.ParseFile(f.set, f.path, text, parser.ParseComments)
	return f, err
}

// calledOn returns the selector of pkg.Name if the node is one and pkg is an
// imported package rather than a variable.
func calledOn(node ast.Node, pkg string) (name string, ok bool) {
	selector, ok := node.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok || x.Name != pkg || x.Obj != nil {
		return "", false
	}
	return selector.Sel.Name, true
}
