// Command growth measures how long one SET stops the owner while the index grows from nothing to -n keys: structures
// that double would stop it for longer the larger they are.
//
// Twice: in redis-server and tandem-server, as they measure their commands themselves (wall-clock time; Redis' "INFO latencystats",
// Tandem's "INFO owner"), and in this process, where the command engine runs over a keyspace without a network. There
// the CPU time of the thread is read as well as the clock: on a machine that others use too, the clock's longest times are
// those of preemption, and the CPU time tells what the code itself did, page faults included.
// Even that is not free of the machine, which may have to find memory at the first touch of a page. So the same keys are
// set in several runs: what a structure does, it does at the same key each time, and the last row takes for each
// key the least of its CPU times.
//
//	go run ./integration/bench/growth -n 10000000
//	go run ./integration/bench/growth -n 1000000 -longest 10
//
// -longest lists the slowest of them and how many keys there were, to find out what grew. The bar is 2 ms for any
// single command.
package main
