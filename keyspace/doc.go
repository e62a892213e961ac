// Package keyspace is the data, and nothing else: databases of keys with values of six kinds, their deadlines, what a
// command changed, and views of it all as of one moment.
//
// # Nouns
//
// A Keyspace has databases (DB). A database has a store: a heap of cells, an index of entries in hash order, and their
// deadlines in time order. An entry is a key, its deadline and its value. A value is a string, packed bytes (small
// hashes, lists, sets, sorted sets), sorted integers, or a large structure made of blocks. A command reads through views (Hash, List, Set,
// ZSet, Stream) and changes through handles (HashEdit and its like). What it did is in its notes: Change, Event, KeyRef. A
// Frozen view gives out Items, and large values in parts (division). A checkpoint keeps parts as blocks; a large structure's
// base (base.go) says how the last one has it, so that the next gets the blocks that changed.
//
// # The life of one command
//
// The executor calls Begin with the time. The handler looks keys up and opens handles. The first change of a handle
// prepares the entry in one place (DB.touch): frozen views that still need the old state get it, the key is marked as
// changed for the next checkpoint, and a Change and an Event are noted. End removes what was emptied and what was met
// past its deadline. Then the executor reads Changes, Events and Expired, and from them follow WATCH, notifications,
// waking of blocked sessions and the log. A handler cannot forget any of it.
//
// # Memory
//
// Entries, and the fields and members of large structures, are bytes in the cells of a heap (internal/slab), which the
// collector does not see; cell.go has their forms. Each cell has one owner, the slot of an index that refers to it, so
// pointers grow with segments and blocks and not with keys. All else names a key by its hash (deadlines) or by a copy of
// its bytes (marks).
//
// A reader decodes an entry when it needs it, and what it gives out aliases the cell. A writer opens the entry: until
// End there is one decoded form of it, which all lookups find through its cell, and small values are changed in a copy in
// the arena. End writes open entries back, in place or into a cell that fits better. Cells that were given up are
// retired: they stay readable until the next Begin, and then are freed, those of large structures piece by piece.
// Compaction (compact.go) moves cells between commands, where deletions have left pages with few of them.
//
// Small hashes, sets and sorted sets are rows (rows.go), small lists packed elements that can be walked both ways
// (list_packed.go). Both have what all fields, members, values or elements begin with once: what is read of them is put
// together in the arena, so only their views may read them.
//
// Strings of middle length are code where that is shorter (vocabulary.go): what is read of them stands in the arena too.
//
// # Indexes in hash order
//
// All tables, of keys, fields and members, are an index: segments of at most 1024 slots, found by the top bits of the
// hash, which split and merge one by one. A position in the hash space therefore keeps its meaning through any growth:
// SCAN's cursor is such a position (its top 48 bits), and so is the place of a frozen walk.
//
// # Invariants
//
//  1. Reading never changes data; the access information of a key (access.go) is no part of it. A key past its deadline is invisible (but see ExpiryIgnore); a read only notes that it
//     met it, and End deletes it if the mode says so. So it is with the field of a hash.
//  2. No entry changes, and none goes, without DB.beforeChange. After it, every open view has the entry's state as of its
//     freeze or does not need it.
//  3. An entry's stamp is the freeze clock of its last preparation. A view gives exactly the entries whose stamp was
//     below the view's own clock, each once: the walk gives those ahead of its position, preparation gives the rest.
//  4. A store's marks name each key whose state may differ from the last checkpoint's, or say that all do. A key that was
//     made and removed between two checkpoints leaves no mark.
//  5. An entry's key and hash never change, and an entry is never used again for another key.
//  6. No value is empty between two commands, strings and streams apart.
//  7. deadlines holds a row for exactly the hashes and deadlines of the entries with deadline != 0, and fieldsDue one for each
//     entry with fields that have deadlines, with the earliest; so does a large hash's order for each such field.
//  8. In an index a segment of depth d holds exactly the items that agree in the d top bits its place stands for, and no
//     hash begins with 32 zero bits.
//  9. In an order, lows[i] (i > 0) is not after any item of kid i and after every item of kid i-1, and itself an item of
//     kid i, because the cell it refers to must be there; sizes are exact. Where items may be equal, "after" is "not before".
//  10. One key has at most one Change per command; Created refers to the state before the command.
//  11. What a view, handle or callback gives out is borrowed until the next write or Begin; popped values and notes
//     until the next Begin; an Item until the sink returns.
//  12. Between commands no entry is open. An open entry is at the place of ks.opened that its cell names.
//  13. A cell is freed only by sweep, or at once when no key, value or slice of it was given out (segments, names), or
//     only until the next write (leaves, list blocks).
//  14. A store's table holds exactly the large structures of its entries.
//  15. While a view holds an index, each span of the hash space (indexDivision) has been given or copied for it, or is as
//     it was at the capture. A block of a list, or a node of an order, that is older than the clock of the list or the
//     order does not change while views hold it.
//  16. No structure is discarded while a view holds it.
//  17. store.coded counts the closed cells that are code, by table. A table stays while a cell or a view may need it.
//  18. A structure has a base that holds (base.go) only if every dirty view since the base began has come to its end, and the
//     sinks have, at the structure's key, the blocks that those views gave. Then a span that is not dirty, and a block of a
//     list that is current, is as the sinks have it. No base outlives the process: after a load the first change of a value
//     in blocks gives all of it, once. Streams have none.
//
// # Who may call
//
// One goroutine at a time, the owner of the moment. There is no lock, goroutine, clock or source of randomness in here:
// time comes with Begin, randomness as an argument, the hash seed with Options. Views are opened, stepped and closed
// between commands, never between Begin and End.
//
// To add a kind of value: a file of its own like set.go, its constant and names in kind.go, its digest in digest.go, and
// its division into parts if it can be large.
package keyspace
