// Package tandemtest runs Tandem inside Go tests: one node, or a pair with its witness whose nodes can be killed, started
// again and cut off from each other.
//
//	func TestOrders(t *testing.T) {
//		pair := tandemtest.RunPair(t)
//		orders := openOrders(pair.RWAddr()) // any Redis client
//		...
//		pair.KillMaster()
//		...                                 // orders goes on by itself
//	}
//
// # Nouns
//
// A Node is a data node or a witness with fixed addresses on loopback; it runs, or it does not because it was killed or
// stopped. A Pair is two data nodes, "a" and "b", and, unless WithoutWitness is given, the witness "w". A Client is a
// connection that speaks enough RESP for a test; every Redis client serves as well. The journal is what all nodes have
// logged; it is shown when the test fails.
//
// # Life of a pair
//
// RunPair reserves ports, starts the three nodes at the same time and waits until one is master and the other is level. Kill
// cuts a node's clients off and ends it without a word to the others; what it had in memory is gone, what it had on disk
// (with "appendonly yes") and its votes are there again after Restart. Partition lets a node run but loses what goes to
// and from it: gossip, votes, the replication link, what the other nodes forward. Clients reach it all the same. When the
// test ends all nodes are killed and their folders removed.
//
// # Invariants
//
//  1. Addresses stay the same as long as the test runs, also across Kill and Restart.
//  2. Data are in memory unless the directives say otherwise. Votes are always on disk, in a folder of the test.
//  3. When the test has ended no goroutine, port or file of this package is left.
//  4. Every wait is for a condition. If it does not come about in time the test fails with the reason and the journal.
//
// # Who may call
//
// Addresses and roles may be asked for from any goroutine. What can fail the test (Run, RunPair, Kill, Restart, the waits,
// the Must functions) belongs to the test's own goroutine, as with testing.T.
package tandemtest
