package tandem

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// LevelVerbose lies between slog's debug and info, as Redis' verbose lies between debug and notice.
const LevelVerbose = slog.LevelDebug + 2

// logLevels are the words of loglevel.
func logLevel(word string) slog.Level {
	switch word {
	case "debug":
		return slog.LevelDebug
	case "verbose":
		return LevelVerbose
	case "warning":
		return slog.LevelWarn
	case "nothing":
		return slog.LevelError + 100
	}
	return slog.LevelInfo
}

// Log writes lines as redis-server does: pid, role, time, level, text. It is a slog.Handler.
type Log struct {
	level *slog.LevelVar
	role  *atomic.Int32
	out   *lockedWriter
	attrs string
}

type lockedWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

// NewLog writes to w what the level lets through.
func NewLog(w io.Writer, level string) *Log {
	l := &Log{level: new(slog.LevelVar), role: new(atomic.Int32), out: &lockedWriter{w: w}}
	l.SetLevel(level)
	l.SetRole('M')
	return l
}

// SetLevel takes a word of the loglevel directive.
func (l *Log) SetLevel(word string) { l.level.Set(logLevel(word)) }

// SetRole sets the letter behind the pid: M master, S standby, W witness.
func (l *Log) SetRole(letter byte) { l.role.Store(int32(letter)) }

// Enabled is slog.Handler's.
func (l *Log) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

// WithGroup is slog.Handler's; groups are not shown.
func (l *Log) WithGroup(string) slog.Handler { return l }

// WithAttrs is slog.Handler's.
func (l *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	var b strings.Builder
	for _, a := range attrs {
		appendAttr(&b, a)
	}
	with.attrs += b.String()
	return &with
}

// Handle is slog.Handler's.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%c %s %c %s%s", os.Getpid(), l.role.Load(), r.Time.Format("02 Jan 2006 15:04:05.000"), mark(r.Level), r.Message, l.attrs)
	r.Attrs(func(a slog.Attr) bool { appendAttr(&b, a); return true })
	b.WriteByte('\n')
	return l.Raw(b.String())
}

// Raw writes text as it is.
func (l *Log) Raw(text string) error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	_, err := io.WriteString(l.out.w, text)
	return err
}

func mark(level slog.Level) byte {
	switch {
	case level >= slog.LevelWarn:
		return '#'
	case level >= slog.LevelInfo:
		return '*'
	case level >= LevelVerbose:
		return '-'
	}
	return '.'
}

// appendAttr writes " name=value", quoted when it would not read as one word.
func appendAttr(b *strings.Builder, a slog.Attr) {
	text := a.Value.String()
	if a.Value.Kind() == slog.KindFloat64 {
		text = strconv.FormatFloat(a.Value.Float64(), 'f', 3, 64)
	}
	if text == "" || strings.ContainsAny(text, " \"\n\r=") {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(b, " %s=%s", a.Key, text)
}

// Banner is what a start writes first: harnesses that start redis-server wait for its parts.
func (l *Log) Banner(o *Options, version string) error {
	logger := slog.New(l)
	logger.Info("Tandem is starting")
	logger.Info("version", "tandem", version, "bits", 64, "pid", os.Getpid())
	mode := "standalone mode"
	switch {
	case o.Witness:
		mode = "witness of the pair"
	case o.paired():
		mode = "node of a pair"
	}
	return l.Raw(fmt.Sprintf("\n    Tandem %s (64 bit)\n    Running in %s\n    Port: %d\n    PID: %d\n\n", version, mode, o.Server.Port, os.Getpid()))
}
