package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Strings is a list of words on one line: bind, pair-peers. An empty list is
// written as one empty argument.
func Strings(name string, field *[]string, def ...string) *Row {
	return newRow(name, field, def, codec[[]string]{
		kind:     "words",
		manyArgs: true,
		parse: func(_ []string, args []string, _ origin) ([]string, error) {
			if len(args) == 1 && args[0] == "" {
				return nil, nil
			}
			for _, arg := range args {
				if arg == "" || strings.ContainsAny(arg, " \t\r\n") {
					return nil, errors.New("words of the list must not be empty or hold spaces")
				}
			}
			return slices.Clone(args), nil
		},
		format: func(v []string) string { return strings.Join(v, " ") },
		lines: func(v []string) [][]string {
			if len(v) == 0 {
				return [][]string{{""}}
			}
			return [][]string{v}
		},
	})
}

// Repeated is a directive that may stand on many lines, each adding one list of
// arguments (user). An empty default has no line.
func Repeated(name string, field *[][]string) *Row {
	return newRow(name, field, nil, codec[[][]string]{
		kind:     "may be repeated",
		manyArgs: true,
		parse: func(old [][]string, args []string, from origin) ([][]string, error) {
			if from == fromLaterLine {
				return append(slices.Clone(old), slices.Clone(args)), nil
			}
			return [][]string{slices.Clone(args)}, nil
		},
		format: func(v [][]string) string {
			lines := make([]string, len(v))
			for i, args := range v {
				lines[i] = JoinArgs(args)
			}
			return strings.Join(lines, "\n")
		},
		lines: func(v [][]string) [][]string { return v },
	})
}

// SavePoint asks for a checkpoint after so many seconds if so many keys changed.
type SavePoint struct {
	Seconds int64 // > 0
	Changes int64 // ≥ 0
}

// SavePoints is Redis' save: pairs of seconds and changes, on one line or
// several, with "" for none.
func SavePoints(name string, field *[]SavePoint, def ...SavePoint) *Row {
	return newRow(name, field, def, codec[[]SavePoint]{
		kind:     "pairs of seconds and changes, or \"\"",
		strict:   true,
		manyArgs: true,
		parse:    parseSavePoints,
		format: func(v []SavePoint) string {
			words := make([]string, 0, 2*len(v))
			for _, p := range v {
				words = append(words, strconv.FormatInt(p.Seconds, 10), strconv.FormatInt(p.Changes, 10))
			}
			return strings.Join(words, " ")
		},
		lines: func(v []SavePoint) [][]string {
			if len(v) == 0 {
				return [][]string{{""}}
			}
			lines := make([][]string, len(v))
			for i, p := range v {
				lines[i] = []string{strconv.FormatInt(p.Seconds, 10), strconv.FormatInt(p.Changes, 10)}
			}
			return lines
		},
	})
}

func parseSavePoints(old []SavePoint, args []string, from origin) ([]SavePoint, error) {
	if len(args) == 1 && args[0] == "" {
		return nil, nil
	}
	invalid := errors.New("Invalid save parameters")
	if len(args)%2 != 0 {
		return nil, invalid
	}
	var points []SavePoint
	if from == fromLaterLine {
		points = slices.Clone(old)
	}
	for i := 0; i < len(args); i += 2 {
		seconds, err := parseInt(args[i], 1, 1<<62)
		if err != nil {
			return nil, invalid
		}
		changes, err := parseInt(args[i+1], 0, 1<<31-1)
		if err != nil {
			return nil, invalid
		}
		points = append(points, SavePoint{Seconds: seconds, Changes: changes})
	}
	return points, nil
}

// BufferLimit bounds the replies waiting for a client: at once above HardBytes,
// or when they stay above SoftBytes for SoftSeconds. Zero is no limit.
type BufferLimit struct {
	HardBytes   int64 // ≥ 0
	SoftBytes   int64 // ≥ 0
	SoftSeconds int64 // ≥ 0
}

// BufferLimits holds a limit for each class of client.
type BufferLimits struct {
	Normal  BufferLimit
	Replica BufferLimit
	Pubsub  BufferLimit
}

// OutputBufferLimits is Redis' client-output-buffer-limit. A line or a CONFIG SET
// names the classes that it changes; the others stay.
func OutputBufferLimits(name string, field *BufferLimits, def BufferLimits) *Row {
	return newRow(name, field, def, codec[BufferLimits]{
		kind:     "class, hard limit, soft limit, soft seconds",
		strict:   true,
		manyArgs: true,
		parse: func(old BufferLimits, args []string, _ origin) (BufferLimits, error) {
			return parseBufferLimits(old, args)
		},
		format: func(v BufferLimits) string {
			plain := func(n int64) string { return strconv.FormatInt(n, 10) }
			var all []string
			for _, line := range v.lines(plain) {
				all = append(all, line...)
			}
			return strings.Join(all, " ")
		},
		lines: func(v BufferLimits) [][]string { return v.lines(FormatMemory) },
	})
}

// lines lists the classes in Redis' order. CONFIG GET says slave, as Redis
// still does; both words are read.
func (v BufferLimits) lines(bytes func(int64) string) [][]string {
	line := func(class string, l BufferLimit) []string {
		return []string{class, bytes(l.HardBytes), bytes(l.SoftBytes), strconv.FormatInt(l.SoftSeconds, 10)}
	}
	return [][]string{line("normal", v.Normal), line("slave", v.Replica), line("pubsub", v.Pubsub)}
}

func parseBufferLimits(limits BufferLimits, args []string) (BufferLimits, error) {
	if len(args)%4 != 0 {
		return limits, errors.New("Wrong number of arguments in buffer limit configuration.")
	}
	for i := 0; i < len(args); i += 4 {
		var class *BufferLimit
		switch strings.ToLower(args[i]) {
		case "normal":
			class = &limits.Normal
		case "slave", "replica":
			class = &limits.Replica
		case "pubsub":
			class = &limits.Pubsub
		default:
			return limits, errors.New("Invalid client class specified in buffer limit configuration.")
		}
		hard, errHard := ParseMemory(args[i+1])
		soft, errSoft := ParseMemory(args[i+2])
		seconds, errSeconds := parseInt(args[i+3], 0, 1<<31-1)
		if errHard != nil || errSoft != nil || errSeconds != nil {
			return limits, errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		*class = BufferLimit{HardBytes: hard, SoftBytes: soft, SoftSeconds: seconds}
	}
	return limits, nil
}
