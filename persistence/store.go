package persistence

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// formatVersion is the content of the format row. Another number is another format.
const formatVersion = "1"

// Names of the meta rows that the store itself owns; PutMeta refuses them.
const (
	formatName     = "format"
	checkpointName = "checkpoint"
)

// scratchName is the folder inside the store that holds the files of a checkpoint not yet visible.
const scratchName = "checkpoint"

// Store is one node's durable state: the newest checkpoint, the log, and single meta rows. See doc.go.
type Store struct {
	opts   Options
	lock   *pebble.Lock
	db     *pebble.DB
	pebble *pebble.Options
	health *health
	log    *Log

	// checkpoint is the one on disk; nil without one. Written by CheckpointWriter.Finish.
	checkpoint atomic.Pointer[Meta]

	// life guards db against Close: whoever calls Pebble holds it for reading.
	life struct {
		sync.RWMutex
		closed bool
	}
	// writing is held by the one CheckpointWriter that may exist.
	writing atomic.Bool
	blocks  blockedKeys
	// fullNeeded: see ErrFullNeeded. A restart needs no such note: it loads what is on disk and replays.
	fullNeeded atomic.Bool
}

// State is what start-up found.
type State struct {
	HasCheckpoint bool
	Meta          Meta  // of the checkpoint; zero without one
	LogStart      int64 // 0 ≤ LogStart ≤ Meta.Offset ≤ LogEnd
	LogEnd        int64
}

// Open opens or makes the store, checks that checkpoint and log fit together, and starts the log's sync
// goroutine. It changes nothing in a store that it refuses.
func Open(opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, health: &health{onError: opts.OnError}}
	if err := makeDir(opts.FS, opts.Dir); err != nil {
		return nil, fmt.Errorf("persistence: making the store's folder %s: %w", opts.Dir, err)
	}
	if s.lock, err = pebble.LockDirectory(opts.Dir, opts.FS); err != nil {
		return nil, &LockedError{Dir: opts.Dir, Err: err}
	}
	if err := s.open(); err != nil {
		if s.db != nil {
			return nil, errors.Join(err, s.closePebble())
		}
		return nil, errors.Join(err, s.lock.Close())
	}
	go s.log.run()
	go s.log.notify()
	return s, nil
}

func (s *Store) open() error {
	if err := s.clearScratch(); err != nil {
		return err
	}
	s.pebble = pebbleOptions(s.opts, s.health, s.lock)
	dropped, err := s.examine()
	if err != nil {
		return err
	}
	if s.db, err = s.openPebble(); err != nil {
		if pebble.IsCorruptionError(err) {
			return s.damagedByPebble(err)
		}
		return fmt.Errorf("persistence: opening the store in %s: %w", s.opts.Dir, err)
	}
	dropped.say(s.opts.Logf)
	if err := s.checkFormat(); err != nil {
		return err
	}
	if err := s.loadCheckpointMeta(); err != nil {
		return err
	}
	start, end, err := s.validateLog()
	if err != nil {
		return err
	}
	s.log = newLog(s, start, end)
	return s.health.verdict()
}

// openPebble turns the panics that Pebble's replay of a damaged WAL may raise into errors: at start-up there
// is nothing yet that a panic would protect, and the operator deserves the sentence of CorruptionError.
func (s *Store) openPebble() (db *pebble.DB, err error) {
	opened := s.onOwnGoroutine(func() error {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w: replay stopped: %v", pebble.ErrCorruption, r)
			}
		}()
		db, err = pebble.Open(s.opts.Dir, s.pebble)
		return nil
	})
	if err = errors.Join(err, opened); err == nil {
		err = s.health.verdict()
	}
	return db, err
}

// checkFormat writes the format row into an empty store and refuses a store of another format.
func (s *Store) checkFormat() error {
	found, err := s.getMeta(formatName)
	if err != nil {
		return err
	}
	if found != nil {
		if string(found) != formatVersion {
			return &FormatError{Dir: s.opts.Dir, Found: string(found)}
		}
		return nil
	}
	iter, err := s.db.NewIter(nil)
	if err != nil {
		return s.damaged("rows", err)
	}
	empty := !iter.First()
	if err := errors.Join(iter.Error(), iter.Close()); err != nil {
		return s.damaged("rows", err)
	}
	if !empty {
		return &FormatError{Dir: s.opts.Dir, Found: "unknown (no format row)"}
	}
	if err := s.commitMeta(formatName, []byte(formatVersion), true); err != nil {
		return err
	}
	// Pebble makes the first WAL before it lifts a new store to our format: without the chunks that tell damage
	// from a torn tail. The flush starts another WAL, with them.
	return s.use(func(db *pebble.DB) error {
		if err := db.Flush(); err != nil {
			return fmt.Errorf("persistence: beginning the new store in %s: %w", s.opts.Dir, err)
		}
		return nil
	})
}

func (s *Store) damaged(what string, err error) error {
	return s.corruption(what, -1, err)
}

// Log is the store's log.
func (s *Store) Log() *Log { return s.log }

// State says what the store holds now; right after Open it is what start-up found.
func (s *Store) State() State {
	state := State{LogStart: s.log.Start(), LogEnd: s.log.End()}
	if meta := s.checkpoint.Load(); meta != nil {
		state.HasCheckpoint, state.Meta = true, *meta
	}
	return state
}

// Err is nil while the disk is well, and afterwards the error that ended writing for good.
func (s *Store) Err() error { return s.health.verdict() }

// SetFsync changes the sync policy.
func (s *Store) SetFsync(f Fsync) {
	s.log.policy.Store(int32(f))
	s.log.wakeSync()
}

// SetRetention changes how much log is kept below the checkpoint. Zero age means that age drops nothing.
func (s *Store) SetRetention(retainBytes int64, ageMs int64) {
	s.log.retention.bytes.Store(retainBytes)
	s.log.retention.ageMs.Store(ageMs)
	s.log.wakeSync()
}

// PutMeta stores a single named row. With sync it is durable on return; callers that act on the row (a vote,
// a new history) need that. A nil or empty value is stored as such.
func (s *Store) PutMeta(name string, value []byte, sync bool) error {
	if name == formatName || name == checkpointName {
		return fmt.Errorf("persistence: the meta row %q belongs to the store", name)
	}
	return s.commitMeta(name, value, sync)
}

func (s *Store) commitMeta(name string, value []byte, sync bool) error {
	return s.use(func(db *pebble.DB) error {
		if err := db.Set(metaKey(name), value, writeOptions(sync)); err != nil {
			return fmt.Errorf("persistence: writing meta row %q: %w", name, err)
		}
		return nil
	})
}

// Meta reads a single named row; nil without error when there is none.
func (s *Store) Meta(name string) (value []byte, err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.life.closed {
		return nil, ErrClosed
	}
	return s.getMeta(name)
}

func (s *Store) getMeta(name string) ([]byte, error) {
	value, closer, err := s.db.Get(metaKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, s.damaged(fmt.Sprintf("meta row %q", name), err)
	}
	value = append([]byte{}, value...)
	return value, closer.Close()
}

// use runs a write against Pebble. It is the one gateway: nothing is written once the disk has failed. The write
// runs on a goroutine of its own, because a failure may end that (see pebbleLogger) or, where Pebble cannot
// close a WAL file, come as a panic; either becomes the error of the write that met it.
func (s *Store) use(write func(db *pebble.DB) error) error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.life.closed {
		return ErrClosed
	}
	if err := s.health.verdict(); err != nil {
		return err
	}
	err := s.onOwnGoroutine(func() error { return write(s.db) })
	if failed := s.health.verdict(); failed != nil {
		return failed
	}
	return err
}

// onOwnGoroutine calls fn and waits for it. A panic that is a bug goes on in the caller.
func (s *Store) onOwnGoroutine(fn func() error) (err error) {
	var bug any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			r := recover()
			if _, isBug := r.(runtime.Error); isBug {
				bug = r
			} else if r != nil {
				s.health.abandoned.Store(true)
				s.health.fail(fmt.Errorf("persistence: the disk failed: %v", r))
			}
		}()
		err = fn()
	}()
	<-done
	if bug != nil {
		panic(bug)
	}
	return err
}

// Close writes and syncs what is pending, ends the sync goroutine and gives the folder free. A checkpoint
// being written must have been finished or aborted. The first call closes; later ones say ErrClosed.
func (s *Store) Close() error {
	err := s.log.close()
	s.life.Lock()
	defer s.life.Unlock()
	if s.life.closed {
		return ErrClosed
	}
	s.life.closed = true
	return errors.Join(err, s.closePebble())
}

// closePebble closes the database and gives the folder free. Where Pebble had to be abandoned, the folder stays
// locked until the process ends, because goroutines of Pebble may still write to it.
func (s *Store) closePebble() error {
	verdict := s.health.verdict()
	if s.health.abandoned.Load() {
		return fmt.Errorf("persistence: the store in %s stays locked until this process ends: %w", s.opts.Dir, verdict)
	}
	err := s.onOwnGoroutine(s.db.Close)
	if err == nil {
		err = s.health.verdict()
	}
	if err != nil {
		err = fmt.Errorf("persistence: closing the store in %s: %w", s.opts.Dir, err)
	}
	if s.health.abandoned.Load() {
		return err
	}
	return errors.Join(err, s.lock.Close())
}

func (s *Store) scratchDir() string { return s.opts.FS.PathJoin(s.opts.Dir, scratchName) }

// clearScratch removes what a checkpoint that never became visible left behind.
func (s *Store) clearScratch() error {
	names, err := s.opts.FS.List(s.opts.Dir)
	if err == nil && slices.Contains(names, scratchName) {
		err = s.opts.FS.RemoveAll(s.scratchDir())
	}
	if err == nil {
		err = s.opts.FS.MkdirAll(s.scratchDir(), 0o755)
	}
	if err != nil {
		return fmt.Errorf("persistence: clearing %s: %w", s.scratchDir(), err)
	}
	return nil
}

// makeDir makes dir and syncs the parents of what it made, so that a power cut cannot take the folder away
// from under synced files.
func makeDir(fs vfs.FS, dir string) error {
	var parents []string
	for at := dir; ; {
		if _, err := fs.Stat(at); err == nil {
			break
		}
		parent := fs.PathDir(at)
		if parent == at || strings.TrimSpace(parent) == "" {
			break
		}
		parents = append(parents, parent)
		at = parent
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, parent := range parents {
		f, err := fs.OpenDir(parent)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeOptions(sync bool) *pebble.WriteOptions {
	if sync {
		return pebble.Sync
	}
	return pebble.NoSync
}
