package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// Pebble ends the replay of its newest WAL, and of its manifest, at the first chunk that it cannot read, and goes
// on. That is right for a write that a crash left half done, and wrong for damage: Pebble would then remove files
// that the lost records name. So both are looked at before Pebble opens the folder, while nothing is changed.

// Both files are blocks with chunks in them. A chunk is crc(4) length(2) kind(1), in a WAL also the low half of
// the WAL's number (4) and up to where the WAL was synced when the chunk was written (8), then its bytes.
const (
	chunkBlockBytes = 32 << 10
	manifestHeader  = 7
	recycledHeader  = 11
	walHeader       = 19
	trailerKind     = 5 // the end of a closed WAL: no bytes, no checksum, and the next number
	walKindMin      = 9
	walKindMax      = 12
	sectorBytes     = 512 // what a disk writes whole or not at all
)

// chunkTail is the end of a WAL or manifest, from the first record that could not be read.
type chunkTail struct {
	path   string
	from   int64
	bytes  []byte
	isWAL  bool
	number uint32 // of the WAL
	bad    int64  // the first chunk that is not good
}

// chunk is the header of one. first: a record begins with it.
type chunk struct {
	kind   byte
	size   int64 // with its header
	number uint32
	synced uint64
	first  bool
}

// droppedTail is what a crash left half-written at the end of the newest WAL; bytes is 0 where there is none.
type droppedTail struct {
	path        string
	from, bytes int64
}

func (d droppedTail) say(logf func(string, ...any)) {
	if d.bytes > 0 {
		logf("store: dropped the last %d bytes of %s, from offset %d: a write that a crash left half done", d.bytes, d.path, d.from)
	}
}

// examine looks for damage that Pebble would take for the end of a file.
func (s *Store) examine() (droppedTail, error) {
	if err := s.examineManifest(); err != nil {
		return droppedTail{}, err
	}
	logs, err := wal.Scan(wal.Dir{FS: s.opts.FS, Dirname: s.opts.Dir})
	if err != nil || len(logs) == 0 {
		return droppedTail{}, err
	}
	newest := logs[len(logs)-1]
	at, failed := readWAL(newest)
	if failed == nil {
		return droppedTail{}, nil
	}
	if errors.Is(failed, record.ErrInvalidChunk) || errors.Is(failed, record.ErrZeroedChunk) {
		return droppedTail{}, s.damagedFile("Pebble's write-ahead log", at.PhysicalFile, at.Physical, errUnreadable)
	}
	if !errors.Is(failed, record.ErrUnexpectedEOF) {
		return droppedTail{}, nil // Pebble meets it again, and says what it is
	}
	t, err := readTail(s.opts.FS, at.PhysicalFile, at.Physical)
	if err != nil {
		return droppedTail{}, err
	}
	t.isWAL, t.number = true, uint32(newest.Num)
	t.findBad()
	if t.followedBySynced() {
		return droppedTail{}, s.damagedFile("Pebble's write-ahead log", t.path, t.bad, errUnreadable)
	}
	return droppedTail{path: t.path, from: t.from, bytes: t.droppedBytes()}, nil
}

// errUnreadable: what stands behind was synced later, so a crash cannot have left this.
var errUnreadable = errors.New("a record is not readable, and there are later ones behind it")

// readWAL reads a WAL to its end; nil means that it ends as it should.
func readWAL(log wal.LogicalLog) (wal.Offset, error) {
	r := log.OpenForRead()
	for {
		p, at, err := r.NextRecord()
		if err == nil {
			_, err = io.Copy(io.Discard, p)
		}
		if errors.Is(err, io.EOF) {
			return at, r.Close()
		}
		if err != nil {
			return at, errors.Join(err, r.Close())
		}
	}
}

// examineManifest: each record of a manifest is synced before the next is written.
func (s *Store) examineManifest() error {
	found, err := pebble.Peek(s.opts.Dir, s.opts.FS)
	if err != nil || !found.Exists {
		return nil // Pebble says what it is
	}
	path := found.ManifestFilename
	at, failed := readManifest(s.opts.FS, path)
	if failed == nil || !record.IsInvalidRecord(failed) {
		return nil
	}
	t, err := readTail(s.opts.FS, path, at)
	if err != nil {
		return err
	}
	t.findBad()
	if t.followedByRecord() || t.isWhole() {
		return s.damagedFile("Pebble's list of its files", path, t.bad, errors.New("a record is not readable, and it is not one that a crash left half-written"))
	}
	return nil
}

func readManifest(fs vfs.FS, path string) (at int64, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return 0, err
	}
	r := record.NewReader(f, 0)
	for {
		at = r.Offset()
		p, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, p)
		}
		if err != nil {
			closed := f.Close()
			if err == io.EOF {
				err = closed
			}
			return at, err
		}
	}
}

func readTail(fs vfs.FS, path string, from int64) (*chunkTail, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	t := &chunkTail{path: path, from: from}
	info, err := f.Stat()
	if err == nil && info.Size() > from {
		t.bytes = make([]byte, info.Size()-from)
		_, err = f.ReadAt(t.bytes, from)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("persistence: reading the end of %s: %w", path, err)
	}
	return t, nil
}

func (t *chunkTail) end() int64 { return t.from + int64(len(t.bytes)) }

// room is what is left of the block at an offset.
func (t *chunkTail) room(at int64) []byte {
	rest := t.bytes[at-t.from:]
	return rest[:min(int64(len(rest)), chunkBlockBytes-at%chunkBlockBytes)]
}

// header reads a chunk's header; ok says that the chunk fits into its block and the file.
func (t *chunkTail) header(at int64) (c chunk, ok bool) {
	b := t.room(at)
	if len(b) < manifestHeader {
		return c, false
	}
	c.kind = b[6]
	header := manifestHeader
	switch {
	case !t.isWAL && c.kind >= 1 && c.kind <= 4:
	case t.isWAL && c.kind >= trailerKind && c.kind < walKindMin:
		header = recycledHeader
	case t.isWAL && c.kind >= walKindMin && c.kind <= walKindMax:
		header = walHeader
	default:
		return c, false
	}
	if len(b) < header {
		return c, false
	}
	c.size = int64(header) + int64(binary.LittleEndian.Uint16(b[4:]))
	c.first = (c.kind-1)%4 < 2
	if header >= recycledHeader {
		c.number = binary.LittleEndian.Uint32(b[7:])
	}
	if header == walHeader {
		c.synced = binary.LittleEndian.Uint64(b[11:])
	}
	return c, c.size <= int64(len(b))
}

// sumRight is the checksum of LevelDB's chunks: CRC-32C over the kind and what follows, rotated and shifted.
func (t *chunkTail) sumRight(table *crc32.Table, at int64, c chunk) bool {
	b := t.room(at)[:c.size]
	sum := crc32.Checksum(b[6:], table)
	return (sum>>15|sum<<17)+0xa282ead8 == binary.LittleEndian.Uint32(b)
}

// findBad walks the good chunks, which may begin a record that does not end, up to the first that is not good.
func (t *chunkTail) findBad() {
	table := castagnoli()
	for t.bad = t.from; t.bad < t.end(); {
		c, ok := t.header(t.bad)
		if ok && c.number == t.number && t.sumRight(table, t.bad, c) {
			t.bad += c.size
			continue
		}
		rest := t.room(t.bad)
		if len(rest) >= walHeader || len(bytes.Trim(rest, "\x00")) > 0 {
			return
		}
		t.bad += int64(len(rest)) // the padding at the end of a block
	}
}

// followedBySynced says that a later chunk was written when the bad one was on the disk already. It may stand
// anywhere: where the bad chunk ends is not known.
func (t *chunkTail) followedBySynced() bool {
	table := castagnoli()
	for at := t.bad + 1; at < t.end(); at++ {
		c, ok := t.header(at)
		if ok && c.kind >= walKindMin && c.number == t.number && c.synced > uint64(t.bad) && t.sumRight(table, at, c) {
			return true
		}
	}
	return false
}

// followedByRecord says that a further record begins behind the bad chunk.
func (t *chunkTail) followedByRecord() bool {
	table := castagnoli()
	for at := t.bad + 1; at < t.end(); at++ {
		if c, ok := t.header(at); ok && c.first && t.sumRight(table, at, c) {
			return true
		}
	}
	return false
}

// isWhole says that the bad chunk was written to its end: the file holds all of it, and no sector is still empty.
func (t *chunkTail) isWhole() bool {
	if t.bad >= t.end() {
		return false
	}
	c, ok := t.header(t.bad)
	for at := t.bad; ok && at < t.bad+c.size; {
		next := min(at-at%sectorBytes+sectorBytes, t.bad+c.size)
		ok = len(bytes.Trim(t.bytes[at-t.from:next-t.from], "\x00")) > 0
		at = next
	}
	return ok
}

// droppedBytes counts what was written behind the last whole record. Pebble writes a WAL over an older one, if it
// has one to spare; what is left of that was not dropped.
func (t *chunkTail) droppedBytes() int64 {
	if !t.isOverwritten() {
		return int64(len(bytes.TrimRight(t.bytes, "\x00")))
	}
	n := t.bad - t.from
	if t.bad < t.end() {
		if c, _ := t.header(t.bad); c.kind >= walKindMin && c.number == t.number {
			n += min(c.size, int64(len(t.room(t.bad))))
		}
	}
	return n
}

// isOverwritten finds chunks, or the trailer, of an older WAL.
func (t *chunkTail) isOverwritten() bool {
	table := castagnoli()
	for at := t.bad; at < t.end(); at++ {
		c, ok := t.header(at)
		if !ok || c.number == 0 {
			continue
		}
		trailer := c.kind == trailerKind && c.size == recycledHeader && binary.LittleEndian.Uint32(t.room(at)) == 0
		if trailer && c.number <= t.number || c.number < t.number && t.sumRight(table, at, c) {
			return true
		}
	}
	return false
}

// damagedByPebble makes Pebble's error on opening the folder one that says where.
func (s *Store) damagedByPebble(failed error) error {
	var detail interface{ ErrorDetail() string }
	number := wal.NumWAL(0)
	if errors.As(failed, &detail) {
		if _, err := fmt.Sscanf(detail.ErrorDetail(), "replaying wal %d,", &number); err != nil {
			number = 0 // another detail
		}
	}
	logs, err := wal.Scan(wal.Dir{FS: s.opts.FS, Dirname: s.opts.Dir})
	if err != nil {
		return errors.Join(s.damaged("Pebble's own files", failed), err)
	}
	if log, found := logs.Get(number); found {
		if at, unreadable := readWAL(log); unreadable != nil {
			return s.damagedFile("Pebble's write-ahead log", at.PhysicalFile, at.Physical, failed)
		}
	}
	return s.damaged("Pebble's own files", failed)
}

func (s *Store) damagedFile(what, path string, at int64, err error) error {
	return &CorruptionError{Dir: s.opts.Dir, What: what, Offset: -1, File: path, FileOffset: at, Err: err}
}

// corruption makes an error of one that a read of Pebble met; where it was a table, Pebble says which, and the
// offset of the block.
func (s *Store) corruption(what string, offset int64, err error) error {
	e := &CorruptionError{Dir: s.opts.Dir, What: what, Offset: offset, FileOffset: -1, Err: err}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		e.File, e.FileOffset = info.Path, blockOffset(info.Details)
	}
	return e
}

// blockOffset reads the offset from Pebble's "block offset/length: ..."; -1 where it is about no block.
func blockOffset(err error) int64 {
	_, block, found := strings.Cut(err.Error(), "block ")
	var at, length int64
	if !found {
		return -1
	}
	if _, err := fmt.Sscanf(block, "%d/%d:", &at, &length); err != nil {
		return -1
	}
	return at
}

// closeIter gives the error of the reads, which Close would repeat.
func closeIter(iter *pebble.Iterator, err error) error {
	if closed := iter.Close(); err == nil {
		return closed
	}
	return err
}
