package forward

import (
	"errors"
	"math"
)

// Limits on what an upstream can send. Reaching one ends the link.
const (
	lineBytesMax     = 1 << 20 // one-line replies
	bulkBytesMax     = math.MaxInt32
	aggregateMax     = 1 << 40 // elements still to come, all levels together
	lengthDigitsMax  = 19
	errorLineHeldMax = 64 << 10
)

var errReply = errors.New("the upstream's reply is not RESP")

// scanState is the place inside a reply.
type scanState uint8

const (
	atKind   scanState = iota // before the byte that names the type
	inLine                    // inside a one-line value
	inLength                  // inside a decimal length
	inBody                    // inside the bytes of a bulk value
	afterCR                   // a line's LF must come
	bodyCR                    // a bulk's CR must come
	bodyLF                    // a bulk's LF must come
)

// Scanner finds where a reply of RESP2 or RESP3 ends. It keeps no bytes and looks at each once: nesting is only a count
// of the values still to come, so depth costs nothing. The zero Scanner stands before a reply.
type Scanner struct {
	state  scanState
	kind   byte  // type of the value being read
	left   int64 // values still to come, the present one included; 0 before a reply
	length int64 // of the line so far, or the decimal read so far, or the body bytes to come
	digits int
	minus  bool
	null   bool // the reply is a null
	nested bool // the present value is an element
}

// Next looks at p up to the end of the reply. used is how much of p belongs to it, done that it ends there.
// After an error the scanner is of no more use.
func (s *Scanner) Next(p []byte) (used int, done bool, err error) {
	if s.left == 0 {
		*s = Scanner{left: 1}
	}
	for used < len(p) {
		if s.state == inBody {
			n := min(int64(len(p)-used), s.length)
			used += int(n)
			if s.length -= n; s.length == 0 {
				s.state = bodyCR
			}
			continue
		}
		if err := s.step(p[used]); err != nil {
			return used, false, err
		}
		used++
		if s.left == 0 {
			return used, true, nil
		}
	}
	return used, false, nil
}

// Null reports whether the reply that has just ended was a null.
func (s *Scanner) Null() bool { return s.null }

func (s *Scanner) step(c byte) error {
	switch s.state {
	case atKind:
		return s.begin(c)
	case inLine:
		if c == '\r' {
			s.state = afterCR
			return nil
		}
		if s.length++; c == '\n' || s.length > lineBytesMax {
			return errReply
		}
		return nil
	case inLength:
		return s.lengthByte(c)
	case afterCR:
		if c != '\n' {
			return errReply
		}
		return s.lineEnd()
	case bodyCR:
		if c != '\r' {
			return errReply
		}
		s.state = bodyLF
		return nil
	case bodyLF:
		if c != '\n' {
			return errReply
		}
		s.valueEnd()
		return nil
	case inBody:
	}
	return errReply
}

func (s *Scanner) begin(kind byte) error {
	s.kind, s.length, s.digits, s.minus = kind, 0, 0, false
	switch kind {
	case '+', '-', ':', ',', '(', '#', '_':
		s.state = inLine
	case '$', '=', '!', '*', '%', '~', '>', '|':
		s.state = inLength
	default:
		return errReply
	}
	return nil
}

func (s *Scanner) lengthByte(c byte) error {
	switch {
	case c == '\r' && s.digits > 0:
		s.state = afterCR
	case c == '-' && s.digits == 0 && !s.minus:
		s.minus = true
	case c >= '0' && c <= '9' && s.digits < lengthDigitsMax-1:
		s.digits++
		s.length = s.length*10 + int64(c-'0')
	default:
		return errReply
	}
	return nil
}

// lineEnd follows the LF of a line: a whole value, or the head of a bulk or an aggregate.
func (s *Scanner) lineEnd() error {
	switch s.kind {
	case '_':
		s.null = !s.nested
		s.valueEnd()
		return nil
	case '$', '=', '!':
		return s.bulkHead()
	case '*', '%', '~', '>', '|':
		return s.aggregateHead()
	}
	s.valueEnd()
	return nil
}

func (s *Scanner) bulkHead() error {
	switch {
	case s.isNull('$'):
		s.valueEnd()
	case s.minus || s.length > bulkBytesMax:
		return errReply
	case s.length == 0:
		s.state = bodyCR
	default:
		s.state = inBody
	}
	return nil
}

func (s *Scanner) aggregateHead() error {
	if s.isNull('*') {
		s.valueEnd()
		return nil
	}
	if s.minus || s.length > aggregateMax {
		return errReply
	}
	count := s.length
	if s.kind == '%' || s.kind == '|' {
		count *= 2
	}
	if s.left+count > aggregateMax {
		return errReply
	}
	s.left += count
	s.nested = true
	if s.kind == '|' { // attributes come before the value they belong to
		s.state = atKind
		return nil
	}
	s.valueEnd()
	return nil
}

// isNull reports "-1" as the length of a value of that kind.
func (s *Scanner) isNull(kind byte) bool {
	if !s.minus || s.length != 1 || s.digits != 1 || s.kind != kind {
		return false
	}
	s.null = !s.nested
	return true
}

func (s *Scanner) valueEnd() {
	s.left--
	s.state = atKind
}
