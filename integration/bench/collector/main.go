package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

const (
	markBar  = 3.0 // percent of the process' CPU time
	pauseBar = 1.0 // ms
	loaders  = 4   // connections that SET
	batch    = 16  // commands that each sends at once
)

func main() { rig.Main(program()) }

// options are the flags.
type options struct {
	keys int
	load time.Duration
}

func program() rig.Program {
	var o options
	return rig.Program{
		Name: "collector",
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&o.keys, "n", 10_000_000, "keys")
			f.DurationVar(&o.load, "load", 20*time.Second, "how long clients SET")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, o) },
	}
}

func run(b *rig.Bench, o options) (*rig.Table, error) {
	table := &rig.Table{Title: "Garbage collection", Notes: []string{
		fmt.Sprintf("%d keys, %s of SET of random ones over %d connections, %d at once", o.keys, o.load, loaders, batch),
	}}
	for _, setting := range []struct {
		name string
		args []string
	}{
		{"without persistence", rig.InMemory()},
		{"with the log", []string{"--appendonly", "yes", "--appendfsync", "everysec", "--save", ""}},
	} {
		b.Say("tandem-server %s", setting.name)
		found, err := measure(b, o, setting.args)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting.name, err)
		}
		table.Add(rig.Row{
			What:   "marking, " + setting.name,
			Tandem: fmt.Sprintf("%.0f of %.0f ms CPU, %.0f cycles", found.mark*1000, found.process*1000, found.cycles),
		}.AtMost(100*found.mark/found.process, markBar, " %"))
		table.Add(rig.Row{
			What:   "longest pause, " + setting.name,
			Tandem: fmt.Sprintf("p50 %.0f, max %.0f µs", found.pauseP50, found.pauseMax),
		}.AtMost(found.pauseMax/1000, pauseBar, " ms"))
	}
	return table, nil
}

// figures are of the process since its start, those of pauses since CONFIG RESETSTAT. CPU times are in seconds, pauses in
// microseconds.
type figures struct{ cycles, mark, process, pauseP50, pauseMax float64 }

// measure gives what the time of the load added.
func measure(b *rig.Bench, o options, args []string) (found figures, err error) {
	s, err := b.Start(rig.Tandem, args...)
	if err != nil {
		return figures{}, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c, err := s.Dial()
	if err != nil {
		return figures{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Fill(0, o.keys, func(c *rig.Client, i int) { c.Add("SET", rig.Key(i), rig.Value(i)) }); err != nil {
		return figures{}, err
	}
	if _, err := c.Do("CONFIG", "RESETSTAT"); err != nil {
		return figures{}, err
	}
	before, err := read(c)
	if err != nil {
		return figures{}, err
	}
	if err := load(s, o); err != nil {
		return figures{}, err
	}
	after, err := read(c)
	if err != nil {
		return figures{}, err
	}
	after.cycles -= before.cycles
	after.mark -= before.mark
	after.process -= before.process
	return after, nil
}

func read(c *rig.Client) (f figures, err error) {
	var user, system float64
	for _, one := range []struct {
		section, field, part string
		into                 *float64
	}{
		{"collector", "collector_cycles", "", &f.cycles},
		{"collector", "collector_mark_cpu_seconds", "", &f.mark},
		{"collector", "collector_pause_usec", "p50", &f.pauseP50},
		{"collector", "collector_pause_usec", "max", &f.pauseMax},
		{"cpu", "used_cpu_user", "", &user},
		{"cpu", "used_cpu_sys", "", &system},
	} {
		if *one.into, err = c.Figure(one.section, one.field, one.part); err != nil {
			return figures{}, err
		}
	}
	f.process = user + system
	return f, nil
}

// load sets random keys over several connections until the time is over.
func load(s *rig.Server, o options) error {
	until := time.Now().Add(o.load)
	done := make(chan error)
	for n := range loaders {
		go func() { done <- loader(s, o.keys, until, rand.New(rand.NewPCG(1, uint64(n)))) }()
	}
	var err error
	for range loaders {
		err = errors.Join(err, <-done)
	}
	return err
}

func loader(s *rig.Server, keys int, until time.Time, r *rand.Rand) (err error) {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for time.Now().Before(until) {
		for range batch {
			c.Add("SET", rig.Key(r.IntN(keys)), rig.Value(r.IntN(keys)))
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
	return nil
}
