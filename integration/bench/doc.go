// Command bench compares tandem-server with redis-server on this machine.
//
// A round starts one server on a free loopback port in a folder of its own, runs
// redis-benchmark once per command and pipeline depth, reads the server's CPU time
// before and after from /proc, and stops the server. Rounds alternate, A B A B,
// so that what disturbs the machine disturbs both; a pair is one round of each,
// and what is reported is the ratio within a pair: its least, median and greatest
// value over all pairs. Both servers get the same command line.
//
//	go run ./integration/bench -quick
//	go run ./integration/bench -pairs 7 -md bench.md
//
// A ratio of throughput above 1 and a ratio of CPU below 1 speak for Tandem.
// Linux only, because of /proc.
package main
