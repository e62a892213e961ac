// Package forward serves the rw and ro addresses on a node that does not serve them itself: it relays each client
// connection to the master (rw) or to a reader (ro), and carries it over when the master changes.
//
// # Nouns
//
// A Target says where commands have to go now. A Forwarder holds the connections of one address. A session is one
// client connection; it has one link, a connection to the node that the target names, dialled when there is a command
// to send. The ledger lists the commands of a session that are not answered yet, oldest first. The memory is what the
// client has said that lasts beyond a command: authentication, protocol, name, database, an open transaction. A
// refusal is a reply that means "not executed, the master is elsewhere".
//
// # Life of a command
//
// The client side (client.go) frames it and enters it in the ledger. The session (session.go) sends it over the link.
// The link's reader (link.go) finds the end of the reply, passes its bytes on, strikes the command from the ledger and
// updates the memory. If the reply is a refusal, nothing more is sent; the replies to what was sent already are read to
// the end, and what was not executed is sent again to the next master, after the memory has been restored there. The
// client sees a pause. If the link breaks with commands unanswered, nobody can know their fate: the client's
// connection is closed and nothing is ever sent twice.
//
// # Invariants
//
//  1. A command is sent again only if its reply said that it was not executed, or if it is repeatable (changes no
//     data). Its reply is delivered once, in the order of the commands.
//  2. If a command was executed although an earlier one of the same connection was refused, the order is lost: the
//     client's connection is closed, the refused one is not sent again.
//  3. The memory changes when a reply is delivered, so it is always that of the first unanswered command.
//  4. A session whose state cannot be carried over (WATCH, CLIENT TRACKING, subscriptions, MONITOR, CLIENT REPLY) is
//     closed when its link ends.
//  5. A session that may be relayed only as bytes (opaque) becomes so when every earlier command is answered.
//  6. The bytes kept per session are bounded: at UnansweredBytesMax no more is read from the client.
//
// # Goroutines
//
// Per session three: the client side alone reads from the client, the session alone writes to the link, the link's
// reader alone reads from the link and, while it lives, alone writes to the client. They share the ledger, which has
// the only lock. All end with the session; Forwarder.Close ends every session and waits for them. Every exported
// function may be called from any goroutine.
package forward
