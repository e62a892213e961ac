package resp

import (
	"bytes"
	"strconv"

	"github.com/tidwall/redcon"

	"github.com/tandemkv/tandem/internal/notation"
)

// Limits on what a stranger can send. Redis' proto-max-bulk-len and its constants.
const (
	ArgsMax         = 1024 * 1024 // arguments of one command
	InlineBytesMax  = 64 * 1024   // an inline command, or the line that announces a length
	BulkBytesMax    = 512 << 20   // default of Reader.BulkBytesMax
	UnauthArgsMax   = 10
	UnauthBytesMax  = 16384
	commandBytesMax = 1 << 30 // a whole command, arguments and framing together
)

// ProtocolError closes the connection after it was written. Its text is what follows "-ERR ".
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// Reader finds commands in the bytes of one connection.
//
// redcon splits what is known to be whole and sane; the scan here guards what redcon does not: lengths out of
// range, a command that arrives in many pieces (state below says where the scan stands, so no byte is parsed twice),
// and the stricter limits of a client that has not authenticated.
type Reader struct {
	BulkBytesMax    int  // 0: BulkBytesMax
	Unauthenticated bool // apply the limits for strangers

	args    [][]byte
	checked int // bytes of the buffer that are known to be free of "$-", which redcon would misread

	// scan of a command that is not whole: 0 <= at, left > 0 while it is under way
	at   int // bytes of it that are checked
	left int // arguments still to come
	need int // bytes the buffer must have before it is worth looking again
}

// Next reads the command at the start of buf. used is its length; 0 with a nil error means that more bytes are
// needed. An empty command (a blank line, "*0") gives used > 0 and no arguments. The arguments alias buf and are valid
// until the next call.
//
// The caller must pass the same bytes again, with more behind them, until used > 0, and then go on behind them.
func (r *Reader) Next(buf []byte) (args [][]byte, used int, err error) {
	args, used, err = r.AppendNext(r.args[:0], buf)
	r.args = args[:0]
	return args, used, err
}

// AppendNext is Next with the arguments appended to words, so that several commands can be read before they run.
func (r *Reader) AppendNext(words [][]byte, buf []byte) (_ [][]byte, used int, err error) {
	if len(buf) == 0 || len(buf) < r.need {
		return words, 0, nil
	}
	if buf[0] != '*' {
		return r.inline(words, buf)
	}
	if r.left == 0 && !r.Unauthenticated && r.sane(buf) {
		before := len(words)
		if words, used = r.split(words, buf); used > 0 {
			if err := r.tooLarge(words[before:], used); err != nil {
				return words[:before], 0, err
			}
			return words, used, nil
		}
	}
	whole, err := r.scan(buf)
	if err != nil || !whole {
		return words, 0, err
	}
	if words, used = r.split(words, buf[:r.at]); used == 0 {
		used = r.consume(r.at) // "*0" and "*-1": nothing to run
	}
	return words, used, nil
}

// tooLarge refuses what redcon has split though it is over a limit.
func (r *Reader) tooLarge(args [][]byte, used int) error {
	if len(args) > ArgsMax {
		return ProtocolError("invalid multibulk length")
	}
	if used <= r.bulkMax() {
		return nil
	}
	for _, arg := range args {
		if len(arg) > r.bulkMax() {
			return ProtocolError("invalid bulk length")
		}
	}
	return nil
}

// NeedBytes tells how large the buffer must become to hold what has been announced; 0 when unknown.
func (r *Reader) NeedBytes() int { return r.need }

// sane reports that buf holds no negative length, looking at each byte once.
func (r *Reader) sane(buf []byte) bool {
	if r.checked < len(buf) {
		from := max(r.checked-1, 0)
		if i := bytes.Index(buf[from:], []byte("$-")); i >= 0 {
			r.checked = from + i
			return false
		}
		r.checked = len(buf)
	}
	return true
}

// split lets redcon cut a command that is whole. The words go in place behind words where there is room.
func (r *Reader) split(words [][]byte, buf []byte) (_ [][]byte, used int) {
	complete, args, _, rest, err := redcon.ReadNextCommand(buf, words[len(words):])
	if err != nil || !complete || len(args) == 0 {
		return words, 0
	}
	return append(words, args...), r.consume(len(buf) - len(rest))
}

// consume forgets the scan of the command that was read.
func (r *Reader) consume(n int) int {
	r.checked = max(r.checked-n, 0)
	r.at, r.left, r.need = 0, 0, 0
	return n
}

// scan walks the headers of a command from where it stands. whole: all of it is there and buf[:r.at] is it.
func (r *Reader) scan(buf []byte) (whole bool, err error) {
	if r.left == 0 {
		n, next, err := r.header(buf, 1, "mbulk count", "invalid multibulk length", ArgsMax)
		if err != nil || next == 0 {
			return false, err
		}
		if r.Unauthenticated && n > UnauthArgsMax {
			return false, ProtocolError("unauthenticated multibulk length")
		}
		r.at = next
		if n <= 0 {
			return true, nil
		}
		r.left = n
	}
	for r.left > 0 {
		if r.at >= len(buf) {
			return r.wait(r.at + 1)
		}
		if buf[r.at] != '$' {
			return false, ProtocolError("expected '$', got '" + printable(buf[r.at]) + "'")
		}
		n, next, err := r.header(buf, r.at+1, "bulk count", "invalid bulk length", r.bulkMax())
		if err != nil || next == 0 {
			return false, err
		}
		if n < 0 {
			return false, ProtocolError("invalid bulk length")
		}
		if r.Unauthenticated && n > UnauthBytesMax {
			return false, ProtocolError("unauthenticated bulk length")
		}
		end := next + n + 2
		if end > commandBytesMax {
			return false, ProtocolError("command larger than 1 GB")
		}
		if end > len(buf) {
			return r.wait(end)
		}
		if buf[end-2] != '\r' || buf[end-1] != '\n' {
			return false, ProtocolError("invalid bulk length")
		}
		r.at = end
		r.left--
	}
	return true, nil
}

func (r *Reader) bulkMax() int {
	if r.BulkBytesMax > 0 {
		return r.BulkBytesMax
	}
	return BulkBytesMax
}

func (r *Reader) wait(bytes int) (bool, error) {
	r.need = bytes
	return false, nil
}

// header reads a decimal number up to CR LF from start. next is the position behind it, 0 when it is not all there.
func (r *Reader) header(buf []byte, start int, what, invalid string, most int) (n, next int, err error) {
	end := bytes.IndexByte(buf[start:], '\r')
	if end < 0 || start+end+1 >= len(buf) {
		if len(buf)-start > InlineBytesMax {
			return 0, 0, ProtocolError("too big " + what + " string")
		}
		r.need = len(buf) + 1
		return 0, 0, nil
	}
	v, perr := strconv.ParseInt(string(buf[start:start+end]), 10, 64)
	if perr != nil || v > int64(most) || buf[start+end+1] != '\n' {
		return 0, 0, ProtocolError(invalid)
	}
	return int(v), start + end + 2, nil
}

func (r *Reader) inline(words [][]byte, buf []byte) (_ [][]byte, used int, err error) {
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		if len(buf) > InlineBytesMax {
			return words, 0, ProtocolError("too big inline request")
		}
		r.need = len(buf) + 1
		return words, 0, nil
	}
	line := buf[:end]
	if len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	if len(line) > InlineBytesMax {
		return words, 0, ProtocolError("too big inline request")
	}
	args, ok := notation.SplitWords(line)
	if !ok {
		return words, 0, ProtocolError("unbalanced quotes in request")
	}
	return append(words, args...), r.consume(end + 1), nil
}

// printable is how Redis shows the offending byte of a protocol error.
func printable(c byte) string {
	return string([]byte{c})
}

// Forget starts afresh: the bytes that come next are the start of a command, which may have been read before.
func (r *Reader) Forget() { r.checked, r.at, r.left, r.need = 0, 0, 0, 0 }
