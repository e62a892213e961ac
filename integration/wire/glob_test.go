package wire

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/scenario"
)

// TestGlob: patterns made at random match the same keys as in the reference.
func TestGlob(t *testing.T) {
	reference := dial(t, startReference(t))
	chance := rand.New(rand.NewPCG(3, 4))
	text := func(alphabet string, most int) string {
		var b strings.Builder
		for range chance.IntN(most + 1) {
			b.WriteByte(alphabet[chance.IntN(len(alphabet))])
		}
		return b.String()
	}
	all := map[string]bool{"": true, "*": true, "[a]": true, "\\": true}
	for len(all) < 300 {
		all[text("abcA-]^\\*[", 5)] = true
	}
	line := []string{"MSET"}
	for key := range all {
		line = append(line, key, "v")
	}
	require.Equal(t, "+OK\r\n", string(reference.ask(line...)))
	for range 3000 {
		pattern := text("abc*?[]^-\\A", 8)
		if pattern == "*" {
			continue // KEYS does not match it at all
		}
		want, _, err := scenario.Parse(reference.ask("KEYS", pattern))
		require.NoError(t, err)
		var got []string
		for key := range all {
			if notation.Match([]byte(pattern), []byte(key), false) {
				got = append(got, key)
			}
		}
		expected := texts(want)
		slices.Sort(expected)
		slices.Sort(got)
		if !slices.Equal(expected, got) {
			require.Equal(t, expected, got, "pattern %q", pattern)
		}
	}
}

// TestGlob_nocase: command names are matched without regard to case.
func TestGlob_nocase(t *testing.T) {
	reference := dial(t, startReference(t))
	every, _, err := scenario.Parse(reference.ask("COMMAND", "LIST"))
	require.NoError(t, err)
	for _, pattern := range []string{"GET*", "[G]ET", "[A-C]*", "[c-A]*", "\\G*", "[\\G]ET", "*X?", "[^A-Z]*", "*|*", "??T"} {
		want, _, err := scenario.Parse(reference.ask("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern))
		require.NoError(t, err)
		var got []string
		for _, name := range texts(every) {
			if notation.Match([]byte(pattern), []byte(name), true) {
				got = append(got, name)
			}
		}
		require.ElementsMatch(t, texts(want), got, pattern)
	}
}

// TestGlob_takesNoTime: a pattern that makes a matcher with recursion at each star try for years.
func TestGlob_takesNoTime(t *testing.T) {
	pattern := []byte(strings.Repeat("a*", 1000) + "b")
	start := time.Now()
	require.False(t, notation.Match(pattern, []byte(strings.Repeat("a", 10000)), false))
	require.Less(t, time.Since(start), 5*time.Second)
}
