package datadriven

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = `# first
add x=1 loud
two
lines
----
3

empty
----

# a comment of its own
blank
----
----
a

b
----
----

# the end
`

func TestParse_andFormatGiveTheSameBytes(t *testing.T) {
	cases, tail, err := Parse("sample", sample)
	require.NoError(t, err)
	require.Len(t, cases, 3)
	require.Equal(t, "add", cases[0].Command)
	require.Equal(t, "1", cases[0].Arg("x", ""))
	require.Equal(t, "?", cases[0].Arg("y", "?"))
	require.True(t, cases[0].Has("loud"))
	require.False(t, cases[0].Has("quiet"))
	require.Equal(t, "two\nlines\n", cases[0].Input)
	require.Equal(t, "3\n", cases[0].Expected)
	require.Empty(t, cases[1].Expected)
	require.Equal(t, "a\n\nb\n", cases[2].Expected)
	require.Equal(t, sample, Format(cases, tail))
}

func TestParse_saysWhereTheSeparatorIsMissing(t *testing.T) {
	_, _, err := Parse("sample", "# x\n\ncommand\n")
	require.ErrorContains(t, err, "sample:3")
}
