// Package notation holds the two small languages in which people write to a server: glob-style patterns (KEYS, SCAN,
// PSUBSCRIBE, CONFIG GET) and quoted words (inline commands, configuration files, a client's prompt). Both read what
// Redis reads, so that a pattern or a line means the same wherever it stands.
//
// # Invariants
//
//  1. Match takes at most len(pattern) x len(text) steps, whatever a stranger sends.
//  2. SplitWords gives words of their own memory; nothing aliases the line.
//
// # Who may call
//
// Anybody: functions of their arguments only.
package notation
