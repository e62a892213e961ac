package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// bar is how much of Redis' bytes an item may take.
const bar = 0.6

func main() { rig.Main(program()) }

func program() rig.Program {
	var n int
	var only string
	return rig.Program{
		Name: "memory",
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&n, "n", 1_000_000, "items of the small shapes, fields and members; collections are a quarter of it")
			f.StringVar(&only, "t", "", "measure the shapes whose name contains this")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, n, only) },
	}
}

func run(b *rig.Bench, n int, only string) (*rig.Table, error) {
	table := &rig.Table{Title: "Bytes per item", Notes: []string{
		fmt.Sprintf("growth of resident memory over growth of items, from a tenth to all of %d (%d collections); both without persistence", n, n/4),
	}}
	for _, of := range shapes() {
		if !strings.Contains(of.name, only) {
			continue
		}
		var bytes [2]float64
		for _, side := range rig.Sides() {
			b.Say("%s: %s", of.name, side)
			var err error
			if bytes[side], err = measure(b, side, of, n/of.share); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", side, of.name, err)
			}
		}
		row := rig.Row{What: of.name, Redis: fmt.Sprintf("%.1f B", bytes[rig.Redis]), Tandem: fmt.Sprintf("%.1f B", bytes[rig.Tandem])}
		b.Add(table, row.AtMost(bytes[rig.Tandem]/bytes[rig.Redis], bar, " ×"))
	}
	return table, nil
}

// measure gives the bytes of one of n items.
func measure(b *rig.Bench, side rig.Side, of shape, n int) (bytes float64, err error) {
	s, err := b.Start(side, rig.InMemory()...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c, err := s.Dial()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	add := func(c *rig.Client, i int) { c.Add(of.command(i)...) }
	var resident [2]float64
	warm := n / 10
	for i, part := range [][2]int{{0, warm}, {warm, n}} {
		if err := c.Fill(part[0], part[1], add); err != nil {
			return 0, err
		}
		if resident[i], err = s.SettledResident(); err != nil {
			return 0, err
		}
	}
	return (resident[1] - resident[0]) / float64(n-warm), nil
}
