// Command collector measures what Go's garbage collector costs a server with many keys: the CPU time that it marks for,
// and the longest stop of the world, while clients SET existing keys without a pause.
//
// A tandem-server is filled with -n keys; its figures (INFO collector, INFO cpu) are read before and after -load of
// SETs. Two rows for each, without persistence and with the log on: the log's store makes garbage of its own. Redis has no
// collector and no column here.
//
//	go run ./integration/bench/collector -n 10000000 -load 20s
//
// Bars: marking below 3 % of the CPU time of the process, no pause above 1 ms.
package main
