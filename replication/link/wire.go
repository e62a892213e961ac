package link

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
)

const (
	wireBytes      = 64 << 10
	lineBytesMax   = 64 << 10
	bulkReplyMax   = 1 << 20 // the only bulk that is read as a reply is a node's history
	streamBulkMax  = math.MaxInt32
	keptBytesMax   = 1 << 20 // a buffer that grew beyond it for one command is given back
	emptyReadsMax  = 100
	replyBulkStart = '$'
)

var errLongLine = errors.New("the answer is longer than 64 KB")

// wire reads one connection through a buffer, and writes to it with a limit in time.
// Invariant: 0 <= start <= end <= len(buf); buf[start:end] is read and not consumed.
type wire struct {
	conn         net.Conn
	buf          []byte
	start, end   int
	writeTimeout time.Duration
	heard        func()       // told after each read that brought something; may be nil
	received     atomic.Int64 // bytes, for progress
}

func newWire(conn net.Conn, unread []byte, writeTimeout time.Duration) *wire {
	w := &wire{conn: conn, buf: make([]byte, max(wireBytes, len(unread))), writeTimeout: writeTimeout}
	w.end = copy(w.buf, unread)
	return w
}

func (w *wire) pending() []byte { return w.buf[w.start:w.end] }

func (w *wire) consume(n int) {
	w.start += n
	if w.start == w.end {
		w.start, w.end = 0, 0
		if len(w.buf) > keptBytesMax {
			w.buf = make([]byte, wireBytes)
		}
	}
}

// fill waits for at least one more byte.
func (w *wire) fill() error {
	if w.end == len(w.buf) {
		w.makeRoom()
	}
	for range emptyReadsMax {
		n, err := w.conn.Read(w.buf[w.end:])
		w.end += n
		if n > 0 {
			w.received.Add(int64(n))
			if w.heard != nil {
				w.heard()
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves what is pending to the front, and doubles a buffer that is full of it: memory follows what arrived.
func (w *wire) makeRoom() {
	to := w.buf
	if w.end-w.start > len(w.buf)/2 {
		to = make([]byte, 2*len(w.buf))
	}
	w.end = copy(to, w.buf[w.start:w.end])
	w.start, w.buf = 0, to
}

// line reads a line without its end. Empty ones are a peer's way to say that it is alive; they are skipped.
func (w *wire) line() (string, error) {
	for checked := 0; ; {
		p := w.pending()
		for ; checked < len(p); checked++ {
			if p[checked] != '\n' {
				continue
			}
			text := p[:checked]
			if len(text) > 0 && text[len(text)-1] == '\r' {
				text = text[:len(text)-1]
			}
			line := string(text)
			w.consume(checked + 1)
			if line != "" {
				return line, nil
			}
			p, checked = w.pending(), -1
		}
		if checked > lineBytesMax {
			return "", errLongLine
		}
		if err := w.fill(); err != nil {
			return "", err
		}
	}
}

// bulk reads the rest of a bulk reply whose first line is given.
func (w *wire) bulk(line string) ([]byte, error) {
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 || n > bulkReplyMax {
		return nil, fmt.Errorf("the answer begins with %q", line)
	}
	for len(w.pending()) < n+2 {
		if err := w.fill(); err != nil {
			return nil, err
		}
	}
	data := append([]byte{}, w.pending()[:n]...)
	w.consume(n + 2)
	return data, nil
}

// write sends p whole, within the time allowed.
func (w *wire) write(p []byte) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.writeTimeout)); err != nil {
		return err
	}
	_, err := w.conn.Write(p)
	return err
}

// Batch is a piece of the stream: whole commands. It is valid during Sink.Apply.
type Batch struct {
	// Raw is the bytes as the master's log has them, to be appended to the own log as they are.
	Raw   []byte
	words [][]byte
	marks []mark
}

// mark is the end of a command, in words and in Raw.
type mark struct{ words, bytes int }

// Len is the number of commands.
func (b *Batch) Len() int { return len(b.marks) }

// Command gives the words of command i, which alias Raw, and the length of Raw up to its end.
func (b *Batch) Command(i int) (args [][]byte, end int) {
	from := 0
	if i > 0 {
		from = b.marks[i-1].words
	}
	return b.words[from:b.marks[i].words], b.marks[i].bytes
}

// asksAck tells whether the batch holds REPLCONF GETACK.
func (b *Batch) asksAck() bool {
	for i := range b.Len() {
		if args, _ := b.Command(i); len(args) == 3 && len(args[0]) == 8 && word(args[0]) == "replconf" && word(args[1]) == "getack" {
			return true
		}
	}
	return false
}

// cut takes the whole commands at the start of p into the batch. An empty line is part of the stream but no command.
func (b *Batch) cut(reader *resp.Reader, p []byte) error {
	b.words, b.marks = b.words[:0], b.marks[:0]
	at := 0
	for at < len(p) {
		args, used, err := reader.Next(p[at:])
		if err != nil {
			return fmt.Errorf("the stream is no sequence of commands: %w", err)
		}
		if used == 0 {
			break
		}
		at += used
		if len(args) > 0 {
			b.words = append(b.words, args...)
			b.marks = append(b.marks, mark{words: len(b.words), bytes: at})
		}
	}
	b.Raw = p[:at]
	return nil
}
