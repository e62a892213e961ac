// Package freeport finds ports on loopback for tests that must know them before anything listens there, and must find them
// free again when a node is killed and started once more.
//
// They are taken from below the range that systems give to outgoing connections: so that none of those can sit on the
// port of a node that is down. Another process may still be quicker: who starts something at such a port tries again.
//
// Find may be called from any goroutine.
package freeport
