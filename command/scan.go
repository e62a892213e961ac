package command

import (
	"math"
	"strconv"

	"github.com/tandemkv/tandem/internal/notation"
)

// scanOptions are those of SCAN, HSCAN, SSCAN and ZSCAN.
type scanOptions struct {
	pattern []byte
	count   int64
	kind    string // SCAN only; a name that no kind has matches nothing
}

// parseScanOptions reads [MATCH pattern] [COUNT n], and [TYPE t] where keys are scanned, from argument i on.
func parseScanOptions(c *Call, i int, keys bool) (o scanOptions, err error) {
	o.count = 10
	cur := c.Cursor(i)
	for cur.More() {
		word := string(cur.Upper())
		switch {
		case cur.Left() == 0:
			cur.Fail(ErrSyntax)
		case word == "COUNT":
			o.count = cur.Int("")
			if o.count < 1 {
				cur.Fail(ErrSyntax)
			}
		case word == "MATCH":
			if o.pattern = cur.Bytes(); matchAll(o.pattern) {
				o.pattern = nil
			}
		case word == "TYPE" && keys:
			o.kind = string(lowerInto(make([]byte, len(c.Args[cur.At()])), cur.Bytes()))
		default:
			cur.Fail(ErrSyntax)
		}
	}
	return o, cur.Err()
}

func (o *scanOptions) matches(name []byte) bool {
	return o.pattern == nil || notation.Match(o.pattern, name, false)
}

func matchAll(pattern []byte) bool { return len(pattern) == 1 && pattern[0] == '*' }

// ParseCursor reads a cursor as C's strtoul does: a sign is allowed, an empty text is 0.
func ParseCursor(word []byte) (uint64, error) {
	digits := word
	if len(digits) > 1 && (digits[0] == '+' || digits[0] == '-') {
		digits = digits[1:]
	}
	if len(word) == 0 {
		return 0, nil
	}
	v, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, ErrInvalidCursor
	}
	if word[0] == '-' {
		return -v & math.MaxUint64, nil
	}
	return v, nil
}

// replyScan answers the next cursor and what was found.
func replyScan(c *Call, cursor uint64, found [][]byte) {
	var scratch [20]byte
	c.Reply.Array(2)
	c.Reply.Bulk(strconv.AppendUint(scratch[:0], cursor, 10))
	c.Reply.Array(len(found))
	for _, name := range found {
		c.Reply.Bulk(name)
	}
}
