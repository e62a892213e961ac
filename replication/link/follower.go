package link

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// Sink is what a Follower needs of the node that takes the data.
type Sink interface {
	// Standing is what the node has. Any goroutine may call it.
	Standing() replication.Standing
	// Acked is what may be acknowledged: the offset up to which the data are applied (or on disk, if the node promises
	// that), and the offset on disk, -1 if it has none. Any goroutine may call it.
	Acked() (offset, synced int64)
	// AckChanged gives a signal when Acked has moved without Apply (a sync has finished). It may be nil.
	AckChanged() <-chan struct{}

	// Rewind cuts data and log back to offset, after the rest was kept in a rescue file.
	Rewind(ctx context.Context, offset int64, reason string) error
	// Continue takes over the history; the stream goes on from the own end.
	Continue(history replication.History) error
	// BeginFullCopy prepares to take a copy as of offset. On Commit the node's history, data and log end are those of the copy.
	BeginFullCopy(offset int64, history replication.History, reason string) (FullCopy, error)
	// Apply appends the batch to the log and applies it to the data. An error says that this copy can no longer follow.
	Apply(b *Batch) error
}

// FollowerOptions say whom to follow and how.
type FollowerOptions struct {
	Address      string // host:port; the name is resolved at each dial
	NodeID       string
	Standby      replication.StandbyConfig
	Tick         time.Duration // of the core's clock
	DialTimeout  time.Duration
	WriteTimeout time.Duration
	KeepAlive    time.Duration // between empty lines to the master while a copy is taken
	// Dial opens a connection; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// OnChange hears of each change of state; it must be quick. May be nil.
	OnChange func(FollowerStatus)
}

// DefaultFollowerOptions go with replication.DefaultStandbyConfig.
func DefaultFollowerOptions(address string) FollowerOptions {
	return FollowerOptions{Address: address, Standby: replication.DefaultStandbyConfig(), Tick: 10 * time.Millisecond,
		DialTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, KeepAlive: time.Second}
}

// FollowerStatus is a snapshot for INFO and logs.
type FollowerStatus struct {
	replication.StandbyStatus
	Address      string
	Acked        int64 // the offset that was acknowledged last
	CopyReceived int64 // of the full copy that is under way
	CopyTotal    int64 // -1: unknown
}

// Follower keeps the link to one master. To follow another, end it and make a new one.
type Follower struct {
	sink  Sink
	o     FollowerOptions
	core  *replication.Standby
	begun time.Time
	hand  *hand // nil without a connection
	copy  copyProgress
	out   []byte // scratch for what is written

	own       replication.Standing // as of the last event that can lead to a decision
	ticker    *time.Ticker
	keepAlive time.Time // of the last empty line

	mu     sync.Mutex
	status FollowerStatus
}

// NewFollower makes a link that Run brings up.
func NewFollower(sink Sink, o FollowerOptions) *Follower {
	f := &Follower{sink: sink, o: o, core: replication.NewStandby(o.Standby)}
	if o.Dial == nil {
		f.o.Dial = dialTCP
	}
	f.status = FollowerStatus{StandbyStatus: f.core.Status(), Address: o.Address}
	return f
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// Status is a snapshot.
func (f *Follower) Status() FollowerStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.CopyReceived, s.CopyTotal = f.copy.received.Load(), f.copy.total.Load()
	return s
}

// slowTicks is how seldom the clock ticks while the link is up and only acknowledgements and silence depend on it.
const slowTicks = 10

// Run keeps the link until the context ends, then gives the connection up and returns the context's error.
func (f *Follower) Run(ctx context.Context) error {
	f.begun = time.Now()
	f.ticker = time.NewTicker(f.o.Tick)
	defer f.ticker.Stop()
	defer f.drop()
	f.step(ctx, replication.EventTick{})
	for {
		var events <-chan replication.LinkEvent
		var applied, asked <-chan struct{}
		if f.hand != nil {
			events, applied, asked = f.hand.events, f.hand.applied, f.hand.asked
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ticker.C:
			f.tick(ctx)
		case e := <-events:
			f.step(ctx, e)
		case <-applied:
			f.act(ctx, replication.EventApplied{})
		case <-asked:
			f.acknowledge()
		case <-f.sink.AckChanged():
			if f.core.Status().Up {
				f.acknowledge()
			}
		}
	}
}

// tick lets the core see the time, after what was heard since the last tick. Work of our own is not the master's silence.
func (f *Follower) tick(ctx context.Context) {
	if h := f.hand; h != nil {
		busy := h.busy.Load()
		if h.heard.Swap(false) || busy {
			f.step(ctx, replication.EventReceived{})
		}
		f.maybeKeepAlive(busy)
	}
	f.step(ctx, replication.EventTick{})
}

// maybeKeepAlive tells the master that we are alive while we cannot acknowledge.
func (f *Follower) maybeKeepAlive(busy bool) {
	state := f.core.Status().State
	if state != replication.LinkSync && !(busy && state == replication.LinkConnected) {
		return
	}
	if now := time.Now(); now.Sub(f.keepAlive) >= f.o.KeepAlive {
		f.keepAlive = now
		f.write([]byte("\n"))
	}
}

func (f *Follower) step(ctx context.Context, e replication.LinkEvent) {
	before := f.core.Status().State
	f.act(ctx, e)
	status := f.core.Status()
	f.mu.Lock()
	f.status.StandbyStatus = status
	f.mu.Unlock()
	if status.State == before {
		return
	}
	if status.Up {
		f.ticker.Reset(slowTicks * f.o.Tick)
	} else {
		f.ticker.Reset(f.o.Tick)
	}
	if f.o.OnChange != nil {
		f.o.OnChange(f.Status())
	}
}

// act lets the core answer an event, and does what it says.
func (f *Follower) act(ctx context.Context, e replication.LinkEvent) {
	switch e.(type) {
	case replication.EventTick, replication.EventReceived, replication.EventApplied:
		// These come all the time and decide nothing; to ask the sink may mean to wait for its owner.
	default:
		f.own = f.sink.Standing()
	}
	now := replication.Now{Tick: int64(time.Since(f.begun) / f.o.Tick), Own: f.own}
	for _, action := range f.core.Step(now, e) {
		f.do(ctx, action)
	}
}

func (f *Follower) do(ctx context.Context, action replication.LinkAction) {
	switch a := action.(type) {
	case replication.DoDial:
		f.drop()
		f.hand = newHand(ctx, f)
	case replication.DoClose:
		f.drop()
	case replication.DoAck:
		f.acknowledge()
	case replication.DoSend:
		args := a.Args
		if len(args) == 2 && args[1] == replication.HistoryCommand && f.o.NodeID != "" {
			args = append(args[:2:2], f.o.NodeID)
		}
		f.out = resp.AppendCommandStrings(f.out[:0], args...)
		f.write(f.out)
		f.order(readReply{})
	default: // DoRewind, DoContinue, DoFullCopy
		f.order(a)
	}
}

// order gives the hand its next job. It waits for one whenever the core answers, so there is room.
func (f *Follower) order(job any) {
	if f.hand != nil {
		f.hand.orders <- job
	}
}

func (f *Follower) acknowledge() {
	offset, synced := f.sink.Acked()
	f.mu.Lock()
	f.status.Acked = offset
	f.mu.Unlock()
	f.out = appendAck(f.out[:0], offset, synced)
	f.write(f.out)
}

func appendAck(b []byte, offset, synced int64) []byte {
	ack := strconv.FormatInt(offset, 10)
	if synced < 0 {
		return resp.AppendCommandStrings(b, "REPLCONF", "ACK", ack)
	}
	return resp.AppendCommandStrings(b, "REPLCONF", "ACK", ack, "FACK", strconv.FormatInt(synced, 10))
}

// write sends what is not urgent enough to wait for: a failure ends the connection, and the hand, which reads from it,
// reports that.
func (f *Follower) write(p []byte) {
	if f.hand == nil || f.hand.wire == nil {
		return
	}
	if err := f.hand.wire.write(p); err != nil {
		f.hand.giveUp(errors.New("writing to the master: " + err.Error()))
	}
}

// drop ends the connection and waits until its hand is off the sink.
func (f *Follower) drop() {
	if f.hand == nil {
		return
	}
	f.hand.cancel()
	<-f.hand.done
	f.hand = nil
}
