package forward

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScanner_findsTheEndOfEveryReply(t *testing.T) {
	for _, text := range []string{
		"+OK\r\n", "-ERR no\r\n", ":12\r\n", ":-1\r\n", "$0\r\n\r\n", "$5\r\na\r\nb\n\r\n", "$-1\r\n", "*0\r\n", "*-1\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "_\r\n", ",1.5\r\n", "#t\r\n", "(123\r\n", "=7\r\ntxt:abc\r\n", "!3\r\nERR\r\n",
		"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n", "~1\r\n:1\r\n", ">2\r\n+message\r\n$1\r\nx\r\n", "|1\r\n+ttl\r\n:1\r\n$1\r\na\r\n",
		"*1\r\n|1\r\n+k\r\n+v\r\n:5\r\n", "*3\r\n$-1\r\n*-1\r\n_\r\n", "%0\r\n", strings.Repeat("*1\r\n", 1000) + ":1\r\n",
	} {
		for _, step := range []int{1, 2, 3, len(text)} {
			var s Scanner
			rest := []byte(text + ":9\r\n")
			used, done := 0, false
			for !done {
				n, d, err := s.Next(rest[used:min(used+step, len(rest))])
				require.NoError(t, err, text)
				used, done = used+n, d
			}
			require.Equal(t, len(text), used, "%q in steps of %d", text, step)
			require.Equal(t, text == "$-1\r\n" || text == "*-1\r\n" || text == "_\r\n", s.Null(), text)
		}
	}
}

func TestScanner_refusesWhatIsNotAReply(t *testing.T) {
	for _, text := range []string{
		"x", "\r\n", "$\r\n", "$a\r\n", "$-2\r\n", "$1\rx", "$1\r\nabc", "*-2\r\n", "%-1\r\n", "$--1\r\n", "$99999999999999999999\r\n",
		"$2147483648\r\n", "*1099511627777\r\n", "*1099511627776\r\n*1099511627776\r\n", "+a\nb\r\n", "+a\rb", "$?\r\n", "$1-\r\n",
		"+" + strings.Repeat("a", lineBytesMax+1),
	} {
		var s Scanner
		var err error
		for p := []byte(text); len(p) > 0 && err == nil; {
			var n int
			n, _, err = s.Next(p)
			p = p[n:]
		}
		require.ErrorIs(t, err, errReply, "%.40q", text)
	}
}

// FuzzReplyScanner holds the scanner to a plain recursive reader, and to itself when the bytes come in pieces.
func FuzzReplyScanner(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "|1\r\n+k\r\n+v\r\n%1\r\n_\r\n#t\r\n", "$-1\r\n", "*1\r\n|0\r\n:1\r\n"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, p []byte, step int) {
		step = max(1, step%7)
		var whole, pieces Scanner
		used, done, err := whole.Next(p)
		at, pdone, perr := 0, false, error(nil)
		for at < len(p) && !pdone && perr == nil {
			var n int
			n, pdone, perr = pieces.Next(p[at:min(at+step, len(p))])
			at += n
		}
		if done != pdone || (err == nil) != (perr == nil) || err == nil && used != at {
			t.Fatalf("whole: %d %v %v, in pieces: %d %v %v", used, done, err, at, pdone, perr)
		}
		if end, ok := plainEnd(p, 0, 64); ok && (!done || end != used) {
			t.Fatalf("a plain reader finds the end at %d, the scanner at %d %v %v", end, used, done, err)
		}
	})
}

// plainEnd reads one value the obvious way. ok is false if it is not whole, not valid or nested too deep.
func plainEnd(p []byte, at, depth int) (end int, ok bool) {
	eol := bytes.Index(p[at:], []byte("\r\n"))
	if depth == 0 || eol < 1 {
		return 0, false
	}
	line, next := string(p[at:at+eol]), at+eol+2
	if strings.ContainsAny(line, "\r\n") || len(line) > lineBytesMax {
		return 0, false
	}
	n, err := strconv.Atoi(line[1:])
	switch line[0] {
	case '+', '-', ':', ',', '(', '#', '_':
		return next, true
	case '$', '=', '!':
		if line == "$-1" {
			return next, true
		}
		if err != nil || strings.ContainsAny(line, "+-") || len(line) > 9 || len(p) < next+n+2 || string(p[next+n:next+n+2]) != "\r\n" {
			return 0, false
		}
		return next + n + 2, true
	case '*', '%', '~', '>', '|':
		if line == "*-1" {
			return next, true
		}
		if err != nil || strings.ContainsAny(line, "+-") || len(line) > 9 {
			return 0, false
		}
		if line[0] == '%' || line[0] == '|' {
			n *= 2
		}
		if line[0] == '|' {
			n++
		}
		for range n {
			if next, ok = plainEnd(p, next, depth-1); !ok {
				return 0, false
			}
		}
		return next, true
	}
	return 0, false
}
