package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// How long the nodes are asked for the outcome of a switchover.
const (
	outcomeLooks = 40
	outcomePause = 50 * time.Millisecond
)

func runSwitchover(ctx context.Context, s streams, args []string) error {
	var a access
	f := newFlags(s, "switchover", "[--addr host:port]... [--to id] [--timeout 15s]")
	a.flags(f)
	to := f.String("to", "", "id of the standby that is to reign; empty: the best one")
	timeout := f.Duration("timeout", 15*time.Second, "how long to wait for the outcome")
	if err := errors.Join(parse(f, args), a.complete(s)); err != nil {
		return err
	}
	v, err := a.look(ctx)
	if err != nil {
		return err
	}
	if v.Master == "" {
		return errors.New("there is no master that could hand over; see `tandem status`")
	}
	if *to == v.Master {
		fmt.Fprintf(s.out, "%s is the master already\n", *to)
		return nil
	}
	return a.switchover(ctx, s, v, *to, *timeout)
}

func (a *access) switchover(ctx context.Context, s streams, v view, to string, timeout time.Duration) error {
	addr := addrOf(v, v.Master)
	c, err := a.dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	words := []string{"TANDEM", "SWITCHOVER"}
	if to != "" {
		words = append(words, "TO", to)
	}
	began := time.Now()
	_, err = c.do(timeout, words...)
	took := time.Since(began).Round(time.Millisecond)
	if err == nil {
		text, _ := a.outcome(ctx, v.Master)
		fmt.Fprintf(s.out, "done in %s: %s\n", took, text)
		return nil
	}
	var reply errReply
	if errors.As(err, &reply) && strings.HasPrefix(string(reply), "ERR ") {
		return fmt.Errorf("not done, %s stays master: %s", v.Master, reply)
	}
	// The old master lets go of its clients, this one included: the nodes know the outcome.
	if text, done := a.outcome(ctx, v.Master); done {
		fmt.Fprintf(s.out, "done in %s: %s\n", time.Since(began).Round(time.Millisecond), text)
		return nil
	}
	return fmt.Errorf("not done, as it seems: %w; see `tandem status`", err)
}

// outcome names the new master. It may take a moment until the nodes say so.
func (a *access) outcome(ctx context.Context, was string) (text string, done bool) {
	for range outcomeLooks {
		if now, err := a.look(ctx); err == nil && now.Master != "" && now.Master != was {
			return fmt.Sprintf("%s is the master now (epoch %d)", now.Master, now.Epoch), true
		}
		select {
		case <-ctx.Done():
			return was + " has handed over", false
		case <-time.After(outcomePause):
		}
	}
	return was + " has handed over", false
}

func addrOf(v view, id string) string {
	for _, one := range v.Answers {
		if one.Report != nil && one.Report.Node == id {
			return one.Addr
		}
	}
	return ""
}
