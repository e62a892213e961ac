package rdb

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

// A stream is a number of nodes, what the stream knows besides, and its consumer groups. A node is the id of its first entry,
// its master, in 16 big-endian bytes, and a listpack: the numbers of entries and of deleted entries, the number of the
// master's fields, these, a zero, and then for each entry flags, the distance of its id from the master's, unless its fields
// are the master's their number and names, its values, and how many elements that was. Three versions differ in what follows
// the nodes: 7.0 added counters, and 7.2 when a consumer was last given something.

// Flags of an entry in a node.
const (
	nodeDeleted = 1
	nodeSame    = 2
)

const streamIDBytes = 16

// streamForm is one of the three versions.
type streamForm struct{ counters, active bool }

func decodeStream(form streamForm) func(s *source, t target) (int, error) {
	return func(s *source, t target) (int, error) {
		d := streamReader{s: s, edit: t.db.ReplaceStream(t.key, ""), form: form}
		d.edit.Create()
		if err := d.nodes(); err != nil {
			return 0, err
		}
		if err := d.state(); err != nil {
			return 0, err
		}
		groups, err := s.length()
		for ; err == nil && groups > 0; groups-- {
			err = d.group()
		}
		return 1, err // also without entries
	}
}

type streamReader struct {
	s    *source
	edit *keyspace.StreamEdit
	form streamForm

	lp     *listpack
	master keyspace.StreamID
	fields [][]byte
	pairs  [][]byte
	room   []byte // backs pairs
}

func (d *streamReader) nodes() error {
	count, err := d.s.length()
	for ; err == nil && count > 0; count-- {
		var key []byte
		if key, err = d.s.str(); err != nil {
			return err
		}
		if len(key) != streamIDBytes {
			return d.s.corrupt("a stream's node has a key of %d bytes", len(key))
		}
		d.master = rawStreamID(key)
		d.edit.OpenBlock()
		if d.lp, err = packedAs(d.s, newListpack); err == nil {
			err = d.node()
		}
	}
	return err
}

func rawStreamID(p []byte) keyspace.StreamID {
	return keyspace.StreamID{Ms: binary.BigEndian.Uint64(p), Seq: binary.BigEndian.Uint64(p[8:])}
}

// word and number read the next element of the node; there must be one.
func (d *streamReader) word() ([]byte, error) {
	v, more, err := d.lp.next()
	if err == nil && !more {
		err = errPacked
	}
	return v, err
}

func (d *streamReader) number() (int64, error) {
	v, err := d.word()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0, errPacked
	}
	return n, nil
}

// numbers reads some numbers in a row.
func (d *streamReader) numbers(into ...*int64) (err error) {
	for _, n := range into {
		if *n, err = d.number(); err != nil {
			return err
		}
	}
	return nil
}

func (d *streamReader) node() error {
	var live, deleted, fields, zero int64
	if err := d.numbers(&live, &deleted, &fields); err != nil {
		return err
	}
	d.fields = d.fields[:0]
	for range fields {
		field, err := d.word()
		if err != nil {
			return err
		}
		d.fields = append(d.fields, bytes.Clone(field))
	}
	if err := d.numbers(&zero); err != nil || zero != 0 || live < 0 || deleted < 0 {
		return errPacked
	}
	for range live + deleted {
		there, err := d.entry()
		if err != nil {
			return err
		}
		if there {
			live--
		}
	}
	if _, more, err := d.lp.next(); err != nil || more || live != 0 {
		return errPacked
	}
	return nil
}

// entry reads one, and adds it unless it is deleted.
func (d *streamReader) entry() (there bool, err error) {
	var flags, ms, seq, count int64
	if err := d.numbers(&flags, &ms, &seq); err != nil {
		return false, err
	}
	names := d.fields
	if flags&nodeSame == 0 {
		if err := d.numbers(&count); err != nil {
			return false, err
		}
		names = nil
	} else {
		count = int64(len(names))
	}
	var ends []int
	d.room = d.room[:0]
	for i := range count {
		if names != nil {
			d.room = append(d.room, names[i]...)
		} else if err := d.take(); err != nil {
			return false, err
		}
		ends = append(ends, len(d.room))
		if err := d.take(); err != nil {
			return false, err
		}
		ends = append(ends, len(d.room))
	}
	if err := d.numbers(&count); err != nil || flags&nodeDeleted != 0 {
		return false, err
	}
	d.pairs = d.pairs[:0]
	from := 0
	for _, to := range ends {
		d.pairs = append(d.pairs, d.room[from:to])
		from = to
	}
	id := keyspace.StreamID{Ms: d.master.Ms + uint64(ms), Seq: d.master.Seq + uint64(seq)}
	if len(d.pairs) == 0 || !d.edit.State().Newest.Before(id) {
		return false, errPacked
	}
	d.edit.Append(id, d.pairs)
	return true, nil
}

// take keeps the next element.
func (d *streamReader) take() error {
	v, err := d.word()
	d.room = append(d.room, v...)
	return err
}

func (d *streamReader) streamID() (id keyspace.StreamID, err error) {
	if id.Ms, err = d.s.length(); err == nil {
		id.Seq, err = d.s.length()
	}
	return id, err
}

func (d *streamReader) state() error {
	length, err := d.s.length()
	if err != nil {
		return err
	}
	newest, err := d.streamID()
	if err != nil {
		return err
	}
	if int(length) != d.edit.Len() || newest.Before(d.edit.State().Last) {
		return d.s.corrupt("a stream of %d entries up to %s has %d up to %s", length, newest, d.edit.Len(), d.edit.State().Last)
	}
	deleted, added := keyspace.StreamID{}, length
	if d.form.counters {
		if _, err = d.streamID(); err != nil { // of the first entry
			return err
		}
		if deleted, err = d.streamID(); err != nil {
			return err
		}
		if added, err = d.s.length(); err != nil {
			return err
		}
	}
	d.edit.SetState(newest, deleted, added)
	return nil
}

func (d *streamReader) group() error {
	name, err := d.s.str()
	if err != nil {
		return err
	}
	name = bytes.Clone(name)
	delivered, err := d.streamID()
	if err != nil {
		return err
	}
	read := d.edit.ReadUpTo(delivered)
	if d.form.counters {
		n, err := d.s.length()
		if err != nil {
			return err
		}
		read = int64(n)
	}
	if !d.edit.CreateGroup(name, delivered, read) {
		return d.s.corrupt("consumer group %q twice", shown(name))
	}
	g, _ := d.edit.EditGroup(name)
	if err := d.pending(g); err != nil {
		return err
	}
	consumers, err := d.s.length()
	owned := 0
	for ; err == nil && consumers > 0; consumers-- {
		var n int
		n, err = d.consumer(g)
		owned += n
	}
	if err == nil && owned != g.Pending() {
		return d.s.corrupt("consumer group %q has %d pending entries, its consumers %d", shown(name), g.Pending(), owned)
	}
	return err
}

func (d *streamReader) rawID() (keyspace.StreamID, error) {
	p, err := d.s.take(streamIDBytes)
	if err != nil {
		return keyspace.StreamID{}, err
	}
	return rawStreamID(p), nil
}

func (d *streamReader) pending(g keyspace.GroupEdit) error {
	count, err := d.s.length()
	for ; err == nil && count > 0; count-- {
		id, err := d.rawID()
		if err != nil {
			return err
		}
		ms, err := d.s.uint64()
		if err != nil {
			return err
		}
		times, err := d.s.length()
		if err != nil {
			return err
		}
		if !g.LoadPending(id, int64(ms), times) {
			return d.s.corrupt("entry %s is pending twice", id)
		}
	}
	return err
}

// consumer gives the number of entries that it has.
func (d *streamReader) consumer(g keyspace.GroupEdit) (owned int, err error) {
	name, err := d.s.str()
	if err != nil {
		return 0, err
	}
	name = bytes.Clone(name)
	seen, err := d.s.uint64()
	if err != nil {
		return 0, err
	}
	active := seen
	if d.form.active {
		if active, err = d.s.uint64(); err != nil {
			return 0, err
		}
	}
	if _, found := g.Consumer(name); found {
		return 0, d.s.corrupt("consumer %q twice", shown(name))
	}
	c := g.CreateConsumer(name, int64(seen))
	c.Active(int64(active))
	count, err := d.s.length()
	for ; err == nil && count > 0; count-- {
		id, err := d.rawID()
		if err != nil {
			return owned, err
		}
		if !g.LoadOwner(id, c) {
			return owned, d.s.corrupt("consumer %q has entry %s, which is not pending, or another one's", shown(name), id)
		}
		owned++
	}
	return owned, err
}
