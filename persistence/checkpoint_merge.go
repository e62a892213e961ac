package persistence

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// merge walks several sorted runs as one: in key order, of each key only the newest change.
type merge struct {
	heads   mergeHeads
	emptied emptiedBefore
}

type mergeHead struct {
	change change
	number int // of the run
	source runSource
}

// mergeHeads is a heap by key, the newest run first among equal keys.
type mergeHeads []*mergeHead

func (h mergeHeads) Len() int { return len(h) }
func (h mergeHeads) Less(i, j int) bool {
	if c := bytes.Compare(h[i].change.key, h[j].change.key); c != 0 {
		return c < 0
	}
	return h[i].number > h[j].number
}
func (h mergeHeads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *mergeHeads) Push(x any)   { *h = append(*h, x.(*mergeHead)) }
func (h *mergeHeads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func (m *merge) add(number int, source runSource) error {
	c, ok, err := source.next()
	if err != nil || !ok {
		return err
	}
	heap.Push(&m.heads, &mergeHead{change: c, number: number, source: source})
	return nil
}

// each calls fn for the newest change of each key, as after the older ones, with the number of the run that it came from.
func (m *merge) each(fn func(c change, number int) error) error {
	var last []byte
	for first := true; len(m.heads) > 0; {
		head := m.heads[0]
		if first || !bytes.Equal(last, head.change.key) {
			first = false
			last = append(last[:0], head.change.key...)
			c := head.change
			c.kind = m.settled(head)
			if err := fn(c, head.number); err != nil {
				return err
			}
		}
		c, ok, err := head.source.next()
		if err != nil {
			return err
		}
		if ok {
			head.change = c
			heap.Fix(&m.heads, 0)
		} else {
			heap.Pop(&m.heads)
		}
	}
	return nil
}

// settled is the kind of the newest change of a key as after the older ones. Each of these is the next of its run.
func (m *merge) settled(newest *mergeHead) changeKind {
	kind := newest.change.kind
	if kind != changeUpdate {
		return kind
	}
	for _, head := range m.heads {
		if head != newest && bytes.Equal(head.change.key, newest.change.key) && !m.emptied.voids(head.change.key, head.number) {
			kind = kind.after(head.change.kind)
		}
	}
	return kind
}

// tables writes merged changes into table files ready for one Ingest. The files cover the span [K, L) side by
// side: file i holds the points of [start_i, start_i+1), and the pieces in it of the spans of emptied
// databases, since files of one Ingest must not overlap. A range deletion hides what the store held before; it
// does not hide points of its own file, which have the same sequence number. So the points that FLUSHDB
// removed never get here (see CheckpointWriter.merge), and those that came after it stay visible.
type tables struct {
	store   *Store
	emptied []int  // databases, ascending
	dropped []span // of blocks, ascending and in no emptied database, as far as they reach behind start
	paths   []string

	writer *sstable.Writer
	start  []byte // of the open file's span
	bytes  int64
	points int
}

func (t *tables) open() error {
	path := t.store.opts.FS.PathJoin(t.store.scratchDir(), fmt.Sprintf("table-%06d.sst", len(t.paths)))
	w, err := t.store.newTable(path)
	if err != nil {
		return err
	}
	t.paths = append(t.paths, path)
	t.writer, t.bytes, t.points = w, 0, 0
	return nil
}

func (t *tables) add(c change) error {
	if t.writer != nil && t.bytes >= t.store.opts.TableBytes {
		if err := t.finish(c.key); err != nil {
			return err
		}
	}
	if t.writer == nil {
		if err := t.open(); err != nil {
			return err
		}
	}
	t.bytes += int64(len(c.key) + len(c.value) + 8)
	t.points++
	if c.kind == changeDelete {
		return t.writer.Delete(c.key)
	}
	return t.writer.Set(c.key, c.value)
}

// finish ends the open file; its span is [start, end).
func (t *tables) finish(end []byte) error {
	spans := slices.Clone(t.dropped)
	for _, db := range t.emptied {
		spans = append(spans, span{appendDatabasePrefix(nil, db), databaseEnd(db)})
	}
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.low, b.low) })
	for _, s := range spans {
		if bytes.Compare(s.low, t.start) < 0 {
			s.low = t.start
		}
		if bytes.Compare(s.high, end) > 0 {
			s.high = end
		}
		if bytes.Compare(s.low, s.high) >= 0 {
			continue
		}
		if err := t.writer.DeleteRange(s.low, s.high); err != nil {
			return err
		}
	}
	t.start = bytes.Clone(end)
	t.dropped = slices.DeleteFunc(t.dropped, func(s span) bool { return bytes.Compare(s.high, end) <= 0 })
	w := t.writer
	t.writer = nil
	return w.Close()
}

// close ends the last file; with emptied databases and no points there is still one.
func (t *tables) close() error {
	if t.writer == nil {
		if len(t.emptied) == 0 || len(t.paths) > 0 {
			return nil
		}
		if err := t.open(); err != nil {
			return err
		}
	}
	return t.finish([]byte{keyspacePrefix + 1})
}

// abandon closes a half-written file after an error; what it says is of no interest then.
func (t *tables) abandon(cause error) error {
	if t.writer == nil {
		return cause
	}
	return errors.Join(cause, t.writer.Close())
}

// newTable makes an empty table file. Its Close syncs it.
func (s *Store) newTable(path string) (*sstable.Writer, error) {
	f, err := s.opts.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("making the table file %s: %w", path, err)
	}
	options := s.pebble.MakeWriterOptions(tableLevel, s.db.TableFormat())
	return sstable.NewWriter(objstorageprovider.NewFileWritable(f), options), nil
}

// tableLevel picks the level options for checkpoint tables; all levels have the same. Not the lowest: its
// writers may assume that nothing lies below them.
const tableLevel = 0

// writeMetaTable writes the meta rows of a checkpoint into a table file of their own.
func (s *Store) writeMetaTable(path string, rows []metaRow) (err error) {
	w, err := s.newTable(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for _, row := range rows {
		if err := w.Set(row.key, row.value); err != nil {
			return err
		}
	}
	return nil
}

type metaRow struct{ key, value []byte }

// emptiedBefore notes at which change a database was last emptied: changes of runs and items before it are void.
type emptiedBefore map[int]int

// voids says whether a change of the given run was made void by a later DeleteAll of its database. DeleteAll
// starts a new run, so run numbers are order enough.
func (e emptiedBefore) voids(key []byte, number int) bool {
	if len(e) == 0 {
		return false
	}
	first, ok := e[int(binary.BigEndian.Uint16(key[1:]))]
	return ok && number < first
}

// has says whether the database of a row was emptied.
func (e emptiedBefore) has(key []byte) bool {
	if len(e) == 0 {
		return false
	}
	_, ok := e[int(binary.BigEndian.Uint16(key[1:]))]
	return ok
}

// span of everything that a full checkpoint replaces: the keyspace rows, and the log's with them when the log
// restarts.
func replacedSpan(withLog bool) pebble.KeyRange {
	end := byte(keyspacePrefix + 1)
	if withLog {
		end = logPrefix + 1
	}
	return pebble.KeyRange{Start: []byte{keyspacePrefix}, End: []byte{end}}
}
