package main

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

const (
	bar   = 1.5
	times = 10 // so many times as many keys
)

func main() { rig.Main(program()) }

// options are the flags.
type options struct {
	keys, requests int
	server         bool
}

func program() rig.Program {
	var o options
	return rig.Program{
		Name: "scale",
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&o.keys, "n", 1_000_000, "keys of the smaller size; the larger is ten times that")
			f.IntVar(&o.requests, "requests", 2_000_000, "commands of each measurement")
			f.BoolVar(&o.server, "server", true, "measure the servers too")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, o) },
	}
}

// operations are what is measured.
func operations() []string { return []string{"get", "set"} }

// costs are the CPU times of each operation with the smaller and with the larger number of keys.
type costs map[string][2]time.Duration

func (c costs) factor(operation string) float64 {
	return float64(c[operation][1]) / float64(max(c[operation][0], 1))
}

func (c costs) String(operation string) string {
	pair := c[operation]
	return fmt.Sprintf("%.2f → %.2f µs, %.2f ×", pair[0].Seconds()*1e6, pair[1].Seconds()*1e6, c.factor(operation))
}

func run(b *rig.Bench, o options) (*rig.Table, error) {
	table := &rig.Table{Title: "Time per operation, few and many keys", Notes: []string{
		fmt.Sprintf("CPU time of one command on random existing keys: %d keys → %d keys, %d commands each", o.keys, times*o.keys, o.requests),
	}}
	if o.server {
		if err := inServers(b, o, table); err != nil {
			return nil, err
		}
	}
	b.Say("in this process")
	own := inProcess(o)
	for _, operation := range operations() {
		table.Add(rig.Row{What: operation + ", in process", Tandem: own.String(operation)}.AtMost(own.factor(operation), bar, " ×"))
	}
	return table, nil
}

func inServers(b *rig.Bench, o options, table *rig.Table) error {
	var found [2]costs
	for _, side := range rig.Sides() {
		var err error
		if found[side], err = inServer(b, side, o); err != nil {
			return fmt.Errorf("%s: %w", side, err)
		}
	}
	for _, operation := range operations() {
		redis, tandem := found[rig.Redis], found[rig.Tandem]
		table.Add(rig.Row{
			What: operation + ", CPU of the server", Redis: redis.String(operation), Tandem: tandem.String(operation),
		}.AtMost(tandem.factor(operation), bar, " ×"))
	}
	return nil
}

func inServer(b *rig.Bench, side rig.Side, o options) (found costs, err error) {
	s, err := b.Start(side, rig.InMemory()...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	found = costs{}
	filled := 0
	for i, keys := range []int{o.keys, times * o.keys} {
		b.Say("%s: %d keys", side, keys)
		if err := c.Fill(filled, keys, func(c *rig.Client, i int) { c.Add("SET", rig.Key(i), rig.Value(i)) }); err != nil {
			return nil, err
		}
		filled = keys
		for _, operation := range operations() {
			one, err := cpuOf(s, operation, keys, o.requests)
			if err != nil {
				return nil, err
			}
			pair := found[operation]
			pair[i] = one
			found[operation] = pair
		}
	}
	return found, nil
}

// cpuOf has redis-benchmark run an operation on random keys.
func cpuOf(s *rig.Server, operation string, keys, requests int) (time.Duration, error) {
	before, err := s.CPU()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command("redis-benchmark", "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "--csv", "-t", operation,
		"-n", strconv.Itoa(requests), "-r", strconv.Itoa(keys), "-c", "16", "-P", "16")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w: %s", err, out)
	}
	after, err := s.CPU()
	return (after - before) / time.Duration(requests), err
}
