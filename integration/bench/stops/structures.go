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
	perWrite   = 8       // commands that the writer sends at once

	group = "group" // of the stream
)

// structure is a kind of large value.
type structure struct {
	name  string
	share int                                             // it has elements/share of them
	add   func(c *rig.Client, from, to int)               // elements
	put   func(c *rig.Client, r *rand.Rand, elements int) // what a writer does; nil: nobody writes to this kind
	begin func(c *rig.Client) error                       // nil: the first element does
}

// structures are all kinds.
func structures() []structure {
	return []structure{
		{name: "hash", share: 1, put: putField,
			add: together("HSET", func(words []string, i int) []string { return append(words, field(i), rig.Value(i)) })},
		{name: "zset", share: 10, add: together("ZADD", func(words []string, i int) []string {
			return append(words, strconv.Itoa(i*7919%1_000_003), fmt.Sprintf("m%09d", i))
		})},
		{name: "set", share: 10, add: together("SADD", func(words []string, i int) []string { return append(words, fmt.Sprintf("m%09d", i)) })},
		{name: "list", share: 10, add: together("RPUSH", func(words []string, i int) []string { return append(words, fmt.Sprintf("element-%08d", i)) })},
		{name: "stream", share: 10, add: addPending, put: putPending, begin: makeGroup},
	}
}

// together adds elements by one command.
func together(command string, words func(words []string, i int) []string) func(c *rig.Client, from, to int) {
	return func(c *rig.Client, from, to int) {
		all := append(make([]string, 0, 2+2*perCommand), command, large)
		for i := from; i < to; i++ {
			all = words(all, i)
		}
		c.Add(all...)
	}
}

func field(i int) string { return fmt.Sprintf("f%08d", i) }

func putField(c *rig.Client, r *rand.Rand, elements int) {
	c.Add("HSET", large, field(r.IntN(elements)), rig.Value(r.IntN(elements)))
}

func makeGroup(c *rig.Client) error {
	_, err := c.Do("XGROUP", "CREATE", large, group, "0", "MKSTREAM")
	return err
}

func id(i int) string { return strconv.Itoa(i+1) + "-1" }

func read(c *rig.Client, consumer, count int) {
	c.Add("XREADGROUP", "GROUP", group, "consumer"+strconv.Itoa(consumer%10), "COUNT", strconv.Itoa(count), "STREAMS", large, ">")
}

// addPending adds entries and has one of ten consumers read them.
func addPending(c *rig.Client, from, to int) {
	for i := from; i < to; i++ {
		c.Add("XADD", large, id(i), "field", rig.Value(i))
	}
	read(c, from/perCommand, to-from)
}

// putPending acknowledges an entry, adds another one and has it read.
func putPending(c *rig.Client, r *rand.Rand, elements int) {
	c.Add("XACK", large, group, id(r.IntN(elements)))
	c.Add("XADD", large, "*", "field", rig.Value(r.IntN(elements)))
	read(c, r.IntN(10), 1)
}

func (of structure) fill(t *trial) error {
	if of.begin != nil {
		if err := of.begin(t.client); err != nil {
			return err
		}
	}
	commands := (t.elements + perCommand - 1) / perCommand
	return t.client.Fill(0, commands, func(c *rig.Client, i int) {
		of.add(c, i*perCommand, min((i+1)*perCommand, t.elements))
	})
}

// write changes random elements until it is stopped.
func (of structure) write(c *rig.Client, elements int, stop <-chan struct{}) error {
	r := rand.New(rand.NewPCG(1, 2))
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		for range perWrite {
			of.put(c, r, elements)
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
}
