package server

import (
	"github.com/tandemkv/tandem/command"
)

// parsed is one command of a batch: words[from:to], and where it stands in the session's bytes.
type parsed struct {
	spec     *command.Spec // nil: unknown
	from, to int
	start    int // of the command in item.bytes
}

// item is what one session brings to a batch.
type item struct {
	s        *session
	bytes    []byte // from the first command on
	from, to int    // its commands in batch.commands
	used     int    // bytes of commands that were read
	more     bool   // reading stopped at the limit and not for lack of bytes
	err      error  // a protocol error behind the last command
}

// batch is all complete commands of a carrier's ready sessions. Reading them needs no ownership of the keyspace; running them does.
type batch struct {
	items    []item
	commands []parsed
	words    [][]byte
}

// commandsPerBatchMax bounds how long one session's pipeline can keep the others waiting. A stranger's commands are
// read one by one, because AUTH changes the limits for those behind it.
const commandsPerBatchMax = 4096

func (b *batch) reset() {
	clear(b.items)
	b.items, b.commands, b.words = b.items[:0], b.commands[:0], b.words[:0]
}

// read adds the complete commands in bytes.
func (b *batch) read(table *command.Table, s *session, bytes []byte) {
	s.inBatch = true
	it := item{s: s, bytes: bytes, from: len(b.commands)}
	most := commandsPerBatchMax
	if s.reader.Unauthenticated {
		most = 1
	}
	for len(b.commands)-it.from < most {
		from := len(b.words)
		words, used, err := s.reader.AppendNext(b.words, bytes[it.used:])
		b.words = words
		if err != nil {
			it.err = err
			break
		}
		if used == 0 {
			break
		}
		if len(words) > from {
			b.commands = append(b.commands, parsed{table.Lookup(words[from:]), from, len(words), it.used})
		}
		it.used += used
	}
	it.to = len(b.commands)
	it.more = it.to-it.from == most && it.err == nil && it.used < len(bytes)
	b.items = append(b.items, it)
}

// runBatch runs the commands of a batch. A session that stops in the middle (it blocks, it leaves) keeps the rest as bytes.
func (x *executor) runBatch(b *batch) {
	for i := range b.items {
		it := &b.items[i]
		x.runItem(b, it)
		if len(it.rest()) > x.opts.QueryBytesMax && !it.s.dead {
			x.stats.queryLimitDisconnections++
			x.kill(it.s, "client-query-buffer-limit")
		}
		x.touch(it.s)
	}
}

func (x *executor) runItem(b *batch, it *item) {
	s := it.s
	if s.dead {
		return
	}
	s.lastSeen = x.now
	for i := it.from; i < it.to; i++ {
		if s.stopped() {
			it.putOff(b.commands[i].start)
			return
		}
		p := &b.commands[i]
		if !x.run(s, p.spec, b.words[p.from:p.to]) {
			it.putOff(p.start)
			return
		}
	}
	if it.err != nil && !s.stopped() {
		x.stats.protocolErrors++
		s.w.Error("ERR " + it.err.Error())
		s.closeAfterReply(it.err.Error())
	}
}

// putOff gives the commands from a byte on back to the session, to be read again.
func (it *item) putOff(start int) {
	it.used, it.more, it.err = start, false, nil
	it.s.reader.Forget()
}

// rest is the bytes of an item that were not run: its session reads them again.
func (it *item) rest() []byte { return it.bytes[it.used:] }
