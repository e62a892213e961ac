package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

// stream is the replication stream of a server, read by a raw client that says SYNC as old replicas did.
type stream struct {
	*client
	reader resp.Reader
	marks  int
}

func openStream(t *testing.T, address string) *stream {
	t.Helper()
	s := &stream{client: dial(t, address)}
	s.send([]byte("SYNC\r\n"))
	head := s.line()
	require.Truef(t, strings.HasPrefix(head, "$"), "%q", head)
	n, err := strconv.Atoi(head[1:])
	require.NoError(t, err, "the full copy's length")
	for len(s.buf) < n {
		require.True(t, s.more())
	}
	s.buf = s.buf[n:]
	return s
}

// line reads the next line that is not empty: a server that prepares the copy sends newlines meanwhile.
func (s *stream) line() string {
	for {
		s.buf = bytes.TrimLeft(s.buf, "\n")
		if head, rest, ok := bytes.Cut(s.buf, []byte("\r\n")); ok {
			s.buf = rest
			return string(head)
		}
		require.True(s.t, s.more())
	}
}

// command reads one command of the stream.
func (s *stream) command() [][]byte {
	for {
		args, used, err := s.reader.Next(s.buf)
		require.NoError(s.t, err)
		if used > 0 {
			out := make([][]byte, len(args))
			for i, a := range args {
				out[i] = bytes.Clone(a)
			}
			s.buf = s.buf[used:]
			return out
		}
		require.True(s.t, s.more())
	}
}

// until gives what came before a mark that is published now; without SELECT and PING, MULTI and EXEC left in place.
func (s *stream) until(publisher *client) [][][]byte {
	return slices.DeleteFunc(s.all(publisher), func(args [][]byte) bool { return isLine(args, "select") })
}

// all is until with SELECT.
func (s *stream) all(publisher *client) [][][]byte {
	s.marks++
	mark := fmt.Sprint("mark ", s.marks)
	publisher.ask("PUBLISH", "wire", mark)
	var out [][][]byte
	for {
		switch args := s.command(); {
		case isLine(args, "publish") && string(args[2]) == mark:
			return out
		case isLine(args, "ping"):
		default:
			out = append(out, args)
		}
	}
}

// TestEffects: what Tandem's log says of each scenario's lines is what the reference sends to its replicas, word by word.
func TestEffects(t *testing.T) {
	address := startReference(t)
	reference, publisher := dial(t, address), dial(t, address)
	replica := openStream(t, address)
	tandem := newEngine(t)
	for name, file := range readScenarios(t) {
		t.Run(name, func(t *testing.T) {
			eachLine(t, file, []target{tandem, reference}, func(step *scenario.Step, _ scenario.Order, compared bool) {
				replica.until(publisher) // what the clean-up sent
				args := words(step.Line)
				var got [][][]byte
				tandem.unit = func(unit []command.Effect) { got = asSent(unit) }
				tandem.run(args)
				tandem.unit = nil
				reference.run(args)
				want := inUnit(replica.until(publisher), blocking(args[0]))
				if compared {
					sameEffects(t, want, got, fmt.Sprintf("%s:%d: %s", name, step.At, step.Line))
				}
			})
		})
	}
}

// asSent copies a unit's words, with MULTI and EXEC around several effects.
func asSent(unit []command.Effect) [][][]byte {
	var out [][][]byte
	if len(unit) > 1 {
		out = append(out, words("MULTI"))
	}
	for _, e := range unit {
		var line [][]byte
		for _, word := range e.Words {
			line = append(line, bytes.Clone(word))
		}
		out = append(out, line)
	}
	if len(unit) > 1 {
		out = append(out, words("EXEC"))
	}
	return out
}

// inUnit takes the MULTI and EXEC away that come of a single command that was run inside MULTI, so as not to wait.
func inUnit(sent [][][]byte, wrapped bool) [][][]byte {
	if wrapped && len(sent) == 3 && isLine(sent[0], "multi") {
		return sent[1:2]
	}
	return sent
}

// quieter are lines that Redis replicates though they change nothing.
func quieter() map[string]string {
	return map[string]string{"SWAPDB 0 0": "a database swapped with itself stays what it is"}
}

func sameEffects(t *testing.T, want, got [][][]byte, where string) {
	t.Helper()
	if len(want) == 1 && quieter()[shown(want)] != "" && len(got) == 0 {
		return
	}
	if louder(got) {
		want, got = withoutExtras(want, got)
	}
	for i := range want {
		for j := range want[i] {
			if i < len(got) && j < len(got[i]) && sameDeadline(string(want[i][j]), string(got[i][j])) {
				got[i][j] = want[i][j]
			}
		}
	}
	require.Equal(t, shown(want), shown(got), where)
}

// louder: what a consumer does is told in full, where 7.0 leaves out which consumers there are, how much a group has read, and
// that history was given once more. Its replicas differ from it in that.
func louder(got [][][]byte) bool {
	return slices.ContainsFunc(got, func(line [][]byte) bool {
		return isLine(line, "xclaim") || isLine(line, "xgroup", "setid") || isLine(line, "xgroup", "createconsumer")
	})
}

// withoutExtras leaves out MULTI and EXEC, and of ours such lines as the reference has no equal of.
func withoutExtras(want, got [][][]byte) (_, _ [][][]byte) {
	bare := func(line [][]byte) bool { return isLine(line, "multi") || isLine(line, "exec") }
	want, got = slices.DeleteFunc(want, bare), slices.DeleteFunc(got, bare)
	var kept [][][]byte
	for _, line := range got {
		if n := len(kept); n < len(want) && len(want[n]) == len(line) && isLine(line, string(want[n][0]), string(want[n][1])) {
			kept = append(kept, line)
		}
	}
	return want, kept
}

// sameDeadline: two servers read the clock one after the other.
func sameDeadline(a, b string) bool {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	return err1 == nil && err2 == nil && x > 1.5e12 && y > 1.5e12 && max(x, y)-min(x, y) < 5000
}

func shown(lines [][][]byte) string {
	var out []string
	for _, line := range lines {
		text := make([]string, len(line))
		for i, word := range line {
			text[i] = scenario.Word(string(word))
		}
		out = append(out, strings.Join(text, " "))
	}
	return strings.Join(out, "\n")
}
