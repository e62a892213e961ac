package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// LogReader gives out the log in order. It belongs to one goroutine.
type LogReader interface {
	// Read fills p with the next bytes; 0 without an error: there are no more at present.
	Read(p []byte) (int, error)
	// Wait returns when there is more to read, or with the context's error.
	Wait(ctx context.Context) error
	Close()
}

// Snapshot is a full copy in the making. The copy is as of Offset, which the log reader of the same Source must still
// reach when the copy has been sent.
type Snapshot struct {
	ID     string // of the history at Offset
	Offset int64
	Body   io.ReadCloser // an RDB file, whose aux field repl-stream-db says what the stream has selected at Offset
}

// Source is what a Feeder needs of the node that has the data. Its methods may be called by any goroutine.
type Source interface {
	// Extent is the present history and what of the log is held.
	Extent() (replication.History, replication.Range)
	// NewReader opens the log at an offset. An open reader holds back retention as far as its limits allow.
	NewReader(from int64) (LogReader, error)
	// Snapshot begins a full copy. It waits for its turn, not for the copy. The context is that of the whole copy: when it
	// ends, Body.Read must not block for ever.
	Snapshot(ctx context.Context) (Snapshot, error)
}

// FeederOptions are the limits of one Feeder, and whom it tells.
type FeederOptions struct {
	Link       uint64        // number of the connection, in the callbacks and replication.Master
	Timeout    time.Duration // repl-timeout: of silence, and of a write that does not move
	KeepAlive  time.Duration // between empty lines while a copy is being prepared
	ChunkBytes int           // of one read from the log and one write
	SpoolDir   string        // for the copy to a standby that must know its length
	// OnState and OnAck may be nil. They are called by the Feeder's goroutines and must be quick. An error of OnAck ends the
	// link: the standby claims what there is not.
	OnState func(link uint64, state replication.FeedState)
	OnAck   func(link uint64, offset, synced int64) error
}

// DefaultFeederOptions are Redis' repl-timeout and a chunk of 64 KB.
func DefaultFeederOptions() FeederOptions {
	return FeederOptions{Timeout: 60 * time.Second, KeepAlive: time.Second, ChunkBytes: 64 << 10}
}

// FeederInfo is a snapshot of a Feeder for INFO and logs.
type FeederInfo struct {
	Link          uint64
	NodeID        string // empty for a Redis
	Address       string // announced, or the connection's
	ListeningPort int
	State         replication.FeedState
	Decision      string // why it continues or takes a full copy
	Sent          int64  // offset behind the last byte that was written to it
	Acked         int64  // -1: nothing yet
	Synced        int64  // on its disk, as it says; -1: it says nothing
	LastAck       time.Time
	CopyBytes     int64 // of the full copy, sent so far
}

// ErrClosed is the reason of a Feeder that was told to end without one.
var ErrClosed = errors.New("closed")

// Feeder serves one standby.
type Feeder struct {
	wire      *wire
	facts     Facts
	request   Request
	source    Source
	o         FeederOptions
	firstAck  chan struct{} // closed at the first acknowledgement
	mustSpeak atomic.Bool   // the copy, if any, is sent: silence is measured

	mu   sync.Mutex
	info FeederInfo

	end context.CancelCauseFunc
	ctx context.Context
}

// NewFeeder takes over a connection whose session has read PSYNC or SYNC, and whatever of unread came behind it.
func NewFeeder(ctx context.Context, conn net.Conn, unread []byte, facts Facts, request Request, source Source, o FeederOptions) *Feeder {
	f := &Feeder{wire: newWire(conn, unread, o.Timeout), facts: facts, request: request, source: source, o: o, firstAck: make(chan struct{})}
	f.ctx, f.end = context.WithCancelCause(ctx)
	f.info = FeederInfo{Link: o.Link, NodeID: facts.NodeID, Address: facts.Address, ListeningPort: facts.ListeningPort,
		Acked: -1, Synced: -1, LastAck: time.Now()}
	if f.info.Address == "" {
		if host, _, err := net.SplitHostPort(conn.RemoteAddr().String()); err == nil {
			f.info.Address = host
		}
	}
	return f
}

// Close ends the link; reason is what Run returns.
func (f *Feeder) Close(reason string) {
	if reason == "" {
		f.end(ErrClosed)
		return
	}
	f.end(errors.New(reason))
}

// Info is a snapshot.
func (f *Feeder) Info() FeederInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info
}

// Run serves the standby until the link ends, and says why. The connection is closed then.
func (f *Feeder) Run() error {
	// A closed connection is what wakes the writer and the ear.
	closed := make(chan struct{})
	context.AfterFunc(f.ctx, func() {
		_ = f.wire.conn.Close() // nothing is expected of it any more
		close(closed)
	})
	ear := make(chan struct{})
	go func() {
		defer close(ear)
		f.end(f.listen())
	}()
	f.end(f.feed())
	<-ear
	<-closed
	return context.Cause(f.ctx)
}

// feed answers the request and then writes until something fails.
func (f *Feeder) feed() error {
	reader, err := f.open()
	if err != nil {
		return err
	}
	defer reader.Close()
	if f.facts.RDBOnly {
		return errors.New("it wanted the copy only")
	}
	f.setState(replication.FeedOnline)
	if err := f.expectAcks(); err != nil {
		return err
	}
	return f.stream(reader)
}

// open brings the standby to where the stream begins.
func (f *Feeder) open() (LogReader, error) {
	history, log := f.source.Extent()
	d := replication.Decide(f.request.Ask, history, log)
	if d.Verdict == replication.Continue {
		reader, err := f.source.NewReader(d.Offset)
		if err == nil {
			f.noteDecision(d)
			return reader, f.answerContinue(reader, d)
		}
		// Retention was faster than the answer.
		d.Verdict, d.Reason = replication.FullCopy, fmt.Sprintf("the log no longer gives out offset %d: %v", d.Offset, err)
	}
	f.noteDecision(d)
	f.setState(replication.FeedWaitCopy)
	return f.fullCopy(d)
}

func (f *Feeder) answerContinue(reader LogReader, d replication.Decision) error {
	line := replication.PsyncLine(d)
	if !f.facts.Psync2 {
		line = "+CONTINUE"
	}
	err := f.wire.write([]byte(line + "\r\n"))
	if err != nil {
		reader.Close()
	}
	return err
}

// fullCopy sends a snapshot and gives back the log reader that goes on from it. The reader is opened first, so that
// the log from the snapshot's position waits on disk.
func (f *Feeder) fullCopy(d replication.Decision) (LogReader, error) {
	quiet := f.keepAlive(f.ctx)
	snapshot, err := f.source.Snapshot(f.ctx)
	if aliveErr := quiet(); err == nil && aliveErr != nil {
		err = aliveErr
		_ = snapshot.Body.Close() // the copy is given up, for the reason in err
	}
	if err != nil {
		// The connection may be the reason; then nobody hears this.
		_ = f.wire.write([]byte("-ERR the full copy cannot be made: " + err.Error() + "\r\n"))
		return nil, fmt.Errorf("the full copy cannot be made: %w", err)
	}
	reader, err := f.source.NewReader(snapshot.Offset)
	if err == nil {
		d.ID, d.Offset = snapshot.ID, snapshot.Offset
		if err = f.sendSnapshot(d, snapshot.Body); err != nil {
			reader.Close()
		}
	}
	if closeErr := snapshot.Body.Close(); err == nil && closeErr != nil {
		reader.Close()
		err = fmt.Errorf("the full copy broke off: %w", closeErr)
	}
	return reader, err
}

func (f *Feeder) sendSnapshot(d replication.Decision, body io.Reader) error {
	if !f.request.Sync {
		if err := f.wire.write([]byte(replication.PsyncLine(d) + "\r\n")); err != nil {
			return err
		}
	}
	f.setState(replication.FeedSendCopy)
	f.note(func(i *FeederInfo) { i.Sent = d.Offset })
	if err := f.sendCopy(f.ctx, body); err != nil {
		return err
	}
	if !f.facts.EOF || f.request.Sync || f.facts.RDBOnly {
		return nil
	}
	// Redis finds the mark only at the end of what it has read, so nothing may follow before it acknowledges.
	if err := f.expectAcks(); err != nil {
		return err
	}
	select {
	case <-f.firstAck:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// stream writes the log as it grows. Once the link has been ended nothing is written that came into the log later: a
// node that begins a new history ends its links first, so no byte of it goes out under the old name.
func (f *Feeder) stream(reader LogReader) error {
	buf := make([]byte, f.o.ChunkBytes)
	for {
		n, err := reader.Read(buf)
		if err != nil {
			return fmt.Errorf("the log cannot be fed any further: %w", err)
		}
		if n == 0 {
			if err := reader.Wait(f.ctx); err != nil {
				return err
			}
			continue
		}
		if f.ctx.Err() != nil {
			return context.Cause(f.ctx)
		}
		if err := f.wire.write(buf[:n]); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("the standby took nothing for %v", f.o.Timeout)
			}
			return err
		}
		f.note(func(i *FeederInfo) { i.Sent += int64(n) })
	}
}

// expectAcks begins to measure the standby's silence. One that came by SYNC never speaks.
func (f *Feeder) expectAcks() error {
	if f.request.Sync {
		return nil
	}
	f.mustSpeak.Store(true)
	return f.wire.conn.SetReadDeadline(time.Now().Add(f.o.Timeout))
}

// listen reads acknowledgements. Anything that arrives says that the standby is alive; empty lines say nothing else.
func (f *Feeder) listen() error {
	reader := resp.Reader{}
	var batch Batch
	for {
		if err := batch.cut(&reader, f.wire.pending()); err != nil {
			return err
		}
		for i := range batch.Len() {
			args, _ := batch.Command(i)
			if err := f.acknowledged(args); err != nil {
				return err
			}
		}
		f.wire.consume(len(batch.Raw))
		if err := f.wire.fill(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("the standby said nothing for %v", f.o.Timeout)
			}
			if errors.Is(err, io.EOF) {
				return errors.New("the standby closed the connection")
			}
			return err
		}
		if f.mustSpeak.Load() {
			if err := f.expectAcks(); err != nil {
				return err
			}
		}
	}
}

// acknowledged reads `REPLCONF ACK offset [FACK offset]`. What else a standby says has no meaning here.
func (f *Feeder) acknowledged(args [][]byte) error {
	if len(args) < 3 || !bytes.EqualFold(args[0], []byte("REPLCONF")) || !bytes.EqualFold(args[1], []byte("ACK")) {
		return nil
	}
	offset, err := strconv.ParseInt(string(args[2]), 10, 64)
	if err != nil || offset < 0 {
		return fmt.Errorf("the standby acknowledges %q", args[2])
	}
	synced := int64(-1)
	if len(args) >= 5 && bytes.EqualFold(args[3], []byte("FACK")) {
		if synced, err = strconv.ParseInt(string(args[4]), 10, 64); err != nil {
			return fmt.Errorf("the standby acknowledges %q on its disk", args[4])
		}
	}
	f.mu.Lock()
	first := f.info.Acked < 0
	f.info.Acked, f.info.Synced, f.info.LastAck = offset, synced, time.Now()
	f.mu.Unlock()
	if first {
		close(f.firstAck)
	}
	if f.o.OnAck == nil {
		return nil
	}
	return f.o.OnAck(f.o.Link, offset, synced)
}

func (f *Feeder) setState(state replication.FeedState) {
	f.note(func(i *FeederInfo) { i.State = state })
	if f.o.OnState != nil {
		f.o.OnState(f.o.Link, state)
	}
}

func (f *Feeder) noteDecision(d replication.Decision) {
	f.note(func(i *FeederInfo) { i.Decision, i.Sent = d.String(), d.Offset })
}

func (f *Feeder) note(change func(*FeederInfo)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.info)
}
