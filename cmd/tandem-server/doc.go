// Command tandem-server runs a node of a pair, a witness, or a server of its own. It takes redis-server's command line:
//
//	tandem-server [file] [--directive value ...]
package main
