// Command scale measures how the time of one operation grows with the number of keys: GET and SET of random existing keys,
// with -n keys and with ten times as many.
//
// Twice: the CPU time that redis-server and tandem-server use per command, under redis-benchmark, and the CPU time of the
// thread in this process, where the command engine runs over a keyspace without a network. More keys miss the processor's
// caches more often, in any server, so Redis' own factor stands beside Tandem's.
//
//	go run ./integration/bench/scale -n 1000000 -requests 2000000
//
// The figure is the time with 10 n keys over the time with n; the bar is 1.5. Linux only, because of /proc.
package main
