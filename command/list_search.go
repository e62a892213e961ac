package command

import (
	"bytes"
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

// listSearch is the options of LPOS.
type listSearch struct {
	backward bool
	skip     uint64 // matches before the first that counts
	many     bool   // COUNT was given: an array is answered
	count    int64  // 0: all
	looked   int64  // MAXLEN: values to look at, 0: all
}

// parseSearch reads [RANK rank] [COUNT n] [MAXLEN n].
func parseSearch(c *Call) (o listSearch, err error) {
	o.count = 1
	cur := c.Cursor(3)
	for cur.More() {
		word := string(cur.Upper())
		if cur.Left() == 0 {
			return o, ErrSyntax
		}
		switch word {
		case "RANK":
			err = o.setRank(cur.Bytes())
		case "COUNT":
			o.many = true
			o.count, err = parseNotNegative(cur.Bytes(), ErrCountNegative)
		case "MAXLEN":
			o.looked, err = parseNotNegative(cur.Bytes(), ErrMaxLenNegative)
		default:
			err = ErrSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *listSearch) setRank(word []byte) error {
	rank, err := parseCountOfEitherSign(word)
	switch {
	case err != nil:
		return err
	case rank == 0:
		return ErrRankZero
	case rank < 0:
		o.backward, o.skip = true, uint64(-rank)-1
	default:
		o.backward, o.skip = false, uint64(rank)-1
	}
	return nil
}

// parseNotNegative reads an integer; refusal answers whatever is wrong with it.
func parseNotNegative(word []byte, refusal Error) (int64, error) {
	n, ok := ParseInt(word)
	if !ok || n < 0 {
		return 0, refusal
	}
	return n, nil
}

// positions are those of the matches that the options ask for, in the order of the search.
func (o *listSearch) positions(l keyspace.List, value []byte) []int {
	if l.Len() == 0 {
		return nil
	}
	looked, passed := int64(0), uint64(0)
	var found []int
	from := 0
	if o.backward {
		from = l.Len() - 1
	}
	l.Each(from, o.backward, func(i int, v []byte) bool {
		if bytes.Equal(v, value) {
			if passed++; passed > o.skip {
				found = append(found, i)
			}
		}
		looked++
		return (o.count == 0 || int64(len(found)) < o.count) && (o.looked == 0 || looked < o.looked)
	})
	return found
}

// matchingPositions finds up to count values (all when it is 0), in the order of the search; a negative count
// searches from the tail.
func matchingPositions(l keyspace.List, value []byte, count int64) []int {
	o := listSearch{count: count}
	switch {
	case count == math.MinInt64:
		o.backward, o.count = true, 0 // no list is that long
	case count < 0:
		o.backward, o.count = true, -count
	}
	return o.positions(l, value)
}

// A value that goes costs a search and a move within its block; when this share of the list goes, it is quicker to
// write what stays anew.
const (
	rebuildFrom  = 64
	rebuildShare = 24
)

// deletePositions removes the values at ascending positions.
func deletePositions(l *keyspace.ListEdit, at []int) {
	if len(at) > rebuildFrom && len(at)*rebuildShare > l.Len() {
		rebuildWithout(l, at)
		return
	}
	// From the tail to the head, so that the positions that are left stay right; neighbours go together.
	for end := len(at); end > 0; {
		start := end - 1
		for start > 0 && at[start-1] == at[start]-1 {
			start--
		}
		l.DeleteRange(at[start], end-start)
		end = start
	}
}

func rebuildWithout(l *keyspace.ListEdit, at []int) {
	var kept memberList
	l.Each(0, false, func(i int, v []byte) bool {
		if len(at) > 0 && at[0] == i {
			at = at[1:]
		} else {
			kept.add(v)
		}
		return true
	})
	l.DeleteRange(0, l.Len())
	for i := range kept.len() {
		l.PushTail(kept.at(i))
	}
}
