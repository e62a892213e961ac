package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

const (
	sourceBytes    = 64 << 10
	growBytes      = 1 << 20 // a long string is read in pieces of at least this size
	keepBytesMax   = 4 << 20 // scratch larger than this is not kept for the next string
	emptyReadsMax  = 100
	stringBytesMax = math.MaxInt32 // Redis' own limit is 512 MB (proto-max-bulk-len)
)

// source reads primitives. What take and str give out is borrowed: valid until the next call of any of them.
//
// Invariants: 0 <= summed <= pos <= end <= len(buf); buf[0] stands at byte base of the input.
type source struct {
	r        io.Reader // nil: buf is the whole input
	progress func(bytes int64)
	buf      []byte
	pos, end int
	base     int64
	key      []byte // of the value that is read, for errors

	check  bool // checksum what is consumed
	summed int
	sum    checksum

	long    []byte // a string larger than buf
	plain   []byte // a string after decompression
	digits  [24]byte
	lasting bool // the last string is a part of buf, and buf is the whole input
	members plain
}

func newSource(r io.Reader, progress func(int64)) *source {
	return &source{r: r, progress: progress, buf: make([]byte, sourceBytes), check: true, sum: newChecksum()}
}

func (s *source) offset() int64 { return s.base + int64(s.pos) }

func (s *source) corrupt(format string, args ...any) error {
	return &CorruptError{Offset: s.offset(), Key: s.keyCopy(), What: fmt.Sprintf(format, args...)}
}

func (s *source) unsupported(what string) error {
	return &UnsupportedError{Offset: s.offset(), Key: s.keyCopy(), What: what}
}

func (s *source) keyCopy() []byte {
	if s.key == nil {
		return nil
	}
	return append([]byte{}, s.key...)
}

func (s *source) short(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &ReadError{Offset: s.base + int64(s.end), Key: s.keyCopy(), Err: err}
}

// take gives out the next n bytes.
func (s *source) take(n int) ([]byte, error) {
	if s.end-s.pos < n {
		if s.r == nil {
			return nil, s.short(io.ErrUnexpectedEOF)
		}
		if n > len(s.buf) {
			return s.takeLong(n)
		}
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	p := s.buf[s.pos : s.pos+n]
	s.pos += n
	return p, nil
}

// fill makes at least n bytes available, n <= len(buf).
func (s *source) fill(n int) error {
	s.addSum()
	copy(s.buf, s.buf[s.pos:s.end])
	s.base += int64(s.pos)
	s.end -= s.pos
	s.pos, s.summed = 0, 0
	for s.end < n {
		got, err := s.read(s.buf[s.end:])
		s.end += got
		if err != nil && s.end < n {
			return s.short(err)
		}
	}
	if s.progress != nil {
		s.progress(s.base + int64(s.end))
	}
	return nil
}

func (s *source) read(p []byte) (int, error) {
	for range emptyReadsMax {
		n, err := s.r.Read(p)
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// takeLong gathers more than the buffer holds. Memory grows with what arrives: a length that is a lie ends with the
// input.
func (s *source) takeLong(n int) ([]byte, error) {
	s.long = append(s.long[:0], s.buf[s.pos:s.end]...)
	s.pos = s.end
	s.addSum()
	s.base += int64(s.end)
	s.pos, s.end, s.summed = 0, 0, 0
	for len(s.long) < n {
		have := len(s.long)
		piece := min(n-have, max(growBytes, have))
		if cap(s.long)-have < piece {
			grown := make([]byte, have, have+piece)
			copy(grown, s.long)
			s.long = grown
		}
		got, err := s.read(s.long[have : have+piece])
		s.long = s.long[:have+got]
		s.base += int64(got)
		if s.check {
			s.sum.add(s.long[have:])
		}
		if err != nil && len(s.long) < n {
			return nil, s.short(err)
		}
		if s.progress != nil {
			s.progress(s.base)
		}
	}
	p := s.long
	if cap(p) > keepBytesMax {
		s.long = nil
	}
	return p, nil
}

func (s *source) addSum() {
	if s.check {
		s.sum.add(s.buf[s.summed:s.pos])
	}
	s.summed = s.pos
}

func (s *source) byte() (byte, error) {
	p, err := s.take(1)
	if err != nil {
		return 0, err
	}
	return p[0], nil
}

func (s *source) uint32() (uint32, error) {
	p, err := s.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(p), nil
}

func (s *source) uint64() (uint64, error) {
	p, err := s.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(p), nil
}

// length reads a length that must not be one of the special string forms.
func (s *source) length() (uint64, error) {
	first, err := s.byte()
	if err != nil {
		return 0, err
	}
	return s.lengthFrom(first)
}

func (s *source) lengthFrom(first byte) (uint64, error) {
	switch {
	case first>>6 == 0:
		return uint64(first), nil
	case first>>6 == 1:
		low, err := s.byte()
		return uint64(first&0x3f)<<8 | uint64(low), err
	case first == length32Bit:
		p, err := s.take(4)
		if err != nil {
			return 0, err
		}
		return uint64(binary.BigEndian.Uint32(p)), nil
	case first == length64Bit:
		p, err := s.take(8)
		if err != nil {
			return 0, err
		}
		return binary.BigEndian.Uint64(p), nil
	}
	return 0, s.corrupt("0x%02x where a length begins", first)
}

// str reads a string in any of its forms.
func (s *source) str() ([]byte, error) {
	s.lasting = false
	first, err := s.byte()
	if err != nil {
		return nil, err
	}
	switch first {
	case encodedInt8:
		b, err := s.byte()
		return s.decimal(int64(int8(b))), err
	case encodedInt16:
		p, err := s.take(2)
		if err != nil {
			return nil, err
		}
		return s.decimal(int64(int16(binary.LittleEndian.Uint16(p)))), nil
	case encodedInt32:
		n, err := s.uint32()
		return s.decimal(int64(int32(n))), err
	case encodedLZF:
		return s.packedStr()
	}
	n, err := s.lengthFrom(first)
	if err != nil {
		return nil, err
	}
	if n > stringBytesMax {
		return nil, s.corrupt("a string of %d bytes", n)
	}
	s.lasting = s.r == nil
	return s.take(int(n))
}

func (s *source) decimal(n int64) []byte { return strconv.AppendInt(s.digits[:0], n, 10) }

func (s *source) packedStr() ([]byte, error) {
	packed, err := s.length()
	if err != nil {
		return nil, err
	}
	size, err := s.length()
	if err != nil {
		return nil, err
	}
	if packed > stringBytesMax || size > stringBytesMax || size > packed*lzfExpansionMax {
		return nil, s.corrupt("a compressed string of %d bytes that would be %d", packed, size)
	}
	p, err := s.take(int(packed))
	if err != nil {
		return nil, err
	}
	if cap(s.plain) > keepBytesMax {
		s.plain = nil
	}
	s.plain, err = lzfExpand(s.plain[:0], p, int(size))
	if err != nil {
		return nil, s.corrupt("%v", err)
	}
	return s.plain, nil
}
