package command

import (
	"math"
	"math/big"
)

// What the blocking commands and the commands that pop from one of several keys have in common.

// parseTimeout reads seconds, with a fraction if wanted, and gives the wall-clock time when the wait ends; 0 is for ever.
func parseTimeout(word []byte, nowMs int64) (deadlineMs int64, err error) {
	ms, err := parseSecondsAsMs(word)
	if err != nil {
		return 0, err
	}
	return waitEnd(ms, nowMs)
}

// waitEnd is when a wait of so many milliseconds ends; 0 is for ever.
func waitEnd(ms, nowMs int64) (deadlineMs int64, err error) {
	switch {
	case ms < 0:
		return 0, ErrTimeoutNegative
	case ms == 0:
		return 0, nil
	case ms > math.MaxInt64-nowMs:
		return 0, ErrTimeoutRange
	}
	return nowMs + ms, nil
}

// parseSecondsAsMs rounds up to whole milliseconds. Redis calculates with a long double here, and so do fractions below.
func parseSecondsAsMs(word []byte) (ms int64, err error) {
	if seconds, ok := ParseInt(word); ok && seconds > -math.MaxInt32 && seconds < math.MaxInt32 {
		return seconds * 1000, nil
	}
	v, ok := parseLongDouble(word)
	if !ok {
		return 0, ErrTimeoutNotFloat
	}
	if v.IsInf() && v.Sign() < 0 {
		return 0, ErrTimeoutNegative
	}
	v.Mul(v, big.NewFloat(1000))
	if v.Cmp(big.NewFloat(math.MaxInt64)) >= 0 {
		return 0, ErrTimeoutRange
	}
	ms, below := v.Int64() // cut off towards zero; far below zero it is the least integer, which is negative all the same
	if below == big.Below && ms >= 0 {
		ms++
	}
	return ms, nil
}

// multiPop is "numkeys key [key ...] WHERE [COUNT n]" of LMPOP, ZMPOP and their waiting forms.
type multiPop struct {
	keys   [][]byte
	second bool // the second of the two words: RIGHT, MAX
	count  int64
}

// parseMultiPop reads it from argument i on. first and second are the words for the two ends.
func parseMultiPop(c *Call, i int, first, second string) (o multiPop, err error) {
	numKeys, ok := ParseInt(c.Args[i])
	if !ok || numKeys < 1 {
		return o, ErrNumKeysPositive
	}
	i++
	if numKeys >= int64(len(c.Args)-i) {
		return o, ErrSyntax
	}
	o.keys = c.Args[i : i+int(numKeys)]
	cur := c.Cursor(i + int(numKeys))
	switch string(cur.Upper()) {
	case first:
	case second:
		o.second = true
	default:
		return o, ErrSyntax
	}
	for cur.More() {
		if o.count != 0 || string(cur.Upper()) != "COUNT" || cur.Left() == 0 {
			return o, ErrSyntax
		}
		if o.count, ok = ParseInt(cur.Bytes()); !ok || o.count < 1 {
			return o, ErrCountPositive
		}
	}
	o.count = max(o.count, 1)
	return o, nil
}
