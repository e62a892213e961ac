package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Meta describes a checkpoint.
type Meta struct {
	// Offset is the log position that the state belongs to: replay starts here.
	Offset int64
	// History is opaque: the histories as of Offset.
	History []byte
	// Extra is opaque, by name: what else belongs to the state at Offset (selected database, functions, ...).
	Extra map[string][]byte
	// Keys is the number of keys in the state, as the caller counted them; for progress and INFO.
	Keys int
	// SavedMs is the wall-clock time of Finish, which sets it.
	SavedMs int64
}

// metaVersion is the first byte of an encoded Meta.
const metaVersion = 1

func (m Meta) encode() []byte {
	p := []byte{metaVersion}
	p = binary.BigEndian.AppendUint64(p, uint64(m.Offset))
	p = binary.BigEndian.AppendUint64(p, uint64(m.SavedMs))
	p = binary.AppendUvarint(p, uint64(m.Keys))
	p = appendBytes(p, m.History)
	p = binary.AppendUvarint(p, uint64(len(m.Extra)))
	for _, name := range slices.Sorted(maps.Keys(m.Extra)) {
		p = appendBytes(p, []byte(name))
		p = appendBytes(p, m.Extra[name])
	}
	return binary.BigEndian.AppendUint32(p, crc32.Checksum(p, castagnoli()))
}

func appendBytes(dst, p []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}

var errShortMeta = errors.New("checkpoint row is cut short")

func decodeMeta(p []byte) (Meta, error) {
	if len(p) < 1+8+8+4 || p[0] != metaVersion {
		return Meta{}, fmt.Errorf("checkpoint row of %d bytes is not of version %d", len(p), metaVersion)
	}
	body, sum := p[:len(p)-4], binary.BigEndian.Uint32(p[len(p)-4:])
	if crc32.Checksum(body, castagnoli()) != sum {
		return Meta{}, errors.New("checkpoint row has a wrong checksum")
	}
	m := Meta{Offset: int64(binary.BigEndian.Uint64(body[1:])), SavedMs: int64(binary.BigEndian.Uint64(body[9:]))}
	d := metaCursor{rest: body[17:]}
	m.Keys = int(d.number())
	m.History = d.bytes()
	for n := d.number(); n > 0 && d.err == nil; n-- {
		if m.Extra == nil {
			m.Extra = make(map[string][]byte)
		}
		name := string(d.bytes())
		m.Extra[name] = d.bytes()
	}
	if d.err == nil && (len(d.rest) > 0 || m.Offset < 0) {
		d.err = errors.New("checkpoint row does not add up")
	}
	return m, d.err
}

// metaCursor reads the parts of a meta row and keeps the first error.
type metaCursor struct {
	rest []byte
	err  error
}

func (d *metaCursor) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.err, d.rest = errShortMeta, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *metaCursor) bytes() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.err, d.rest = errShortMeta, nil
		return nil
	}
	p := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return p
}

func (s *Store) loadCheckpointMeta() error {
	row, err := s.getMeta(checkpointName)
	if err != nil || row == nil {
		return err
	}
	meta, err := decodeMeta(row)
	if err != nil {
		return s.damaged("the checkpoint's meta row", err)
	}
	s.checkpoint.Store(&meta)
	return nil
}

// Row is one row of a checkpoint: what Put or PutBlock brought. Key and Value are valid during the call only.
type Row struct {
	DB         int
	Key, Value []byte
	IsBlock    bool
	Block      uint64
}

// LoadCheckpoint hands every row of the checkpoint to fn: the keys in an order that means nothing, but right behind each
// its blocks, in the order of their numbers. progress is called now and then and at the end, with keys. An error of fn
// ends the load.
func (s *Store) LoadCheckpoint(fn func(row Row) error, progress func(done, total int)) (err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.life.closed {
		return ErrClosed
	}
	meta := s.checkpoint.Load()
	if meta == nil {
		return nil
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyspacePrefix}, UpperBound: []byte{keyspacePrefix + 1}})
	if err != nil {
		return s.damaged("the checkpoint", err)
	}
	defer func() { err = closeIter(iter, err) }()
	done := 0
	blocks := make(map[string]struct{})
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return s.damaged(fmt.Sprintf("checkpoint row %q", iter.Key()), err)
		}
		name, err := decodeRowName(iter.Key())
		if err != nil {
			return s.damaged(fmt.Sprintf("checkpoint row %q", iter.Key()), err)
		}
		row := Row{DB: name.db, Key: name.key, Value: value, IsBlock: name.kind == blockKind, Block: name.block}
		if err := fn(row); err != nil {
			return fmt.Errorf("loading key %q of database %d: %w", name.key, name.db, err)
		}
		if row.IsBlock {
			blocks[name.whole()] = struct{}{}
			continue
		}
		if done++; progress != nil && done%16384 == 0 {
			progress(done, max(done, meta.Keys))
		}
	}
	if err := iter.Error(); err != nil {
		return s.damaged(fmt.Sprintf("the checkpoint after %d keys", done), err)
	}
	s.blocks.found(blocks)
	if progress != nil {
		progress(done, done)
	}
	return nil
}

// validateLog checks at start-up that the log can be replayed onto the checkpoint: rows from the checkpoint's
// offset on, without gaps, each with a good checksum. One damaged row at the very end is what a crash may leave;
// it is dropped and said. Anything else is an error, and nothing has been changed then.
func (s *Store) validateLog() (start, end int64, err error) {
	from := int64(0)
	if meta := s.checkpoint.Load(); meta != nil {
		from = meta.Offset
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{logPrefix}, UpperBound: logKeyEnd()})
	if err != nil {
		return 0, 0, s.missingRow(from, err)
	}
	scan := logScan{store: s, iter: iter, from: from, end: -1}
	err = closeIter(iter, scan.run())
	if err != nil {
		return 0, 0, err
	}
	start, end = scan.start, scan.end
	if scan.torn != nil {
		s.opts.Logf("store: dropped the last log row, at offset %d, half-written by a crash in %s: %v", scan.tornOffset, s.opts.Dir, scan.torn)
		if err := s.dropRows(scan.tornOffset); err != nil {
			return 0, 0, err
		}
	}
	if end < from {
		// The checkpoint holds what the rows would have brought, but they do not reach it.
		s.opts.Logf("store: the log ends at offset %d, before the checkpoint at %d: older log dropped, it starts anew there", end, from)
		if err := s.dropRows(0); err != nil {
			return 0, 0, err
		}
		start, end = from, from
	}
	return start, end, nil
}

func (s *Store) dropRows(from int64) error {
	return s.use(func(db *pebble.DB) error {
		if err := db.DeleteRange(logKey(from), logKeyEnd(), pebble.Sync); err != nil {
			return fmt.Errorf("persistence: dropping log from offset %d: %w", from, err)
		}
		return nil
	})
}

// logScan is the walk of validateLog.
type logScan struct {
	store      *Store
	iter       *pebble.Iterator
	from       int64 // the checkpoint's offset
	start, end int64 // of the good log
	torn       error // why the last row is not good
	tornOffset int64
}

func (c *logScan) run() error {
	if !c.iter.First() {
		c.start, c.end = c.from, c.from
		return c.failed(c.iter.Error(), c.from)
	}
	c.start = rowOffset(c.iter.Key())
	if c.start > c.from {
		return c.store.missingRow(c.from, fmt.Errorf("the log starts at offset %d, after the checkpoint", c.start))
	}
	table := castagnoli()
	c.end = -1
	for ok := c.iter.SeekLT(logKey(c.from + 1)); ok; ok = c.iter.Next() {
		offset := rowOffset(c.iter.Key())
		if c.end >= 0 && offset != c.end {
			return c.store.missingRow(c.end, fmt.Errorf("missing; the next row there is has offset %d", offset))
		}
		value, err := c.iter.ValueAndErr()
		if err != nil {
			return c.store.missingRow(offset, err)
		}
		row, bad := decodeLogRow(table, c.iter.Key(), value)
		if bad != nil {
			if c.iter.Next() || c.iter.Error() != nil {
				return c.store.missingRow(offset, bad)
			}
			c.torn, c.tornOffset, c.end = bad, offset, offset
			return nil
		}
		c.end = row.end()
	}
	return c.failed(c.iter.Error(), max(c.end, c.from))
}

func (c *logScan) failed(err error, offset int64) error {
	if err == nil {
		return nil
	}
	return c.store.missingRow(offset, err)
}
