// Package link drives the replication core: it dials, reads and writes connections between a master and its standbys,
// in Redis' own protocol (PSYNC2), so that a Redis or Valkey can stand on either side.
//
// # Nouns
//
// A Feeder serves one standby on the master's side: it answers PSYNC, sends a full copy if one is needed, and then the
// log as it grows. A Source is what it needs of the node: position, log readers, snapshots. A Follower is the standby's
// side: it keeps the link to the master. A Sink is what it needs of the node: to apply, to rewind, to take a full copy.
// Facts are what a standby told about itself by REPLCONF. A Batch is a piece of the stream, cut between commands.
//
// # Life of a link
//
// The Follower's loop hands events to replication.Standby and does what it answers; one goroutine of the connection
// (the hand) dials, reads the replies one by one, then takes the full copy or goes straight to the stream. On the other
// side the server's session answers PING, AUTH and REPLCONF (Facts.Replconf), and at PSYNC gives the connection away
// to a Feeder. The Feeder asks replication.Decide, answers, and from there on writes what a log reader gives it, while
// its ear (a second goroutine) reads acknowledgements.
//
// Two Tandem nodes know each other by `capa tandem1`, answered with "+OK tandem1". Then the standby asks
// `REPLCONF tandem-history <its node id>`, and both know history, epoch and end of the other before PSYNC. The lines of
// PSYNC and the stream itself are the same for everyone. An acknowledgement is `REPLCONF ACK <offset> FACK <offset on
// disk>`, as in Redis 7.2.
//
// # Invariants
//
//  1. What a Sink applies begins exactly at its end and is, byte for byte, what the master's log has there. Its end
//     must move by the length of each batch; where a check (the first batch and each 64th) finds otherwise, the link ends.
//  2. A full copy that did not arrive whole and was not accepted by the Sink changes nothing there.
//  3. A Feeder's memory does not depend on how far its standby is behind: one buffer. Only what the log still holds
//     can be fed; when retention overtakes the reader, the link ends with that reason and the standby asks again.
//  4. A Feeder never makes the owner of the data wait: it takes from readers and snapshots, it is never pushed to.
//  5. Each wait has a limit: for a dial, for a write, for a silent master, for a standby's acknowledgement.
//  6. The Sink is used by one goroutine at a time, except Standing, Acked and AckChanged, which any may call.
//     After Run has returned it is not touched again.
//
// # Goroutines
//
// Follower.Run: its loop (the core, the ticks, all writes) and one hand per connection, which has ended before the next
// begins. Feeder.Run: the writer and its ear. All end when the context does. Status and Info may be called by any goroutine.
//
// To add a fact that a standby tells: a case in facts.go, a scenario in testdata.
package link
