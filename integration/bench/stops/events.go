package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// event is something large that happens to a server.
type event struct {
	name    string
	share   int  // there are elements/share of them
	withLog bool // the server keeps a log on disk
	fill    func(t *trial) error
	happen  func(t *trial) error // returns when it is over
}

// patience is how long an event may take.
const patience = 10 * time.Minute

func events() []event {
	all := []event{
		{name: "nothing happens", share: 1, happen: settle},
		{name: "keys expire at once", share: 10, fill: fillExpiring, happen: awaitExpiry},
	}
	for _, of := range structures() {
		for _, words := range [][]string{{"UNLINK", large}, {"DEL", large}, {"FLUSHALL", "ASYNC"}} {
			name := words[0]
			if name == "FLUSHALL" {
				name = "FLUSHALL ASYNC"
			}
			all = append(all, event{name: name + " of a " + of.name, share: of.share, fill: of.fill, happen: func(t *trial) error {
				if _, err := t.client.Do(words...); err != nil {
					return err
				}
				return settle(t)
			}})
		}
	}
	for _, of := range structures() {
		if of.put == nil {
			continue
		}
		written := ", a " + of.name + " is written to"
		all = append(all,
			event{name: "BGSAVE" + written, share: of.share, fill: of.fill, happen: of.whileWritten(save)},
			event{name: "BGREWRITEAOF" + written, share: of.share, withLog: true, fill: of.fill, happen: of.whileWritten(rewrite)},
			event{name: "full copy" + written, share: of.share, withLog: true, fill: of.fill, happen: of.whileWritten(copyAll)})
	}
	return all
}

// settle waits until the server's memory stays what it is.
func settle(t *trial) error {
	_, err := t.server.SettledResident()
	return err
}

// fillExpiring makes keys that all have the same deadline, and returns shortly before it.
func fillExpiring(t *trial) error {
	keys := t.elements
	deadline := time.Now().Add(3*time.Second + time.Duration(keys)*10*time.Microsecond)
	at := strconv.FormatInt(deadline.UnixMilli(), 10)
	err := t.client.Fill(0, keys, func(c *rig.Client, i int) { c.Add("SET", rig.Key(i), rig.Value(i), "PXAT", at) })
	if err != nil {
		return err
	}
	left := time.Until(deadline) - time.Second // that much is spent on settling
	if left < 0 {
		return errors.New("the keys expired while they were filled in")
	}
	<-time.After(left)
	return nil
}

// awaitExpiry waits until all keys are gone.
func awaitExpiry(t *trial) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(patience); time.Now().Before(until); <-again.C {
		left, err := t.client.Do("DBSIZE")
		if err != nil || left == "0" {
			return err
		}
	}
	return errors.New("there are expired keys left")
}

func save(t *trial) error {
	if _, err := t.client.Do("BGSAVE"); err != nil {
		return err
	}
	return t.client.Await("persistence", "rdb_bgsave_in_progress", "0", patience)
}

func rewrite(t *trial) error {
	if _, err := t.client.Do("BGREWRITEAOF"); err != nil {
		return err
	}
	return t.client.Await("persistence", "aof_rewrite_in_progress", "0", patience)
}

// copyAll gives the server a replica of its own kind.
func copyAll(t *trial) (err error) {
	replica, err := t.bench.Start(t.side, append(rig.InMemory(), "--replicaof", "127.0.0.1 "+strconv.Itoa(t.server.Port))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replica.Stop()) }()
	c, err := replica.Dial()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Await("replication", "master_link_status", "up", patience)
}

// whileWritten lets an event happen while another client writes to the large structure.
func (of structure) whileWritten(happen func(t *trial) error) func(t *trial) error {
	return func(t *trial) error {
		c, err := t.server.Dial()
		if err != nil {
			return err
		}
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- of.write(c, t.elements, stop) }()
		err = happen(t)
		close(stop)
		return errors.Join(err, <-done, c.Close())
	}
}
