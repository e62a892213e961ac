// Package simulation runs the two cores, failover and replication, in a cluster
// that a seed makes: network, disks, clocks, clients and faults. First come
// faults while the checkers watch safety at each step, then everything heals and
// the cluster must come to rest: one master, standbys level, clients answered.
//
// # Nouns
//
// A Cluster is one run. A host is a machine with a disk and a drifting clock; the
// process on it can be killed (its disk keeps what was synced), paused, restarted.
// The network loses, delays, repeats and reorders messages between voters, and
// can be cut in one or both directions. A conn carries one replication link in
// order. The log is abstract: each write is an entry of entryBytes bytes, and a
// hash chain over the entries stands for the data's digest.
//
// # Life of a run
//
// Run makes a cluster out of Options and lets the event queue run: ticks,
// deliveries, faults, client steps, each at its virtual time. Every event of a
// host becomes one Step of a core; the host's driver does the actions in order,
// as failover/agent and replication/link do, and tells the checker what happens.
// The first violation ends the run; Run again with Trace prints the story.
//
// # Invariants
//
//  1. A run depends on its Options alone: no map is ranged over, no clock read.
//  2. The checkers (checker.go) know the truth of all hosts and never ask a core.
//  3. Each Mutation breaks one rule of a driver or an assumption of the protocol,
//     and some seed must find it: otherwise the checkers have gone blind.
//
// One goroutine per run; runs share nothing.
package simulation
