// Package command is what a command is, and the data families themselves.
//
// Nouns: a Spec is one row of the table (name, arity, flags, keys, categories, handler): everything else about a command
// is derived from it. A Call is one run: arguments, database, clock, random source, reply. An Effect is what the run did to the
// data, as a command that replays to the same result. An Engine runs calls against one keyspace and collects their
// effects. An Applier replays effects.
//
// Life of a command: the server looks its Spec up, the gates admit it, Engine.Do runs the handler between the keyspace's
// Begin and End. What the handler changed was noted by the keyspace; from these notes Do derives the effects: a DEL for
// each expired key that was met, then what the handler put in place of its own words (Call.Effect), or else the command as it was given.
// The server encodes the effects of one unit (a command, or all of EXEC) with Encoder and appends them to the log.
//
// Invariants:
//  1. A handler that returns an error has changed nothing, and its half-written reply is taken back.
//  2. A handler reads no clock, no socket, no configuration and no random source but the Call's.
//  3. Applying the effects of a unit to an equal keyspace gives an equal keyspace.
//  4. A command that changed nothing has no effect.
//
// Nothing here locks: whoever owns the keyspace calls. To add a command, add a row to its family's file and the handler
// below, in the rows' order, and a scenario under testdata.
package command
