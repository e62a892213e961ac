package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
)

// TestTable_rows: what each row must say. integration/wire compares the rows with the reference server.
func TestTable_rows(t *testing.T) {
	table := command.NewTable(command.Families()...)
	names := map[string]bool{}
	for _, row := range table.All() {
		require.False(t, names[row.FullName], "%s stands twice", row.FullName)
		names[row.FullName] = true
		require.Equal(t, row, table.ByFullName(row.FullName))
		require.Equal(t, strings.ToLower(row.FullName), row.FullName)
		require.NotZero(t, row.Arity, row.FullName)
		require.NotEmpty(t, row.Summary, row.FullName)
		require.NotEmpty(t, row.Since, row.FullName)
		require.NotEmpty(t, row.Group, row.FullName)
		require.NotZero(t, row.AllCategories(), row.FullName)
		if len(row.Subs) > 0 {
			require.Nil(t, row.Handler, "%s: a container runs nothing itself", row.FullName)
			continue
		}
		require.NotNil(t, row.Handler, row.FullName)
		if row.Name != "help" {
			require.NotEqual(t, row.Flags&command.Write != 0, row.Flags&command.ReadOnly != 0, "%s: write or else read", row.FullName)
		}
		least := max(row.Arity, -row.Arity)
		for _, k := range row.Keys {
			require.Less(t, k.Index, least, "%s: a key beyond the arity", row.FullName)
			require.Positive(t, k.Step, row.FullName)
			require.NotZero(t, k.Flags, row.FullName)
		}
	}
}

func TestTable_lookup(t *testing.T) {
	table := command.NewTable(command.Families()...)
	for line, want := range map[string]string{
		"get": "get", "GeT k": "get", "object": "object", "OBJECT encoding": "object|encoding", "OBJECT nosuch": "object", "nosuch": "",
		strings.Repeat("x", 100): "", "object " + strings.Repeat("x", 100): "object", "": "",
	} {
		args := [][]byte{{}}
		if line != "" {
			args = nil
			for _, word := range strings.Fields(line) {
				args = append(args, []byte(word))
			}
		}
		spec := table.Lookup(args)
		if want == "" {
			require.Nil(t, spec, line)
			continue
		}
		require.NotNil(t, spec, line)
		require.Equal(t, want, spec.FullName)
	}
	require.Panics(t, func() { table.Must("nosuch") })
	require.Panics(t, func() { command.NewTable([]command.Spec{{Name: "a", Arity: 1}, {Name: "a", Arity: 1}}) })
	args := [][]byte{[]byte("OBJECT"), []byte("Encoding"), []byte("k")}
	require.Zero(t, testing.AllocsPerRun(100, func() { table.Lookup(args) }))
}

func TestUnknown_texts(t *testing.T) {
	long := strings.Repeat("a", 200)
	for _, c := range []struct{ args, want string }{
		{"foo", "ERR unknown command 'foo', with args beginning with: "},
		{"foo a b", "ERR unknown command 'foo', with args beginning with: 'a' 'b' "},
		{long, fmt.Sprintf("ERR unknown command '%.128s', with args beginning with: ", long)},
	} {
		var args [][]byte
		for _, word := range strings.Fields(c.args) {
			args = append(args, []byte(word))
		}
		require.Equal(t, c.want, command.Unknown(args).Error())
	}
}
