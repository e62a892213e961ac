package integration

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	functionLinesMax = 70
	fileLinesMax     = 560
	folderShareMax   = 30 // percent of the product's code
)

// exceptions names what may break a rule, and why. Keys are "rule path[:name]".
func exceptions() map[string]string {
	return map[string]string{}
}

// ratchet collects what breaks a rule and is not excused, and which excuses were
// used, so that a stale one fails too.
type ratchet struct {
	report func(format string, args ...any)
	used   map[string]bool
}

func (r *ratchet) breaks(rule, what, format string, args ...any) {
	key := rule + " " + what
	r.used[key] = true
	if exceptions()[key] == "" {
		r.report("%s: "+format+` (to excuse it, list "`+key+`" with a reason)`, append([]any{what}, args...)...)
	}
}

func TestTidy(t *testing.T) {
	r := &ratchet{report: t.Errorf, used: map[string]bool{}}
	files := project(t)
	checkFolders(r, files)
	for _, file := range files {
		if file.lines > fileLinesMax {
			r.breaks("file", file.path, "%d lines, at most %d", file.lines, fileLinesMax)
		}
		checkFunctions(r, file)
		if file.test || matches("tandemtest", file.folder) || matches("integration/...", file.folder) {
			checkTestCalls(r, file)
		}
	}
	for folder, group := range byFolder(files) {
		checkVariables(r, folder, group)
	}
	for key, reason := range exceptions() {
		require.NotEmpty(t, reason, key)
		require.True(t, r.used[key], "the exception %q is not needed any more", key)
	}
}

func byFolder(files []sourceFile) map[string][]sourceFile {
	groups := map[string][]sourceFile{}
	for _, file := range files {
		groups[file.folder] = append(groups[file.folder], file)
	}
	return groups
}

// checkFolders wants a doc.go with a package comment everywhere, no room named
// after nothing, and no folder that holds too much of the product.
func checkFolders(r *ratchet, files []sourceFile) {
	total, lines := 0, map[string]int{}
	for folder, group := range byFolder(files) {
		documented := slices.ContainsFunc(group, func(f sourceFile) bool {
			return path.Base(f.path) == "doc.go" && f.syntax.Doc != nil && len(f.syntax.Doc.Text()) > 60
		})
		if !documented {
			r.breaks("doc", folder, "no doc.go with a package comment")
		}
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc"}, path.Base(folder)) {
			r.breaks("name", folder, "a package is named after what it is about")
		}
		for _, file := range group {
			if !file.test && !matches("integration/...", folder) {
				total += file.lines
				lines[folder] += file.lines
			}
		}
	}
	for folder, n := range lines {
		if share := 100 * n / total; share > folderShareMax {
			r.breaks("share", folder, "%d %% of the code, at most %d %%", share, folderShareMax)
		}
	}
}

func checkFunctions(r *ratchet, file sourceFile) {
	for _, declaration := range file.syntax.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := function.Name.Name
		if lines := file.span(function); lines > functionLinesMax {
			r.breaks("function", file.path+":"+name, "%d lines, at most %d", lines, functionLinesMax)
		}
		if name == "init" && function.Recv == nil {
			r.breaks("init", file.path, "no init: lists are written out in one place")
		}
	}
}

// checkTestCalls refuses sleeps and skips.
func checkTestCalls(r *ratchet, file sourceFile) {
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		if name, ok := calledOn(node, "time"); ok && name == "Sleep" {
			r.breaks("sleep", file.path, "line %s sleeps: wait for a condition or use fake time", file.at(node))
		}
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) && isTestVariable(selector.X) {
			r.breaks("skip", file.path, "line %s skips a test", file.at(node))
		}
		return true
	})
}

func isTestVariable(x ast.Expr) bool {
	ident, ok := x.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "f", "tb"}, ident.Name)
}

// checkVariables holds the rule on package variables: they are tables and
// sentinels. Each is given its value where it is declared; nothing in the package
// assigns to it or to a part of it, takes its address, deletes from it or clears
// it; and it is no lock, channel or counter. What the rule cannot see is a write
// through the address of a table's row: reviews look at those.
func checkVariables(r *ratchet, folder string, group []sourceFile) {
	names := map[string]bool{}
	for _, file := range group {
		for _, declaration := range file.syntax.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.VAR {
				continue
			}
			for _, spec := range general.Specs {
				value := spec.(*ast.ValueSpec)
				embedded := general.Doc != nil && strings.Contains(rawComment(general.Doc), "//go:embed")
				for _, name := range value.Names {
					if name.Name == "_" {
						continue
					}
					names[name.Name] = true
					if len(value.Values) == 0 && !embedded {
						r.breaks("variable", file.path+":"+name.Name, "a package variable without a value can only be meant to change")
					}
				}
				for _, v := range value.Values {
					if what := changeable(v); what != "" {
						r.breaks("variable", file.path+":"+value.Names[0].Name, "a package variable that is %s", what)
					}
				}
			}
		}
	}
	for _, file := range group {
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			for _, target := range written(node) {
				if name, ok := packageVariable(file, target, names); ok {
					r.breaks("variable", fmt.Sprintf("%s:%s", file.path, name), "line %s changes a package variable", file.at(node))
				}
			}
			return true
		})
	}
}

func rawComment(group *ast.CommentGroup) string {
	var b strings.Builder
	for _, comment := range group.List {
		b.WriteString(comment.Text + "\n")
	}
	return b.String()
}

// changeable names initial values that only make sense if they change.
func changeable(value ast.Expr) string {
	call, ok := value.(*ast.CallExpr)
	if ok {
		if fun, isIdent := call.Fun.(*ast.Ident); isIdent && (fun.Name == "make" || fun.Name == "new") {
			return "an empty container"
		}
		return ""
	}
	literal, ok := value.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, pkg := range []string{"sync", "atomic"} {
		if name, is := calledOn(literal.Type, pkg); is {
			return "a " + pkg + "." + name
		}
	}
	return ""
}

// written lists the expressions that a node changes, or lends out for change.
func written(node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			return nil
		}
		return n.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		// The address of a table's row is how a row is handed out for reading.
		if _, row := n.X.(*ast.IndexExpr); n.Op == token.AND && !row {
			return []ast.Expr{n.X}
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		if fun, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, fun.Name) && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// packageVariable finds the package variable, of this package or of another,
// that an expression is or is a part of.
func packageVariable(file sourceFile, target ast.Expr, names map[string]bool) (string, bool) {
	for {
		switch x := target.(type) {
		case *ast.IndexExpr:
			target = x.X
		case *ast.SliceExpr:
			target = x.X
		case *ast.ParenExpr:
			target = x.X
		case *ast.StarExpr:
			target = x.X
		case *ast.SelectorExpr:
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Obj == nil && isImport(file, pkg.Name) {
				return pkg.Name + "." + x.Sel.Name, true
			}
			target = x.X
		case *ast.Ident:
			return x.Name, names[x.Name] && !isLocal(file, x)
		default:
			return "", false
		}
	}
}

func isImport(file sourceFile, name string) bool {
	for _, spec := range file.syntax.Imports {
		if spec.Name != nil && spec.Name.Name == name {
			return true
		}
		if imported := strings.Trim(spec.Path.Value, "\"`"); spec.Name == nil && path.Base(imported) == name {
			return true
		}
	}
	return false
}

// isLocal tells whether the parser resolved the name to something declared inside
// a function of the file.
func isLocal(file sourceFile, x *ast.Ident) bool {
	if x.Obj == nil {
		return false
	}
	return file.syntax.Scope.Lookup(x.Name) != x.Obj
}

// TestTidy_rulesCanRefuse shows that each rule finds what it is there to find.
func TestTidy_rulesCanRefuse(t *testing.T) {
	for rule, text := range map[string]string{
		"variable p/a.go:x":      "var x = 1\nfunc f() { x++ }",
		"variable p/a.go:table":  "var table = map[string]int{}\nfunc f() { table[`a`] = 1 }",
		"variable p/a.go:empty":  "var empty int",
		"variable p/a.go:m":      "var m = make(map[int]int)",
		"variable p/a.go:mu":     "import `sync`\nvar mu = sync.Mutex{}",
		"variable p/a.go:os.Arg": "import `os`\nfunc f() { os.Arg = nil }",
		"variable p/a.go:d":      "var d = map[int]int{1: 1}\nfunc f() { delete(d, 1) }",
		"variable p/a.go:lent":   "var lent = 1\nfunc f() *int { return &lent }",
		"init p/a.go":            "func init() {}",
		"function p/a.go:long":   "func long() {" + strings.Repeat("\n", functionLinesMax) + "}",
		"sleep p/a.go":           "import `time`\nfunc f() { time.Sleep(1) }",
		"skip p/a.go":            "import `testing`\nfunc f(t *testing.T) { t.Skip() }",
		"doc p":                  "",
		"share p":                "",
		"name utils":             "",
		"":                       "var x = 1\nvar rows = []int{1}\nfunc f() *int { x := 2; x++; return &rows[0] }",
	} {
		folder := "p"
		if strings.HasPrefix(rule, "name ") {
			folder = "utils"
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, "a.go", "package p\n"+text, parser.ParseComments)
		require.NoError(t, err, text)
		file := sourceFile{path: folder + "/a.go", folder: folder, syntax: syntax, set: set, lines: 1}
		r := &ratchet{report: func(string, ...any) {}, used: map[string]bool{}}
		checkFunctions(r, file)
		checkTestCalls(r, file)
		checkVariables(r, folder, []sourceFile{file})
		if strings.HasPrefix(rule, "doc") || strings.HasPrefix(rule, "share") || folder == "utils" {
			checkFolders(r, []sourceFile{file})
			require.True(t, r.used[rule], rule)
			continue
		}
		if rule == "" {
			require.Empty(t, r.used, text)
			continue
		}
		require.True(t, r.used[rule], "%s is not found in %s: %v", rule, text, r.used)
	}
}
