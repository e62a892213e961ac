package wire

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/scenario"
)

var (
	seed  = flag.Uint64("seed", 1, "of the random lines")
	lines = flag.Int("lines", 12000, "how many random lines to compare")
)

const linesPerRound = 150

// generator makes command lines from the table's rows: keys where keys belong, and elsewhere words of all sorts, good and
// bad.
type generator struct {
	chance  *rand.Rand
	rows    []*command.Spec
	anyTime bool // deadlines may pass while lines run
	added   int  // ids of streams that were made up
}

func newGenerator(seed uint64) *generator {
	g := &generator{chance: rand.New(rand.NewPCG(seed, 1))}
	for _, row := range tableRows().All() {
		if row.Handler != nil && !neverRandom(row.FullName) && !newer(row) {
			g.rows = append(g.rows, row)
		}
	}
	return g
}

// neverRandom: what answers by chance, by the time that passes or in an order of its own, and what would cross databases or wipe them too often.
func neverRandom(name string) bool {
	switch name {
	case "spop", "srandmember", "hrandfield", "zrandmember", "randomkey", "scan", "sscan", "hscan", "zscan", "object|help", "object|freq", "object|idletime",
		"xinfo|help", "xinfo|consumers", "xgroup|help", "xsetid", "flushall", "flushdb", "swapdb":
		return true
	}
	return false
}

func (g *generator) pick(words ...string) string { return words[g.chance.IntN(len(words))] }

func (g *generator) key() string { return g.pick("k1", "k2", "k3", "k4", "k5", "k6") }

func (g *generator) line() []string {
	row := g.rows[g.chance.IntN(len(g.rows))]
	if row.Group == "stream" {
		return g.streamLine(row.FullName)
	}
	out := strings.Split(row.FullName, "|")
	n := row.Arity
	if n < 0 {
		n = -n + max(0, g.chance.IntN(8)-3)
	}
	if g.chance.IntN(20) == 0 {
		n += g.chance.IntN(3) - 1
	}
	if row.Group == "hash" && newer(row) && g.chance.IntN(2) == 0 {
		return g.fields(row, out)
	}
	timed := isTimed(row.Name) && !g.anyTime
	for len(out) < n {
		out = append(out, g.word(row, len(out), timed))
	}
	return out
}

// fields goes on with a line of a command that has FIELDS, mostly a good one.
func (g *generator) fields(row *command.Spec, out []string) []string {
	out = append(out, g.key())
	switch name := row.Name; {
	case strings.HasSuffix(name, "expireat"):
		out = append(out, g.pick("1000000000", "1000000100", "1000001000", "1000000000500", "1000000001000"))
	case strings.HasSuffix(name, "expire"):
		out = append(out, g.pick("0", "1", "5", "100", "1000"))
	case strings.HasSuffix(name, "ex") && g.chance.IntN(2) == 0:
		out = append(out, g.pick("EX", "PX"), g.pick("0", "1", "100"))
	}
	if g.chance.IntN(3) == 0 {
		out = append(out, g.pick("NX", "XX", "GT", "LT", "FNX", "FXX", "KEEPTTL", "PERSIST"))
	}
	n := 1 + g.chance.IntN(3)
	out = append(out, "FIELDS", strconv.Itoa(n))
	if row.Name == "hsetex" {
		n *= 2
	}
	for range n {
		out = append(out, g.pick("a", "b", "c", "d", "1"))
	}
	return out
}

// isTimed: these read numbers as times, and a deadline within the test's own run would make two servers differ.
func isTimed(name string) bool {
	switch name {
	case "expire", "pexpire", "expireat", "pexpireat", "set", "setex", "psetex", "getex":
		return true
	}
	return false
}

func (g *generator) word(row *command.Spec, at int, timed bool) string {
	for i := range row.Keys {
		k := &row.Keys[i]
		if k.Keyword == "" && !k.ByNumber && at >= k.Index && (at == k.Index || k.Last < 0) && (at-k.Index)%k.Step == 0 {
			return g.key()
		}
		if k.ByNumber && at == k.Index+k.NumIndex {
			return g.pick("1", "2", "2", "2", "3", "0", "-1", "x")
		}
		if k.ByNumber && at > k.Index && g.chance.IntN(2) == 0 {
			return g.key()
		}
	}
	switch roll := g.chance.IntN(10); {
	case roll < 2:
		return g.key()
	case roll < 5:
		return g.number(timed)
	case roll < 7 && timed:
		return g.pick("a", "b", "", "Hello World", "3.5")
	case roll < 7:
		return g.pick("a", "b", "c", "d", "", "abc", "Hello World", "\xff\x00z", "10", "3.5", strings.Repeat("x", 70))
	}
	return g.option()
}

func (g *generator) number(timed bool) string {
	if timed {
		return g.pick("100000", "200000", "-1", "0", "99999999999999", "9223372036854775807", "x", "99999999999999999999")
	}
	if g.chance.IntN(2) == 0 {
		return g.pick("0", "1", "2", "3", "-1", "-2", "5", "10", "100", "1000")
	}
	return g.pick("-100", "1.5", "-0.25", "3.0e2", "inf", "-inf", "nan", "(1", "(5", "[a", "(c", "+", "-",
		"9223372036854775807", "-9223372036854775808", "99999999999999999999", "0x10", "1e400", "1e-400", "+3", "007")
}

func (g *generator) option() string {
	return g.pick("NX", "XX", "GT", "LT", "CH", "INCR", "GET", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "WITHSCORES", "WITHVALUES", "LIMIT", "BYSCORE",
		"BYLEX", "REV", "WEIGHTS", "AGGREGATE", "SUM", "MIN", "MAX", "COUNT", "MATCH", "LEFT", "RIGHT", "BEFORE", "AFTER", "RANK", "MAXLEN", "DB", "REPLACE",
		"left", "withscores", "nx")
}

// orderOf: whose replies come in an order that means nothing.
func orderOf(line []string) scenario.Order {
	switch strings.ToLower(line[0]) {
	case "keys", "smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals":
		return scenario.Sorted
	case "hgetall":
		return scenario.Pairs // in version 3 a map, which is sorted as such
	}
	return scenario.Ordered
}

// TestRandom compares replies to lines made at random, and the whole data after each round. It goes on after a
// difference, with the next round, and shows the first one of each command.
func TestRandom(t *testing.T) {
	for side, start := range sides() {
		t.Run(side, func(t *testing.T) { newGenerator(*seed).run(t, start(t)) })
	}
}

func (g *generator) run(t *testing.T, tandem target) {
	reference := dial(t, startReference(t))
	found := map[string]string{}
	for done := 0; done < *lines; done += linesPerRound {
		tandem.clear()
		reference.clear()
		proto := 2 + done/linesPerRound%2
		tandem.speak(proto)
		reference.speak(proto)
		if name, what := g.round(t, tandem, reference); what != "" && found[name] == "" {
			found[name] = what
		}
	}
	for name, what := range found {
		t.Errorf("%s (seed %d): %s", name, *seed, what)
	}
}

func (g *generator) round(t *testing.T, tandem, reference target) (name, what string) {
	t.Helper()
	var story []string
	for range linesPerRound {
		line := g.line()
		args := byteWords(line)
		if what = difference(t, args, tandem.run(args), reference.run(args), orderOf(line)); what != "" {
			return line[0], what + "\nafter\n" + tail(story)
		}
		story = append(story, fmt.Sprintf("%q", line))
	}
	if what = differentData(t, tandem, reference); what != "" {
		return "the data", what + "\nafter\n" + tail(story)
	}
	return "", ""
}

func byteWords(line []string) [][]byte {
	args := make([][]byte, len(line))
	for i, word := range line {
		args[i] = []byte(word)
	}
	return args
}

// tail is the end of the story, which is where the fault mostly is.
func tail(story []string) string { return strings.Join(story[max(0, len(story)-60):], "\n") }

// differentData compares what is in database 0.
func differentData(t *testing.T, tandem, reference target) string {
	t.Helper()
	for i := 1; i <= 6; i++ {
		key := "k" + strconv.Itoa(i)
		kind := reference.run(words("TYPE " + key))
		read, known := map[string]string{
			"+none\r\n": "EXISTS " + key, "+string\r\n": "GET " + key, "+list\r\n": "LRANGE " + key + " 0 -1", "+set\r\n": "SMEMBERS " + key,
			"+hash\r\n": "HGETALL " + key, "+zset\r\n": "ZRANGE " + key + " 0 -1 WITHSCORES",
			"+stream\r\n": "XRANGE " + key + " - +",
		}[string(kind)]
		require.True(t, known, "%q", kind)
		lines := []string{"TYPE " + key, read, "TTL " + key, "OBJECT ENCODING " + key}
		if string(kind) == "+stream\r\n" {
			lines = append(lines, "XINFO STREAM "+key, "XINFO GROUPS "+key, "XPENDING "+key+" g1 - + 1000", "XPENDING "+key+" g2 - + 1000")
		}
		for _, line := range lines {
			args := words(line)
			if what := difference(t, args, tandem.run(args), reference.run(args), orderOf(strings.Fields(line))); what != "" {
				return what
			}
		}
	}
	return ""
}

// TestRandom_floats: sums of INCRBYFLOAT are the reference's to the last digit.
func TestRandom_floats(t *testing.T) {
	reference, tandem := dial(t, startReference(t)), newEngine(t)
	chance := rand.New(rand.NewPCG(*seed, 2))
	number := func() string {
		switch chance.IntN(6) {
		case 0:
			return strconv.Itoa(chance.IntN(1000) - 500)
		case 1:
			return strconv.FormatFloat(chance.NormFloat64()*1000, 'f', chance.IntN(25), 64)
		case 2:
			return strconv.FormatFloat(chance.NormFloat64(), 'e', chance.IntN(20), 64)
		case 3:
			return fmt.Sprintf("%de%d", chance.IntN(100000), chance.IntN(60)-40)
		case 4:
			return fmt.Sprintf("%d.%d", chance.Int64(), chance.Int64())
		}
		return "0." + strconv.Itoa(chance.IntN(100))
	}
	for round := range 300 {
		start := byteWords([]string{"SET", "f", number()})
		same(t, start, tandem.run(start), reference.run(start), scenario.Ordered, "")
		for range 8 {
			line := byteWords([]string{"INCRBYFLOAT", "f", number()})
			// Raw: this is where digits matter.
			require.Equal(t, string(reference.run(line)), string(tandem.run(line)), "seed %d, round %d: %q after %q", *seed, round, line, start)
		}
	}
}
