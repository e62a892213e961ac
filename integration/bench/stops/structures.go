package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

const (
	large      = "large" // the key of the structure
	perCommand = 20      // elements that one command adds
	perWrite   = 8       // fields that the writer sends at once
)

// structure is a kind of large value, and how element i is added.
type structure struct {
	name, command string
	words         func(words []string, i int) []string
}

// structures are all kinds. The first is the hash, which write changes.
func structures() []structure {
	return []structure{
		{"hash", "HSET", func(words []string, i int) []string { return append(words, field(i), rig.Value(i)) }},
		{"zset", "ZADD", func(words []string, i int) []string {
			return append(words, strconv.Itoa(i*7919%1_000_003), fmt.Sprintf("m%09d", i))
		}},
		{"set", "SADD", func(words []string, i int) []string { return append(words, fmt.Sprintf("m%09d", i)) }},
		{"list", "RPUSH", func(words []string, i int) []string { return append(words, fmt.Sprintf("element-%08d", i)) }},
	}
}

func field(i int) string { return fmt.Sprintf("f%08d", i) }

func (of structure) fill(t *trial) error {
	commands := (t.elements + perCommand - 1) / perCommand
	return t.client.Fill(0, commands, func(c *rig.Client, i int) {
		words := append(make([]string, 0, 2+2*perCommand), of.command, large)
		for k := i * perCommand; k < min((i+1)*perCommand, t.elements); k++ {
			words = of.words(words, k)
		}
		c.Add(words...)
	})
}

// write sets random fields of the hash until it is stopped.
func write(c *rig.Client, elements int, stop <-chan struct{}) error {
	r := rand.New(rand.NewPCG(1, 2))
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		for range perWrite {
			c.Add("HSET", large, field(r.IntN(elements)), rig.Value(r.IntN(elements)))
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
}
