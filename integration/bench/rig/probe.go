package rig

import (
	"errors"
	"time"
)

// Latencies are the durations that one measurement saw.
type Latencies struct {
	Count int
	Max   time.Duration
	Sum   time.Duration
	long  []time.Duration // the longest, falling
}

// longKept bounds what is kept: enough for P9999 of 40 million durations.
const longKept = 4096

// Add counts one.
func (l *Latencies) Add(d time.Duration) {
	l.Count++
	l.Sum += d
	l.Max = max(l.Max, d)
	if len(l.long) == longKept && d <= l.long[longKept-1] {
		return
	}
	at := len(l.long)
	for at > 0 && l.long[at-1] < d {
		at--
	}
	if len(l.long) < longKept {
		l.long = append(l.long, 0)
	}
	copy(l.long[at+1:], l.long[at:])
	l.long[at] = d
}

// P9999 is the duration that one in ten thousand exceeded.
func (l *Latencies) P9999() time.Duration {
	rank := l.Count / 10_000
	if rank >= len(l.long) {
		return 0
	}
	return l.long[rank]
}

// Mean of all.
func (l *Latencies) Mean() time.Duration { return l.Sum / time.Duration(max(l.Count, 1)) }

// Probe is a client that gets one key again and again while something else happens, and notes how long each reply took.
type Probe struct {
	client *Client
	stop   chan struct{}
	done   chan error
	seen   Latencies
}

// probeKey is the key that a Probe gets. It need not be there.
const probeKey = "probe"

// StartProbe begins to measure.
func (s *Server) StartProbe() (*Probe, error) {
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	p := &Probe{client: c, stop: make(chan struct{}), done: make(chan error, 1)}
	if _, err := c.Do("GET", probeKey); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	go p.run()
	return p, nil
}

// run sends the next command as soon as it has the reply to the last one.
func (p *Probe) run() {
	for {
		select {
		case <-p.stop:
			p.done <- p.client.Close()
			return
		default:
		}
		began := time.Now()
		if _, err := p.client.Do("GET", probeKey); err != nil {
			p.done <- errors.Join(err, p.client.Close())
			return
		}
		p.seen.Add(time.Since(began))
	}
}

// Stop ends the measurement and gives what it saw.
func (p *Probe) Stop() (Latencies, error) {
	close(p.stop)
	err := <-p.done
	return p.seen, err
}
