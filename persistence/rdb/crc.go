package rdb

import (
	"encoding/binary"
	"hash/crc64"
	"io"
)

// jonesReversed is the polynomial of Redis' checksum in the bit order of hash/crc64.
const jonesReversed = 0x95AC9329AC4BC9B5

// checksum is Redis' CRC64: Jones' polynomial, reflected, without the inversions that hash/crc64 does.
type checksum struct {
	table *crc64.Table
	value uint64
}

func newChecksum() checksum { return checksum{table: crc64.MakeTable(jonesReversed)} }

func (c *checksum) add(p []byte) { c.value = ^crc64.Update(^c.value, c.table, p) }

// Checksum is Redis' CRC64 of p, as the footer of a file and of a DUMP payload hold it.
func Checksum(p []byte) uint64 {
	c := newChecksum()
	c.add(p)
	return c.value
}

// Summing passes a file on whose Writer is Open, and ends it with the checksum. So the one who fills the Writer need not sum.
type Summing struct {
	w   io.Writer
	sum checksum
}

// NewSumming passes on to w.
func NewSumming(w io.Writer) *Summing { return &Summing{w: w, sum: newChecksum()} }

func (s *Summing) Write(p []byte) (int, error) {
	s.sum.add(p)
	return s.w.Write(p)
}

// End writes the checksum of all that was written.
func (s *Summing) End() error {
	_, err := s.w.Write(binary.LittleEndian.AppendUint64(nil, s.sum.value))
	return err
}
