package command

import (
	"bytes"
	"math"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

// How the stream commands read ids, and what they share in replies and effects.

const streamIDBytesMax = 127 // of an id as text, as in Redis

// parseStreamID reads "ms-seq", or "ms" alone, whose number is then missingSeq.
func parseStreamID(b []byte, missingSeq uint64) (keyspace.StreamID, error) {
	id, seqGiven, ok := readStreamID(b, missingSeq)
	if !ok || !seqGiven {
		return id, ErrStreamID
	}
	return id, nil
}

// readStreamID reads also "ms-*": then seqGiven is false.
func readStreamID(b []byte, missingSeq uint64) (id keyspace.StreamID, seqGiven, ok bool) {
	if len(b) > streamIDBytesMax {
		return id, false, false
	}
	b, _, _ = bytes.Cut(b, []byte{0}) // Redis reads it as C does
	ms, seq, both := bytes.Cut(b, []byte("-"))
	if id.Ms, ok = parseUint(ms); !ok {
		return id, false, false
	}
	switch {
	case !both:
		id.Seq = missingSeq
	case string(seq) == "*":
		return id, false, true
	default:
		if id.Seq, ok = parseUint(seq); !ok {
			return id, false, false
		}
	}
	return id, true, true
}

// parseUint reads what Redis' string2ull does: a canonical number that is not negative, or what C's strtoull takes, where
// a minus sign counts down from zero.
func parseUint(b []byte) (uint64, bool) {
	if n, ok := ParseInt(b); ok {
		return uint64(n), n >= 0
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	negative := len(b) > 0 && b[0] == '-'
	if len(b) > 0 && (negative || b[0] == '+') {
		b = b[1:]
	}
	if len(b) == 0 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

// parseRangeEnd reads an end of a range: an id, "-", "+", or with "(" before it an id that the range leaves out.
func parseRangeEnd(b []byte, missingSeq uint64, upper bool) (keyspace.StreamID, error) {
	switch string(b) {
	case "-":
		return keyspace.StreamID{}, nil
	case "+":
		return keyspace.MaxStreamID(), nil
	}
	if len(b) < 2 || b[0] != '(' {
		return parseStreamID(b, missingSeq)
	}
	id, err := parseStreamID(b[1:], missingSeq)
	if err != nil {
		return id, err
	}
	inside := false
	if upper {
		if id, inside = id.Prev(); !inside {
			return id, ErrStreamEnd
		}
		return id, nil
	}
	if id, inside = id.Next(); !inside {
		return id, ErrStreamStart
	}
	return id, nil
}

// parseStreamRange reads "start end".
func parseStreamRange(start, end []byte) (from, to keyspace.StreamID, err error) {
	if from, err = parseRangeEnd(start, 0, false); err != nil {
		return from, to, err
	}
	to, err = parseRangeEnd(end, math.MaxUint64, true)
	return from, to, err
}

// parseStreamIDs reads all of the words.
func parseStreamIDs(words [][]byte) ([]keyspace.StreamID, error) {
	ids := make([]keyspace.StreamID, len(words))
	for i, word := range words {
		var err error
		if ids[i], err = parseStreamID(word, 0); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// streamTrim is "MAXLEN|MINID [=|~] threshold [LIMIT n]", and where it stands.
type streamTrim struct {
	keyspace.StreamTrim
	given   bool
	at      int // of the threshold
	limited bool
}

// streamAdd is what XADD's options say; XTRIM has the trim only.
type streamAdd struct {
	trim     streamTrim
	noCreate bool
	at       int // of the id
	id       keyspace.StreamID
	idGiven  bool
	seqGiven bool
}

// parseStreamAdd reads the options of XADD up to its id, or those of XTRIM.
func parseStreamAdd(c *Call, isAdd bool) (o streamAdd, err error) {
	cur := c.Cursor(2)
	for cur.More() && o.at == 0 {
		at, alone := cur.At(), cur.Left() == 1
		word := string(cur.Upper())
		switch {
		case isAdd && word == "*":
			o.at = at
		case (word == "MAXLEN" || word == "MINID") && !alone:
			o.trim.read(&cur, word == "MINID")
		case word == "LIMIT" && !alone:
			o.trim.limited = true
			if o.trim.Limit = cur.Int(""); o.trim.Limit < 0 {
				cur.Fail(ErrTrimLimit)
			}
		case isAdd && word == "NOMKSTREAM":
			o.noCreate = true
		case isAdd:
			o.at, o.idGiven = at, true
			ok := false
			if o.id, o.seqGiven, ok = readStreamID(c.Args[at], 0); !ok {
				return o, ErrStreamID
			}
		default:
			return o, ErrSyntax
		}
	}
	if err := cur.Err(); err != nil {
		return o, err
	}
	if o.at == 0 {
		o.at = len(c.Args)
	}
	return o, o.trim.settle(c, isAdd)
}

// read reads a threshold with its sign.
func (t *streamTrim) read(cur *Cursor, byID bool) {
	if t.given {
		cur.Fail(ErrTrimTwice)
		return
	}
	t.given, t.ByID, t.Whole = true, byID, false
	word := cur.Bytes()
	if cur.Left() > 0 && (string(word) == "~" || string(word) == "=") {
		t.Whole = word[0] == '~'
		word = cur.Bytes()
	}
	t.at = cur.At() - 1
	if byID {
		var err error
		if t.MinID, err = parseStreamID(word, 0); err != nil {
			cur.Fail(ErrStreamID)
		}
		return
	}
	var ok bool
	if t.MaxLen, ok = ParseInt(word); !ok {
		cur.Fail(ErrNotInteger)
	} else if t.MaxLen < 0 {
		cur.Fail(ErrTrimMaxLen)
	}
}

// settle sets the limit where none was given: a hundred blocks of work, within Redis' bounds. What a log says is exact.
func (t *streamTrim) settle(c *Call, isAdd bool) error {
	switch {
	case t.Limit != 0 && !t.given:
		return ErrTrimLimitAlone
	case !isAdd && !t.given:
		return ErrTrimMissing
	case c.Replay:
		t.Limit = 0
	case t.limited && !t.Whole:
		return ErrTrimLimitExact
	case !t.limited && t.Whole:
		t.Limit = int64(c.KS.Limits().StreamNodeMaxEntries) * 100
		if t.Limit <= 0 {
			t.Limit = 10000
		}
		t.Limit = min(t.Limit, 1000000)
	}
	return nil
}

// rewriteTrim makes the trim of the logged words exact, for a threshold that was not.
func (t *streamTrim) rewriteTrim(c *Call, words [][]byte, s keyspace.Stream) {
	if !t.Whole {
		return
	}
	words[t.at-1] = c.Text("=")
	if t.ByID {
		words[t.at] = c.streamID(s.State().Edge)
	} else {
		words[t.at] = c.Int(int64(s.Len()))
	}
}

// rewritten makes the effect of the command as given, and gives its words to be changed.
func (c *Call) rewritten() [][]byte {
	c.Effect(c.Args...)
	return c.effects[len(c.effects)-1].Words
}

// streamID is Word for an id as text.
func (c *Call) streamID(id keyspace.StreamID) []byte {
	start := len(c.arena)
	c.arena = id.AppendTo(c.arena)
	return c.arena[start:len(c.arena):len(c.arena)]
}

func (c *Call) replyStreamID(id keyspace.StreamID) {
	var room [48]byte
	c.Reply.Bulk(id.AppendTo(room[:0]))
}

// replyStreamEntry writes an entry: its id, and its fields and values in turn.
func (c *Call) replyStreamEntry(e *keyspace.StreamEntry) {
	c.Reply.Array(2)
	c.replyStreamID(e.ID)
	c.Reply.Array(2 * e.Len())
	e.Each(func(field, value []byte) {
		c.Reply.Bulk(field)
		c.Reply.Bulk(value)
	})
}

// replyStreamRange writes up to count entries (0: all).
func (c *Call) replyStreamRange(s keyspace.Stream, from, to keyspace.StreamID, backward bool, count int64) {
	mark, n := len(c.Reply.Buf), int64(0)
	visit := func(e *keyspace.StreamEntry) bool {
		c.replyStreamEntry(e)
		n++
		return n != count
	}
	if backward {
		s.EachBackward(to, from, visit)
	} else {
		s.Each(from, to, visit)
	}
	c.Reply.ArrayFrom(mark, int(n))
}
