package rdb

import (
	"bytes"
	"encoding/binary"

	"github.com/tandemkv/tandem/keyspace"
)

// A stream is written part by part: nodes as blocks come, and behind them what the keyspace tells of the groups.

func encodeStream(form streamForm) func(e *encoder, it *keyspace.Item) {
	return func(e *encoder, it *keyspace.Item) {
		s := it.Stream()
		state := s.State()
		if it.Part == 0 {
			e.length(uint64(state.Blocks))
		}
		s.Each(keyspace.StreamID{}, keyspace.MaxStreamID(), e.addToNode)
		e.endNodes()
		s.ReadGroups(&groupsWriter{e: e, form: form, of: s})
	}
}

func (e *encoder) streamID(id keyspace.StreamID) {
	e.length(id.Ms)
	e.length(id.Seq)
}

func (e *encoder) rawStreamID(id keyspace.StreamID) {
	e.buf = binary.BigEndian.AppendUint64(e.buf, id.Ms)
	e.buf = binary.BigEndian.AppendUint64(e.buf, id.Seq)
}

func (e *encoder) ms(ms int64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(ms)) }

// groupsWriter writes what comes behind the nodes, as it is told of the groups: in one go, or part by part.
type groupsWriter struct {
	e    *encoder
	form streamForm
	of   keyspace.Stream
}

// Groups writes what the stream knows besides, too.
func (w *groupsWriter) Groups(n int) {
	state := w.of.State()
	w.e.length(uint64(w.of.Len()))
	w.e.streamID(state.Newest)
	if w.form.counters {
		w.e.streamID(state.First)
		w.e.streamID(state.MaxDeleted)
		w.e.length(state.Added)
	}
	w.e.length(uint64(n))
}

func (w *groupsWriter) Group(g keyspace.StreamGroup) {
	w.e.str(g.Name())
	w.e.streamID(g.Delivered())
	if w.form.counters {
		w.e.length(uint64(g.EntriesRead()))
	}
	w.e.length(uint64(g.Pending()))
}

func (w *groupsWriter) Pending(p keyspace.PendingEntry) {
	w.e.rawStreamID(p.ID)
	w.e.ms(p.DeliveredMs)
	w.e.length(p.Times)
	w.e.maybeSpill()
}

func (w *groupsWriter) Consumers(n int) { w.e.length(uint64(n)) }

func (w *groupsWriter) Consumer(c keyspace.StreamConsumer) {
	w.e.str(c.Name())
	w.e.ms(c.SeenMs())
	if w.form.active {
		w.e.ms(c.ActiveMs())
	}
	w.e.length(uint64(c.Pending()))
	w.e.maybeSpill()
}

func (w *groupsWriter) Owned(id keyspace.StreamID) {
	w.e.rawStreamID(id)
	w.e.maybeSpill()
}

// nodeBytes is room for a node of the usual size.
const nodeBytes = 5 << 10

// addToNode adds an entry. The encoder keeps one nodeWriter for all nodes, so that a file of many makes little garbage.
func (e *encoder) addToNode(entry *keyspace.StreamEntry) bool {
	if e.nodes == nil {
		e.nodes = &nodeWriter{e: e}
		e.nodes.body.buf, e.nodes.node.buf = make([]byte, 0, nodeBytes), make([]byte, 0, nodeBytes)
	}
	return e.nodes.add(entry)
}

// endNodes writes the node that was begun. Room for one that was much larger than usual is not kept.
func (e *encoder) endNodes() {
	if e.nodes == nil {
		return
	}
	if e.nodes.flush(); cap(e.nodes.body.buf) > 4*nodeBytes {
		e.nodes = nil
	}
}

// nodeWriter makes a node of each block of a stream.
type nodeWriter struct {
	e       *encoder
	master  keyspace.StreamID
	fields  [][]byte
	entries int
	body    listpackWriter
	node    listpackWriter
	names   [][]byte // of the entry that is added
	values  [][]byte
	room    []byte // backs names and values, and behind them fields
}

func (n *nodeWriter) add(entry *keyspace.StreamEntry) bool {
	if entry.Opens {
		n.flush()
	}
	n.read(entry)
	if n.entries == 0 {
		n.master = entry.ID
		n.fields = n.fields[:0]
		for _, name := range n.names {
			n.fields = append(n.fields, bytes.Clone(name))
		}
	}
	n.entries++
	same := equalWords(n.names, n.fields)
	flags, elements := int64(0), 3+len(n.values)
	if same {
		flags = nodeSame
	} else {
		elements += 1 + len(n.names)
	}
	n.body.int(flags)
	n.body.int(int64(entry.ID.Ms - n.master.Ms))
	n.body.int(int64(entry.ID.Seq - n.master.Seq))
	if !same {
		n.body.int(int64(len(n.names)))
	}
	for i, value := range n.values {
		if !same {
			n.body.str(n.names[i])
		}
		n.body.str(value)
	}
	n.body.int(int64(elements))
	return true
}

// read copies names and values, which are borrowed one pair at a time.
func (n *nodeWriter) read(entry *keyspace.StreamEntry) {
	size := 0
	entry.Each(func(name, value []byte) { size += len(name) + len(value) })
	if cap(n.room) < size {
		n.room = make([]byte, 0, size)
	}
	n.room, n.names, n.values = n.room[:0], n.names[:0], n.values[:0]
	keep := func(b []byte) []byte {
		from := len(n.room)
		n.room = append(n.room, b...)
		return n.room[from:]
	}
	entry.Each(func(name, value []byte) {
		n.names = append(n.names, keep(name))
		n.values = append(n.values, keep(value))
	})
}

func equalWords(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// flush writes the node that was begun.
func (n *nodeWriter) flush() {
	if n.entries == 0 {
		return
	}
	n.node.reset()
	n.node.int(int64(n.entries))
	n.node.int(0)
	n.node.int(int64(len(n.fields)))
	for _, field := range n.fields {
		n.node.str(field)
	}
	n.node.int(0)
	n.node.join(&n.body)
	n.e.length(streamIDBytes)
	n.e.rawStreamID(n.master)
	n.e.str(n.node.bytes())
	n.e.maybeSpill()
	n.entries = 0
	n.body.reset()
}
