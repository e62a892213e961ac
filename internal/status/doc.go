// Package status is the form in which a node describes its pair: what the agent fills in, the server answers to TANDEM
// STATUS, and the command line shows.
//
// A Report is one node's view. It holds what that node has heard, and how long ago; two nodes may differ.
//
// Invariants:
//  1. Every configured voter is in the list, in the order of the configuration, heard or not.
//  2. A field that nobody knows says so (-1, "unknown"); it is never left out.
//
// Plain values: any goroutine may use its own copy.
package status
