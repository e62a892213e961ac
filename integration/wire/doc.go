// Package wire compares Tandem with a pinned reference server, Debian's redis-server 7.0.15, byte by byte.
//
// Nouns: a target answers command lines (the reference server, Tandem's engine in this process, or a running Tandem
// server); an exception is a listed difference that is intended, with its reason.
//
// Life of a line: it is sent to both targets, both raw replies are read whole and compared; where the order of a reply
// means nothing they are sorted first. Lines come from command's scenario files, from a generator with a seed, and
// from tables of malformed input. TestEffects reads the reference's replication stream beside Tandem's log.
//
// Invariants:
//  1. Only loopback, on free ports, in temporary folders; each test stops what it started.
//  2. A difference is a failure unless exceptions() lists it.
//
// It holds tests only; nothing imports it.
package wire
