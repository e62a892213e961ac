// Package agent drives the failover core: it brings the core what happens, does what the core answers, and owns
// everything the core may not touch: the network, the disk, the clock.
//
// # Nouns
//
// A Node is the server as this package needs it: it can be told to reign, to follow, to fence. The ballot is the file
// in which a voter remembers its votes. The address book says where each voter is; a voter is known by its id, its
// addresses may change. A probe is a connection kept open to another voter's gossip port to learn when its process is
// gone.
//
// # Life of a message
//
// memberlist hands over a user message; it is decoded and put in the agent's inbox. The agent's goroutine reads the
// node's position and the clock, steps the core, and does the actions in order. Persist writes and syncs the ballot
// before anything after it is done. A message to be sent goes out as one UDP packet by way of memberlist; those that a
// failover waits for go over TCP as well, from a goroutine of each peer (the core drops what it has seen already).
// Who memberlist believes alive is of no consequence: messages go to the last known address, and only votes count.
//
// # Invariants
//
//  1. Actions are done in the order in which the core gave them. If one fails the node is fenced, the agent ends, and
//     the process must end with it.
//  2. The ballot's file is replaced as a whole and is synced, with its folder, before what follows from it.
//  3. While the disk is not asked (no vote, no new record), it cannot delay a heartbeat. While it is, nothing
//     that rests on the ballot leaves the node; the master's lease ends by itself meanwhile.
//  4. PeerGone is said only when a probe that stood has been broken by the other side and a new one was refused, and
//     names the incarnation that was known before that. A timeout says nothing.
//  5. A node whose id is in use by another running node does not start; the running one goes on.
//  6. All time comes from the monotonic clock.
//
// # Goroutines
//
// The loop (agent.go) alone owns the core and calls the Node. One goroutine per peer sends over TCP, one joins, one
// probes; memberlist has its own. Everything ends with Close or Kill, which wait. Every exported function may be called
// from any goroutine, except by a Node within a call from the agent: those must return at once.
package agent
