package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// bar is the longest that one command may take.
const bar = 2 * time.Millisecond

func main() { rig.Main(program()) }

// options are the flags.
type options struct {
	keys    int
	runs    int
	longest int
	server  bool
}

func program() rig.Program {
	var o options
	return rig.Program{
		Name: "growth",
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&o.keys, "n", 10_000_000, "keys")
			f.IntVar(&o.runs, "runs", 2, "runs in this process")
			f.IntVar(&o.longest, "longest", 0, "list so many of the slowest commands in this process")
			f.BoolVar(&o.server, "server", true, "measure the servers too")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, o) },
	}
}

// times are the mean, the p99.99 and the longest of a command's durations.
type times struct{ mean, p9999, max time.Duration }

func (t times) String() string {
	if t == (times{}) {
		return ""
	}
	return fmt.Sprintf("%.1f / %.0f / %.0f µs", micros(t.mean), micros(t.p9999), micros(t.max))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func timesOf(l *rig.Latencies) times { return times{l.Mean(), l.P9999(), l.Max} }

func run(b *rig.Bench, o options) (*rig.Table, error) {
	table := &rig.Table{Title: "No stop while the index grows", Notes: []string{
		fmt.Sprintf("SET of new keys, 0 to %d; mean / p99.99 / longest time of one command; the figure is the longest", o.keys),
	}}
	if o.server {
		var found [2]times
		for _, side := range rig.Sides() {
			b.Say("filling %s", side)
			var err error
			if found[side], err = inServer(b, side, o.keys); err != nil {
				return nil, fmt.Errorf("%s: %w", side, err)
			}
		}
		table.Add(row("in the server, wall clock", found[rig.Redis], found[rig.Tandem]))
	}
	b.Say("filling a keyspace in this process")
	own := inProcess(b, o)
	table.Add(row("in process, wall clock", times{}, own.wall))
	table.Add(row("in process, CPU of the thread", times{}, own.cpu))
	table.Add(row(fmt.Sprintf("in process, CPU, least of %d runs", o.runs), times{}, own.least))
	return table, nil
}

func row(what string, redis, tandem times) rig.Row {
	r := rig.Row{What: what, Redis: redis.String(), Tandem: tandem.String()}
	return r.AtMost(micros(tandem.max)/1000, micros(bar)/1000, " ms")
}

// inServer fills a server in pipelines and asks it how long its commands took.
func inServer(b *rig.Bench, side rig.Side, keys int) (found times, err error) {
	s, err := b.Start(side, rig.InMemory()...)
	if err != nil {
		return times{}, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c, err := s.Dial()
	if err != nil {
		return times{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	section, field, longest := "owner", "owner_command_usec", "max"
	if side == rig.Redis {
		section, field, longest = "latencystats", "latency_percentiles_usec_set", "p100"
		if _, err := c.Do("CONFIG", "SET", "latency-tracking-info-percentiles", "99.99 100"); err != nil {
			return times{}, err
		}
	}
	if _, err := c.Do("CONFIG", "RESETSTAT"); err != nil {
		return times{}, err
	}
	if err := c.Fill(0, keys, func(c *rig.Client, i int) { c.Add("SET", rig.Key(i), rig.Value(i)) }); err != nil {
		return times{}, err
	}
	for _, part := range []struct {
		section, field, name string
		into                 *time.Duration
	}{
		{"commandstats", "cmdstat_set", "usec_per_call", &found.mean},
		{section, field, "p99.99", &found.p9999},
		{section, field, longest, &found.max},
	} {
		figure, err := c.Figure(part.section, part.field, part.name)
		if err != nil {
			return times{}, err
		}
		*part.into = time.Duration(figure * float64(time.Microsecond))
	}
	return found, nil
}
