// Package rig is what all benchmarks share: servers to start and stop, connections to fill and to probe them, what the
// system says of a process, and the table that is printed.
//
// # Nouns
//
// A Program is one benchmark; Main runs it from the command line and Run from a test. It gets a Bench: where the two
// servers come from, a folder, and where the output goes. A Side is redis-server or tandem-server. A Server is a running
// process, a Client one connection to it. A Table has a Row per thing that was measured; a row with a bar says whether
// it is met.
//
// # A row
//
// What was measured, Redis' value, Tandem's, the figure that is compared with the bar (a ratio, or Tandem's value
// itself), the bar, and "yes" or "no"; "-" where there is nothing to say. "no" does not fail the program: the table is a
// report.
//
// To add a benchmark: a folder with a doc.go and a main that hands its Program to Main, a smoke test with few items that
// looks at the form of the table, and a line in the Makefile under bench. Linux only, because of /proc.
package rig
