package persistence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// CheckpointWriter collects the changes since the last checkpoint (or, full, the whole state) and makes them
// visible in one step.
//
//  1. Put, Update, Delete and DeleteAll may come in any order of keys; of two changes of one key the later call wins. But
//     a value in blocks is given once, with all that is said about its blocks; only updates of it may follow.
//  2. They copy into memory and never wait for the disk: the owner may call them. Sorting and spilling is done
//     by the writer's own goroutine, merging by whoever calls Finish.
//  3. At most four runs of Options.RunBytes are in memory while the caller heeds Ready; what copy-on-write
//     forces on it beyond that is the caller's bound.
//  4. Until Finish has returned nil, nothing of it is visible; after a crash there is either the old checkpoint
//     or the new one, whole.
type CheckpointWriter struct {
	store *Store
	full  bool

	mu      sync.Mutex
	sealed  *sync.Cond // a run was queued, or done was set
	active  *run
	queue   []*run
	spare   blockPool
	emptied emptiedBefore
	done    bool
	err     error // the first of the spill goroutine

	blocks blockChanges // of the store's keys in blocks: what merge has found

	spilled chan struct{} // closed when the spill goroutine has ended
	files   []spilledFile // the spill goroutine's until then
	ended   bool
}

type spilledFile struct {
	number int
	path   string
}

// runsQueuedMax is the number of runs waiting for the spill goroutine at which Ready says no.
const runsQueuedMax = 2

// Met by NewCheckpoint.
var (
	ErrCheckpointRunning = errors.New("persistence: another checkpoint is being written")
	// ErrFullNeeded: Finish of a checkpoint of changes failed. Its changes are not dirty for the caller any more
	// and not on disk, so the next checkpoint must hold everything.
	ErrFullNeeded = errors.New("persistence: the last checkpoint failed with its changes, so the next must be a full one")
)

// NewCheckpoint begins a checkpoint. A full one replaces all there is; the other kind changes the last one, and
// is refused with ErrFullNeeded after one whose Finish failed. There is one at a time. End it with Finish, or
// with Abort if its changes are still dirty for the caller.
func (s *Store) NewCheckpoint(full bool) (*CheckpointWriter, error) {
	if err := s.health.verdict(); err != nil {
		return nil, err
	}
	if !full && s.fullNeeded.Load() {
		return nil, ErrFullNeeded
	}
	if !s.writing.CompareAndSwap(false, true) {
		return nil, ErrCheckpointRunning
	}
	err := s.clearScratch()
	if err == nil && !full {
		err = s.findBlocks()
	}
	if err != nil {
		s.writing.Store(false)
		return nil, err
	}
	w := &CheckpointWriter{
		store:   s,
		full:    full,
		active:  &run{},
		emptied: make(emptiedBefore),
		spilled: make(chan struct{}),
	}
	w.sealed = sync.NewCond(&w.mu)
	go w.spill()
	return w, nil
}

// Put sets a key. key and value are copied. If the value is in blocks, this one stands for it and PutBlock brings the
// blocks, before or after; those that the store has go.
func (w *CheckpointWriter) Put(db int, key, value []byte) {
	w.add(rowName{db: db, key: key}, value, changeSet)
}

// Update is Put for what stands for a value in blocks, except that the blocks that the store has stay, unless PutBlock or
// DeleteBlock name them. A store that has none of the key, or has lost them to this checkpoint's DeleteAll or to its
// being full, refuses that in Finish: what came would be a part of a value.
func (w *CheckpointWriter) Update(db int, key, value []byte) {
	w.add(rowName{db: db, key: key}, value, changeUpdate)
}

// PutBlock sets a block of the value of a key that is also Put or Updated in this checkpoint.
func (w *CheckpointWriter) PutBlock(db int, key []byte, block uint64, value []byte) {
	w.add(rowName{db, key, blockKind, block}, value, changeSet)
}

// DeleteBlock removes a block, which need not be there, of the value of a key that is also Updated in this checkpoint.
func (w *CheckpointWriter) DeleteBlock(db int, key []byte, block uint64) {
	w.add(rowName{db, key, blockKind, block}, nil, changeDelete)
}

// Delete removes a key, with its blocks.
func (w *CheckpointWriter) Delete(db int, key []byte) {
	w.add(rowName{db: db, key: key}, nil, changeDelete)
}

func (w *CheckpointWriter) add(name rowName, value []byte, kind changeKind) {
	mustDatabase(name.db)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active.add(name, value, kind, &w.spare)
	if w.active.bytes >= w.store.opts.RunBytes {
		w.seal()
	}
}

// DeleteAll removes all keys of a database, those put into this checkpoint before included.
func (w *CheckpointWriter) DeleteAll(db int) {
	mustDatabase(db)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.active.items) > 0 {
		w.seal()
	}
	w.emptied[db] = w.active.number
}

func mustDatabase(db int) {
	if db < 0 || db > maxDatabase {
		panic(fmt.Sprintf("persistence: database %d is outside 0..%d", db, maxDatabase))
	}
}

// seal hands the active run to the spill goroutine. Called with mu held.
func (w *CheckpointWriter) seal() {
	w.queue = append(w.queue, w.active)
	w.active = &run{number: w.active.number + 1}
	w.sealed.Signal()
}

// Ready says whether the disk keeps up. The owner asks before each slice, and leaves a slice out when not.
func (w *CheckpointWriter) Ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) < runsQueuedMax
}

// spill sorts sealed runs and writes them to scratch files, until Finish or Abort.
func (w *CheckpointWriter) spill() {
	defer close(w.spilled)
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.done {
			w.sealed.Wait()
		}
		if len(w.queue) == 0 {
			w.mu.Unlock()
			return
		}
		r, failed := w.queue[0], w.err != nil
		w.mu.Unlock()

		var err error
		path := w.store.opts.FS.PathJoin(w.store.scratchDir(), fmt.Sprintf("run-%06d", r.number))
		if !failed {
			r.sort()
			if err = r.spill(w.store.opts.FS, path); err == nil {
				w.files = append(w.files, spilledFile{number: r.number, path: path})
			}
		}

		w.mu.Lock()
		if err != nil {
			w.err = err
		}
		w.queue = w.queue[1:]
		w.spare.put(r.blocks, w.store.opts.RunBytes/runBlockBytes+1)
		w.mu.Unlock()
	}
}

// FinishOptions say what else happens in the same step.
type FinishOptions struct {
	// RestartLog drops the log and lets it continue, empty, at Meta.Offset: for a full copy. Only with a full
	// checkpoint. The owner must not append meanwhile; what it appended and was not written is dropped.
	RestartLog bool
	// Rows are single meta rows to set in the same step (see Store.PutMeta).
	Rows map[string][]byte
}

// Finish makes the checkpoint visible and durable: it syncs the log up to meta.Offset, merges the runs into
// table files, and brings them in with the meta rows by one Ingest. On error there is the checkpoint that was.
// Finish ends the writer either way.
func (w *CheckpointWriter) Finish(ctx context.Context, meta Meta, opts FinishOptions) (err error) {
	defer func() {
		left := w.end()
		if err != nil {
			w.store.fullNeeded.Store(true)
			err = errors.Join(err, left)
		} else if left != nil {
			w.store.opts.Logf("store: the checkpoint is written, but its scratch files stay for now: %v", left)
		}
	}()
	if err := w.check(meta, opts); err != nil {
		return err
	}
	if !opts.RestartLog {
		// Otherwise a crash could leave a checkpoint ahead of its log.
		if err := w.store.log.SyncNow(ctx, meta.Offset); err != nil {
			return fmt.Errorf("persistence: checkpoint at offset %d: %w", meta.Offset, err)
		}
	}
	meta.SavedMs = w.store.opts.Now().UnixMilli()
	paths, err := w.writeTables(ctx, meta, opts.Rows)
	if err == nil {
		err = ctx.Err() // the last moment to turn back
	}
	if err != nil {
		return fmt.Errorf("persistence: writing the checkpoint at offset %d: %w", meta.Offset, err)
	}
	return w.publish(meta, opts, paths)
}

func (w *CheckpointWriter) check(meta Meta, opts FinishOptions) error {
	if w.ended {
		return errors.New("persistence: this checkpoint has ended")
	}
	if opts.RestartLog && !w.full {
		return errors.New("persistence: only a full checkpoint can restart the log")
	}
	for name := range opts.Rows {
		if name == formatName || name == checkpointName {
			return fmt.Errorf("persistence: the meta row %q belongs to the store", name)
		}
	}
	if opts.RestartLog {
		return nil
	}
	last := int64(0)
	if old := w.store.checkpoint.Load(); old != nil {
		last = old.Offset
	} else if !w.full && w.store.log.Start() > 0 {
		return errors.New("persistence: the first checkpoint of a log that does not start at 0 must be full")
	}
	if end := w.store.log.End(); meta.Offset < last || meta.Offset > end {
		return &OutOfRangeError{Asked: meta.Offset, Start: last, End: end}
	}
	return nil
}

// writeTables merges all runs into table files.
func (w *CheckpointWriter) writeTables(ctx context.Context, meta Meta, rows map[string][]byte) ([]string, error) {
	w.stopSpilling()
	if w.err != nil {
		return nil, w.err
	}
	t := &tables{store: w.store}
	if !w.full {
		t.emptied = slices.Sorted(maps.Keys(w.emptied))
	}
	t.start = []byte{keyspacePrefix}
	if err := w.merge(ctx, t); err != nil {
		return nil, t.abandon(err)
	}
	if err := t.close(); err != nil {
		return nil, err
	}
	metaRows := []metaRow{{key: metaKey(checkpointName), value: meta.encode()}}
	for name, value := range rows {
		metaRows = append(metaRows, metaRow{key: metaKey(name), value: value})
	}
	slices.SortFunc(metaRows, func(a, b metaRow) int { return slices.Compare(a.key, b.key) })
	path := w.store.opts.FS.PathJoin(w.store.scratchDir(), "meta.sst")
	if err := w.store.writeMetaTable(path, metaRows); err != nil {
		return nil, err
	}
	return append(t.paths, path), nil
}

// merge feeds the runs, spilled ones and the last from memory, into the tables in key order.
func (w *CheckpointWriter) merge(ctx context.Context, t *tables) (err error) {
	m := merge{emptied: w.emptied}
	var sources []runSource
	defer func() {
		for _, s := range sources {
			err = errors.Join(err, s.close())
		}
	}()
	add := func(number int, s runSource) error {
		sources = append(sources, s)
		return m.add(number, s)
	}
	for _, file := range w.files {
		s, err := openSpilledRun(w.store.opts.FS, file.path)
		if err != nil {
			return err
		}
		if err := add(file.number, s); err != nil {
			return err
		}
	}
	w.active.sort()
	if err := add(w.active.number, &memoryRun{run: w.active}); err != nil {
		return err
	}
	count := 0
	return m.each(func(c change, number int) error {
		if count++; count%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if w.emptied.voids(c.key, number) || w.full && c.kind == changeDelete {
			return nil // of the store's own rows nothing stays, so there is nothing to hide
		}
		if err := t.add(c); err != nil {
			return err
		}
		var base *Store // what the blocks of the key were in
		if !w.full && !w.emptied.has(c.key) {
			base = w.store
		}
		drop, err := w.blocks.note(c, base)
		if drop {
			t.dropped = append(t.dropped, blockSpan(c.key))
		}
		return err
	})
}

// publish brings the files in. This is the one moment at which the checkpoint comes into being.
func (w *CheckpointWriter) publish(meta Meta, opts FinishOptions, paths []string) error {
	s := w.store
	if opts.RestartLog {
		s.log.writer.Lock()
		defer s.log.writer.Unlock()
	}
	err := s.use(func(db *pebble.DB) error {
		if !w.full {
			return db.Ingest(context.Background(), paths)
		}
		_, err := db.IngestAndExcise(context.Background(), paths, nil, nil, replacedSpan(opts.RestartLog))
		return err
	})
	if err != nil {
		return fmt.Errorf("persistence: bringing in the checkpoint at offset %d: %w", meta.Offset, err)
	}
	s.checkpoint.Store(&meta)
	s.blocks.apply(w)
	s.fullNeeded.Store(false)
	if opts.RestartLog {
		s.log.restart(meta.Offset)
	}
	s.log.retention.due.Store(true)
	s.log.wakeSync()
	return nil
}

// Abort drops the checkpoint. Nothing of it was or will be visible.
func (w *CheckpointWriter) Abort() error { return w.end() }

func (w *CheckpointWriter) stopSpilling() {
	w.mu.Lock()
	w.done = true
	w.sealed.Signal()
	w.mu.Unlock()
	<-w.spilled
}

// end stops the spill goroutine, takes the scratch files away and lets the next checkpoint begin.
func (w *CheckpointWriter) end() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.mu.Lock()
	w.err = errors.Join(w.err, errEnded) // runs still queued need not be written any more
	w.mu.Unlock()
	w.stopSpilling()
	w.active = &run{}
	defer w.store.writing.Store(false)
	return w.store.clearScratch()
}

var errEnded = errors.New("persistence: the checkpoint has ended")
