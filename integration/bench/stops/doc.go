// Command stops measures how long clients have to wait while a server is at something large: many keys expire at once, a
// structure of millions of elements is deleted, or the data are frozen for a save, a checkpoint or a full copy while a
// large hash is written to, or a stream whose entries are all pending with a consumer group.
//
// For each event a server is started and filled. Then a client gets one key in a loop while the event goes on, and its
// longest wait is noted, for redis-server and tandem-server side by side. Tandem also says how long one holding of the
// keyspace was at most (INFO owner), by the clock and in CPU time. The bar, 2 ms, is held against the CPU time: on a
// busy machine the other two contain the turns of others. The first row, in which nothing happens, says how much that is.
// Where the clock's figure is larger than that row explains, the owner waited for something. CPU time of a virtual machine
// has now and then milliseconds that its host took: so an event over the bar is measured again, up to three times.
//
//	go run ./integration/bench/stops -n 10000000
//	go run ./integration/bench/stops -n 1000000 -t hash
//
// To add an event, add a row to events. Linux only, because of /proc.
package main
