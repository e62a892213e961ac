package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// hand works on one connection: the loop gives it one job after the other (read a reply, rewind, take a copy, follow
// the stream), and it reports. It owns the reading side of the wire and, until done is closed, the sink.
type hand struct {
	f      *Follower
	ctx    context.Context
	cancel context.CancelFunc
	wire   *wire // written before EventDialled is sent, read by the loop after it

	orders  chan any // readReply, replication.DoRewind, DoContinue or DoFullCopy
	events  chan replication.LinkEvent
	applied chan struct{} // batches were applied
	asked   chan struct{} // the master asked for an acknowledgement
	heard   atomic.Bool   // something arrived since the loop looked last
	busy    atomic.Bool   // it works on what arrived, and does not read
	cause   atomic.Pointer[error]
	batches int // applied so far
	done    chan struct{}
}

// batchesPerCheck: how often the own end is compared with the stream's. Each time costs a turn of the owner.
const batchesPerCheck = 64

// readReply is the job of reading the answer to one command.
type readReply struct{}

func newHand(ctx context.Context, f *Follower) *hand {
	h := &hand{f: f, orders: make(chan any, 1), events: make(chan replication.LinkEvent),
		applied: make(chan struct{}, 1), asked: make(chan struct{}, 1), done: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(ctx)
	go h.run()
	return h
}

// giveUp closes the connection for a reason that the hand's next read does not know.
func (h *hand) giveUp(reason error) {
	h.cause.CompareAndSwap(nil, &reason)
	_ = h.wire.conn.Close() // it is of no use any more
}

func (h *hand) run() {
	defer close(h.done)
	err := h.work()
	if cause := h.cause.Load(); cause != nil {
		err = *cause
	}
	h.report(replication.EventFailed{Reason: err.Error()})
}

func (h *hand) work() error {
	dialCtx, cancel := context.WithTimeout(h.ctx, h.f.o.DialTimeout)
	conn, err := h.f.o.Dial(dialCtx, h.f.o.Address)
	cancel()
	if err != nil {
		return fmt.Errorf("connecting to the master: %w", err)
	}
	stop := context.AfterFunc(h.ctx, func() { _ = conn.Close() }) // wakes whoever reads or writes
	defer func() {
		stop()
		_ = conn.Close() // nothing is expected of it any more
	}()
	h.wire = newWire(conn, nil, h.f.o.WriteTimeout)
	h.wire.heard = func() { h.heard.Store(true) }
	h.report(replication.EventDialled{})
	for {
		select {
		case <-h.ctx.Done():
			return h.ctx.Err()
		case job := <-h.orders:
			if err := h.serve(job); err != nil {
				return err
			}
		}
	}
}

// report hands an event to the loop, unless the loop has given this connection up.
func (h *hand) report(e replication.LinkEvent) {
	select {
	case h.events <- e:
	case <-h.ctx.Done():
	}
}

func (h *hand) serve(job any) error {
	switch j := job.(type) {
	case readReply:
		return h.reply()
	case replication.DoRewind:
		h.report(replication.EventRewound{Err: h.f.sink.Rewind(h.ctx, j.Offset, j.Reason)})
		return nil
	case replication.DoFullCopy:
		if err := h.fullCopy(j); err != nil {
			h.report(replication.EventCopied{Err: err})
			return err
		}
		h.report(replication.EventCopied{})
		return h.follow()
	case replication.DoContinue:
		if err := h.f.sink.Continue(j.History); err != nil {
			return fmt.Errorf("taking over the master's history: %w", err)
		}
		return h.follow()
	}
	panic(fmt.Sprintf("link: unknown job %T", job))
}

func (h *hand) reply() error {
	line, err := h.wire.line()
	if err != nil {
		return reading(err)
	}
	if line[0] != replyBulkStart {
		h.report(replication.EventReply{Line: line})
		return nil
	}
	data, err := h.wire.bulk(line)
	if err != nil {
		return reading(err)
	}
	h.report(replication.EventBulk{Data: data})
	return nil
}

func (h *hand) fullCopy(j replication.DoFullCopy) error {
	err := takeCopy(h.wire, &h.f.copy, func() (FullCopy, error) {
		target, err := h.f.sink.BeginFullCopy(j.Offset, j.History, j.Reason)
		if err != nil {
			return nil, err
		}
		return &busyCopy{FullCopy: target, busy: &h.busy}, nil
	})
	if err == nil {
		if end := h.f.sink.Standing().End; end != j.Offset {
			err = fmt.Errorf("the copy is as of offset %d, but the own log then ends at %d", j.Offset, end)
		}
	}
	return err
}

// busyCopy marks the time in which nothing is read.
type busyCopy struct {
	FullCopy
	busy *atomic.Bool
}

func (c *busyCopy) Commit() error {
	c.busy.Store(true)
	defer c.busy.Store(false)
	return c.FullCopy.Commit()
}

// follow applies the stream from the own end on, until something fails.
func (h *hand) follow() error {
	reader := resp.Reader{BulkBytesMax: streamBulkMax}
	end := h.f.sink.Standing().End
	var batch Batch
	for {
		if err := batch.cut(&reader, h.wire.pending()); err != nil {
			return err
		}
		if len(batch.Raw) > 0 {
			if err := h.apply(&batch, &end); err != nil {
				return err
			}
			continue
		}
		if err := h.wire.fill(); err != nil {
			return reading(err)
		}
	}
}

func (h *hand) apply(batch *Batch, end *int64) error {
	h.busy.Store(true)
	err := h.f.sink.Apply(batch)
	h.busy.Store(false)
	if err != nil {
		return fmt.Errorf("applying the stream at offset %d: %w", *end, err)
	}
	*end += int64(len(batch.Raw))
	if h.batches%batchesPerCheck == 0 {
		if own := h.f.sink.Standing().End; own != *end {
			return fmt.Errorf("the stream stands at offset %d, but the own log ends at %d", *end, own)
		}
	}
	h.batches++
	asked := batch.asksAck()
	h.wire.consume(len(batch.Raw))
	signal(h.applied)
	if asked {
		signal(h.asked)
	}
	return nil
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // there is one already
	}
}

func reading(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the master closed the connection")
	}
	return fmt.Errorf("reading from the master: %w", err)
}
