// Package cluster tests whole pairs: real processes that are killed, stopped and damaged, and pairs inside the test
// process (package tandemtest) under load.
//
// Nouns: a process is one running tandem-server, its log is a file of the test; a cluster is the processes of one pair
// with their configuration files; a load is clients that write all the time and remember what was acknowledged.
//
// Life of a test: TestMain builds tandem-server and tandem once into a folder of its own. Each test starts what it needs on
// free ports of loopback, hurts it, waits by condition, and compares what the clients were told with what the nodes hold.
// At its end every process that it started is killed by its pid.
//
// Invariants:
//  1. A process is ended by its own pid only.
//  2. No test sleeps, and none depends on how quick the machine is, but for limits of many seconds. Times are measured and
//     logged.
//  3. -short leaves out repetitions only; see rounds.
package cluster
