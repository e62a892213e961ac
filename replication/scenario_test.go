package replication

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/internal/datadriven"
)

var _ = flag.Bool(datadriven.RewriteFlag, false, "write the outcomes of the scenarios anew")

// TestScenarios runs testdata/*.txt. An id is written as one hex digit and stands
// for forty of them; a history as id@start/epoch, oldest first, separated by commas.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/*.txt", func(t *testing.T) func(datadriven.Case) string {
		s := &scenario{t: t}
		return s.run
	})
}

type scenario struct {
	t       *testing.T
	standby *Standby
	own     Standing
	master  *Master
	tick    int64
	end     int64
}

func (s *scenario) run(c datadriven.Case) string {
	switch c.Command {
	case "decide":
		ask := Ask{ID: longID(c.Arg("id", "?")), Offset: s.number(c, "offset", "-1")}
		return Decide(ask, s.history(c.Arg("history", "")), Range{Start: s.number(c, "start", "0"), End: s.number(c, "end", "0")}).String()
	case "rejoin":
		return Rejoin(s.standing(c, ""), s.standing(c, "master-")).String()
	case "history":
		return s.describe(c)
	case "link":
		config := DefaultStandbyConfig()
		config.Pair, config.User, config.Password, config.AnnounceIP = "p", c.Arg("user", ""), c.Arg("password", ""), c.Arg("ip", "")
		config.ListeningPort, config.TimeoutTicks = 6380, 300
		s.standby, s.own = NewStandby(config), s.standing(c, "")
		return ""
	case "own":
		s.own = s.standing(c, "")
		return ""
	case "ticks":
		return s.ticks(c)
	case "dialled", "failed", "reply", "bulk", "rewound", "copied", "received", "applied":
		return s.link(s.linkEvent(c))
	}
	return s.masterCase(c)
}

func longID(id string) string {
	if len(id) == 1 && id != "?" {
		return strings.Repeat(id, IDBytes)
	}
	return id
}

func (s *scenario) number(c datadriven.Case, name, otherwise string) int64 {
	n, err := strconv.ParseInt(c.Arg(name, otherwise), 10, 64)
	require.NoError(s.t, err, c.Pos)
	return n
}

func (s *scenario) history(text string) (h History) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		id, rest, _ := strings.Cut(part, "@")
		start, epoch, _ := strings.Cut(rest, "/")
		e := Entry{ID: longID(id)}
		var err error
		e.Start, err = strconv.ParseInt(start, 10, 64)
		require.NoError(s.t, err, text)
		e.Epoch, err = strconv.ParseUint(epoch, 10, 64)
		require.NoError(s.t, err, text)
		h = append(h, e)
	}
	require.NoError(s.t, h.check())
	return h
}

func (s *scenario) standing(c datadriven.Case, prefix string) Standing {
	return Standing{Pair: c.Arg(prefix+"pair", "p"), History: s.history(c.Arg(prefix+"history", "")),
		End: s.number(c, prefix+"end", "0"), Floor: s.number(c, prefix+"floor", "0")}
}

func (s *scenario) describe(c datadriven.Case) string {
	h := s.history(c.Args[0])
	end := s.number(c, "end", "0")
	id, offset := h.Previous()
	text := fmt.Sprintf("%s position %s last %s previous %s %d\n", h, h.PositionAt(end), ShortID(h.Last().ID), ShortID(id), offset)
	if other := c.Arg("other", ""); other != "" {
		fork, id, common := h.ForkPoint(end, s.history(other), s.number(c, "other-end", "0"))
		text += fmt.Sprintf("fork %d under %s common %v\n", fork, ShortID(id), common)
	}
	return text
}

func (s *scenario) linkEvent(c datadriven.Case) LinkEvent {
	rest := strings.Join(c.Args, " ")
	var err error
	if rest != "" {
		err = errors.New(rest)
	}
	switch c.Command {
	case "dialled":
		return EventDialled{}
	case "failed":
		return EventFailed{Reason: rest}
	case "reply":
		for _, id := range []string{"a", "b", "c", "d"} {
			rest = strings.ReplaceAll(rest, "<"+id+">", longID(id))
		}
		return EventReply{Line: rest}
	case "bulk":
		if c.Has("garbage") {
			return EventBulk{Data: []byte("garbage")}
		}
		return EventBulk{Data: MarshalStanding(s.standing(c, ""))}
	case "rewound":
		return EventRewound{Err: err}
	case "copied":
		return EventCopied{Err: err}
	case "received":
		return EventReceived{}
	}
	return EventApplied{}
}

func (s *scenario) link(e LinkEvent) string {
	b := strings.Builder{}
	for _, a := range s.standby.Step(Now{Tick: s.tick, Own: s.own}, e) {
		switch do := a.(type) {
		case DoDial:
			b.WriteString("dial\n")
		case DoSend:
			args := strings.Join(do.Args, " ")
			for _, id := range []string{"a", "b", "c", "d"} {
				args = strings.ReplaceAll(args, longID(id), "<"+id+">")
			}
			b.WriteString("send " + args + "\n")
		case DoRewind:
			fmt.Fprintf(&b, "rewind to %d: %s\n", do.Offset, do.Reason)
		case DoFullCopy:
			fmt.Fprintf(&b, "full copy at %d of %s: %s\n", do.Offset, do.History, do.Reason)
		case DoContinue:
			fmt.Fprintf(&b, "continue under %s: %s\n", do.History, do.Reason)
		case DoAck:
			b.WriteString("ack\n")
		case DoClose:
			b.WriteString("close: " + do.Reason + "\n")
		}
	}
	return b.String() + "state " + s.standby.Status().State.String() + "\n"
}

// ticks lets time pass and shows the steps that did something.
func (s *scenario) ticks(c datadriven.Case) string {
	b := strings.Builder{}
	for range s.number(c, "n", "1") {
		s.tick++
		if text := s.link(EventTick{}); strings.Count(text, "\n") > 1 {
			fmt.Fprintf(&b, "tick %d: %s", s.tick, text)
		}
	}
	return b.String()
}

func (s *scenario) masterCase(c datadriven.Case) string {
	switch c.Command {
	case "master":
		s.end = s.number(c, "end", "0")
		s.master = NewMaster(MasterConfig{Name: "a", SyncDurability: c.Has("sync"), SyncTimeoutTicks: 50, JoinLagBytesMax: 100}, s.end)
	case "attach":
		state := FeedOnline
		if c.Has("copy") {
			state = FeedWaitCopy
		}
		for _, link := range s.master.Attach(s.tick, uint64(s.number(c, "link", "0")), c.Arg("name", ""), state, s.number(c, "acked", "0")) {
			return fmt.Sprintf("replaces link %d", link)
		}
	case "state":
		s.master.SetState(s.tick, uint64(s.number(c, "link", "0")), FeedSendCopy)
	case "detach":
		s.master.Detach(uint64(s.number(c, "link", "0")))
	case "ack":
		if err := s.master.Ack(s.tick, uint64(s.number(c, "link", "0")), s.number(c, "offset", "0"), s.end); err != nil {
			return err.Error()
		}
	case "write":
		s.end += s.number(c, "bytes", "0")
	case "pass":
		s.tick += s.number(c, "ticks", "1")
	case "synced":
		s.master.SetSynced(s.number(c, "offset", "0"))
	case "durability":
		s.master.SetDurability(c.Has("sync"))
	case "recorded":
		s.master.Recorded(uint64(s.number(c, "wish", "0")))
	case "wait":
		return fmt.Sprintf("%d standbys have %d", s.master.AckedBy(s.number(c, "offset", "0")), s.number(c, "offset", "0"))
	case "evaluate":
	default:
		s.t.Fatalf("%s: unknown command %q", c.Pos, c.Command)
	}
	return s.showMaster()
}

func (s *scenario) showMaster() string {
	b := strings.Builder{}
	wish, open := s.master.Evaluate(s.tick, s.end)
	fmt.Fprintf(&b, "tick %d commit %d of %d, waits for %v, wish %d %v open %v", s.tick, s.master.CommitPoint(s.end), s.end, s.master.Held(), wish.Number, wish.Set, open)
	if s.master.WantsSync() {
		b.WriteString(", wants its log synced")
	}
	b.WriteString("\n")
	for _, f := range s.master.Status(s.tick, s.end) {
		fmt.Fprintf(&b, "  link %d %q %s acked %d lag %d bytes %d ticks in sync %v\n", f.Link, f.Name, f.State, f.Acked, f.LagBytes, f.LagTicks, f.InSync)
	}
	return b.String()
}
