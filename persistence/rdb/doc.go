// Package rdb reads and writes Redis' RDB: whole files (import, export, the full copy between nodes) and single values
// (the rows of a checkpoint).
//
// Nouns: a value is a type byte and its payload, without key, deadline or checksum. A file is a header, auxiliary
// fields, keys by database, and a footer with a checksum. A kind row says how this package writes a kind of value, a
// type row how it reads one of the types that Redis ever wrote. Elements are the members of a packed encoding
// (listpack, ziplist, zipmap, intset, quicklist) one after another.
//
// Life of a file that is written: NewWriter, Header, Item for each key as a frozen view gives it out (the database is
// selected when it changes), Footer. Of a file that is read: Load takes the header, then opcode after opcode; each
// key is decoded straight into the keyspace, between a Begin and an End of its own.
//
// Writing uses only the plain types 0, 1, 2, 4 and 5: every Redis from version 4 and every Valkey reads them and picks
// its own compact encoding by its own thresholds, so versions 9, 10 and 11 of the format differ in the header alone. A
// hash whose fields have deadlines is of type 24, which Redis reads from 7.4 on: a file with one has version 12, so that an
// older server refuses it by its header, before it reads a key.
// Reading knows versions 2 to 12 and Valkey's 80.
//
// Invariants:
//  1. No input makes Load or DecodeValue panic.
//  2. Memory follows the bytes that arrived, never a length that the input merely claims.
//  3. An error about the input names its byte offset and, inside a value, the key.
//  4. A key that is refused is not in the keyspace; the keys before it are: the caller drops the whole keyspace
//     (a full copy) or stops (start-up).
//  5. Decode(Encode(v)) is equal to v, and Encode does not depend on the encoding that v has in memory.
//
// Nothing here locks or keeps state between calls: whoever owns the keyspace calls. A Writer belongs to one goroutine.
//
// To add a kind: a row in kind.go with its encoder, rows for its types with their decoders, samples in the tests,
// which range over the rows.
package rdb
