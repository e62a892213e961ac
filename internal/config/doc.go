// Package config reads, shows, changes and rewrites directives: the lines of
// a redis.conf, the --name value pairs of a command line, and what CONFIG GET,
// CONFIG SET and CONFIG REWRITE work on.
//
// # Nouns
//
// A Row is one directive: its name, kind, default, limits, doc, and the field
// that it fills. The rows stand in the packages that own the fields, right
// beneath them; this package only knows how rows behave. A Section is a titled
// list of rows. A Set is all of them together, the registry of one server.
//
// # The life of a directive
//
// New joins the sections and panics if two rows share a name: that is a
// mistake in the program, not in its input. Load puts every default into its
// field, then reads the file, then standard input if asked ("-"), then the
// options of the command line, each line through the row's parser; what comes
// later wins, and the first error stops the load with file and line. After that
// Get, Change and Rewrite serve CONFIG.
//
// # Invariants
//
//  1. A field only ever holds a value that its row's parser and checks accepted.
//  2. Change is all or nothing: if one of the pairs is refused, or cannot be
//     applied, every field is as it was before.
//  3. Format and parse are inverse: what Get and Rewrite write reads back to
//     the same value. The generic tests walk all rows for that.
//  4. Rewrite leaves a line alone unless its value changed, keeps comments,
//     order and lines that it does not know, and replaces the file by a rename:
//     after a crash there is the old file or the new one.
//  5. A Redis directive without a meaning here is never ignored in silence: it
//     is accepted with an explanation for the log, or refused with a reason.
//
// # Who may call
//
// Nothing here starts goroutines or locks. A Set belongs to one goroutine at a
// time: the one that starts the server, then the owner of the keyspace, which
// executes CONFIG. A field of a row is written by that goroutine; code on
// another one takes its own copy when the row's apply function tells it to.
//
// To add a directive: the field in the Options of its package, the row beneath
// it, and `make conf` to bring tandem.conf up to date.
package config
