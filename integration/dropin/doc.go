// Package dropin starts the built tandem-server as harnesses, scripts and supervisors start redis-server.
//
// Nouns: a process is a server that a test started, Tandem or the reference, Debian's redis-server 7.0.15; a raw client
// reads replies, or a replication stream, byte by byte.
//
// Life of a test: it writes a configuration file into a temporary folder, starts the process with its standard output
// appended to a log file, waits for the lines that a harness waits for, and stops what it started.
//
// Invariants:
//  1. Only loopback, on free ports, in temporary folders; each test stops what it started, by its id.
//  2. What a harness reads is compared as the harness reads it: expressions over the whole log, raw bytes on the wire.
//
// It holds tests only; nothing imports it.
package dropin
