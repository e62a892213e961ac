// Package persistence keeps a node's durable state in one Pebble store: the log, the newest checkpoint and a
// few single rows. Keys and values of the keyspace are opaque bytes here; so are the log's bytes.
//
// # Nouns
//
//   - log: the ordered bytes of all effects; byte i has offset i, End is the replication offset.
//   - row: what one Pebble key holds. A log row is [offset, offset+len) of the log.
//   - tail: the newest part of the log, in memory, in segments of ChunkBytes.
//   - checkpoint: the state as of one offset. Start-up loads it and replays the log from there.
//   - run: a sorted part of a checkpoint being written; table: a file of merged runs that one Ingest brings in.
//   - verdict: nil, or the error that ended writing for good.
//
// # Life of a write
//
// The owner of the keyspace calls Log.Append for each effect and Log.Announce at the end of the batch. Append
// copies into the tail and never waits. The sync goroutine writes rows (a full segment as one row, a part of
// one when a sync asks for it), syncs as the policy says and moves Written and Synced; OnProgress then lets
// held replies go. Feeders read with a LogReader: from the tail with one copy, from disk when they are behind.
// Now and then the server freezes its dirty keys at offset P, hands them to a CheckpointWriter in slices, and
// calls Finish from the checkpoint goroutine; then retention drops what is too far below P.
//
// # Layout
//
//	K db(2) keyLen(uvarint) key 00    value as given              K < L < M, so [K, M) is checkpoint and log
//	K db(2) keyLen(uvarint) key 01 block(8)    block of a value, as given
//	L offset(8)                       crc32c(4) wallMs(8) bytes   crc covers the row key, wallMs and bytes
//	M format                          "1"; another number is refused
//	M checkpoint                      01 offset(8) savedMs(8) keys history n (name value)* crc32c(4)
//	M name                            opaque (PutMeta)
//
// Numbers are big-endian; keys, lengths and n are uvarints. The byte after the key is the kind of the row: 00
// is a whole value, or what stands for one that is in blocks, and 01 a block. Because the length stands first, all
// rows of one key are neighbours and no key is a prefix of another. A row of any other kind stops the load with an
// error; so do blocks in a version that knows none, which is why the format has kept its number.
//
// A value in blocks is written in one of two ways. Put gives it as a whole: a range deletion hides the blocks that
// there were, and all of its new ones come. Update gives what differs: the head, the blocks that changed (PutBlock) and
// tombstones of those that are gone (DeleteBlock); the others stay. So a checkpoint's cost follows the parts that
// changed, as long as the caller knows which. An update of a key that has no blocks in the store would leave a part of
// a value there: Finish refuses it, and the next checkpoint must be full. Which keys have blocks is in memory
// (checkpoint_blocks.go): some hundred bytes for each value of thousands of elements.
//
// # Invariants
//
//  1. Rows are contiguous: each begins where the one before ends. A row never crosses a segment and is never
//     rewritten; only TruncateTo replaces the one it divides, in the same batch as the deletion of the rest.
//  2. Start ≤ checkpoint offset ≤ End, and the log from the checkpoint's offset on is always kept.
//  3. A checkpoint becomes visible after the log is synced up to its offset, never before.
//     After a Finish that failed the next checkpoint must be full (ErrFullNeeded).
//  4. Written follows what Pebble accepted, Synced what the disk confirmed. Both only grow, but for TruncateTo
//     and a restart of the log.
//  5. After the first failed write or sync nothing is written any more (the kernel may have dropped the dirty
//     pages, so a later success would prove nothing). OnError is called once, Err says why, the log goes on in
//     memory with TailBytes, and the server decides.
//  6. Memory: TailBytes, what is appended and not yet written (Congested is the gate's question), four 16 MB
//     memtables at most while the disk is slow, an 8 MB cache, and four runs while a checkpoint is written.
//
// # Who may call from where
//
// The owner: Append, Announce, TruncateTo, Reset; and CheckpointWriter's Put, Update, Delete, their like for blocks,
// DeleteAll, Ready. The
// checkpoint goroutine: NewCheckpoint, Finish, Abort. A LogReader belongs to one goroutine. All else from
// anywhere. Long-lived goroutines: one per store writes log rows and retains, one calls OnProgress's function
// (both end in Close); one per CheckpointWriter spills runs (ends in Finish or Abort); and Pebble's own.
//
// # Small rows
//
// With FsyncAlways one sync covers everything appended so far, and what it covers is one row per segment, not
// one per command: under load the sync takes longer than many batches, and they share a row. A lone client that
// waits for each reply gets a row per command; its sync costs a hundred times what the row does.
//
// # Crash matrix
//
// A killed process loses what is not synced as well, because Pebble hands its WAL to the system in blocks of 32
// KB or at a sync. FsyncEverySec therefore does not wait for the second to pass: it syncs 5 ms after a batch, or
// ten times as long as the last sync took (at most 1 s), so that a quick disk loses milliseconds to a kill or a
// power cut and a slow one is not kept busy. At each step:
//
//	when                             on disk                              start-up
//	making the folder, first Open    anything or nothing                  goes on, or Pebble misses a file and says
//	                                                                      so: nothing was in it, remove the folder
//	rows appended, not written       the log before them                  End is before them
//	rows written, not synced         any whole batches, in order          End after the last of them; Pebble's
//	                                                                      replay drops a torn batch as a whole
//	rows synced (Synced said so)     all of them                          all there
//	last row's checksum wrong        (not by Pebble; a torn disk)         row dropped and said
//	newest WAL ends half-written     (see damage.go)                      dropped; said with file, offset, bytes
//	WAL or manifest damaged before   -                                    CorruptionError: file, offset, what to do;
//	synced records behind it                                              found before Pebble opens the folder
//	any other damage, a gap          -                                    CorruptionError: row, offset, what to do;
//	                                                                      below the checkpoint: its reader gets it
//	writing runs and tables          old checkpoint, scratch files        scratch files removed
//	Ingest, before its manifest      old checkpoint, orphan tables        old checkpoint; Pebble removes orphans
//	record (or WAL record) is synced
//	Ingest, after that               new checkpoint and meta, whole       new checkpoint; log from its offset
//	full copy with RestartLog        as Ingest: old state and old log,    one or the other, never a mixture
//	                                 or new state and empty log
//	log ends before the checkpoint   (impossible by invariant 3; a disk   older log dropped and said; starts anew
//	                                 that lied about a sync)              at the checkpoint
//	TruncateTo                       whole log or cut log                 the one or the other
//	retention                        rows or no rows                      Start is the first row
//	PutMeta with sync, returned      the row                              the row
//
// Pebble's WAL has checksums of its own and applies a batch whole or not at all, so a half row is not expected
// from a crash; our checksum covers the way from the tail through memtables, compactions and the disk, and the
// row key, which Pebble's does not tie to the content. Where Pebble would end the process (os.Exit on WAL and
// manifest failures), only the goroutine ends and the verdict falls; see pebbleLogger.
//
// # Tuning, and why
//
// Log rows come in key order and leave in key order. A flush therefore makes a table that overlaps no other,
// and Pebble moves it down without rewriting it; what would spoil that is a range tombstone from the log's start
// in each flushed table. So retention excises (a manifest record) and does not DeleteRange. Measured, 64 KB
// rows, 640 MB through 64 MB of retention, checkpoints in between: 2.1 bytes written per log byte (WAL 1, flush
// 1, compaction 0.1), against 2.7 with DeleteRange, at 130 MB/s on a busy two-core machine. Memtables of 16 MB
// make flushes rare and bound the replay of the WAL; compression is the fastest there is, because a log is read
// once if at all; the cache is small, because the data lives in the keyspace. Checkpoints arrive as tables of 64
// MB, the size that compactions aim at.
package persistence
