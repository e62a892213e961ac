package server

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/tandemkv/tandem/internal/slab"
	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/persistence/rdb"
)

// The rows of a checkpoint. A key has one row, its deadline and the value as rdb encodes it; if the value has many
// elements, it has a row for each of its parts, encoded as a value of its own, and in the first row the head: inBlocks and
// the number of elements. Of such a value only the head and the parts that changed are written, if the keyspace knows them.
// A stream, or whatever else becomes long with few elements, is cut: the first row is the head with inPieces, and each other
// one a byte, pieceGoesOn or pieceLast, and the next bytes of the value.

const (
	rowHeadBytes = 8 // the deadline
	// pieceBytes is from where on a row that is not whole goes on in another one: to let a long one grow takes long.
	pieceBytes = 256 << 10
	// These stand where other rows have the type of the value; no type is numbered so.
	inBlocks = 0xFA
	inPieces = 0xFB

	pieceGoesOn = 0
	pieceLast   = 1
)

type checkpointRow struct {
	db         int
	key, value []byte
	kind       rowKind
	block      uint64
}

type rowKind uint8

const (
	rowPut    rowKind = iota
	rowUpdate         // a head whose blocks stay
	rowBlock
	rowBlockGone
	rowDelete
	rowFlush
)

// rowSink gathers frozen items as checkpoint rows. The owner fills it, in slices or by copy on write; whoever writes the
// checkpoint empties it.
type rowSink struct {
	rows   slab.Table[checkpointRow] // also while the disk is slow the owner adds to it, and it may become long
	key    []byte                    // of the value whose parts are coming
	value  []byte                    // of a row whose parts have not all come: its end
	pieces uint64                    // rows that have the beginning of the value
	room   rowRoom
}

// rowRoom is where rows are written one behind the other, so that most of them make no garbage of their own.
type rowRoom struct{ buf []byte }

const (
	rowRoomBytes = 64 << 10
	rowRoomLeast = 4 << 10 // what a row finds at least; it may become longer
)

// next is where the next bytes are to be appended.
func (r *rowRoom) next() []byte {
	if cap(r.buf)-len(r.buf) < rowRoomLeast {
		r.buf = make([]byte, 0, rowRoomBytes)
	}
	return r.buf[len(r.buf):]
}

// keep takes what was appended to next; it may have outgrown the room.
func (r *rowRoom) keep(b []byte) []byte {
	at := len(r.buf)
	if n := len(b); n > 0 && at+n <= cap(r.buf) && &b[0] == &r.buf[:at+1][at] {
		r.buf = r.buf[:at+n]
	}
	return b[:len(b):len(b)]
}

func (k *rowSink) add(it *keyspace.Item) {
	if it.Part == 0 {
		k.key = k.room.keep(append(k.room.next(), it.Key...))
	}
	row := checkpointRow{db: it.DB, key: k.key, block: it.Block}
	switch {
	case it.Flush:
		row.kind = rowFlush
	case it.Kind == keyspace.KindNone:
		row.kind = rowDelete
	case it.InBlocks:
		if it.Part == 0 {
			k.addHead(it)
		}
		switch {
		case it.HeadOnly:
			return
		case it.Gone:
			row.kind = rowBlockGone
		default:
			row.kind, row.value = rowBlock, k.room.keep(rdb.EncodePart(k.room.next(), it))
		}
	default:
		if it.Part == 0 {
			k.value, k.pieces = appendRowHead(k.room.next(), it), 0
		}
		k.value = rdb.EncodeValue(k.value, it)
		if !it.Last || k.pieces > 0 {
			if it.Last || len(k.value) >= pieceBytes {
				k.cut(it)
			}
			return
		}
		row.value = k.room.keep(k.value)
	}
	k.rows.Push(row)
}

// cut makes a row of what there is of a value in pieces.
func (k *rowSink) cut(it *keyspace.Item) {
	row := checkpointRow{db: it.DB, key: k.key, kind: rowBlock, block: k.pieces, value: k.room.keep(k.value)}
	if k.pieces == 0 {
		head := append(bytes.Clone(row.value[:rowHeadBytes]), inPieces)
		k.rows.Push(checkpointRow{db: it.DB, key: k.key, kind: rowPut, value: head})
		row.value = row.value[rowHeadBytes-1:]
	}
	if row.value[0] = pieceGoesOn; it.Last {
		row.value[0] = pieceLast
	}
	k.rows.Push(row)
	k.pieces++
	k.value = append(k.room.next(), pieceGoesOn)
}

// addHead adds what stands for a value in blocks.
func (k *rowSink) addHead(it *keyspace.Item) {
	row := checkpointRow{db: it.DB, key: k.key, kind: rowPut}
	if it.Update {
		row.kind = rowUpdate
	}
	row.value = k.room.keep(binary.AppendUvarint(append(appendRowHead(k.room.next(), it), inBlocks), uint64(it.Len())))
	k.rows.Push(row)
}

func appendRowHead(to []byte, it *keyspace.Item) []byte {
	return binary.BigEndian.AppendUint64(to, uint64(it.DeadlineMs))
}

// take gives the rows so far.
func (k *rowSink) take() slab.Table[checkpointRow] {
	rows := k.rows
	k.rows = slab.Table[checkpointRow]{}
	return rows
}

// writeRows hands rows to a checkpoint.
func writeRows(w *persistence.CheckpointWriter, rows slab.Table[checkpointRow]) {
	for i := range rows.Len() {
		r := rows.At(uint32(i))
		switch r.kind {
		case rowFlush:
			w.DeleteAll(r.db)
		case rowDelete:
			w.Delete(r.db, r.key)
		case rowUpdate:
			w.Update(r.db, r.key, r.value)
		case rowBlock:
			w.PutBlock(r.db, r.key, r.block, r.value)
		case rowBlockGone:
			w.DeleteBlock(r.db, r.key, r.block)
		default:
			w.Put(r.db, r.key, r.value)
		}
	}
}

// rowLoader puts the rows of a checkpoint into a keyspace. The blocks of a value come right behind its head.
type rowLoader struct {
	ks         *keyspace.Keyspace
	db         int // of the value whose blocks are coming
	key        []byte
	deadlineMs int64
	missing    uint64 // of its elements; 0: no value in blocks is open
	cut        bool   // a value in pieces is open
	piece      uint64 // the number of its next one
	value      []byte // what has come of it
}

func (l *rowLoader) load(row persistence.Row) error {
	if row.DB >= l.ks.Databases() {
		return fmt.Errorf("checkpoint row of key %q in database %d: this node has %d databases", row.Key, row.DB, l.ks.Databases())
	}
	if row.IsBlock {
		return l.loadBlock(row)
	}
	if err := l.end(); err != nil {
		return err
	}
	if len(row.Value) <= rowHeadBytes {
		return fmt.Errorf("checkpoint row of key %q in database %d has %d bytes", row.Key, row.DB, len(row.Value))
	}
	deadlineMs, value := int64(binary.BigEndian.Uint64(row.Value)), row.Value[rowHeadBytes:]
	if value[0] == inBlocks {
		elements, n := binary.Uvarint(value[1:])
		if n <= 0 || elements == 0 {
			return fmt.Errorf("checkpoint row of key %q in database %d: a value in blocks without a number of elements", row.Key, row.DB)
		}
		l.db, l.key, l.deadlineMs, l.missing = row.DB, append(l.key[:0], row.Key...), deadlineMs, elements
		return nil
	}
	if value[0] == inPieces {
		l.db, l.key, l.deadlineMs = row.DB, append(l.key[:0], row.Key...), deadlineMs
		l.cut, l.piece, l.value = true, 0, nil
		return nil
	}
	return l.loadValue(row, deadlineMs, value)
}

func (l *rowLoader) loadValue(row persistence.Row, deadlineMs int64, value []byte) error {
	l.ks.Begin(0, keyspace.ExpiryIgnore)
	err := rdb.DecodeValue(l.ks.DB(row.DB), row.Key, deadlineMs, value)
	l.ks.End()
	l.ks.Learn()
	return err
}

func (l *rowLoader) loadPiece(row persistence.Row) error {
	if row.Block != l.piece || len(row.Value) == 0 || row.Value[0] > pieceLast {
		return fmt.Errorf("checkpoint row of key %q in database %d: a row of %d bytes with number %d where piece %d of the value belongs",
			row.Key, row.DB, len(row.Value), row.Block, l.piece)
	}
	l.piece++
	l.value = append(l.value, row.Value[1:]...)
	if row.Value[0] == pieceGoesOn {
		return nil
	}
	value := l.value
	l.cut, l.value = false, nil
	return l.loadValue(row, l.deadlineMs, value)
}

func (l *rowLoader) loadBlock(row persistence.Row) error {
	if l.missing == 0 && !l.cut || row.DB != l.db || !bytes.Equal(row.Key, l.key) {
		return fmt.Errorf("checkpoint row of key %q in database %d: block %d of a value that has no more of them", row.Key, row.DB, row.Block)
	}
	if l.cut {
		return l.loadPiece(row)
	}
	l.ks.Begin(0, keyspace.ExpiryIgnore)
	defer l.ks.End()
	db := l.ks.DB(row.DB)
	n, err := rdb.AppendValue(db, row.Key, row.Value)
	if err != nil {
		return fmt.Errorf("checkpoint row of key %q in database %d: block %d: %w", row.Key, row.DB, row.Block, err)
	}
	if uint64(n) > l.missing {
		return fmt.Errorf("checkpoint row of key %q in database %d: block %d: %d elements too many", row.Key, row.DB, row.Block, uint64(n)-l.missing)
	}
	if l.missing -= uint64(n); l.missing == 0 && l.deadlineMs != 0 {
		db.SetDeadline(row.Key, l.deadlineMs, "")
	}
	return nil
}

// end is for after the last row.
func (l *rowLoader) end() error {
	if l.missing > 0 {
		return fmt.Errorf("checkpoint rows of key %q in database %d: %d elements are missing", l.key, l.db, l.missing)
	}
	if l.cut {
		return fmt.Errorf("checkpoint rows of key %q in database %d: there are %d pieces, and the last is not among them", l.key, l.db, l.piece)
	}
	return nil
}
