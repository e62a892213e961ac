// Command memory measures what an item costs: the growth of a server's resident memory over the growth of the number of
// items, for redis-server and tandem-server side by side.
//
// For each shape of data both servers are started on free loopback ports, in folders of their own and without
// persistence. A tenth of the items is filled in to warm the server up, then the rest; the growth of VmRSS between the two
// is divided by the items between them.
//
//	go run ./integration/bench/memory -n 1000000
//	go run ./integration/bench/memory -n 100000 -t zset
//
// The figure is Tandem's bytes over Redis'; the bar is 0.6. Linux only, because of /proc.
package main
