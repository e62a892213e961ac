package command

import "github.com/tandemkv/tandem/keyspace"

// groupCall is a command of one consumer of a group: what it changes is logged as Redis does, by XCLAIM for each entry that
// becomes pending or goes, so that a log can be applied without knowing what was new when.
type groupCall struct {
	c        *Call
	key      []byte
	name     []byte // of the group
	s        *keyspace.StreamEdit
	group    keyspace.GroupEdit
	consumer keyspace.StreamConsumer
	made     bool // the consumer is new, and the log does not say so yet
}

// openGroup opens a group for a consumer, which is made if there is none.
func (c *Call) openGroup(key, group, consumer []byte) (*groupCall, error) {
	s, err := c.DB.EditStream(key, "")
	if err != nil {
		return nil, err
	}
	r := &groupCall{c: c, key: key, name: group, s: s}
	found := false
	if r.group, found = s.EditGroup(group); !found {
		return nil, NoGroup(key, group)
	}
	if r.consumer, found = r.group.Consumer(consumer); !found {
		making, err := c.DB.EditStream(key, "xgroup-createconsumer")
		if err != nil {
			return nil, err
		}
		g, _ := making.EditGroup(group)
		r.consumer, r.made = g.CreateConsumer(consumer, c.NowMs), true
	}
	r.consumer.Seen(c.NowMs)
	return r, nil
}

// claim makes an entry pending with the consumer, whoever had it.
func (r *groupCall) claim(id keyspace.StreamID, deliveredMs int64, times uint64) {
	r.group.Deliver(r.consumer, id, deliveredMs, times)
	r.made = false
	r.tellPending(keyspace.PendingEntry{ID: id, Consumer: r.consumer.Name(), DeliveredMs: deliveredMs, Times: times})
}

// forget takes an entry out that is not in the stream any more. The same XCLAIM does it where the log is applied.
func (r *groupCall) forget(p keyspace.PendingEntry) {
	r.tellPending(p)
	r.group.Acknowledge(p.ID)
}

func (r *groupCall) tellPending(p keyspace.PendingEntry) {
	c := r.c
	c.Effect(c.Text("XCLAIM"), r.key, r.name, c.Word(p.Consumer), c.Text("0"), c.streamID(p.ID), c.Text("TIME"), c.Int(p.DeliveredMs),
		c.Text("RETRYCOUNT"), c.Int(int64(p.Times)), c.Text("FORCE"), c.Text("JUSTID"), c.Text("LASTID"), c.streamID(r.group.Delivered()))
}

// tellPlace logs up to where the group has read, and how many entries that is.
func (r *groupCall) tellPlace() {
	c := r.c
	c.Effect(c.Text("XGROUP"), c.Text("SETID"), r.key, r.name, c.streamID(r.group.Delivered()), c.Text("ENTRIESREAD"), c.Int(r.group.EntriesRead()))
}

// tellConsumer logs a consumer that was made, unless what it was given has said so.
func (r *groupCall) tellConsumer() {
	if r.made {
		c := r.c
		c.Effect(c.Text("XGROUP"), c.Text("CREATECONSUMER"), r.key, r.name, c.Word(r.consumer.Name()))
	}
	r.made = false
}
