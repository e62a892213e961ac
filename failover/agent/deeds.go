package agent

import (
	"errors"
	"fmt"
	"net"

	"github.com/tandemkv/tandem/failover"
)

// do carries out one action of the core.
func (a *Agent) do(action failover.Action) error {
	switch d := action.(type) {
	case failover.Persist:
		return a.ballot.write(d.Ballot)
	case failover.Send:
		if a.net != nil {
			a.net.send(d.To, d.Message)
		}
	case failover.SealLog:
		return a.node.SealLog()
	case failover.BecomeMaster:
		a.following = followed{}
		a.opts.Log(Notice, fmt.Sprintf("MASTER with epoch %d: %s", d.Epoch, d.Reason))
		if err := a.node.BecomeMaster(d.Epoch, a.at(d.LeaseUntilTick), d.Reason); err != nil {
			return fmt.Errorf("beginning the reign %d: %w", d.Epoch, err)
		}
	case failover.Follow:
		return a.follow(d)
	case failover.Fence:
		a.opts.Log(Warning, "FENCED, writes are refused: "+d.Reason)
		a.node.Fence(d.Reason)
	case failover.Unfence:
		a.opts.Log(Notice, "writes are accepted again: "+d.Reason)
		a.node.Unfence(a.at(d.LeaseUntilTick), d.Reason)
	case failover.ExtendLease:
		a.node.ExtendLease(a.at(d.UntilTick))
	case failover.HoldWrites:
		a.opts.Log(Notice, d.Reason+": writes are held")
		a.node.HoldWrites(d.To, d.Reason, a.drained)
	case failover.ReleaseWrites:
		a.node.ReleaseWrites(d.Reason)
	case failover.CommitSet:
		a.node.CommitSet(d.Number, d.Record.Set)
	case failover.SwitchoverEnded:
		a.switchoverEnded(d)
	case failover.Report:
		a.opts.Log(Notice, d.Text)
	default:
		return fmt.Errorf("the core wants %T, which this agent does not know", action)
	}
	return nil
}

// drained may be called from any goroutine, also within HoldWrites: the loop is not waited for.
func (a *Agent) drained(offset int64) {
	go a.order(failover.Drained{Offset: offset})
}

func (a *Agent) follow(d failover.Follow) error {
	a.following = followed{master: a.book.find(d.Master), epoch: d.Epoch, reason: d.Reason}
	if !a.opts.isWitness() {
		a.opts.Log(Notice, fmt.Sprintf("STANDBY of %s with epoch %d: %s", d.Master, d.Epoch, d.Reason))
	}
	return a.tellFollow()
}

func (a *Agent) tellFollow() error {
	f := a.following
	if err := a.node.Follow(f.master, f.epoch, f.reason); err != nil {
		return fmt.Errorf("following %s: %w", f.master.ID, err)
	}
	return nil
}

// readdress follows the master to its new address.
func (a *Agent) readdress() error {
	f := &a.following
	if f.master.ID == "" {
		return nil
	}
	now := a.book.find(f.master.ID)
	if now == f.master {
		return nil
	}
	moved := now.Addr != f.master.Addr
	f.master = now
	if !moved {
		return nil
	}
	f.reason = "the master's address is now " + now.Addr
	return a.tellFollow()
}

func (a *Agent) obey(o order) error {
	if o.answer != nil {
		if a.waiter != nil {
			o.answer <- switchoverResult{err: errors.New("a switchover is under way")}
			return nil
		}
		a.waiter = o.answer
	}
	return a.step(o.event)
}

func (a *Agent) switchoverEnded(d failover.SwitchoverEnded) {
	a.opts.Log(Notice, d.String())
	if a.waiter == nil {
		return
	}
	r := switchoverResult{to: d.To}
	if !d.OK {
		r.err = errors.New(d.Reason)
	}
	a.waiter <- r
	a.waiter = nil
}

func (a *Agent) rivals() <-chan net.Addr {
	if a.net == nil {
		return nil
	}
	return a.net.rival
}

// meet is for a node of the same id that is met after the start: who has never reached a quorum yields.
func (a *Agent) meet(rival net.Addr) {
	if a.reached {
		return
	}
	a.probes.Add(1)
	go func() {
		defer a.probes.Done()
		if !a.net.rivalAnswers(rival) {
			return
		}
		select {
		case a.cause <- fmt.Errorf("%w: %q runs at %s", ErrSameID, a.opts.ID, rival):
		default:
		}
	}()
}
