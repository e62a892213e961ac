package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// memoryUnit returns the factor of one of Redis' units: with a b they are powers
// of 1024, without it powers of 1000.
func memoryUnit(unit string) (int64, bool) {
	switch strings.ToLower(unit) {
	case "", "b":
		return 1, true
	case "k":
		return 1000, true
	case "kb":
		return 1 << 10, true
	case "m":
		return 1000 * 1000, true
	case "mb":
		return 1 << 20, true
	case "g":
		return 1000 * 1000 * 1000, true
	case "gb":
		return 1 << 30, true
	}
	return 0, false
}

// ParseMemory reads a number of bytes with Redis' units: 100, 1k, 64mb, 2GB.
func ParseMemory(text string) (int64, error) {
	digits := len(text)
	for digits > 0 && (text[digits-1] < '0' || text[digits-1] > '9') {
		digits--
	}
	factor, known := memoryUnit(text[digits:])
	n, err := strconv.ParseUint(text[:digits], 10, 63)
	if !known || err != nil || int64(n) > math.MaxInt64/factor {
		return 0, errors.New("argument must be a memory value")
	}
	return int64(n) * factor, nil
}

// FormatMemory writes a number of bytes with the largest unit that fits exactly.
func FormatMemory(bytes int64) string {
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10}} {
		if bytes > 0 && bytes%unit.factor == 0 {
			return strconv.FormatInt(bytes/unit.factor, 10) + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}
