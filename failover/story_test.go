package failover

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/datadriven"
	"github.com/tandemkv/tandem/replication"
)

var _ = flag.Bool(datadriven.RewriteFlag, false, "write the outcomes of the stories anew")

// TestStories runs testdata/*.txt. The commands are the cases of (*story).run.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/*.txt", func(t *testing.T) func(datadriven.Case) string {
		s := &story{t: t}
		return s.run
	})
}

// story is a world of voters with a perfect network and one clock: a message sent
// in a tick arrives in the same tick, unless it is cut.
type story struct {
	t      *testing.T
	config Config
	actors []*actor
	tick   int64
	cut    map[string]bool
	mail   []letter
	out    strings.Builder
	talk   bool // messages are told as well
}

type actor struct {
	id       string
	node     *Node // nil: dead
	disk     Ballot
	position replication.Position
}

type letter struct {
	to   string
	data []byte
}

func (s *story) run(c datadriven.Case) string {
	s.out.Reset()
	s.talk = c.Has("messages")
	switch c.Command {
	case "voters":
		s.voters(c)
	case "start":
		s.start(c)
	case "ballot":
		s.setBallot(c)
	case "run":
		n, err := strconv.Atoi(c.Arg("ticks", "1"))
		require.NoError(s.t, err, c.Pos)
		for range n {
			s.tickAll()
		}
	case "sleep": // time passes and nobody steps, as for paused processes
		n, err := strconv.ParseInt(c.Arg("ticks", "1"), 10, 64)
		require.NoError(s.t, err, c.Pos)
		s.tick += n
	case "cut":
		s.cut[c.Args[0]+">"+c.Args[1]] = true
		if !c.Has("one-way") {
			s.cut[c.Args[1]+">"+c.Args[0]] = true
		}
	case "heal":
		s.cut = map[string]bool{}
	case "kill":
		s.actor(c.Args[0]).node = nil
	case "position":
		s.actor(c.Args[0]).position = s.position(c.Args[1])
	case "status":
		s.status(s.actor(c.Args[0]).node.Status())
	default:
		s.event(c)
	}
	return s.out.String()
}

// event hands one event to the node that is named first.
func (s *story) event(c datadriven.Case) {
	a := s.actor(c.Args[0])
	switch c.Command {
	case "gone":
		inc := uint64(0)
		for _, p := range a.node.Status().Peers {
			if p.ID == c.Args[1] {
				inc = p.Incarnation
			}
		}
		s.step(a, PeerGone{ID: c.Args[1], Incarnation: inc})
	case "want":
		s.step(a, InSyncWanted{Number: 1, Set: c.Args[1:]})
	case "durability":
		s.step(a, SyncDurabilityChanged{On: c.Args[1] == "sync"})
	case "switchover":
		s.step(a, SwitchoverWanted{To: c.Arg("to", "")})
	case "drained":
		s.step(a, Drained{Offset: a.position.Offset})
	case "health":
		s.step(a, HealthChanged{Healthy: c.Args[1] == "good", Reason: c.Arg("reason", "")})
	case "takeover":
		s.step(a, TakeoverWanted{})
	case "leave":
		s.step(a, Leave{})
	case "receive":
		s.step(a, Receive{Message: Message{Kind: Heartbeat, Protocol: uint16(s.number(c, "protocol", "1")),
			Pair: c.Arg("pair", "pair"), From: c.Arg("from", ""), Incarnation: s.number(c, "incarnation", "1"), Seq: s.number(c, "seq", "1"),
			ToIncarnation: s.number(c, "to-incarnation", "1"), Role: Master, Term: s.number(c, "term", "1"), Epoch: s.number(c, "term", "1"), Healthy: true}})
	default:
		s.t.Fatalf("%s: unknown command %q", c.Pos, c.Command)
	}
	s.deliver()
}

func (s *story) number(c datadriven.Case, name, otherwise string) uint64 {
	n, err := strconv.ParseUint(c.Arg(name, otherwise), 10, 64)
	require.NoError(s.t, err, c.Pos)
	return n
}

func (s *story) voters(c datadriven.Case) {
	s.config = Config{Pair: "pair", Timing: DefaultTiming(), SyncDurability: c.Has("sync"), Seed: 1}
	s.cut = map[string]bool{}
	for _, word := range c.Args {
		switch id, kind, _ := strings.Cut(word, ":"); {
		case strings.HasPrefix(word, "policy="):
			s.config.Policy = map[string]Policy{"witness": Majority, "available": Available, "manual": Manual}[strings.TrimPrefix(word, "policy=")]
		case word == "sync":
		default:
			s.config.Voters = append(s.config.Voters, Voter{ID: id, Witness: kind == "witness"})
			s.actors = append(s.actors, &actor{id: id})
		}
	}
}

// start begins a process; its ballot is what its last one has persisted.
func (s *story) start(c datadriven.Case) {
	a := s.actor(c.Args[0])
	config := s.config
	config.ID, config.Intact = a.id, !c.Has("crashed")
	if p := c.Arg("position", ""); p != "" {
		a.position = s.position(p)
	}
	node, err := New(config, a.disk)
	require.NoError(s.t, err, c.Pos)
	a.node = node
}

func (s *story) setBallot(c datadriven.Case) {
	a := s.actor(c.Args[0])
	if c.Has("lost") {
		a.disk = Ballot{}
		return
	}
	a.disk = Ballot{Incarnation: s.number(c, "incarnation", "1"), Epoch: s.number(c, "epoch", "0"), VotedFor: c.Arg("voted", ""),
		VotedSync: c.Has("sync"), Reign: s.number(c, "reign", "0"), Record: Record{Epoch: s.number(c, "record", "0"), Version: s.number(c, "version", "0")}}
	if set := c.Arg("set", ""); set != "" {
		a.disk.Record.Set = strings.Split(set, ",")
	}
}

func (s *story) position(text string) replication.Position {
	epoch, offset, _ := strings.Cut(text, ":")
	e, err := strconv.ParseUint(epoch, 10, 64)
	require.NoError(s.t, err)
	o, err := strconv.ParseInt(offset, 10, 64)
	require.NoError(s.t, err)
	return replication.Position{Epoch: e, Offset: o}
}

func (s *story) actor(id string) *actor {
	for _, a := range s.actors {
		if a.id == id {
			return a
		}
	}
	s.t.Fatalf("no voter %q", id)
	return nil
}

func (s *story) tickAll() {
	s.tick++
	for _, a := range s.actors {
		if a.node != nil {
			s.step(a, Tick{})
		}
	}
	s.deliver()
}

func (s *story) deliver() {
	for len(s.mail) > 0 {
		l := s.mail[0]
		s.mail = s.mail[1:]
		m, err := DecodeMessage(l.data)
		require.NoError(s.t, err)
		if a := s.actor(l.to); a.node != nil && !s.cut[m.From+">"+l.to] {
			if s.talk {
				s.tell(a, "<- "+m.From+": "+m.String())
			}
			s.step(a, Receive{Message: m})
		}
	}
}

func (s *story) tell(a *actor, text string) { fmt.Fprintf(&s.out, "%d %s: %s\n", s.tick, a.id, text) }

func (s *story) step(a *actor, e Event) {
	for _, action := range a.node.Step(Moment{Tick: s.tick, Position: a.position}, e) {
		switch do := action.(type) {
		case Send:
			s.mail = append(s.mail, letter{to: do.To, data: do.Message.Encode()})
			continue
		case ExtendLease:
			continue
		case Persist:
			a.disk = do.Ballot
		case BecomeMaster:
			a.position.Epoch = do.Epoch
		case Follow: // the link brings it level at once; the command position says otherwise
			a.position = s.actor(do.Master).position
		}
		s.tell(a, action.String())
	}
}

func (s *story) status(x Status) {
	fmt.Fprintf(&s.out, "%s.%d is %s (%s)\n", x.ID, x.Incarnation, x.Role, x.RoleReason)
	fmt.Fprintf(&s.out, "epoch %d ballot %d voted %s master %s lease %s\n", x.Epoch, x.BallotEpoch, orNone(x.VotedFor), orNone(x.Master), leaseString(x.LeaseTicks))
	fmt.Fprintf(&s.out, "record %s commit set %s switchover %s reached %d quorum %d\n", x.Record, setString(x.CommitSet), x.Switchover, x.ReachedVoters, x.QuorumVoters)
	if x.PromiseTo != "" {
		fmt.Fprintf(&s.out, "promised to %s for %d\n", x.PromiseTo, x.PromiseTicks)
	}
	if x.Waiting != "" {
		fmt.Fprintf(&s.out, "waiting: %s\n", x.Waiting)
	}
	for _, p := range x.Peers {
		fmt.Fprintf(&s.out, "  %s.%d %s at %s silent %d gone %v", p.ID, p.Incarnation, p.Role, p.Position, p.SilentTicks, p.Gone)
		if p.Rejected != "" {
			fmt.Fprintf(&s.out, " rejected: %s", p.Rejected)
		}
		s.out.WriteString("\n")
	}
}
