package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemkv/tandem/failover"
)

const (
	ordersMax    = 64
	startTimeout = 2 * time.Second
)

// Agent drives one voter. Its fields belong to the loop, except where they say otherwise.
type Agent struct {
	opts   Options
	node   Node
	core   *failover.Node
	ballot *ballotFile
	say    *sayer
	book   *addressBook // locks itself
	net    *network     // nil if there are no peers
	began  time.Time

	following followed
	reached   bool // a quorum was heard at some time
	waiter    chan<- switchoverResult

	inbox  chan failover.Message // messages; full: they are lost, as the network may lose them
	orders chan order

	view atomic.Pointer[view] // what others may see; written by the loop

	stop     chan struct{} // closed once, to end the loop
	stopOnce sync.Once
	graceful atomic.Bool
	loopDone chan struct{}
	failure  error // why the loop ended by itself; read after loopDone
	cause    chan error
	closing  sync.Once
	closeErr error
	probes   sync.WaitGroup
}

// order is an event from within the process.
type order struct {
	event  failover.Event
	answer chan<- switchoverResult // of a SwitchoverWanted
}

type switchoverResult struct {
	to  string
	err error
}

// followed is the last Follow, repeated when the master's address becomes known.
type followed struct {
	master Voter
	epoch  uint64
	reason string
}

// Start reads the ballot, listens, looks for a node of the same id, and then takes part in the pair.
func Start(opts Options, node Node) (*Agent, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	ballot, err := openBallot(opts.Dir)
	if err != nil {
		return nil, err
	}
	a, err := start(opts, node, ballot)
	if err != nil {
		return nil, errors.Join(err, ballot.close())
	}
	return a, nil
}

func start(opts Options, node Node, file *ballotFile) (*Agent, error) {
	memory, err := file.read()
	if err != nil {
		return nil, err
	}
	a := &Agent{opts: opts, node: node, ballot: file, say: &sayer{log: opts.Log}, book: newAddressBook(opts.own()),
		began: time.Now(), inbox: make(chan failover.Message, inboxMax), orders: make(chan order, ordersMax),
		stop: make(chan struct{}), loopDone: make(chan struct{}), cause: make(chan error, 1)}
	if a.core, err = failover.New(opts.config(), memory); err != nil {
		return nil, err
	}
	a.view.Store(&view{status: a.core.Status(), at: time.Now(), changed: make(chan struct{})})
	if len(opts.others()) > 0 {
		if err := a.openNetwork(); err != nil {
			return nil, err
		}
	}
	go a.loop()
	return a, nil
}

// openNetwork returns when every peer has been tried, and none knew another running node of this id.
func (a *Agent) openNetwork() (err error) {
	if a.net, err = openNetwork(a.opts, a.say, a.book, a.receive); err != nil {
		return err
	}
	own, err := a.opts.voter(a.net.list.LocalNode()) // as the others see it
	if err != nil {
		return errors.Join(err, a.net.close(false))
	}
	a.book.set(own)
	select {
	case <-a.net.run():
	case <-time.After(startTimeout): // a name server that does not answer must not keep the node down
	}
	select {
	case rival := <-a.net.rival:
		if a.net.rivalAnswers(rival) {
			err := fmt.Errorf("%w: %q runs at %s; this node does not start", ErrSameID, a.opts.ID, rival)
			return errors.Join(err, a.net.close(false))
		}
	default:
	}
	for _, p := range a.opts.others() {
		d := &goneDetector{peer: p.ID, done: a.net.done, dial: a.net.transport.dialProbe, stands: a.book.probe,
			address:     func(id string) string { return a.book.find(id).Gossip },
			incarnation: a.incarnationOf,
			report:      func(e failover.PeerGone) { a.order(e) }}
		a.probes.Add(1)
		go func() {
			defer a.probes.Done()
			d.run()
		}()
	}
	return nil
}

// receive is called by memberlist and may not wait.
func (a *Agent) receive(m failover.Message) {
	select {
	case a.inbox <- m:
	default:
		a.say.once(Debug, "inbox", "messages of peers are lost: the agent does not keep up")
	}
}

// order hands an event to the loop; false if the agent has ended.
func (a *Agent) order(e failover.Event) bool { return a.submit(order{event: e}) }

func (a *Agent) submit(o order) bool {
	select {
	case a.orders <- o:
		return true
	case <-a.loopDone:
		return false
	}
}

func (a *Agent) loop() {
	defer close(a.loopDone)
	ticker := time.NewTicker(a.opts.Tick)
	defer ticker.Stop()
	err := a.step(failover.Tick{})
	for err == nil {
		a.publish()
		select {
		case <-ticker.C:
			err = a.step(failover.Tick{})
		case m := <-a.inbox:
			err = a.step(failover.Receive{Message: m})
		case o := <-a.orders:
			err = a.obey(o)
		case <-a.book.changed:
			err = a.readdress()
		case rival := <-a.rivals():
			a.meet(rival)
		case err = <-a.cause:
		case <-a.stop:
			if a.graceful.Load() {
				err = a.step(failover.Leave{})
			}
			a.end(err)
			return
		}
	}
	a.end(err)
}

// end is the last thing the loop does. After a failure the node may do nothing any more on its own.
func (a *Agent) end(err error) {
	if err != nil {
		a.failure = err
		a.node.Fence("the failover agent has failed: " + err.Error())
		a.opts.Log(Warning, "the failover agent ends, and this node with it: "+err.Error())
	}
	if a.waiter != nil {
		a.waiter <- switchoverResult{err: errEnded}
		a.waiter = nil
	}
	a.publish()
}

func (a *Agent) tick() int64 { return int64(time.Since(a.began) / a.opts.Tick) }

// at is the moment of a tick. Forever is far enough away for any process.
func (a *Agent) at(tick int64) time.Time {
	const years = 100 * 365 * 24 * time.Hour
	if tick > int64(years/a.opts.Tick) {
		return a.began.Add(years)
	}
	return a.began.Add(time.Duration(tick) * a.opts.Tick)
}

// step gives the core one event and does what it answers.
func (a *Agent) step(e failover.Event) error {
	position := a.node.Position()
	for _, action := range a.core.Step(failover.Moment{Tick: a.tick(), Position: position}, e) {
		if err := a.do(action); err != nil {
			return err
		}
	}
	return nil
}

// Done is closed when the agent has ended, by Close, by Kill or by a failure.
func (a *Agent) Done() <-chan struct{} { return a.loopDone }

// Err is why the agent ended by itself, nil otherwise. It is meant for after Done.
func (a *Agent) Err() error {
	select {
	case <-a.loopDone:
		return a.failure
	default:
		return nil
	}
}

// Close fences the node, says goodbye to the others, and ends the agent.
func (a *Agent) Close() error {
	a.graceful.Store(true)
	return a.shut(true)
}

// Kill ends the agent without a word, as a crash of the process would. For tests.
func (a *Agent) Kill() error { return a.shut(false) }

func (a *Agent) shut(graceful bool) error {
	a.stopOnce.Do(func() { close(a.stop) })
	<-a.loopDone
	a.closing.Do(func() {
		if a.net != nil {
			a.closeErr = a.net.close(graceful)
		}
		a.probes.Wait()
		a.closeErr = errors.Join(a.closeErr, a.ballot.close())
	})
	return a.closeErr
}

var errEnded = errors.New("the failover agent has ended")

// Switchover hands the reign over to the standby to, or to the best one if to is empty, and returns when that is done
// or undone. Only the master can do it. If ctx ends the switchover goes on, unobserved.
func (a *Agent) Switchover(ctx context.Context, to string) (master string, err error) {
	answer := make(chan switchoverResult, 1)
	if !a.submit(order{event: failover.SwitchoverWanted{To: to}, answer: answer}) {
		return "", errEnded
	}
	select {
	case r := <-answer:
		return r.to, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	case <-a.loopDone:
		return "", errEnded
	}
}

// Takeover orders this node to become master although it may lack acknowledged writes.
func (a *Agent) Takeover() { a.order(failover.TakeoverWanted{}) }

// WantInSync hands in the in-sync set that the master's replication wants; see failover.InSyncWanted.
func (a *Agent) WantInSync(number uint64, set []string) {
	a.order(failover.InSyncWanted{Number: number, Set: set})
}

// SetSyncDurability follows `durability standby`.
func (a *Agent) SetSyncDurability(on bool) { a.order(failover.SyncDurabilityChanged{On: on}) }

// SetHealth says whether the node can still do its work.
func (a *Agent) SetHealth(healthy bool, reason string) {
	a.order(failover.HealthChanged{Healthy: healthy, Reason: reason})
}
