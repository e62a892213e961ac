package rdb

import "hash/crc64"

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
