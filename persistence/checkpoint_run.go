package persistence

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A run is a part of a checkpoint being written: changes in the order of arrival, in pointer-free blocks, then
// sorted. Runs are numbered; of two changes of one key the one in the higher run is the newer, and within a
// run the later one.
type run struct {
	number int
	blocks [][]byte
	items  []runItem
	bytes  int
}

// runItem points at row key and value, which stand one after the other in a block.
type runItem struct {
	prefix   uint64 // of the row key after what all keys of the run share; set by sort
	block    uint32
	at       uint32
	keyBytes uint32
	valBytes uint32
	kind     changeKind
}

// changeKind says what a change does to its row.
type changeKind uint8

const (
	changeSet    changeKind = iota // of a key: with whatever blocks the store has of it
	changeDelete                   // of a key: likewise
	changeUpdate                   // of a key's head: set, and the blocks that the store has stay
	changeKinds
)

const (
	runBlockBytes = 1 << 20
	runItemBytes  = 32
)

// add copies a change into the run. Values larger than a block get a block of their own.
func (r *run) add(name rowName, value []byte, kind changeKind, spare *blockPool) {
	keyBytes := name.bytes()
	need := keyBytes + len(value)
	last := len(r.blocks) - 1
	if last < 0 || cap(r.blocks[last])-len(r.blocks[last]) < need {
		r.blocks = append(r.blocks, spare.get(need))
		last++
	}
	block := r.blocks[last]
	r.items = append(r.items, runItem{
		block: uint32(last), at: uint32(len(block)),
		keyBytes: uint32(keyBytes), valBytes: uint32(len(value)), kind: kind,
	})
	block = name.append(block)
	r.blocks[last] = append(block, value...)
	r.bytes += need + runItemBytes
}

func (r *run) key(i *runItem) []byte { return r.blocks[i.block][i.at : i.at+i.keyBytes] }

func (r *run) value(i *runItem) []byte {
	at := i.at + i.keyBytes
	return r.blocks[i.block][at : at+i.valBytes]
}

// sort brings the run into key order and keeps the newest change of each key, as after those before it (changeKind.after).
func (r *run) sort() {
	if len(r.items) == 0 {
		return
	}
	shared := r.key(&r.items[0])
	for i := range r.items {
		shared = shared[:sharedBytes(shared, r.key(&r.items[i]))]
	}
	for i := range r.items {
		r.items[i].prefix = keyPrefix(r.key(&r.items[i])[len(shared):])
	}
	slices.SortFunc(r.items, func(a, b runItem) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		if c := bytes.Compare(r.key(&a), r.key(&b)); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.at, b.at)) // the order of arrival
	})
	kept := r.items[:0]
	for i := range r.items {
		if i+1 < len(r.items) && r.items[i].prefix == r.items[i+1].prefix &&
			bytes.Equal(r.key(&r.items[i]), r.key(&r.items[i+1])) {
			r.items[i+1].kind = r.items[i+1].kind.after(r.items[i].kind)
			continue // a newer change of the same key follows
		}
		kept = append(kept, r.items[i])
	}
	r.items = kept
}

// after is what a change of a row comes to behind an earlier one: what has gone does not come back by an update.
func (k changeKind) after(earlier changeKind) changeKind {
	if k == changeUpdate && earlier != changeUpdate {
		return changeSet
	}
	return k
}

func sharedBytes(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// keyPrefix is the first 8 bytes as a number that compares as they do. Shorter keys are padded with zeros and
// may tie with longer ones; the full comparison decides then.
func keyPrefix(p []byte) uint64 {
	if len(p) >= 8 {
		return binary.BigEndian.Uint64(p)
	}
	var padded [8]byte
	copy(padded[:], p)
	return binary.BigEndian.Uint64(padded[:])
}

// blockPool keeps blocks of runs that were spilled, for the runs to come. Guarded by the writer's lock.
type blockPool struct{ spare [][]byte }

func (p *blockPool) get(need int) []byte {
	if n := len(p.spare); n > 0 && need <= runBlockBytes {
		block := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return block[:0]
	}
	return make([]byte, 0, max(need, runBlockBytes))
}

func (p *blockPool) put(blocks [][]byte, limit int) {
	for _, b := range blocks {
		if cap(b) == runBlockBytes && len(p.spare) < limit {
			p.spare = append(p.spare, b)
		}
	}
}

// change is one row on its way into a table.
type change struct {
	key, value []byte // valid until the source is asked for the next
	kind       changeKind
}

// runSource hands out the changes of one run in key order. ok is false at the end.
type runSource interface {
	next() (c change, ok bool, err error)
	close() error
}

// memoryRun is a sorted run that never left memory.
type memoryRun struct {
	run *run
	at  int
}

func (m *memoryRun) next() (change, bool, error) {
	if m.at == len(m.run.items) {
		return change{}, false, nil
	}
	i := &m.run.items[m.at]
	m.at++
	return change{key: m.run.key(i), value: m.run.value(i), kind: i.kind}, true, nil
}

func (m *memoryRun) close() error { return nil }

// spill writes a sorted run to a scratch file: for each change the uvarint lengths of key and value (the latter with the
// kind as its lowest digit), then both. It lives as long as this process at most, so nothing is synced.
func (r *run) spill(fs vfs.FS, path string) (err error) {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("making the scratch file %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 256<<10)
	var head []byte
	for i := range r.items {
		it := &r.items[i]
		tag := uint64(it.valBytes)*uint64(changeKinds) + uint64(it.kind)
		head = binary.AppendUvarint(binary.AppendUvarint(head[:0], uint64(it.keyBytes)), tag)
		for _, part := range [][]byte{head, r.key(it), r.value(it)} {
			if _, err := w.Write(part); err != nil {
				return fmt.Errorf("writing the scratch file %s: %w", path, err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the scratch file %s: %w", path, err)
	}
	return nil
}

// spilledRun reads a scratch file back.
type spilledRun struct {
	file       vfs.File
	r          *bufio.Reader
	key, value []byte
}

func openSpilledRun(fs vfs.FS, path string) (*spilledRun, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the scratch file %s: %w", path, err)
	}
	return &spilledRun{file: f, r: bufio.NewReaderSize(f, 64<<10)}, nil
}

func (s *spilledRun) next() (change, bool, error) {
	keyBytes, err := binary.ReadUvarint(s.r)
	if err == io.EOF {
		return change{}, false, nil
	}
	var tag uint64
	if err == nil {
		tag, err = binary.ReadUvarint(s.r)
	}
	if err != nil {
		return change{}, false, fmt.Errorf("reading a scratch file: %w", err)
	}
	c := change{kind: changeKind(tag % uint64(changeKinds))}
	valBytes := int(tag / uint64(changeKinds))
	s.key = slices.Grow(s.key[:0], int(keyBytes))[:keyBytes]
	s.value = slices.Grow(s.value[:0], valBytes)[:valBytes]
	for _, part := range [][]byte{s.key, s.value} {
		if _, err := io.ReadFull(s.r, part); err != nil {
			return change{}, false, fmt.Errorf("reading a scratch file: %w", err)
		}
	}
	c.key, c.value = s.key, s.value
	return c, true, nil
}

func (s *spilledRun) close() error { return s.file.Close() }
