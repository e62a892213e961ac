package keyspace

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
)

// disk is a model of a store of checkpoints: what the dirty views have given, one after the other.
type disk struct {
	t   require.TestingT
	dbs []map[string]*diskValue

	open                 *diskValue // of which parts are coming
	name                 string
	next                 int
	block                uint64 // the last one of a list
	listed               bool   // there was one
	given                map[uint64]bool
	pieces               givenParts // of one that is not in blocks
	ended                int        // items
	wholes, updates, sum int        // values in blocks that were given as a whole, and updated; blocks of the latter
}

// diskValue is a value in blocks, or as a whole.
type diskValue struct {
	head   *plain
	blocks map[uint64]*plain // nil: not in blocks
	whole  *plain
}

func newDisk(t require.TestingT, databases int) *disk {
	k := &disk{t: t, dbs: make([]map[string]*diskValue, databases)}
	for i := range k.dbs {
		k.dbs[i] = map[string]*diskValue{}
	}
	return k
}

// clone is a copy to go on with. No value is changed once it is there.
func (k *disk) clone() *disk {
	c := *k
	c.dbs = slices.Clone(k.dbs)
	for i, db := range c.dbs {
		c.dbs[i] = maps.Clone(db)
	}
	c.open, c.ended = nil, 0
	return &c
}

func (k *disk) take(it *Item) {
	if it.Last {
		k.ended++
	}
	if it.Flush || it.Kind == KindNone {
		require.Nil(k.t, k.open, "another item between parts")
		if it.Flush {
			k.dbs[it.DB] = map[string]*diskValue{}
		} else {
			delete(k.dbs[it.DB], string(it.Key))
		}
		return
	}
	if k.open == nil {
		k.begin(it)
	}
	require.Equal(k.t, k.name, fmt.Sprint(it.DB, " ", string(it.Key)), "another item between parts")
	require.Equal(k.t, k.next, it.Part)
	k.next++
	k.part(it)
	if it.Last {
		v := k.open
		k.open = nil
		k.dbs[it.DB][string(it.Key)] = v
		require.Equal(k.t, v.read(k.t).len(), it.Len(), "%s in blocks: %v, an update: %v", k.name, it.InBlocks, it.Update)
	}
}

func (k *disk) begin(it *Item) {
	require.Zero(k.t, it.Part)
	k.listed = false
	k.name, k.next, k.given = fmt.Sprint(it.DB, " ", string(it.Key)), 0, map[uint64]bool{}
	k.open = &diskValue{head: newPlain(it.Kind)}
	k.open.head.deadline = it.DeadlineMs
	switch {
	case it.Update:
		before := k.dbs[it.DB][string(it.Key)]
		require.NotNil(k.t, before, "an update of what is not there: %s", k.name)
		require.NotNil(k.t, before.blocks, "an update of what is not in blocks: %s", k.name)
		require.Equal(k.t, before.head.kind, it.Kind)
		k.open.blocks = maps.Clone(before.blocks)
		k.updates++
	case it.InBlocks:
		k.open.blocks = map[uint64]*plain{}
		k.wholes++
	}
}

func (k *disk) part(it *Item) {
	p := readItem(it)
	require.Equal(k.t, k.open.blocks != nil, it.InBlocks)
	if it.HeadOnly {
		require.True(k.t, it.Update && it.Last && it.Part == 0 && p.len() == 0)
		return
	}
	if !it.InBlocks {
		k.open.whole = k.pieces.add(k.t, it) // nil: not all of them have come
		return
	}
	require.False(k.t, k.given[it.Block], "a block twice")
	k.given[it.Block] = true
	if it.Update {
		k.sum++
	}
	if it.Gone {
		require.True(k.t, it.Update)
		require.Zero(k.t, p.len())
		delete(k.open.blocks, it.Block)
		return
	}
	require.NotZero(k.t, p.len())
	if it.Kind == KindList {
		require.True(k.t, !k.listed || k.block < it.Block, "blocks of a list out of order")
		k.block, k.listed = it.Block, true
	}
	k.open.blocks[it.Block] = p
}

// read puts a value together.
func (v *diskValue) read(t require.TestingT) *plain {
	if v.blocks == nil {
		return v.whole
	}
	whole := newPlain(v.head.kind)
	for _, block := range slices.Sorted(maps.Keys(v.blocks)) {
		whole.merge(t, v.blocks[block])
	}
	whole.deadline = v.head.deadline
	return whole
}

func (k *disk) plain() []plainDB {
	all := make([]plainDB, len(k.dbs))
	for i, db := range k.dbs {
		all[i] = plainDB{}
		for key, v := range db {
			all[i][key] = v.read(k.t)
		}
	}
	return all
}
