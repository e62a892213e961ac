package simulation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tandemkv/tandem/failover"
)

// Virtual time is in microseconds since the start of the run.
const (
	microsecond int64 = 1
	millisecond       = 1000 * microsecond
	second            = 1000 * millisecond
	tickTime          = 10 * millisecond
)

// Variant is a kind of cluster.
type Variant int

// The variants.
const (
	WitnessSync  Variant = iota // two nodes and a witness, durability standby
	WitnessAsync                // the same, asynchronous
	BareAvailable
	ThreeSync // three data nodes, durability standby
	variantEnd
)

func (v Variant) String() string {
	return [...]string{"witness-sync", "witness-async", "bare-available", "three-sync"}[v]
}

// Mutation is a way to break the system on purpose.
type Mutation string

// Options make a run.
type Options struct {
	Seed     uint64
	Variant  Variant
	Mutation Mutation // empty: nothing is broken
	Trace    bool     // keep the story
	// Crash: instead of many faults there is one, to the master of a quiet cluster.
	Crash Crash
}

// Crash is a single fault whose consequences are timed.
type Crash int

// The crashes.
const (
	NoCrash     Crash = iota
	ProcessDies       // its connections are reset, new ones refused
	PowerFails        // it falls silent
	CableCut          // it goes on, unheard
)

// Result says how a run went.
type Result struct {
	Violation string // empty if all checks held
	Story     []string
	Stats     Stats
}

// Stats shows that a run did something.
type Stats struct {
	Steps, Kills, Cuts, Pauses, Reigns, Switchovers, Written, Acked int
	// Takeover is the time from the Crash to the first write acknowledged by another node.
	Takeover                                          int64
	FullCopies, Continues, Rewinds, LostAsync, Orders int
}

// OptionsOf spreads the seeds over the variants.
func OptionsOf(seed uint64) Options {
	return Options{Seed: seed, Variant: Variant(seed % uint64(variantEnd))}
}

type event struct {
	at    int64
	order uint64 // ties keep the order of scheduling
	run   func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// Cluster is one run.
type Cluster struct {
	options Options
	random  *rand.Rand
	now     int64
	orders  uint64 // events scheduled so far
	queue   queue
	hosts   []*host
	clients []*client
	network network
	checker *checker
	stats   Stats
	story   []string
	faulty  bool // faults still happen
	crashed *host
	crashAt int64
	wiped   bool // a disk was lost: at most once in a run
	conns   uint64
}

// How long the two parts of a run last.
const (
	faultTime = 8 * second
	healTime  = 6 * second
)

// Run makes a cluster and lets it live. It returns the first violation.
func Run(options Options) Result {
	c := &Cluster{options: options, random: rand.New(rand.NewPCG(options.Seed, 0x7a6de)), faulty: true}
	c.checker = newChecker(c)
	c.build()
	c.runUntil(faultTime)
	c.heal()
	c.runUntil(faultTime + healTime/2)
	c.order()
	c.runUntil(faultTime + healTime)
	if !c.checker.failed() {
		c.checker.atRest()
	}
	return Result{Violation: c.checker.violation, Story: c.story, Stats: c.stats}
}

func (c *Cluster) build() {
	voters := []failover.Voter{{ID: "a"}, {ID: "b"}}
	switch c.options.Variant {
	case WitnessSync, WitnessAsync:
		voters = append(voters, failover.Voter{ID: "w", Witness: true})
	case ThreeSync:
		voters = append(voters, failover.Voter{ID: "c"})
	}
	// Some disks sync each write before it is acknowledged, most do it now and then.
	synced := c.chance(0.25)
	for i := range voters {
		c.hosts = append(c.hosts, newHost(c, i, voters, synced))
	}
	c.network.init(len(c.hosts))
	for _, h := range c.hosts {
		c.after(c.between(0, 300*millisecond), h.start)
	}
	for i := range 3 {
		cl := &client{cluster: c, id: i, target: i % 2}
		c.clients = append(c.clients, cl)
		c.after(c.between(0, 100*millisecond), cl.next)
	}
	if c.options.Crash != NoCrash {
		c.after(c.between(4*second, 5*second), c.crash)
		return
	}
	c.after(c.between(500*millisecond, 2*second), c.fault)
}

func (c *Cluster) runUntil(end int64) {
	for len(c.queue) > 0 && c.queue[0].at <= end && !c.checker.failed() {
		e := heap.Pop(&c.queue).(event)
		c.now = e.at
		e.run()
	}
	c.now = max(c.now, end)
}

// after schedules run in d microseconds.
func (c *Cluster) after(d int64, run func()) {
	c.orders++
	heap.Push(&c.queue, event{at: c.now + d, order: c.orders, run: run})
}

func (c *Cluster) between(low, high int64) int64 { return low + c.random.Int64N(high-low+1) }

func (c *Cluster) chance(p float64) bool { return c.random.Float64() < p }

func (c *Cluster) mutated(m Mutation) bool { return c.options.Mutation == m }

func (c *Cluster) sync() bool {
	return c.options.Variant == WitnessSync || c.options.Variant == ThreeSync
}

func (c *Cluster) trace(format string, args ...any) {
	if c.options.Trace {
		c.story = append(c.story, fmt.Sprintf("%9.3f ms  ", float64(c.now)/1000)+fmt.Sprintf(format, args...))
	}
}

// Tell is the end of a story, for a failed test.
func (r Result) Tell(lines int) string {
	story := r.Story
	if len(story) > lines {
		story = story[len(story)-lines:]
	}
	return strings.Join(story, "\n")
}

// plus adds up.
func (s Stats) plus(o Stats) Stats {
	return Stats{
		Steps: s.Steps + o.Steps, Kills: s.Kills + o.Kills, Cuts: s.Cuts + o.Cuts, Pauses: s.Pauses + o.Pauses,
		Reigns: s.Reigns + o.Reigns, Switchovers: s.Switchovers + o.Switchovers, Written: s.Written + o.Written, Acked: s.Acked + o.Acked,
		FullCopies: s.FullCopies + o.FullCopies, Continues: s.Continues + o.Continues, Rewinds: s.Rewinds + o.Rewinds, LostAsync: s.LostAsync + o.LostAsync, Orders: s.Orders + o.Orders,
	}
}
