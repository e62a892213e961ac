// Package tandem assembles a node: the server, the pair's failover, the forwarding addresses. It is what
// cmd/tandem-server runs and what programs embed.
//
// Nouns: a Node is a running process of the pair, with data or a witness without. Options are all its directives, each a row
// beside its field; Load reads them from a redis.conf and a command line.
//
// Life of a node: Load, Start, then Wait until it was asked to stop or cannot go on, Close. Several nodes may live in one
// process.
//
// Invariants:
//  1. This is the only package that knows all parts; the parts know each other by small interfaces.
//  2. A node of a pair comes up fenced; only the pair's agent makes it a master.
//  3. Close first ends mastership in order, then the clients, then the data.
//
// Every exported function may be called from any goroutine.
package tandem
