// Command tandem shows and moves a pair, and runs one on loopback.
//
//	tandem status      who is master, and how far is everyone
//	tandem switchover  hand the reign over, without an error for clients of rw-port
//	tandem pair        a master, a standby and a witness on this machine, for trying out
//
// # Nouns
//
// A subcommand is a row in main.go: name, one line about it, function. A client speaks RESP with one node. A view is
// what the nodes said, put together: each node is believed about itself, the master about those who cannot be asked. A
// child is a node that `tandem pair` has started; only children are ever stopped, by their pids.
//
// # Life of a subcommand
//
// main finds the row, the subcommand reads its flags, asks the nodes, writes to stdout, and returns an error or nil;
// main prints the error on stderr and turns it into the exit code: 0 done, 1 not done, 2 wrong usage.
//
// # Invariants
//
//  1. A password comes from REDISCLI_AUTH or a file and is never printed, and never on a command line.
//  2. `tandem pair` restarts nothing and ends no process that it has not started.
//
// To add a subcommand: its row in main.go, its file.
package main
