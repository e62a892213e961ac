// Package fsst makes short strings shorter, each on its own, with a table that is learned from a sample of like strings.
// A string can be read without any other, and a table is a few kilobytes that stay in the processor's cache. The idea of
// the symbols is from "FSST: Fast Random Access String Compression" (Boncz, Neumann, Leis, VLDB 2020).
//
// # Nouns
//
// Plain bytes are what the caller has; code is what stands for them. A Table turns one into the other, and has one of two
// forms:
//
//   - Symbols: up to 255 pieces of 1 to 8 bytes that are frequent in the sample. A byte of code names a symbol; 255, the
//     escape, says that the next byte stands for itself.
//   - An alphabet: the 16, 32 or 64 bytes that the sample has most of, in 4, 5 or 6 bits each. That is for text without
//     pieces that come again, as random hexadecimal digits or base64. See alphabet.
//
// # The life of a table
//
// Train learns both forms from a sample and keeps the one that makes the sample smaller, if any is worth it. Then Append
// encodes and AppendPlain decodes. When a newer table takes over, Seal drops what only Append needs: what the table has
// encoded can still be decoded.
//
// # Invariants
//
//  1. What Append of a table made, AppendPlain of the same table turns back, for any plain bytes, like the sample or not.
//  2. Code is shorter than what it stands for. Where it would not be, Append says so, and there is no code.
//  3. Code does not say how long its plain bytes are: who keeps the code keeps their number.
//  4. The same sample makes the same table.
//  5. Symbols are taken greedily: of those that the rest of the plain bytes begins with, the longest.
//
// # Who may call
//
// A table does not change but by Seal. So any number of goroutines may use it at a time, except while it is sealed. Train
// takes milliseconds and is not for the owner of a keyspace; Append and AppendPlain are, and allocate nothing when the
// destination has room.
package fsst
