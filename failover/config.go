package failover

import (
	"errors"
	"fmt"
)

// Policy says what the pair does when its nodes cannot hear each other.
type Policy uint8

// The policies (directive pair-policy).
const (
	Majority  Policy = iota // "witness": decisions need a majority; an isolated master fences itself
	Available               // bare pair: the standby promotes itself when the master is silent
	Manual                  // bare pair: never by itself
)

// String is the directive's word.
func (p Policy) String() string {
	switch p {
	case Majority:
		return "witness"
	case Available:
		return "available"
	case Manual:
		return "manual"
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// Voter is one of the fixed voters of the pair.
type Voter struct {
	ID      string
	Witness bool
}

// Timing holds all durations, in ticks. DefaultTiming fits ticks of 10 ms.
type Timing struct {
	HeartbeatTicks   int64 // between two heartbeats of a master
	LeaseTicks       int64 // how long a voter's promise lasts
	DriftMarginTicks int64 // by how much a master's lease is shorter than the promises under it
	StartGraceTicks  int64 // how long a starting node waits for data nodes not yet heard
	AskTicks         int64 // between two questions of a node without master
	CampaignTicks    int64 // after which a campaign without outcome is given up
	ResendTicks      int64 // between two requests of one campaign to the same voter
	BackoffMinTicks  int64 // least wait after a lost campaign
	BackoffMaxTicks  int64 // longest wait after a lost campaign
	DeferTicks       int64 // how long a node lets a better one try first
	DrainTicks       int64 // limit for the drain of a switchover
	HandoverTicks    int64 // limit for the new master's campaign in a switchover
	UnhealthyTicks   int64 // how long a master may be sick before it hands over
}

// DefaultTiming is for ticks of 10 ms: heartbeats every 100 ms, a lease of 1 s.
// Campaigns leave room for ballots that a busy disk takes long to sync; a lost one
// is mostly known by its refusals, long before its time is over.
func DefaultTiming() Timing {
	return Timing{
		HeartbeatTicks: 10, LeaseTicks: 100, DriftMarginTicks: 10, StartGraceTicks: 100,
		AskTicks: 5, CampaignTicks: 80, ResendTicks: 5, BackoffMinTicks: 5, BackoffMaxTicks: 15,
		DeferTicks: 30, DrainTicks: 100, HandoverTicks: 150, UnhealthyTicks: 100,
	}
}

// Config is fixed for the life of a Node.
type Config struct {
	ID     string // this voter's id, one of Voters
	Pair   string // name of the pair: messages of another pair are rejected
	Voters []Voter
	Policy Policy
	// SyncDurability is `durability standby` as of the start; see SyncDurabilityChanged.
	SyncDurability bool
	// Intact says that the data hold everything this node has ever acknowledged: it
	// was shut down in order, or acknowledges only what is on its disk.
	Intact bool
	Timing Timing
	// Seed drives the random part of the backoff.
	Seed uint64
}

// Limits of what a configuration and a message may hold.
const (
	VotersMax    = 16
	NameBytesMax = 255
)

// Validate says what is wrong with the configuration, or nil.
func (c Config) Validate() error {
	if len(c.Voters) == 0 || len(c.Voters) > VotersMax {
		return fmt.Errorf("a pair has 1 to %d voters, not %d", VotersMax, len(c.Voters))
	}
	if c.Pair == "" || len(c.Pair) > NameBytesMax {
		return fmt.Errorf("the pair's name must have 1 to %d bytes", NameBytesMax)
	}
	seen, data := map[string]bool{}, 0
	for _, v := range c.Voters {
		if v.ID == "" || len(v.ID) > NameBytesMax {
			return fmt.Errorf("a voter's id must have 1 to %d bytes", NameBytesMax)
		}
		if seen[v.ID] {
			return fmt.Errorf("voter %q is listed twice", v.ID)
		}
		seen[v.ID] = true
		if !v.Witness {
			data++
		}
	}
	if !seen[c.ID] {
		return fmt.Errorf("this node %q is not one of the voters", c.ID)
	}
	if data == 0 {
		return errors.New("no voter has data")
	}
	if c.Policy != Majority && (len(c.Voters) > 2 || data != len(c.Voters)) {
		return fmt.Errorf("pair-policy %s is for two data nodes without witness", c.Policy)
	}
	return c.Timing.validate()
}

func (t Timing) validate() error {
	for _, d := range []int64{t.HeartbeatTicks, t.AskTicks, t.CampaignTicks, t.ResendTicks, t.BackoffMinTicks,
		t.DeferTicks, t.DrainTicks, t.HandoverTicks, t.UnhealthyTicks, t.StartGraceTicks} {
		if d <= 0 {
			return errors.New("every duration must be at least one tick")
		}
	}
	switch {
	case t.DriftMarginTicks < 1 || t.DriftMarginTicks >= t.LeaseTicks:
		return fmt.Errorf("the drift margin (%d ticks) must be positive and less than the lease (%d)", t.DriftMarginTicks, t.LeaseTicks)
	case t.LeaseTicks-t.DriftMarginTicks < 3*t.HeartbeatTicks:
		return fmt.Errorf("the lease (%d ticks, margin %d) must outlast three heartbeats (%d)", t.LeaseTicks, t.DriftMarginTicks, t.HeartbeatTicks)
	case t.BackoffMaxTicks < t.BackoffMinTicks:
		return fmt.Errorf("the longest backoff (%d ticks) is below the least (%d)", t.BackoffMaxTicks, t.BackoffMinTicks)
	}
	return nil
}

// quorum is the number of voters that decide together.
func (c Config) quorum() int { return len(c.Voters)/2 + 1 }

func (c Config) voter(id string) (Voter, bool) {
	for _, v := range c.Voters {
		if v.ID == id {
			return v, true
		}
	}
	return Voter{}, false
}
