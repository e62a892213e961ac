package replication

import (
	"fmt"
	"strconv"
	"strings"
)

// StandbyConfig is what the standby's side of a link needs to know.
type StandbyConfig struct {
	Pair          string
	User          string // for AUTH; empty if the master wants only a password, or nothing
	Password      string
	ListeningPort int
	AnnounceIP    string // empty: the master takes the connection's address

	AckTicks        int64 // between two acknowledgements
	TimeoutTicks    int64 // of silence, after which the link is given up
	BackoffMinTicks int64 // wait before the second attempt; doubles with each further one
	BackoffMaxTicks int64
	// Eager makes each EventApplied answer with an acknowledgement at once, for
	// masters that hold replies until then.
	Eager bool
}

// DefaultStandbyConfig is for ticks of 10 ms.
func DefaultStandbyConfig() StandbyConfig {
	return StandbyConfig{AckTicks: 100, TimeoutTicks: 6000, BackoffMinTicks: 5, BackoffMaxTicks: 100, Eager: true}
}

// LinkEvent is something that happened to the link to the master.
type LinkEvent interface{ linkEvent() }

// The events. EventTick comes once per tick while a master is set.
type (
	EventTick     struct{}
	EventDialled  struct{}                // the connection stands
	EventFailed   struct{ Reason string } // it does not, or it has ended
	EventReply    struct{ Line string }   // a reply line with its type byte, without CRLF
	EventBulk     struct{ Data []byte }   // a bulk reply (to HistoryCommand)
	EventRewound  struct{ Err error }     // DoRewind is done, Now says where
	EventCopied   struct{ Err error }     // DoFullCopy is done, or has failed
	EventReceived struct{}                // bytes of the stream (or of the copy) arrived
	EventApplied  struct{}                // bytes of the stream are in the own log
)

func (EventTick) linkEvent()     {}
func (EventDialled) linkEvent()  {}
func (EventFailed) linkEvent()   {}
func (EventReply) linkEvent()    {}
func (EventBulk) linkEvent()     {}
func (EventRewound) linkEvent()  {}
func (EventCopied) linkEvent()   {}
func (EventReceived) linkEvent() {}
func (EventApplied) linkEvent()  {}

// LinkAction is a deed for the driver of the link, to be done in order.
type LinkAction interface{ linkAction() }

// The actions.
type (
	// DoDial opens a connection; answer EventDialled or EventFailed.
	DoDial struct{}
	// DoSend sends a command; answer EventReply (or EventBulk), except to REPLCONF ACK.
	DoSend struct{ Args []string }
	// DoRewind cuts the own log and data back to Offset, after the rest was kept in
	// a rescue file; answer EventRewound.
	DoRewind struct {
		Offset int64
		Reason string
	}
	// DoFullCopy reads a full copy from the connection and, once it is whole and
	// checked, takes it as the own data: history, log end = Offset. Answer EventCopied.
	DoFullCopy struct {
		Offset  int64
		History History
		Reason  string
	}
	// DoContinue takes over the history and applies the stream from the own end on.
	DoContinue struct {
		History History
		Reason  string
	}
	// DoAck acknowledges the own end (REPLCONF ACK).
	DoAck struct{}
	// DoClose ends the connection, if any.
	DoClose struct{ Reason string }
)

func (DoDial) linkAction()     {}
func (DoSend) linkAction()     {}
func (DoRewind) linkAction()   {}
func (DoFullCopy) linkAction() {}
func (DoContinue) linkAction() {}
func (DoAck) linkAction()      {}
func (DoClose) linkAction()    {}

// Now is what is true at the time of a step.
type Now struct {
	Tick int64
	Own  Standing
}

// Standby is the state machine of one node's link to its master. It begins with
// the first EventTick; to change the master, make a new one.
type Standby struct {
	config StandbyConfig
	state  LinkState
	stage  stage
	now    Now
	master Standing // what the master told of itself; zero for a Redis

	retryTick   int64
	backoffTick int64
	heardTick   int64
	ackTick     int64
	asked       Decision
	decision    Decision // the last decision, for INFO
	lastError   string
	actions     []LinkAction
}

// NewStandby returns a link that will dial at its first tick.
func NewStandby(config StandbyConfig) *Standby {
	return &Standby{config: config, state: LinkConnect}
}

// StandbyStatus is a snapshot for INFO and ROLE.
type StandbyStatus struct {
	State       LinkState
	Up          bool   // master_link_status
	Decision    string // the last decision and its reason
	LastError   string
	SilentTicks int64 // master_last_io
}

// Status is a snapshot as of the last step.
func (s *Standby) Status() StandbyStatus {
	status := StandbyStatus{State: s.state, Up: s.state == LinkConnected, LastError: s.lastError, SilentTicks: s.now.Tick - s.heardTick}
	if s.decision.Reason != "" {
		status.Decision = s.decision.String()
	}
	return status
}

// Step takes one event and returns what to do, in order.
func (s *Standby) Step(now Now, event LinkEvent) []LinkAction {
	s.now, s.actions = now, nil
	switch e := event.(type) {
	case EventTick:
		s.tick()
	case EventDialled:
		if s.state == LinkConnecting {
			s.state, s.heardTick = LinkHandshake, now.Tick
			s.ask(stagePing, "PING")
		}
	case EventFailed:
		s.fail(e.Reason, s.config.BackoffMinTicks)
	case EventReply:
		s.heardTick = now.Tick
		s.reply(e.Line)
	case EventBulk:
		s.heardTick = now.Tick
		s.bulk(e.Data)
	case EventRewound:
		s.rewound(e.Err)
	case EventCopied:
		s.copied(e.Err)
	case EventReceived:
		s.heardTick = now.Tick
	case EventApplied:
		s.heardTick = now.Tick
		if s.state == LinkConnected && s.config.Eager {
			s.acknowledge()
		}
	default:
		panic(fmt.Sprintf("replication: unknown event %T", event))
	}
	return s.actions
}

func (s *Standby) do(a LinkAction) { s.actions = append(s.actions, a) }

func (s *Standby) ask(next stage, args ...string) {
	s.stage = next
	s.do(DoSend{Args: args})
}

func (s *Standby) tick() {
	switch s.state {
	case LinkConnect:
		if s.now.Tick >= s.retryTick {
			s.state, s.heardTick = LinkConnecting, s.now.Tick
			s.do(DoDial{})
		}
	case LinkConnecting, LinkHandshake, LinkSync, LinkConnected:
		if s.now.Tick-s.heardTick >= s.config.TimeoutTicks && s.stage != stageRewind {
			s.fail(fmt.Sprintf("the master was silent for %d ticks in state %s", s.now.Tick-s.heardTick, s.state), s.config.BackoffMinTicks)
			return
		}
		if s.state == LinkConnected && s.now.Tick >= s.ackTick {
			s.acknowledge()
		}
	}
}

func (s *Standby) acknowledge() {
	s.ackTick = s.now.Tick + s.config.AckTicks
	s.do(DoAck{})
}

// fail closes the link and plans the next attempt; the wait doubles up to its limit.
func (s *Standby) fail(reason string, leastTicks int64) {
	if s.state == LinkConnect {
		return
	}
	s.backoffTick = min(max(2*s.backoffTick, leastTicks), s.config.BackoffMaxTicks)
	s.retryTick = s.now.Tick + s.backoffTick
	s.state, s.stage, s.lastError, s.master = LinkConnect, stagePing, reason, Standing{}
	s.do(DoClose{Reason: reason})
}

// reply is the answer to the command of the present stage.
func (s *Standby) reply(line string) {
	if s.state != LinkHandshake || line == "" {
		return
	}
	failed := line[0] == '-'
	switch s.stage {
	case stagePing:
		// Redis answers PING with an error if it wants AUTH first; that is alive as well.
		if failed && !strings.HasPrefix(line, "-NOAUTH") && !strings.HasPrefix(line, "-NOPERM") && !strings.HasPrefix(line, "-ERR operation not permitted") {
			s.fail("the master answered PING with: "+line, s.config.BackoffMinTicks)
			return
		}
		s.authenticate()
	case stageAuth:
		if failed {
			s.fail("the master refused AUTH: "+line, s.config.BackoffMaxTicks)
			return
		}
		s.announcePort()
	case stagePort:
		// As in Redis, a master that does not know a REPLCONF option is no obstacle.
		if s.config.AnnounceIP != "" {
			s.ask(stageAddress, "REPLCONF", "ip-address", s.config.AnnounceIP)
			return
		}
		s.announceCapa()
	case stageAddress:
		s.announceCapa()
	case stageCapa:
		if line == "+"+TandemCapaOK {
			s.ask(stageHistory, "REPLCONF", HistoryCommand)
			return
		}
		s.rejoin()
	case stageHistory:
		s.fail("the master did not tell its history: "+line, s.config.BackoffMinTicks)
	case stagePsync:
		s.psyncReply(line)
	}
}

func (s *Standby) authenticate() {
	switch {
	case s.config.Password == "":
		s.announcePort()
	case s.config.User != "":
		s.ask(stageAuth, "AUTH", s.config.User, s.config.Password)
	default:
		s.ask(stageAuth, "AUTH", s.config.Password)
	}
}

func (s *Standby) announcePort() {
	s.ask(stagePort, "REPLCONF", "listening-port", strconv.Itoa(s.config.ListeningPort))
}

func (s *Standby) announceCapa() {
	s.ask(stageCapa, "REPLCONF", "capa", "eof", "capa", "psync2", "capa", TandemCapa)
}

func (s *Standby) bulk(data []byte) {
	if s.state != LinkHandshake || s.stage != stageHistory {
		return
	}
	master, err := UnmarshalStanding(data)
	if err != nil {
		s.fail("the master's history cannot be read: "+err.Error(), s.config.BackoffMaxTicks)
		return
	}
	s.master = master
	s.rejoin()
}

// rejoin decides what to do with the own data, before anything is asked for.
func (s *Standby) rejoin() {
	d := Rejoin(s.now.Own, s.master)
	s.decision = d
	switch d.Verdict {
	case Refuse:
		s.fail(d.Reason, s.config.BackoffMaxTicks)
	case Rewind:
		s.stage = stageRewind
		s.do(DoRewind{Offset: d.Offset, Reason: d.Reason})
	case Continue:
		s.asked = d
		s.ask(stagePsync, "PSYNC", d.ID, strconv.FormatInt(d.Offset+1, 10))
	case FullCopy:
		s.asked = d
		s.ask(stagePsync, "PSYNC", "?", "-1")
	}
}

func (s *Standby) rewound(err error) {
	if s.state != LinkHandshake || s.stage != stageRewind {
		return
	}
	s.heardTick = s.now.Tick
	if err != nil {
		s.fail("rewinding failed: "+err.Error(), s.config.BackoffMaxTicks)
		return
	}
	s.stage = stageCapa
	s.rejoin()
}

func (s *Standby) psyncReply(line string) {
	reply := ParsePsyncReply(line)
	switch {
	case reply.Verdict == Refuse:
		s.fail(reply.Reason, s.config.BackoffMinTicks)
	case reply.Verdict == Continue && s.asked.Verdict != Continue:
		s.fail("the master continues what was not asked for", s.config.BackoffMaxTicks)
	case reply.Verdict == Continue:
		s.state, s.backoffTick, s.lastError = LinkConnected, 0, ""
		s.decision = Decision{Verdict: Continue, ID: s.asked.ID, Offset: s.now.Own.End, Reason: "the master goes on from there"}
		s.do(DoContinue{History: s.continued(reply.ID), Reason: s.decision.Reason})
		s.acknowledge()
	default:
		s.state = LinkSync
		reason := "the master decided so"
		if s.asked.Verdict == FullCopy {
			reason = s.asked.Reason
		}
		s.decision = Decision{Verdict: FullCopy, ID: reply.ID, Offset: reply.Offset, Reason: reason}
		s.do(DoFullCopy{Offset: reply.Offset, History: s.copiedHistory(reply), Reason: reason})
	}
}

// continued is the history after +CONTINUE: the master's, if it told it, else the
// own one with the new id that Redis announces at a change of masters.
func (s *Standby) continued(id string) History {
	own := s.now.Own
	if len(s.master.History) > 0 {
		return s.master.History
	}
	if id == "" || own.History.Last().ID == id {
		return own.History
	}
	longer, err := own.History.Append(Entry{ID: id, Epoch: own.History.Last().Epoch, Start: own.End})
	if err != nil {
		// The id is an earlier one of ours: the master is back at that history.
		return History{{ID: id, Epoch: own.History.Last().Epoch}}
	}
	return longer
}

// copiedHistory is the history that comes with a full copy.
func (s *Standby) copiedHistory(reply PsyncReply) History {
	if _, known := s.master.History.coveredTo(reply.ID, reply.Offset); known {
		return s.master.History
	}
	return History{{ID: reply.ID}}
}

func (s *Standby) copied(err error) {
	if s.state != LinkSync {
		return
	}
	if err != nil {
		s.fail("the full copy failed, the old data are kept: "+err.Error(), s.config.BackoffMinTicks)
		return
	}
	s.state, s.heardTick, s.backoffTick, s.lastError = LinkConnected, s.now.Tick, 0, ""
	s.acknowledge()
}
