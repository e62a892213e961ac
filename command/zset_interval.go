package command

import (
	"math"

	"github.com/tandemkv/tandem/keyspace"
)

// rangeBy is the measure of a range of a sorted set.
type rangeBy uint8

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// interval is a range as it was asked for.
type interval struct {
	by          rangeBy
	first, last int64 // byRank; negative ones count from the end
	min, max    bound // byScore, byLex
}

// bound is one end of an interval.
type bound struct {
	score     float64
	member    []byte
	unbounded int8 // byLex: -1 is before all members, 1 behind all
	open      bool // the bound itself is not in the interval
}

// parseInterval reads the two words of a range.
func parseInterval(by rangeBy, first, last []byte) (in interval, err error) {
	in.by = by
	var ok1, ok2 bool
	refusal := ErrNotInteger
	switch by {
	case byRank:
		in.first, ok1 = ParseInt(first)
		in.last, ok2 = ParseInt(last)
	case byScore:
		in.min, ok1 = parseScoreBound(first)
		in.max, ok2 = parseScoreBound(last)
		refusal = ErrMinMaxNotFloat
	case byLex:
		in.min, ok1 = parseLexBound(first)
		in.max, ok2 = parseLexBound(last)
		refusal = ErrMinMaxNotLex
	}
	if !ok1 || !ok2 {
		return in, refusal
	}
	return in, nil
}

// parseScoreBound reads a score as C's strtod; a "(" before it leaves the score itself out.
func parseScoreBound(word []byte) (b bound, ok bool) {
	if len(word) > 0 && word[0] == '(' {
		b.open, word = true, word[1:]
	}
	b.score, _, ok = parseCFloat(word)
	return b, ok && !math.IsNaN(b.score)
}

// parseLexBound reads "-", "+", "[member" or "(member".
func parseLexBound(word []byte) (b bound, ok bool) {
	switch {
	case len(word) == 0:
		return b, false
	case word[0] == '[' || word[0] == '(':
		return bound{member: word[1:], open: word[0] == '('}, true
	case len(word) == 1 && word[0] == '-':
		return bound{unbounded: -1}, true
	case len(word) == 1 && word[0] == '+':
		return bound{unbounded: 1}, true
	}
	return b, false
}

// ranks finds the members of the interval. In reverse the first one is that with the highest rank, and ranks that were
// given count from there.
func (in *interval) ranks(z keyspace.ZSet, reverse bool) rankRange {
	var from, n int
	switch in.by {
	case byRank:
		if from, n = rangeIn(z.Len(), in.first, in.last); reverse {
			from = z.Len() - from - n
		}
	case byScore:
		from = z.CountBelow(in.min.score, in.min.open)
		n = z.CountBelow(in.max.score, !in.max.open) - from
	case byLex:
		from = in.min.countBelow(z, in.min.open)
		n = in.max.countBelow(z, !in.max.open) - from
	}
	return rankRange{from: from, n: max(n, 0), reverse: reverse}
}

func (b *bound) countBelow(z keyspace.ZSet, inclusive bool) int {
	switch b.unbounded {
	case -1:
		return 0
	case 1:
		return z.Len()
	}
	return z.CountBelowLex(b.member, inclusive)
}

// rankRange is n members from a rank upwards, visited downwards when reverse.
type rankRange struct {
	from, n int
	reverse bool
}

// skip leaves out the first offset members in the order of the visit, and what is beyond limit (below 0: no limit). A
// negative offset leaves nothing, as in Redis.
func (r *rankRange) skip(offset, limit int64) {
	if offset < 0 || offset >= int64(r.n) {
		r.n = 0
		return
	}
	left := int64(r.n) - offset
	kept := left
	if limit >= 0 {
		kept = min(left, limit)
	}
	if r.reverse {
		r.from += int(left - kept)
	} else {
		r.from += int(offset)
	}
	r.n = int(kept)
}

func (r *rankRange) each(z keyspace.ZSet, visit func(m []byte, score float64)) {
	left := r.n
	if left == 0 {
		return
	}
	start := r.from
	if r.reverse {
		start = r.from + r.n - 1
	}
	z.Each(start, r.reverse, func(m []byte, score float64) bool {
		visit(m, score)
		left--
		return left > 0
	})
}
