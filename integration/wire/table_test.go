package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

// tableRows are the rows that are compared. Session rows join when the server hands its table over.
func tableRows() *command.Table { return command.NewTable(command.Families()...) }

// newer says whether a command came after the reference, which does not know it.
func newer(row *command.Spec) bool { return row.Since > "7.0.15" }

// newerRows are fields of COMMAND INFO that are as in 7.2 and not as in the reference.
func newerRows() map[string]string {
	return map[string]string{
		"client|no-touch":               "came with 7.2",
		"client|setinfo":                "came with 7.2",
		"zrank arity":                   "WITHSCORE came with 7.2",
		"zrevrank arity":                "WITHSCORE came with 7.2",
		"command|getkeys arity":         "a command without arguments may be asked about since 7.2",
		"command|getkeysandflags arity": "a command without arguments may be asked about since 7.2",
		"wait flags":                    "WAIT is blocking and allowed in scripts since 7.2",
		"wait categories":               "WAIT is blocking since 7.2",
	}
}

// TestTable_info: what COMMAND INFO says follows from the rows, and is the same as the reference's, for each row.
func TestTable_info(t *testing.T) {
	reference := dial(t, startReference(t))
	for _, row := range tableRows().All() {
		want, _, err := scenario.Parse(reference.ask("COMMAND", "INFO", row.FullName))
		require.NoError(t, err)
		require.Len(t, want.Elements, 1)
		if want.Elements[0].Null {
			require.True(t, newer(row), "%s: the reference does not know it", row.FullName)
			continue
		}
		w := &resp.Writer{}
		row.AppendInfo(w)
		got, rest, err := scenario.Parse(w.Buf)
		require.NoError(t, err)
		require.Empty(t, rest)
		t.Run(row.FullName, func(t *testing.T) { sameInfo(t, row.FullName, want.Elements[0], got) })
	}
}

// sameInfo compares two elements of COMMAND INFO; the order within flags, categories and tips means nothing.
func sameInfo(t *testing.T, name string, want, got scenario.Value) {
	t.Helper()
	fields := []string{"name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "keys"}
	require.Len(t, got.Elements, 10, name)
	for i, field := range fields {
		a, b := want.Elements[i], got.Elements[i]
		if newerRows()[name+" "+field] != "" {
			require.NotEqual(t, a, b, "%s: %s is no exception any more", name, field)
			continue
		}
		switch field {
		case "flags", "categories", "tips":
			require.ElementsMatch(t, texts(a), texts(b), "%s: %s", name, field)
		case "keys":
			require.Len(t, b.Elements, len(a.Elements), "%s: key specifications", name)
			for j := range a.Elements {
				sameKeys(t, name, a.Elements[j], b.Elements[j])
			}
		default:
			require.Equal(t, a, b, "%s: %s", name, field)
		}
	}
	// Ours may be fewer: what is there must be known there, too.
	theirs := map[string]scenario.Value{}
	for _, sub := range want.Elements[9].Elements {
		theirs[sub.Elements[0].Text] = sub
	}
	for _, sub := range got.Elements[9].Elements {
		if _, known := theirs[sub.Elements[0].Text]; !known {
			require.Contains(t, newerRows(), sub.Elements[0].Text)
			continue
		}
		sameInfo(t, sub.Elements[0].Text, theirs[sub.Elements[0].Text], sub)
	}
}

func sameKeys(t *testing.T, name string, want, got scenario.Value) {
	t.Helper()
	require.Len(t, got.Elements, len(want.Elements), "%s: a key specification", name)
	for i := 0; i < len(want.Elements); i += 2 {
		require.Equal(t, want.Elements[i].Text, got.Elements[i].Text, name)
		if want.Elements[i].Text == "flags" {
			require.ElementsMatch(t, texts(want.Elements[i+1]), texts(got.Elements[i+1]), "%s: key flags", name)
			continue
		}
		require.Equal(t, want.Elements[i+1], got.Elements[i+1], "%s: %s", name, want.Elements[i].Text)
	}
}

func texts(v scenario.Value) []string {
	out := make([]string, len(v.Elements))
	for i := range v.Elements {
		out[i] = v.Elements[i].Text
	}
	return out
}

// TestTable_docs: summary, since and group are the reference's.
func TestTable_docs(t *testing.T) {
	reference := dial(t, startReference(t))
	for _, row := range tableRows().All() {
		want, _, err := scenario.Parse(reference.ask("COMMAND", "DOCS", row.FullName))
		require.NoError(t, err)
		if len(want.Elements) == 0 {
			require.True(t, newer(row), row.FullName)
			continue
		}
		theirs := want.Elements[1].Elements
		w := &resp.Writer{}
		row.AppendDocs(w)
		name, rest, err := scenario.Parse(w.Buf)
		require.NoError(t, err)
		require.Equal(t, row.FullName, name.Text)
		got, rest, err := scenario.Parse(rest)
		require.NoError(t, err)
		require.Empty(t, rest)
		for _, field := range []string{"summary", "since", "group"} {
			require.Equal(t, docsField(theirs, field), docsField(got.Elements, field), "%s: %s", row.FullName, field)
		}
	}
}

func docsField(pairs []scenario.Value, name string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].Text == name {
			return pairs[i+1].Text
		}
	}
	return ""
}

// TestTable_getKeys: COMMAND GETKEYS and GETKEYSANDFLAGS answer as the reference's.
func TestTable_getKeys(t *testing.T) {
	reference := dial(t, startReference(t))
	table := tableRows()
	for _, line := range []string{
		"GET a", "GET", "GET a b", "get A", "MGET a b c", "MSET a 1 b 2", "MSET a 1 b", "SET a b", "SET a b GET", "SET a b nx get ex 10",
		"SET a get", "RENAME a b", "COPY a b DB 1", "OBJECT ENCODING x", "OBJECT ENCODING", "OBJECT", "DBSIZE", "nosuch a", "KEYS *", "DEL a b",
		"GETEX a EX 10", "FLUSHALL", "OBJECT HELP", "LMOVE a b LEFT RIGHT", "BLPOP a b c 0", "LMPOP 2 a b LEFT", "LMPOP 0 a LEFT", "LMPOP x a LEFT",
		"LMPOP 9 a LEFT", "BLMPOP 0 2 a b LEFT", "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "ZUNIONSTORE d 0 a", "ZUNION 2 a b", "ZINTER 1 a",
		"ZMPOP 1 a MIN", "BZMPOP 0 1 a MIN", "SINTERCARD 2 a b LIMIT 1", "SMOVE a b m", "SDIFFSTORE d a b", "ZRANGESTORE d s 0 1", "HSET h f v",
		"BZPOPMIN a b 0", "RPOPLPUSH a b",
	} {
		args := words(line)
		if table.Lookup(args) == nil && !strings.HasPrefix(line, "nosuch") {
			require.Fail(t, "not in the table", line)
		}
		for _, sub := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
			w := &resp.Writer{}
			if err := table.AppendKeys(w, args, sub == "GETKEYSANDFLAGS"); err != nil {
				w.Buf = w.Buf[:0]
				w.Error(err.Error())
			}
			asked := append([]string{"COMMAND", sub}, strings.Fields(line)...)
			if len(args) < 2 && table.Lookup(args) != nil {
				continue // COMMAND GETKEYS wants two words at least, the server's table says so
			}
			same(t, words(strings.Join(asked, " ")), w.Buf, reference.ask(asked...), scenario.Sorted, sub)
		}
	}
}

// TestTable_list: COMMAND LIST and its filters name, of our commands, those that the reference's names.
func TestTable_list(t *testing.T) {
	reference := dial(t, startReference(t))
	table := tableRows()
	var filters [][]string
	for _, category := range command.CategoryNames() {
		filters = append(filters, []string{"FILTERBY", "ACLCAT", category})
	}
	filters = append(filters, nil, []string{"FILTERBY", "ACLCAT", "nosuch"}, []string{"filterby", "pattern", "*EX*"},
		[]string{"FILTERBY", "PATTERN", "object|*"}, []string{"FILTERBY", "MODULE", "m"}, []string{"FILTERBY", "foo", "x"},
		[]string{"FILTERBY", "ACLCAT"}, []string{"foo"}, []string{"FILTERBY", "ACLCAT", "read", "write"})
	for _, filter := range filters {
		args := make([][]byte, len(filter))
		for i, word := range filter {
			args[i] = []byte(word)
		}
		want, _, err := scenario.Parse(reference.ask(append([]string{"COMMAND", "LIST"}, filter...)...))
		require.NoError(t, err)
		w := &resp.Writer{}
		if refusal := table.AppendList(w, args); refusal != nil {
			require.Equal(t, "-"+want.Text, "-"+refusal.Error(), "%v", filter)
			continue
		}
		got, _, err := scenario.Parse(w.Buf)
		require.NoError(t, err)
		names := slices.DeleteFunc(texts(want), func(name string) bool { return table.ByFullName(name) == nil })
		ours := slices.DeleteFunc(texts(got), func(name string) bool { return newer(table.ByFullName(name)) })
		require.ElementsMatch(t, names, ours, "%v", filter)
	}
}
