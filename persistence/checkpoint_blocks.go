package persistence

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// A key whose value is in blocks has many rows. When it changes they have to go, and to hide them takes a range deletion,
// which for each changed key would be dear. So the store knows the few keys that are in blocks: their names are in memory.

// blockedKeys are the keys of the checkpoint that have blocks, by the row keys of their whole values.
type blockedKeys struct {
	mu    sync.Mutex
	known bool
	rows  map[string]struct{}
}

func (b *blockedKeys) has(row []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.rows[string(row)]
	return ok
}

// found is for a walk over all rows of the checkpoint. It is of no interest when they are known.
func (b *blockedKeys) found(rows map[string]struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.known {
		b.known, b.rows = true, rows
	}
}

// apply makes a checkpoint's changes those of the store.
func (b *blockedKeys) apply(w *CheckpointWriter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.full || b.rows == nil {
		b.known, b.rows = true, make(map[string]struct{})
	}
	for row := range b.rows {
		if w.emptied.has([]byte(row)) {
			delete(b.rows, row)
		}
	}
	for _, row := range w.blocks.gone {
		delete(b.rows, row)
	}
	for _, row := range w.blocks.made {
		b.rows[row] = struct{}{}
	}
}

// blockChanges are the keys with blocks that a checkpoint changes, in the order of rows.
type blockChanges struct{ gone, made []string }

// note takes a change of the checkpoint into account, and says whether the store has blocks of the key that must go. s is
// nil if none of what the store has stays.
func (c *blockChanges) note(row change, s *Store) (drop bool, err error) {
	name, err := decodeRowName(row.key)
	if err != nil {
		panic(fmt.Sprintf("persistence: made the row %q: %v", row.key, err))
	}
	if name.kind == blockKind {
		if whole := name.whole(); row.kind != changeDelete && (len(c.made) == 0 || c.made[len(c.made)-1] != whole) {
			c.made = append(c.made, whole)
		}
		return false, nil
	}
	there := s != nil && s.blocks.has(row.key)
	if row.kind == changeUpdate {
		if !there {
			err = fmt.Errorf("an update of key %q of database %d, of which the checkpoint before has no blocks", name.key, name.db)
		}
		return false, err
	}
	if there {
		c.gone = append(c.gone, string(row.key))
	}
	return there, nil
}

// findBlocks makes sure that the keys in blocks are known: LoadCheckpoint has mostly seen them.
func (s *Store) findBlocks() error {
	s.blocks.mu.Lock()
	known := s.blocks.known
	s.blocks.mu.Unlock()
	if known || s.checkpoint.Load() == nil {
		return nil
	}
	rows := make(map[string]struct{})
	err := s.use(func(db *pebble.DB) (err error) {
		iter, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyspacePrefix}, UpperBound: []byte{keyspacePrefix + 1}})
		if err != nil {
			return err
		}
		defer func() { err = closeIter(iter, err) }()
		for ok := iter.First(); ok; ok = iter.Next() {
			name, err := decodeRowName(iter.Key())
			if err != nil {
				return err
			}
			if name.kind == blockKind {
				rows[name.whole()] = struct{}{}
			}
		}
		return iter.Error()
	})
	if err != nil {
		return s.damaged("the checkpoint", err)
	}
	s.blocks.found(rows)
	return nil
}
