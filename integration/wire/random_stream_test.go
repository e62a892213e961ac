package wire

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemkv/tandem/command"
)

// TestRandom_streams is TestRandom with nothing but streams, in which much comes together.
func TestRandom_streams(t *testing.T) {
	for side, start := range sides() {
		t.Run(side, func(t *testing.T) {
			g := newGenerator(*seed)
			g.onlyStreams()
			g.run(t, start(t))
		})
	}
}

// TestRandom_streamsReplicate: the log of streams makes an equal copy.
func TestRandom_streamsReplicate(t *testing.T) {
	g := newGenerator(*seed)
	g.onlyStreams()
	for done := 0; done < 2**lines; done += 3 * linesPerRound {
		replicate(t, g)
	}
}

func (g *generator) onlyStreams() {
	g.rows = slices.DeleteFunc(g.rows, func(row *command.Spec) bool {
		return row.Group != "stream" && !slices.Contains([]string{"del", "copy", "rename", "type"}, row.Name)
	})
}

// streamLine makes a line of the stream family. Words at random alone would hardly ever make a group, or anything pending.
func (g *generator) streamLine(name string) []string {
	words := strings.Split(strings.ToUpper(name), "|")
	switch name {
	case "xadd":
		words = append(append(append(words, g.key()), g.trim(0, "NOMKSTREAM")...), g.newID())
		for range 1 + g.chance.IntN(3) {
			words = append(words, g.pick("a", "b", "field"), g.pick("1", "", "12345678901", "-7", "Hello World", strings.Repeat("x", 300)))
		}
	case "xtrim":
		words = append(append(words, g.key()), g.trim(1, "LIMIT")...)
	case "xdel":
		words = append(append(words, g.key()), g.ids()...)
	case "xlen", "xinfo|groups", "xinfo|stream":
		words = append(words, g.key())
	case "xrange", "xrevrange":
		words = append(append(words, g.key(), g.end(), g.end()), g.maybe("COUNT", g.number(false))...)
	case "xread":
		words = g.streams(append(words, g.maybe("COUNT", g.pick("1", "2", "0", "100"))...), "$", "0", "0-0", "5")
	case "xreadgroup":
		words = append(words, "GROUP", g.group(), g.consumer())
		words = g.streams(append(append(words, g.maybe("COUNT", g.pick("1", "2", "0", "100"))...), g.maybe("NOACK")...), ">", ">", ">", "0", "3-1")
	case "xack":
		words = append(append(words, g.key(), g.group()), g.ids()...)
	case "xpending":
		words = append(words, g.key(), g.group())
		if g.chance.IntN(3) > 0 {
			words = append(append(append(words, g.maybe("IDLE", g.pick("0", "100000000"))...), g.end(), g.end(), g.pick("0", "1", "5", "100")), g.maybe(g.consumer())...)
		}
	case "xclaim":
		words = append(append(words, g.key(), g.group(), g.consumer(), g.pick("0", "0", "100000000", "-1")), g.ids()...)
		words = append(append(append(words, g.maybe("FORCE")...), g.maybe("JUSTID")...), g.maybe("RETRYCOUNT", g.pick("0", "3", "9223372036854775807"))...)
		words = append(append(words, g.maybe("TIME", g.pick("1", "5000", "-3"))...), g.maybe("LASTID", g.newID())...)
	case "xautoclaim":
		words = append(append(words, g.key(), g.group(), g.consumer(), g.pick("0", "0", "100000000"), g.end()), g.maybe("COUNT", g.pick("1", "2", "0", "5"))...)
		words = append(words, g.maybe("JUSTID")...)
	case "xgroup|create":
		words = append(append(append(words, g.key(), g.group(), g.pick("0", "$", "3-1", "5")), g.maybe("MKSTREAM")...), g.maybe("ENTRIESREAD", g.pick("0", "3", "-1"))...)
	case "xgroup|setid":
		words = append(append(words, g.key(), g.group(), g.pick("0", "$", "3-1", "5")), g.maybe("ENTRIESREAD", g.pick("0", "3", "-1"))...)
	case "xgroup|destroy":
		words = append(words, g.key(), g.group())
	case "xgroup|createconsumer", "xgroup|delconsumer":
		words = append(words, g.key(), g.group(), g.consumer())
	}
	if g.chance.IntN(30) == 0 {
		words[len(words)-1] = g.option()
	}
	return words
}

func (g *generator) group() string    { return g.pick("g1", "g2", "g1", "g2", "g3") }
func (g *generator) consumer() string { return g.pick("alice", "bob", "carol") }

func (g *generator) maybe(words ...string) []string {
	if g.chance.IntN(3) == 0 {
		return words
	}
	return nil
}

// newID rises with the lines of a round, so that most can be added.
func (g *generator) newID() string {
	g.added++
	ms := strconv.Itoa(g.added%linesPerRound/4 + g.chance.IntN(4))
	return g.pick(ms, ms+"-1", ms+"-*", ms+"-*", ms+"-"+strconv.Itoa(g.chance.IntN(9)))
}

func (g *generator) oldID() string {
	return g.pick(strconv.Itoa(g.chance.IntN(linesPerRound/4)), strconv.Itoa(g.chance.IntN(linesPerRound/4))+"-"+strconv.Itoa(g.chance.IntN(4)))
}

func (g *generator) ids() (ids []string) {
	for range 1 + g.chance.IntN(5) {
		ids = append(ids, g.oldID())
	}
	return ids
}

// end is one of a range.
func (g *generator) end() string { return g.pick("-", "+", g.oldID(), g.oldID(), "("+g.oldID()) }

// trim is so often asked for, out of three times.
func (g *generator) trim(often int, or string) []string {
	if g.chance.IntN(3) > often {
		return g.maybe(or)
	}
	return append(g.maybe2("MAXLEN", g.pick("0", "3", "10", "20")), g.maybe("LIMIT", g.pick("0", "1", "100"))...)
}

func (g *generator) maybe2(word, threshold string) []string {
	if g.chance.IntN(2) == 0 {
		word, threshold = "MINID", g.oldID()
	}
	return append(append([]string{word}, g.maybe(g.pick("=", "~", "~"))...), threshold)
}

// streams ends a line that reads from one or two streams.
func (g *generator) streams(words []string, ids ...string) []string {
	words = append(words, "STREAMS", g.key())
	if g.chance.IntN(3) == 0 {
		return append(words, g.key(), g.pick(ids...), g.pick(ids...))
	}
	return append(words, g.pick(ids...))
}
