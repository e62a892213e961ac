package wire

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/scenario"
)

// exception is a difference from the reference that is meant to be.
type exception struct {
	reason string
	// covers tells whether this is the case; replies are parsed.
	covers func(line [][]byte, tandem, reference scenario.Value) bool
}

func exceptions() []exception {
	return []exception{
		{"small sets and lists are listpacks since 7.2", func(line [][]byte, tandem, reference scenario.Value) bool {
			return isLine(line, "object", "encoding") && tandem.Text == "listpack" &&
				(reference.Text == "hashtable" || reference.Text == "quicklist")
		}},
		{"scores have the fewest digits that read back since 7.2", func(_ [][]byte, tandem, reference scenario.Value) bool {
			return sameNumbers(tandem, reference)
		}},
		{"a whole number stays one after INCRBYFLOAT, as it does on a replica of Redis", func(line [][]byte, tandem, reference scenario.Value) bool {
			return isLine(line, "object", "encoding") && tandem.Text == "int" && reference.Text == "embstr" ||
				isLine(line, "object", "refcount") && tandem.Text == strconv.Itoa(math.MaxInt32) && reference.Text == "1"
		}},
		{"ZRANK has WITHSCORE since 7.2", func(line [][]byte, _, reference scenario.Value) bool {
			return (isLine(line, "zrank") || isLine(line, "zrevrank")) && len(line) == 4 && strings.Contains(reference.Text, "wrong number")
		}},
		{"Redis keeps blocks of streams in a radix tree", func(line [][]byte, tandem, reference scenario.Value) bool {
			return isLine(line, "xinfo", "stream") && sameButNumberOf("radix-tree-nodes", tandem, reference)
		}},
		{"a consumer is made also when there is nothing for it since 7.2", func(line [][]byte, tandem, reference scenario.Value) bool {
			if isLine(line, "xgroup", "createconsumer") && tandem.Text == "0" && reference.Text == "1" {
				return true
			}
			if !isLine(line, "xinfo", "groups") || len(tandem.Elements) != len(reference.Elements) {
				return false
			}
			for i := range tandem.Elements {
				if !sameButNumberOf("consumers", tandem.Elements[i], reference.Elements[i]) {
					return false
				}
			}
			return true
		}},
		{"7.0 lets a huge timeout overflow", func(_ [][]byte, tandem, reference scenario.Value) bool {
			return tandem.Text == string(command.ErrTimeoutRange) && reference.Text == string(command.ErrTimeoutNegative)
		}},
	}
}

// sameButNumberOf holds when the replies, pairs of names and values, differ in nothing but the number of that name.
func sameButNumberOf(name string, a, b scenario.Value) bool {
	if a.Kind != b.Kind || len(a.Elements) != len(b.Elements) {
		return false
	}
	for i := range a.Elements {
		if i > 0 && a.Elements[i-1].Text == name {
			continue
		}
		if !reflect.DeepEqual(a.Elements[i], b.Elements[i]) {
			return false
		}
	}
	return true
}

func isLine(line [][]byte, names ...string) bool {
	if len(line) < len(names) {
		return false
	}
	for i, name := range names {
		if !strings.EqualFold(string(line[i]), name) {
			return false
		}
	}
	return true
}

// sameNumbers holds when the replies differ in nothing but how floats are written.
func sameNumbers(a, b scenario.Value) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elements) != len(b.Elements) {
		return false
	}
	for i := range a.Elements {
		if !sameNumbers(a.Elements[i], b.Elements[i]) {
			return false
		}
	}
	if a.Text == b.Text {
		return true
	}
	x, err1 := strconv.ParseFloat(a.Text, 64)
	y, err2 := strconv.ParseFloat(b.Text, 64)
	return err1 == nil && err2 == nil && (a.Kind == '$' || a.Kind == ',') && math.Float64bits(x) == math.Float64bits(y)
}

// aboutTime: these answer what is left of a deadline, which two servers do not read at the same moment.
func aboutTime(line [][]byte, tandem, reference scenario.Value) bool {
	switch strings.ToLower(string(line[0])) {
	case "ttl", "pttl", "expiretime", "pexpiretime":
	default:
		return false
	}
	x, err1 := strconv.ParseInt(tandem.Text, 10, 64)
	y, err2 := strconv.ParseInt(reference.Text, 10, 64)
	return tandem.Kind == ':' && reference.Kind == ':' && err1 == nil && err2 == nil && x > 0 && y > 0 && max(x, y)-min(x, y) < 5000
}

// sameMoment holds when rows of pending entries differ in their idle time only, for which two clocks were read.
func sameMoment(a, b scenario.Value) bool {
	if a.Kind != b.Kind || len(a.Elements) != len(b.Elements) {
		return false
	}
	for i := range a.Elements {
		x, y := a.Elements[i].Elements, b.Elements[i].Elements
		if len(x) != 4 || len(y) != 4 {
			return false
		}
		n, err1 := strconv.ParseInt(x[2].Text, 10, 64)
		m, err2 := strconv.ParseInt(y[2].Text, 10, 64)
		if err1 != nil || err2 != nil || max(n, m)-min(n, m) > 5000 {
			return false
		}
		for _, same := range []int{0, 1, 3} {
			if !reflect.DeepEqual(x[same], y[same]) {
				return false
			}
		}
	}
	return true
}

// same fails the test unless both raw replies to a line are equal, or an exception covers the difference. where tells the
// reader what was run.
func same(t *testing.T, line [][]byte, tandem, reference []byte, order scenario.Order, where string) {
	t.Helper()
	require.Empty(t, difference(t, line, tandem, reference, order), where)
}

// difference shows what differs, or is empty.
func difference(t *testing.T, line [][]byte, tandem, reference []byte, order scenario.Order) string {
	t.Helper()
	if string(tandem) == string(reference) {
		return ""
	}
	got, err := scenario.Show(tandem, order)
	require.NoError(t, err, "%q", line)
	want, err := scenario.Show(reference, order)
	require.NoError(t, err, "%q", line)
	if order != scenario.Ordered && strings.Join(got, "\n") == strings.Join(want, "\n") {
		return ""
	}
	a, _, _ := scenario.Parse(tandem) // parsed by Show already
	b, _, _ := scenario.Parse(reference)
	if aboutTime(line, a, b) || isLine(line, "xpending") && sameMoment(a, b) {
		return ""
	}
	for _, e := range exceptions() {
		if e.covers(line, a, b) {
			return ""
		}
	}
	return fmt.Sprintf("%q\nthe reference says\n%s\nTandem says\n%s", line, strings.Join(want, "\n"), strings.Join(got, "\n"))
}
