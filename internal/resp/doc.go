// Package resp speaks the Redis serialization protocol, versions 2 and 3, on top of redcon's codec.
//
// Nouns: a Reader finds commands in the bytes of one connection; a Writer appends replies in the
// protocol version that the connection negotiated; AppendCommand writes a command as a log or a replica reads it.
//
// Life of a request: the transport appends what it read to the connection's buffer and calls Reader.Next until it
// says "incomplete". The arguments alias that buffer: they are valid until the transport moves it.
//
// Invariants:
//  1. Next never looks at a byte twice because more of the same command arrived: what was checked stays checked.
//  2. No input makes Next panic or allocate more than the limits say; the error text is Redis' own.
//  3. A Writer only ever appends.
//
// Nothing here locks: a Reader and a Writer belong to one connection and its one goroutine at a time.
package resp
