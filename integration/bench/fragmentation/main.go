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
	bar       = 1.4
	keptShare = 0.25
	lookEvery = 2000 // keys between two looks at the memory
	valueMin  = 8    // bytes
	valueMax  = 1000
)

func main() { rig.Main(program()) }

// options are the flags.
type options struct {
	bytes float64
	wait  time.Duration
}

func program() rig.Program {
	var o options
	return rig.Program{
		Name: "fragmentation",
		Flags: func(f *flag.FlagSet) {
			f.Float64Var(&o.bytes, "bytes", 1<<30, "growth of resident memory to fill up to")
			f.DurationVar(&o.wait, "wait", time.Minute, "time for housekeeping after the deletions")
		},
		Run: func(b *rig.Bench) (*rig.Table, error) { return run(b, o) },
	}
}

func run(b *rig.Bench, o options) (*rig.Table, error) {
	table := &rig.Table{Title: "Fragmentation", Notes: []string{
		fmt.Sprintf("filled by %.0f MB with values of %d to %d B, %.0f %% deleted at random, %s of housekeeping; resident memory over the live data's share",
			o.bytes/(1<<20), valueMin, valueMax, 100*(1-keptShare), o.wait),
	}}
	var found [2]outcome
	for _, side := range rig.Sides() {
		b.Say("%s", side)
		var err error
		if found[side], err = measure(b, side, o); err != nil {
			return nil, fmt.Errorf("%s: %w", side, err)
		}
	}
	row := rig.Row{What: "resident memory after deletions", Redis: found[rig.Redis].String(), Tandem: found[rig.Tandem].String()}
	table.Add(row.AtMost(found[rig.Tandem].factor(), bar, " ×"))
	return table, nil
}

// outcome is the resident memory of a server, in bytes: empty, full, right after the deletions, after the housekeeping.
type outcome struct{ empty, full, deleted, after float64 }

// factor is what is resident for each byte that the live data took when they were filled in.
func (f outcome) factor() float64 { return (f.after - f.empty) / (keptShare * (f.full - f.empty)) }

func (f outcome) String() string {
	const mb = 1 << 20
	return fmt.Sprintf("%.0f → %.0f → %.0f MB, %.2f ×", f.full/mb, f.deleted/mb, f.after/mb, f.factor())
}

func measure(b *rig.Bench, side rig.Side, o options) (found outcome, err error) {
	s, err := b.Start(side, rig.InMemory()...)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c, err := s.Dial()
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Do("CONFIG", "SET", "activedefrag", "yes"); err != nil {
		b.Say("%s has no activedefrag: %v", side, err)
	}
	if found.empty, err = s.SettledResident(); err != nil {
		return outcome{}, err
	}
	keys, err := fill(s, c, found.empty+o.bytes)
	if err != nil {
		return outcome{}, err
	}
	if found.full, err = s.SettledResident(); err != nil {
		return outcome{}, err
	}
	b.Say("%s: %d keys", side, keys)
	r := rand.New(rand.NewPCG(3, 4))
	if err := c.Fill(0, keys, func(c *rig.Client, i int) {
		if r.Float64() >= keptShare {
			c.Add("DEL", rig.Key(i))
		}
	}); err != nil {
		return outcome{}, err
	}
	if found.deleted, err = s.Resident(); err != nil {
		return outcome{}, err
	}
	<-time.After(o.wait)
	found.after, err = s.Resident()
	return found, err
}

// fill adds keys until so many bytes are resident, and says how many.
func fill(s *rig.Server, c *rig.Client, bytes float64) (keys int, err error) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20) // nothing that could be kept shorter
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for {
		resident, err := s.Resident()
		if err != nil || resident >= bytes {
			return keys, err
		}
		err = c.Fill(keys, keys+lookEvery, func(c *rig.Client, i int) {
			at := r.IntN(len(noise) - valueMax)
			c.Add("SET", rig.Key(i), string(noise[at:at+valueMin+r.IntN(valueMax-valueMin+1)]))
		})
		if err != nil {
			return keys, err
		}
		keys += lookEvery
	}
}
