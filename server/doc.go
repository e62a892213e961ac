// Package server is one data node as clients see it.
//
// Nouns: a session is one client connection; a carrier moves its bytes (an epoll loop, or goroutines); a batch is all complete
// commands of a carrier's ready sessions; the executor owns the keyspace and all that commands see; a gate is an admission
// check; a unit is the effects of one command, or of one EXEC; the commit point is the log offset up to which replies may go out.
//
// # Life of a request
//
// A loop reads what its connections have and cuts it into a batch. It takes ownership (executor.acquire), and for each command
// asks the gates and runs the handler: a data command through command.Engine, a session command through its row. What the
// keyspace noted goes to watchers, subscribers and waiting sessions (outcome.go); the unit's effects become log bytes. At the
// end of the holding (executor.release) the bytes are appended to the log, and the replies are sealed as far as the commit
// point allows. Then the loop sends them, outside ownership. What is held goes out when the log's sync goroutine or a
// standby's acknowledgement moves the commit point.
//
// # Invariants
//
//  1. Everything of the executor is touched by the holder of its mutex only. Nobody holds it while waiting for a disk, a
//     peer or a client; background work holds it for a slice (1 ms) at a time.
//  2. All of a session's output fields belong to the owner until sealed, then to its carrier.
//  3. The log's end with what is pending is the replication offset. A standby's log is its master's, byte for byte.
//  4. The role changes in executor.become only, and never because of an error.
//  5. A write is admitted only in a holding that began before the end of the lease.
//
// # Long-lived goroutines
//
//	loop.run             one per io-thread; alone owns its connections; ends when its descriptor is closed (loop.stop)
//	Server.accept        one per address; ends when its listener is closed
//	connCarrier          two per connection (TLS, other systems); end with the connection
//	Server.keepHouse     expiry, evictions, idle clients, PING, the in-sync set; ends with Server.stopping
//	Server.keepCheckpoints  one checkpoint at a time; ends with Server.stopping
//	parking.timer        ends waits whose time is over
//	persistence.Log      syncs; calls Server.logMoved
//	link.Feeder          one per standby: Server.feed; ends with its context
//	link.Follower        one, on a standby: Server.startLink; ends with its context
//	export               while BGSAVE runs
package server
