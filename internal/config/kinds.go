package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Whole is any integer type that a field may have.
type Whole interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

// Bool is yes or no.
func Bool(name string, field *bool, def bool) *Row {
	return newRow(name, field, def, codec[bool]{
		kind:   "yes or no",
		strict: true,
		parse: func(_ bool, args []string, _ origin) (bool, error) {
			switch strings.ToLower(args[0]) {
			case "yes":
				return true, nil
			case "no":
				return false, nil
			}
			return false, errors.New("argument must be 'yes' or 'no'")
		},
		format: func(v bool) string {
			if v {
				return "yes"
			}
			return "no"
		},
	})
}

// Int is an integer within limits, both inclusive.
func Int[T Whole](name string, field *T, def, low, high int64) *Row {
	mustFit[T](name, low, high)
	return newRow(name, field, T(def), codec[T]{
		kind:   "integer, " + span(low, high),
		strict: true,
		parse: func(_ T, args []string, _ origin) (T, error) {
			n, err := parseInt(args[0], low, high)
			return T(n), err
		},
		format: func(v T) string { return strconv.FormatInt(int64(v), 10) },
	})
}

// Percent is an integer between 0 and 100.
func Percent[T Whole](name string, field *T, def int64) *Row {
	row := Int(name, field, def, 0, 100)
	row.kind = "percent, 0 to 100"
	return row
}

// Memory is a number of bytes, written with or without a unit (100mb, 1gb).
func Memory[T Whole](name string, field *T, def, low, high int64) *Row {
	mustFit[T](name, low, high)
	return newRow(name, field, T(def), codec[T]{
		kind:   "memory size, " + span(low, high),
		strict: true,
		parse: func(_ T, args []string, _ origin) (T, error) {
			n, err := ParseMemory(args[0])
			if err == nil {
				err = within(n, low, high)
			}
			return T(n), err
		},
		format: func(v T) string { return strconv.FormatInt(int64(v), 10) },
		lines:  func(v T) [][]string { return [][]string{{FormatMemory(int64(v))}} },
	})
}

// MemoryOrPercent is a memory size, or a percentage ("5%") that the field holds
// as a negative number.
func MemoryOrPercent[T ~int | ~int64](name string, field *T, def int64) *Row {
	format := func(v T, bytes func(int64) string) string {
		if v < 0 {
			return strconv.FormatInt(-int64(v), 10) + "%"
		}
		return bytes(int64(v))
	}
	plain := func(n int64) string { return strconv.FormatInt(n, 10) }
	return newRow(name, field, T(def), codec[T]{
		kind:   "memory size or percent",
		strict: true,
		parse: func(_ T, args []string, _ origin) (T, error) {
			if digits, ok := strings.CutSuffix(args[0], "%"); ok {
				n, err := strconv.ParseInt(digits, 10, 64)
				if err != nil || n < 0 {
					return 0, errors.New("argument must be a memory or percent value")
				}
				if n > 100 {
					return 0, errors.New("percentage argument must be less or equal to 100")
				}
				return T(-n), nil
			}
			n, err := ParseMemory(args[0])
			if err != nil {
				return 0, errors.New("argument must be a memory or percent value")
			}
			return T(n), nil
		},
		format: func(v T) string { return format(v, plain) },
		lines:  func(v T) [][]string { return [][]string{{format(v, FormatMemory)}} },
	})
}

// Octal is a number written in base eight: the mode of a file.
func Octal[T Whole](name string, field *T, def, low, high int64) *Row {
	mustFit[T](name, low, high)
	return newRow(name, field, T(def), codec[T]{
		kind:   fmt.Sprintf("octal number, %o to %o", low, high),
		strict: true,
		parse: func(_ T, args []string, _ origin) (T, error) {
			n, err := strconv.ParseInt(args[0], 8, 64)
			if err != nil {
				return 0, errors.New("argument couldn't be parsed as an octal number")
			}
			if n < low || n > high {
				return 0, fmt.Errorf("argument must be between %o and %o inclusive", low, high)
			}
			return T(n), nil
		},
		format: func(v T) string { return strconv.FormatInt(int64(v), 8) },
	})
}

// Enum is one word of a list.
func Enum[T ~string](name string, field *T, def T, words ...T) *Row {
	return newRow(name, field, def, codec[T]{
		kind:   "one of " + joinWords(words),
		strict: true,
		parse: func(_ T, args []string, _ origin) (T, error) {
			return pick(args[0], words)
		},
		format: func(v T) string { return string(v) },
	})
}

// EnumSet is one or more words of a list.
func EnumSet[T ~string](name string, field *[]T, def []T, words ...T) *Row {
	return newRow(name, field, def, codec[[]T]{
		kind:     "some of " + shownWords(words),
		strict:   true,
		manyArgs: true,
		parse: func(_ []T, args []string, _ origin) ([]T, error) {
			picked := make([]T, 0, len(args))
			for _, arg := range args {
				word, err := pick(arg, words)
				if err != nil {
					return nil, err
				}
				picked = append(picked, word)
			}
			return picked, nil
		},
		format: func(v []T) string { return strings.Join(plainWords(v), " ") },
		lines:  func(v []T) [][]string { return [][]string{plainWords(v)} },
	})
}

// String is any text.
func String[T ~string](name string, field *T, def T) *Row {
	return newRow(name, field, def, codec[T]{
		kind:   "text",
		parse:  func(_ T, args []string, _ origin) (T, error) { return T(args[0]), nil },
		format: func(v T) string { return string(v) },
	})
}

// Seconds is a duration given as a whole number of seconds.
func Seconds(name string, field *time.Duration, def, low, high int64) *Row {
	return duration(name, field, time.Second, "seconds", def, low, high)
}

// Milliseconds is a duration given as a whole number of milliseconds.
func Milliseconds(name string, field *time.Duration, def, low, high int64) *Row {
	return duration(name, field, time.Millisecond, "milliseconds", def, low, high)
}

func duration(name string, field *time.Duration, unit time.Duration, unitName string, def, low, high int64) *Row {
	high = min(high, int64(1<<63-1)/int64(unit)) // what a Duration can hold
	return newRow(name, field, time.Duration(def)*unit, codec[time.Duration]{
		kind:   unitName + ", " + span(low, high),
		strict: true,
		parse: func(_ time.Duration, args []string, _ origin) (time.Duration, error) {
			n, err := parseInt(args[0], low, high)
			return time.Duration(n) * unit, err
		},
		format: func(v time.Duration) string { return strconv.FormatInt(int64(v/unit), 10) },
	})
}

// Custom is a directive with a parser of its own. Its text form must read back
// to the same value: parse(format(v)) = v.
func Custom[T any](name string, field *T, def T, kind string,
	parse func(args []string) (T, error), format func(T) string,
) *Row {
	return newRow(name, field, def, codec[T]{
		kind:   kind,
		parse:  func(_ T, args []string, _ origin) (T, error) { return parse(args) },
		format: format,
	})
}

// parseInt accepts exactly the canonical form, as Redis does: no plus sign, no
// leading zeros, no spaces.
func parseInt(text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, errors.New("argument couldn't be parsed into an integer")
	}
	return n, within(n, low, high)
}

// mustFit refuses limits that the field's type cannot hold.
func mustFit[T Whole](name string, low, high int64) {
	if int64(T(low)) != low || int64(T(high)) != high {
		panic(fmt.Sprintf("config: the field of %q cannot hold %d to %d", name, low, high))
	}
}

func within(n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
	}
	return nil
}

// span writes limits for people: a high one is as good as none.
func span(low, high int64) string {
	if high >= 1<<30 {
		return fmt.Sprintf("%d or more", low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

func pick[T ~string](text string, words []T) (T, error) {
	for _, word := range words {
		if strings.EqualFold(text, string(word)) {
			return word, nil
		}
	}
	return "", errors.New("argument(s) must be one of the following: " + joinWords(words))
}

func plainWords[T ~string](words []T) []string {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = string(word)
	}
	return plain
}

func joinWords[T ~string](words []T) string { return strings.Join(plainWords(words), ", ") }

// shownWords lists the words for people: the empty one goes without saying.
func shownWords[T ~string](words []T) string {
	return joinWords(slices.DeleteFunc(slices.Clone(words), func(word T) bool { return word == "" }))
}
