// Package replication decides how a standby joins a master and what counts as
// replicated. It is a core: plain values without goroutine, lock, socket, clock
// or random source. The drivers in replication/link do the deeds.
//
// # Nouns
//
// A Position is (epoch, offset). A History is the list of reigns that wrote the
// log: each entry has an id (Redis' replid), the epoch of the reign and the
// offset at which it began. A Decision is a verdict with a reason in words: the
// same sentence stands in the log, in INFO and in the tests. Standby is the
// state machine of the link on the standby's side, Master the bookkeeping of
// all standbys on the master's side.
//
// # Life of a link
//
// The standby's driver hands events to Standby (Tick, Connected, Reply, Loaded,
// Disconnected) and does what it answers: dial, send a command, take a full
// copy, continue the stream, close. The handshake is that of Redis: PING, AUTH,
// REPLCONF listening-port, ip-address, capa, then PSYNC. Two Tandem nodes also
// exchange their histories (capa tandem1), so that both know the fork before
// anything is thrown away. The master's driver answers PSYNC with Decide, and
// tells Master what each standby has acknowledged.
//
// # Invariants
//
//  1. An offset is a number of bytes: byte i of the log has offset i, a node whose
//     End is n has the bytes [0, n). PSYNC asks for End+1, as Redis does.
//  2. Two logs that contain the same (id, offset) are equal up to that offset.
//  3. Continue is only answered for an (id, offset) that the own history contains
//     and the own log still holds.
//  4. A standby never empties itself for a master of the same pair whose history is
//     empty or ends in an earlier reign than its own.
//  5. The commit point never goes back, and never passes what a standby in the
//     commit set has acknowledged. A standby enters the commit set before it is
//     recorded as in sync, and leaves it only after its removal has been recorded.
//  6. 0 <= acked <= sent <= End, for each standby.
//
// Any goroutine may use the pure functions; a Standby or a Master belongs to the
// one goroutine of its driver.
package replication
