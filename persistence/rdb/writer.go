package rdb

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tandemkv/tandem/keyspace"
)

// Opcodes between the keys of a file.
const (
	opSlotImport    = 243
	opSlotInfo      = 244
	opFunction      = 245
	opFunctionPreGA = 246
	opModuleAux     = 247
	opIdle          = 248
	opFreq          = 249
	opAux           = 250
	opResizeDB      = 251
	opDeadlineMs    = 252
	opDeadline      = 253
	opSelectDB      = 254
	opEOF           = 255
)

// Versions of the format that can be written.
const (
	VersionMin     = 9
	VersionDefault = 10
	VersionMax     = 12
	// VersionFieldDeadlines is the first that knows hashes whose fields have deadlines.
	VersionFieldDeadlines = 12
)

// WriteOptions configure a Writer.
type WriteOptions struct {
	Version  int  // 9 to 12, by what the reader knows; 0: VersionDefault
	Compress bool // LZF for strings above 20 bytes
	Checksum bool // else the footer holds 0, which readers take for "not checked"
	Open     bool // Footer leaves the sum out: a Summing that the bytes go through writes it
	Access   Access
}

// Access is what a file says of the uses of each key: what the keyspace notes of them, if anything.
type Access uint8

// Redis writes what its maxmemory-policy goes by: idle seconds for lru, the logarithmic count for lfu.
const (
	AccessNone Access = iota
	AccessIdle
	AccessFrequency
)

// Aux is an auxiliary field of the header (redis-ver, redis-bits, ctime, used-mem, repl-stream-db, repl-id,
// repl-offset, aof-base). Readers ignore those that they do not know.
type Aux struct{ Name, Value string }

// Writer writes one file. Its first error stays: every later call returns it.
type Writer struct {
	w       io.Writer
	o       WriteOptions
	e       encoder
	sum     checksum
	db      int // selected, -1 at first
	written int64
	keys    int64
	err     error
}

// NewWriter writes to w, in pieces of about 64 KB.
func NewWriter(w io.Writer, o WriteOptions) *Writer {
	if o.Version == 0 {
		o.Version = VersionDefault
	}
	wr := &Writer{w: w, o: o, db: -1, sum: newChecksum()}
	if o.Version < VersionMin || o.Version > VersionMax {
		wr.err = fmt.Errorf("rdb: version %d cannot be written, only %d to %d", o.Version, VersionMin, VersionMax)
	}
	if o.Compress {
		wr.e.pack = new(lzf)
	}
	wr.e.spill = wr.flush
	return wr
}

// Header begins the file.
func (w *Writer) Header(fields ...Aux) error {
	w.e.buf = fmt.Appendf(w.e.buf, "REDIS%04d", w.o.Version)
	for _, f := range fields {
		w.e.buf = append(w.e.buf, opAux)
		w.e.str([]byte(f.Name))
		w.e.str([]byte(f.Value))
	}
	return w.err
}

// Function adds the source of a function library, as Info.Functions gave it.
func (w *Writer) Function(code []byte) error {
	w.e.buf = append(w.e.buf, opFunction)
	w.e.str(code)
	w.e.maybeSpill()
	return w.err
}

// DB selects a database and tells the reader how many keys to expect, of them with a deadline. Item selects by itself
// where the database changes, so DB is only for the hint.
func (w *Writer) DB(index int, size, expires int64) error {
	w.selectDB(index)
	w.e.buf = append(w.e.buf, opResizeDB)
	w.e.length(uint64(size))
	w.e.length(uint64(expires))
	return w.err
}

func (w *Writer) selectDB(index int) {
	w.e.buf = append(w.e.buf, opSelectDB)
	w.e.length(uint64(index))
	w.db = index
}

// Item adds a key, or the next part of one whose value comes in parts: then nothing else may be added before the last of
// them. Items that are no key (deleted, flushed) are a mistake of the caller.
func (w *Writer) Item(it *keyspace.Item) error {
	if w.err != nil {
		return w.err
	}
	row := mustRowOf(it, w.o.Version)
	if row.least > w.o.Version {
		w.err = fmt.Errorf("rdb: key %q of database %d has fields with deadlines, which version %d of the format does not know, only %d",
			it.Key, it.DB, w.o.Version, row.least)
		return w.err
	}
	if it.Part == 0 {
		w.begin(it, row.typ)
	}
	row.encode(&w.e, it)
	w.e.maybeSpill()
	if it.Last {
		w.keys++
	}
	return w.err
}

// begin writes what comes before a value.
func (w *Writer) begin(it *keyspace.Item, typ byte) {
	if it.DB != w.db {
		w.selectDB(it.DB)
	}
	if it.DeadlineMs != 0 {
		w.e.buf = append(w.e.buf, opDeadlineMs)
		w.e.buf = binary.LittleEndian.AppendUint64(w.e.buf, uint64(it.DeadlineMs))
	}
	switch w.o.Access {
	case AccessIdle:
		w.e.buf = append(w.e.buf, opIdle)
		w.e.length(uint64(it.IdleSeconds()))
	case AccessFrequency:
		w.e.buf = append(w.e.buf, opFreq, byte(it.Frequency()))
	}
	w.e.buf = append(w.e.buf, typ)
	w.e.str(it.Key)
}

// Footer ends the file and hands the last bytes over.
func (w *Writer) Footer() error {
	w.e.buf = append(w.e.buf, opEOF)
	w.flush()
	if w.o.Open {
		return w.err
	}
	sum := uint64(0)
	if w.o.Checksum {
		sum = w.sum.value
	}
	w.e.buf = binary.LittleEndian.AppendUint64(w.e.buf, sum)
	w.flush()
	return w.err
}

// Flush hands over what is gathered.
func (w *Writer) Flush() error {
	w.flush()
	return w.err
}

// Bytes is the number of bytes of the file so far, and Keys the number of keys.
func (w *Writer) Bytes() int64 { return w.written + int64(len(w.e.buf)) }
func (w *Writer) Keys() int64  { return w.keys }

func (w *Writer) flush() {
	p := w.e.buf
	w.e.buf = p[:0]
	if w.err != nil || len(p) == 0 {
		return
	}
	if w.o.Checksum {
		w.sum.add(p)
	}
	n, err := w.w.Write(p)
	w.written += int64(n)
	if err != nil {
		w.err = fmt.Errorf("rdb: writing at byte %d: %w", w.written, err)
	}
}
