package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The three kinds of row, by their first byte. They sort K < L < M, so that one span [K, M) holds the
// checkpoint and the log and can be replaced in one step.
const (
	keyspacePrefix = 'K'
	logPrefix      = 'L'
	metaPrefix     = 'M'
)

// logRowHeaderBytes: CRC-32C (4) and wall-clock milliseconds (8) before the bytes of a log row.
const logRowHeaderBytes = 12

// logKeyBytes: 'L' and the offset, big-endian.
const logKeyBytes = 9

// Kinds of keyspace rows. A block row has 8 bytes of block id after the kind.
const (
	wholeValueKind = 0
	blockKind      = 1
	blockIDBytes   = 8
)

// errNewerRow is met when the store holds rows of a kind that this version does not know.
var errNewerRow = errors.New("a row of a kind that this version does not know (written by a newer one?)")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func putLogKey(dst []byte, offset int64) {
	dst[0] = logPrefix
	binary.BigEndian.PutUint64(dst[1:], uint64(offset))
}

func logKey(offset int64) []byte {
	key := make([]byte, logKeyBytes)
	putLogKey(key, offset)
	return key
}

// logKeyEnd is the exclusive bound of all log rows.
func logKeyEnd() []byte { return []byte{logPrefix + 1} }

// putLogRow fills value, which has room for the header and p. The CRC covers the key as well, so a row that
// turns up under another offset is noticed.
func putLogRow(table *crc32.Table, key, value []byte, wallMs int64, p []byte) {
	binary.BigEndian.PutUint64(value[4:], uint64(wallMs))
	copy(value[logRowHeaderBytes:], p)
	binary.BigEndian.PutUint32(value, logRowSum(table, key, value))
}

func logRowSum(table *crc32.Table, key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, table), table, value[4:])
}

// logRow is a decoded log row: bytes [offset, offset+len(bytes)) of the log. bytes aliases the stored value.
type logRow struct {
	offset int64
	wallMs int64 // when the newest byte of the row was appended
	bytes  []byte
}

func (r logRow) end() int64 { return r.offset + int64(len(r.bytes)) }

// decodeLogRow verifies and splits one row. It never panics, whatever the bytes.
func decodeLogRow(table *crc32.Table, key, value []byte) (logRow, error) {
	if len(key) != logKeyBytes || key[0] != logPrefix {
		return logRow{}, fmt.Errorf("log row key of %d bytes", len(key))
	}
	offset := int64(binary.BigEndian.Uint64(key[1:]))
	if offset < 0 {
		return logRow{}, fmt.Errorf("log row with negative offset %d", offset)
	}
	row := logRow{offset: offset}
	if len(value) <= logRowHeaderBytes {
		return row, fmt.Errorf("log row of %d bytes is too short", len(value))
	}
	if got, want := logRowSum(table, key, value), binary.BigEndian.Uint32(value); got != want {
		return row, fmt.Errorf("log row of %d bytes has checksum %08x, its content %08x", len(value), want, got)
	}
	row.wallMs = int64(binary.BigEndian.Uint64(value[4:]))
	row.bytes = value[logRowHeaderBytes:]
	if row.end() < row.offset {
		return row, fmt.Errorf("log row at offset %d overflows", offset)
	}
	return row, nil
}

// appendDatabasePrefix is the start of all rows of one database; the prefix of db+1 is its exclusive end.
func appendDatabasePrefix(dst []byte, db int) []byte {
	dst = append(dst, keyspacePrefix)
	return binary.BigEndian.AppendUint16(dst, uint16(db))
}

// databaseEnd is the exclusive end of the rows of one database.
func databaseEnd(db int) []byte {
	if db == maxDatabase {
		return []byte{keyspacePrefix + 1}
	}
	return appendDatabasePrefix(nil, db+1)
}

const maxDatabase = 1<<16 - 1

// rowName names a row of the keyspace: a key's value, or one block of it.
type rowName struct {
	db    int
	key   []byte
	kind  byte
	block uint64 // of blockKind
}

// append encodes the row key. The length before the key keeps all rows of one key together and apart from those of any
// other (no key is a prefix of another), the whole value or what stands for it first.
func (n rowName) append(dst []byte) []byte {
	dst = appendDatabasePrefix(dst, n.db)
	dst = binary.AppendUvarint(dst, uint64(len(n.key)))
	dst = append(dst, n.key...)
	dst = append(dst, n.kind)
	if n.kind == blockKind {
		dst = binary.BigEndian.AppendUint64(dst, n.block)
	}
	return dst
}

// whole is the row key of the whole value that a row belongs to.
func (n rowName) whole() string {
	n.kind = wholeValueKind
	return string(n.append(nil))
}

func (n rowName) bytes() int {
	size := 1 + 2 + 1 + len(n.key) + 1
	for l := len(n.key); l >= 0x80; l >>= 7 {
		size++
	}
	if n.kind == blockKind {
		size += blockIDBytes
	}
	return size
}

// decodeRowName is the inverse of append. key aliases row.
func decodeRowName(row []byte) (n rowName, err error) {
	if len(row) < 5 || row[0] != keyspacePrefix {
		return n, fmt.Errorf("keyspace row key of %d bytes", len(row))
	}
	n.db = int(binary.BigEndian.Uint16(row[1:]))
	length, size := binary.Uvarint(row[3:])
	if size <= 0 || length > uint64(len(row)) {
		return n, fmt.Errorf("keyspace row key with a bad length")
	}
	rest := row[3+size:]
	if uint64(len(rest)) < length+1 {
		return n, fmt.Errorf("keyspace row key shorter than its length %d", length)
	}
	n.key, n.kind, rest = rest[:length], rest[length], rest[length+1:]
	switch {
	case n.kind == wholeValueKind && len(rest) == 0:
	case n.kind == blockKind && len(rest) == blockIDBytes:
		n.block = binary.BigEndian.Uint64(rest)
	default:
		return n, errNewerRow
	}
	return n, nil
}

// blockSpan is where the blocks of a value are, given the row key that its whole value has.
func blockSpan(whole []byte) span {
	prefix := whole[:len(whole)-1]
	return span{append(bytes.Clone(prefix), blockKind), append(bytes.Clone(prefix), blockKind+1)}
}

// span is the row keys from low on and before high.
type span struct{ low, high []byte }

func metaKey(name string) []byte { return append([]byte{metaPrefix}, name...) }
